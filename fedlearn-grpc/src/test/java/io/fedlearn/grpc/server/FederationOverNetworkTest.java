package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.aggregators.transform.TopK;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.models.MultilayerPerceptron;
import io.fedlearn.testkit.generator.SyntheticExamples;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole runs over a real port end with the bits of the same run in one process. */
class FederationOverNetworkTest {
    private static final int CLIENTS = 4;
    private static final int ROUNDS = 3;
    private static final int FEATURES = 8;
    private static final int CLASSES = 3;
    private static final Supplier<MultilayerPerceptron> NETWORK =
            () -> MultilayerPerceptron.builder(FEATURES).hidden(64).multiclass(CLASSES);

    private final Sites sites = new Sites();

    @AfterEach
    void closeSites() {
        sites.close();
    }

    /** A strategy under test, made anew for each run. */
    record Method(String name, Supplier<Strategy> strategy) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Method> methods() {
        return Stream.of(
                new Method("FedAvg", FedAvg::create),
                new Method("FedAvg with a codec", () -> TopK.withShare(0.2).appliedTo(FedAvg.create())),
                new Method("FedAdam", FedAdam::create),
                // Tensors beside the model in both directions, and state that stays at the sites.
                new Method("SCAFFOLD", () -> Scaffold.withClients(CLIENTS)));
    }

    private static Map<String, Client> clients() {
        Map<String, Client> clients = new TreeMap<>();
        for (int i = 0; i < CLIENTS; i++) {
            clients.put(
                    "hospital" + i,
                    LocalTrainingClient.of(
                            NETWORK, SyntheticExamples.separableClasses(i, 40 + 10 * i, FEATURES, CLASSES)));
        }
        return clients;
    }

    private static Run run(Runtime runtime, Method method) throws InterruptedException {
        return Federation.of(runtime)
                .strategy(method.strategy().get())
                .runId("same")
                .seed(7)
                .rounds(ROUNDS)
                .minClients(CLIENTS)
                .clientWait(Duration.ofSeconds(30))
                .build()
                .run();
    }

    @ParameterizedTest
    @MethodSource("methods")
    void endsWithTheBitsOfTheRunInOneProcess(Method method) throws Exception {
        Run expected;
        try (Runtime inProcess = InProcessRuntime.builder(clients())
                .clientStates(InMemoryClientStateStore.create())
                .build()) {
            expected = run(inProcess, method);
        }

        List<Future<?>> departures = new ArrayList<>();
        Run actual;
        try (FederatedServer server = Sites.newServer().start()) {
            clients().forEach((id, client) -> departures.add(sites.start(server, Sites.newClient(server, id, client))));
            actual = run(server, method);
        }

        assertThat(digests(actual)).isEqualTo(digests(expected));
        assertThat(actual.model().digest()).isEqualTo(expected.model().digest());
        assertThat(outcomes(actual)).isEqualTo(outcomes(expected));
        for (Future<?> departure : departures) {
            assertThat(departure.get(20, TimeUnit.SECONDS)).isInstanceOf(Departure.class);
        }
    }

    private static List<String> digests(Run run) {
        return run.records().stream().map(RoundRecord::modelDigest).toList();
    }

    /** All but the time that they took. */
    private static List<OutcomeRecord> outcomes(Run run) {
        return run.records().stream()
                .flatMap(round -> round.outcomes().stream())
                .map(outcome -> new OutcomeRecord(
                        outcome.clientId(),
                        outcome.outcome(),
                        outcome.reason(),
                        outcome.exampleCount(),
                        outcome.weight(),
                        outcome.metrics(),
                        outcome.updateBytes(),
                        outcome.savedBytes(),
                        0))
                .toList();
    }
}
