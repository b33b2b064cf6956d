package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.aggregators.FedDyn;
import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.aggregators.robust.FLTrust;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.files.FileClientStateStore;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.testkit.generator.SyntheticExamples;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Methods that remember something at both ends, on files at both ends: a run that died goes on as if it had not. */
final class StatefulMethodsTest {
    private static final int CLIENTS = 4;
    private static final int ROUNDS = 6;

    @TempDir
    Path folder;

    enum Method {
        SCAFFOLD(Scaffold.withClients(CLIENTS)),
        FED_DYN(FedDyn.of(CLIENTS, 0.1)),
        FL_TRUST(FLTrust.of(client(99)));

        final Strategy strategy;

        Method(Strategy strategy) {
            this.strategy = strategy.withSelector(ClientSelector.uniform(3));
        }
    }

    private static Client client(int number) {
        return LocalTrainingClient.of(
                () -> LogisticRegression.of(3), SyntheticExamples.separableClasses(number, 40 + number, 3, 2));
    }

    private static Federation.Builder federation(Method method, FileRunStore store, FileClientStateStore states) {
        Map<String, Client> clients = new TreeMap<>();
        for (int k = 0; k < CLIENTS; k++) {
            clients.put("site-" + k, client(k));
        }
        return Federation.of(clients)
                .strategy(method.strategy)
                .training(TrainingSettings.defaults().withBatchSize(8).withMomentum(0.5))
                .initialModel(LogisticRegression.of(3).initialModel(1))
                .rounds(ROUNDS)
                .seed(5)
                .runId("remembering")
                .evaluateEvery(0)
                .clientStates(states)
                .store(store);
    }

    private Run run(Method method, String place, int rounds) throws InterruptedException {
        try (FileRunStore store = FileRunStore.at(folder.resolve(place));
                FileClientStateStore states = FileClientStateStore.at(folder.resolve(place + "-sites"))) {
            return federation(method, store, states).rounds(rounds).resume(true).run();
        }
    }

    private static List<String> digests(Run run) {
        return run.records().stream().map(RoundRecord::modelDigest).toList();
    }

    @ParameterizedTest
    @EnumSource
    void runThatIsTakenUpFromItsFilesGivesTheSameModels(Method method) throws Exception {
        List<String> expected = digests(run(method, "whole", ROUNDS));
        assertThat(expected).hasSize(ROUNDS).doesNotHaveDuplicates();

        run(method, "parts", 2);
        run(method, "parts", 3);

        assertThat(digests(run(method, "parts", ROUNDS))).isEqualTo(expected);
    }

    private static final class Death extends Error {
        private static final long serialVersionUID = 1L;
    }

    /** Clients have trained and saved their state for a round that nobody committed. */
    @ParameterizedTest
    @EnumSource
    void roundThatDiedAfterItsClientsHadTrainedIsRepeated(Method method) throws Exception {
        List<String> expected = digests(run(method, "whole", ROUNDS));

        try (FileRunStore store = FileRunStore.at(folder.resolve("parts"));
                FileClientStateStore states = FileClientStateStore.at(folder.resolve("parts-sites"))) {
            RoundListener deadly = new RoundListener() {
                @Override
                public void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {
                    if (round == 4) {
                        throw new Death();
                    }
                }
            };
            Federation.Builder federation =
                    federation(method, store, states).parallelism(1).listener(deadly);
            assertThatThrownBy(federation::run).isInstanceOf(Death.class);
        }

        assertThat(digests(run(method, "parts", ROUNDS))).isEqualTo(expected);
    }
}
