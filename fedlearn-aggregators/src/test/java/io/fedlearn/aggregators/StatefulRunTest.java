package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.aggregators.robust.FLTrust;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.QuorumNotReachedException;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.testkit.fault.Fault;
import io.fedlearn.testkit.fault.FaultyClient;
import io.fedlearn.testkit.runtime.ShuffledRuntime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The methods whose clients or server remember something, over whole runs: interrupted, in any order of arrival, with
 * clients whose answers are refused or lost.
 */
class StatefulRunTest {
    private static final int ROUNDS = 6;
    private static final int CLIENTS = 5;

    /** With two local epochs of batches of one, uneven numbers of examples, and three of five clients a round. */
    enum Method {
        FED_NOVA(FedNova.create()),
        Q_FED_AVG(QFedAvg.withQ(1)),
        SCAFFOLD(Scaffold.withClients(CLIENTS)),
        FED_DYN(FedDyn.of(CLIENTS, 0.5)),
        FL_TRUST(FLTrust.builder(QuadraticModel.client(2, new float[] {1, 2, 0.5f, 1}, new float[] {2, 1, 0, 1}))
                .training(TrainingSettings.defaults().withBatchSize(1).withLearningRate(0.05))
                .seed(9)
                .build());

        final Strategy strategy;

        Method(Strategy strategy) {
            this.strategy = strategy.withSelector(ClientSelector.uniform(3));
        }
    }

    private static Map<String, Client> clients() {
        Map<String, Client> clients = new TreeMap<>();
        for (int k = 0; k < CLIENTS; k++) {
            float[][] examples = new float[2 + k][];
            for (int i = 0; i < examples.length; i++) {
                examples[i] = new float[] {0.5f + k, 2, 0.3f * i - k * 0.2f, 1 - 0.1f * i * k};
            }
            clients.put("site-" + k, QuadraticModel.client(2, examples));
        }
        return clients;
    }

    private static Federation.Builder configure(Federation.Builder federation, Method method, RunStore store) {
        return federation
                .strategy(method.strategy)
                .training(TrainingSettings.defaults()
                        .withBatchSize(1)
                        .withLocalEpochs(2)
                        .withLearningRate(0.05)
                        .withMomentum(0.5))
                .initialModel(QuadraticModel.model(3, -2))
                .rounds(ROUNDS)
                .seed(77)
                .runId("remembering")
                .evaluateEvery(0)
                .store(store);
    }

    private static Federation.Builder federation(Method method, RunStore store, ClientStateStore states) {
        return configure(Federation.of(clients()), method, store)
                .clientStates(states)
                .parallelism(1);
    }

    private static List<String> digests(Run run) {
        List<String> digests = new ArrayList<>();
        run.records().forEach(record -> digests.add(record.modelDigest()));
        return digests;
    }

    private static Run undisturbed(Method method) throws InterruptedException {
        return federation(method, InMemoryRunStore.create(), InMemoryClientStateStore.create())
                .run();
    }

    /** A store whose process dies when it is to commit this round: before it did, or after. */
    private record DyingStore(RunStore inner, int round, boolean afterwards) implements RunStore {
        private static final class Death extends RuntimeException {
            private static final long serialVersionUID = 1L;
        }

        @Override
        public Optional<SavedRun> load() {
            return inner.load();
        }

        @Override
        public void create(RunHeader header, Checkpoint initial) {
            inner.create(header, initial);
        }

        @Override
        public void commit(Checkpoint checkpoint, boolean best) {
            if (checkpoint.round() != round || afterwards) {
                inner.commit(checkpoint, best);
            }
            if (checkpoint.round() == round) {
                throw new Death();
            }
        }

        @Override
        public Optional<Model> model(int number) {
            return inner.model(number);
        }

        @Override
        public void close() {}
    }

    @ParameterizedTest
    @EnumSource
    void runThatDiedEndsWithTheSameBits(Method method) throws Exception {
        List<String> expected = digests(undisturbed(method));
        assertThat(expected).doesNotHaveDuplicates();
        for (int round : new int[] {1, 3, 4}) {
            for (boolean afterwards : new boolean[] {false, true}) {
                InMemoryRunStore store = InMemoryRunStore.create();
                InMemoryClientStateStore states = InMemoryClientStateStore.create();
                assertThatThrownBy(() -> federation(method, new DyingStore(store, round, afterwards), states)
                                .run())
                        .isInstanceOf(DyingStore.Death.class);

                Run resumed = federation(method, store, states).resume(true).run();

                assertThat(digests(resumed)).as("died in round %s", round).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void orderOfArrivalChangesNoBit(Method method) throws Exception {
        List<String> expected = digests(undisturbed(method));
        for (int order = 1; order <= 3; order++) {
            ShuffledRuntime shuffled = ShuffledRuntime.around(InProcessRuntime.of(clients()), order);

            Run run = configure(Federation.of(shuffled), method, InMemoryRunStore.create())
                    .run();

            assertThat(digests(run)).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void recordedRoundCanBeReplayed(Method method) throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        InMemoryClientStateStore states = InMemoryClientStateStore.create();
        federation(method, store, states).rounds(3).run();
        SavedRun history = store.load().orElseThrow();
        Run run = federation(method, store, states).resume(true).rounds(4).run();

        Model replayed = federation(method, InMemoryRunStore.create(), states)
                .build()
                .replay(run.records().get(3), history.latest(), history);

        assertThat(replayed.digest()).isEqualTo(run.records().get(3).modelDigest());
    }

    @ParameterizedTest
    @EnumSource(names = {"SCAFFOLD", "FED_DYN"})
    void resumedRunRefusesAClientThatLostItsState(Method method) throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        federation(method, store, InMemoryClientStateStore.create()).rounds(3).run();
        List<String> known = new ArrayList<>();
        store.load().orElseThrow().records().forEach(record -> known.addAll(record.cohort()));

        Run run = federation(method, store, InMemoryClientStateStore.create())
                .policy(RoundPolicy.defaults().withToleratedAborts(ROUNDS))
                .resume(true)
                .run();

        for (OutcomeRecord outcome : run.records().get(3).outcomes()) {
            if (known.contains(outcome.clientId())) {
                assertThat(outcome.outcome()).isEqualTo("declined");
                assertThat(outcome.reason()).contains("this site has lost its '");
            } else {
                assertThat(outcome.isCompleted()).isTrue();
            }
        }
    }

    /** Trains, and so saves its state, but what arrives is refused or nothing. */
    private static Client unlucky(Client client) {
        Fault lost = (task, context, honest) -> {
            ClientUpdate answer = honest.answer();
            throw new IllegalStateException("the line broke with " + answer);
        };
        return FaultyClient.around(client)
                .inRound(1, TaskKind.FIT, lost)
                .inRound(3, TaskKind.FIT, Fault.nan())
                .inRound(4, TaskKind.FIT, lost)
                .inRound(7, TaskKind.FIT, Fault.wrongShape());
    }

    /** Were its new state to count, the server's sum would be off for good, and with it the fixed point. */
    @ParameterizedTest
    @EnumSource(names = {"SCAFFOLD", "FED_DYN"})
    void clientWhoseAnswerWasRefusedOrLostKeepsItsOldState(Method method) throws Exception {
        Map<String, Client> clients = Map.of(
                "a", QuadraticModel.client(1, new float[] {1, 0}),
                "b", unlucky(QuadraticModel.client(1, new float[] {4, 1})));

        Run run = Federation.of(clients)
                .strategy(method == Method.SCAFFOLD ? Scaffold.withClients(2) : FedDyn.of(2, 1))
                .training(TrainingSettings.defaults().withLearningRate(0.05).withLocalEpochs(50))
                .initialModel(QuadraticModel.model(5))
                .rounds(150)
                .evaluateEvery(0)
                .parallelism(1)
                .run();

        assertThat(run.records().stream()
                        .filter(record -> record.outcomes().stream().anyMatch(outcome -> !outcome.isCompleted()))
                        .map(RoundRecord::round))
                .containsExactly(1, 3, 4, 7);
        assertThat(run.model().tensor("w").get(0)).isCloseTo(0.8, within(1e-4));
    }

    private static Fault reporting(UnaryOperator<ClientUpdate> lie) {
        return (task, context, honest) -> lie.apply(honest.answer());
    }

    static List<Arguments> lies() {
        return List.of(
                Arguments.of(
                        FedNova.builder().maxLocalSteps(100).build(),
                        reporting(update -> update.withMetric(LocalTrainingClient.LOCAL_STEPS, 1e9)),
                        "metric 'localSteps' must be a whole number in [1, 100], was 1.0E9"),
                Arguments.of(
                        FedNova.create(),
                        reporting(update -> update.withMetrics(Metrics.none())),
                        "metric 'localSteps' is missing, which FedNova needs"),
                Arguments.of(
                        QFedAvg.create(),
                        reporting(update -> update.withMetric(LocalTrainingClient.LOSS_BEFORE, -1)),
                        "metric 'lossBefore' must be in [0, 1000000.0], was -1.0"),
                Arguments.of(
                        Scaffold.withClients(2),
                        reporting(update -> update.withTensors(Scaffold.CHANGE, Model.empty())),
                        "tensor 'w' of group 'scaffold.change' is missing"),
                Arguments.of(
                        Scaffold.withClients(2),
                        reporting(update -> update.withTensors(Scaffold.CHANGE, QuadraticModel.model(Float.NaN))),
                        "tensor 'w' holds NaN at index 0"));
    }

    @ParameterizedTest
    @MethodSource("lies")
    void clientThatReportsNonsenseIsRejectedByNameAndHarmsNobody(Strategy strategy, Fault lie, String reason)
            throws Exception {
        Client good = QuadraticModel.client(1, new float[] {1, 0});
        Federation.Builder federation = Federation.of(
                        Map.of("bad", FaultyClient.around(good).always(TaskKind.FIT, lie), "good", good))
                .strategy(strategy)
                .initialModel(QuadraticModel.model(5))
                .rounds(2)
                .evaluateEvery(0)
                .parallelism(1);

        Run run = federation.run();

        for (RoundRecord record : run.records()) {
            assertThat(record.isAborted()).isFalse();
            assertThat(record.outcomes().get(0).outcome()).isEqualTo("rejected");
            assertThat(record.outcomes().get(0).reason()).isEqualTo(reason);
            assertThat(record.outcomes().get(1).isCompleted()).isTrue();
        }
        assertThat(run.model().tensor("w").get(0)).isBetween(0.0, 4.9);
    }

    @Test
    void roundWithMoreUpdatesThanClientsIsAborted() {
        for (Strategy strategy : List.of(Scaffold.withClients(4), FedDyn.of(4, 1))) {
            assertThatThrownBy(() -> Federation.of(clients())
                            .strategy(strategy)
                            .initialModel(QuadraticModel.model(3, -2))
                            .evaluateEvery(0)
                            .run())
                    .isInstanceOf(QuorumNotReachedException.class)
                    .hasMessageContaining("the round has 5 updates, and the strategy was told of 4 clients in all");
        }
    }
}
