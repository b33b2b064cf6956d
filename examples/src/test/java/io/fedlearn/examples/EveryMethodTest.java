package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.catalogue.MethodCatalogue;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.testkit.runtime.ShuffledRuntime;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every method of the catalogue, over clients that differ, three local epochs and three rounds. */
class EveryMethodTest {
    private static final int CLIENTS = 9;
    private static final int FEATURES = 6;
    private static final int ROUNDS = 3;

    /** Values of the settings that have no default. */
    private static final Map<String, String> NEEDED =
            Map.of("mu", "0.1", "alpha", "0.1", "clients", String.valueOf(CLIENTS), "badClients", "1");

    @TempDir
    private Path folder;

    static Stream<String> methods() {
        return MethodCatalogue.methods().stream().map(MethodCatalogue.Method::name);
    }

    private static Strategy strategy(String method) {
        Map<String, String> settings = new TreeMap<>();
        MethodCatalogue.find(method).settings().forEach((name, value) -> {
            if (value.isEmpty()) {
                settings.put(name, NEEDED.get(name));
            }
        });
        return MethodCatalogue.parse(method, settings);
    }

    /** Sites whose features are shifted, whose labels follow one rule with some noise, and who differ in size. */
    private static Map<String, Client> clients() {
        Map<String, Client> clients = new TreeMap<>();
        for (int k = 0; k < CLIENTS; k++) {
            SeededRandom random = SeededRandom.of(1000 + k);
            int examples = 20 + 7 * k;
            float[] features = new float[examples * FEATURES];
            float[] labels = new float[examples];
            for (int i = 0; i < examples; i++) {
                double logit = random.nextGaussian();
                for (int j = 0; j < FEATURES; j++) {
                    features[i * FEATURES + j] = (float) (random.nextGaussian() + 0.1 * k);
                    logit += (j % 2 == 0 ? 2 : -2) * features[i * FEATURES + j];
                }
                labels[i] = logit > 0 ? 1 : 0;
            }
            InMemoryExamples data = InMemoryExamples.wrap(Shape.of(FEATURES), features, labels);
            clients.put("site-" + k, LocalTrainingClient.of(() -> LogisticRegression.of(FEATURES), data, data));
        }
        return clients;
    }

    private static Federation.Builder run(Federation.Builder federation, String method) {
        return federation
                .strategy(strategy(method))
                .runId("every-method")
                .rounds(ROUNDS)
                .seed(11)
                .training(TrainingSettings.defaults()
                        .withLocalEpochs(3)
                        .withBatchSize(8)
                        .withLearningRate(0.05));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void learns(String method) throws InterruptedException {
        Run run = run(Federation.of(clients()), method).rounds(8).run();

        Metrics last = run.records().get(7).metrics();
        assertThat(run.records()).noneMatch(record -> record.isAborted());
        // A coin gets 0.69; eight steps of 0.01, FedYogi's default, get to 0.59.
        assertThat(last.get(Evaluation.LOSS).orElseThrow()).isLessThan(0.62);
        assertThat(last.get(Evaluation.ACCURACY).orElseThrow()).isGreaterThan(0.75);
    }

    @ParameterizedTest
    @MethodSource("methods")
    void givesTheSameBitsWhateverTheThreadsTheArrivalAndThePlaceToWait(String method) throws InterruptedException {
        Run plain = run(Federation.of(clients()), method).parallelism(1).run();
        Run threads = run(Federation.of(clients()), method).parallelism(4).run();
        Run shuffled;
        try (ShuffledRuntime runtime = ShuffledRuntime.around(
                InProcessRuntime.builder(clients()).parallelism(CLIENTS).build(), 5)) {
            shuffled = run(Federation.of(runtime), method).inFlightBytes(0).run();
        }

        assertThat(threads.model().digest()).isEqualTo(plain.model().digest());
        assertThat(shuffled.model().digest()).isEqualTo(plain.model().digest());
    }

    @ParameterizedTest
    @MethodSource("methods")
    void goesOnAfterARestartAsIfThereHadBeenNone(String method) throws InterruptedException {
        Run whole = run(Federation.of(clients()), method).run();
        ClientStateStore states = InMemoryClientStateStore.create();
        Path place = folder.resolve("run");
        run(Federation.of(clients()), method)
                .clientStates(states)
                .store(FileRunStore.at(place))
                .rounds(1)
                .run();

        Run resumed = run(Federation.of(clients()), method)
                .clientStates(states)
                .store(FileRunStore.at(place))
                .resume(true)
                .run();

        assertThat(resumed.model().digest()).isEqualTo(whole.model().digest());
        assertThat(resumed.records()).hasSize(ROUNDS);
    }
}
