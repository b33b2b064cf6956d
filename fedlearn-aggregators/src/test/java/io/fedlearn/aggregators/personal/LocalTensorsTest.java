package io.fedlearn.aggregators.personal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.aggregators.FedAdagrad;
import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedAvgM;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.aggregators.FedYogi;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.FineTuning;
import io.fedlearn.core.federation.QuorumNotReachedException;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.TrainingSettings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class LocalTensorsTest {
    private static final Model START = LineModel.start();
    private static final TrainingSettings TRAINING =
            TrainingSettings.defaults().withLocalEpochs(2).withBatchSize(8).withLearningRate(0.05);
    private static final LocalTensors HEAD = LocalTensors.matching("head.*");

    private final ClientStateStore states = InMemoryClientStateStore.create();

    /** Sites that agree on the slope and differ in the offset, which is in the head. */
    private static Map<String, Client> sites() {
        return Map.of("a", LineModel.site(-3), "b", LineModel.site(0), "c", LineModel.site(5));
    }

    private Federation.Builder federation(Strategy strategy) {
        return Federation.of(sites())
                .strategy(strategy)
                .training(TRAINING)
                .initialModel(START)
                .clientStates(states)
                .runId("run")
                .seed(1)
                .rounds(6);
    }

    private Model kept(String client, int round) {
        return states.load(new ClientStateStore.Key("run", client, LocalTensors.NAME), round)
                .orElseThrow();
    }

    private static double loss(OutcomeRecord outcome) {
        return outcome.metrics().get(Evaluation.LOSS).orElseThrow();
    }

    static Stream<Strategy> methods() {
        return Stream.of(
                FedAvg.create(),
                FedAvgM.create(),
                FedProx.withMu(0.1),
                FedAdagrad.create(),
                FedAdam.create(),
                FedYogi.withServerLearningRate(0.1));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void eachSiteLearnsItsOwnAndTheGlobalModelKeepsWhatItStartedWith(Strategy method) throws Exception {
        Run run = federation(HEAD.appliedTo(method)).run();

        assertThat(run.model().tensor("head.bias")).isEqualTo(START.tensor("head.bias"));
        for (String learned : List.of("body.weight", "norm.shift", "norm.mean", "norm.batches")) {
            assertThat(run.model().tensor(learned)).as(learned).isNotEqualTo(START.tensor(learned));
        }
        assertThat(kept("a", 6).spec().tensors())
                .extracting(tensor -> tensor.name())
                .containsExactly("head.bias");
        assertThat(kept("a", 6).tensors().get(0).get(0))
                .isLessThan(kept("b", 6).tensors().get(0).get(0));
        assertThat(kept("b", 6).tensors().get(0).get(0))
                .isLessThan(kept("c", 6).tensors().get(0).get(0));
        assertThat(run.header().strategy()).isEqualTo(method.name());
        assertThat(run.header().settings().getString("strategy.localTensors")).contains("head.*");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nothingOfThemLeavesTheSite(boolean leftOut) throws Exception {
        Queue<ClientUpdate> updates = new ConcurrentLinkedQueue<>();
        Map<String, Client> watched = new TreeMap<>();
        sites().forEach((id, site) -> watched.put(id, new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) throws Exception {
                ClientUpdate update = site.fit(task, context);
                updates.add(update);
                return update;
            }

            @Override
            public ClientUpdate evaluate(Task task, TaskContext context) throws Exception {
                ClientUpdate update = site.evaluate(task, context);
                updates.add(update);
                return update;
            }
        }));
        LocalTensors local = LocalTensors.layersWithBuffers();

        Run run = Federation.of(watched)
                .strategy((leftOut ? local.leftOut() : local).appliedTo(FedAvg.create()))
                .training(TRAINING)
                .initialModel(START)
                .rounds(3)
                .run();

        assertThat(updates).hasSize(18).allSatisfy(update -> {
            assertThat(update.tensors()).isEmpty();
            assertThat(update.values().isEmpty()).isTrue();
            assertThat(update.metrics().names()).isSubsetOf("localEpochs", "localSteps", "loss", "rmse");
            update.model().ifPresent(model -> {
                assertThat(model.tensor("norm.shift")).isEqualTo(START.tensor("norm.shift"));
                assertThat(model.tensor("norm.mean")).isEqualTo(START.tensor("norm.mean"));
                assertThat(model.tensor("norm.batches")).isEqualTo(START.tensor("norm.batches"));
                assertThat(model.tensor("head.bias")).isNotEqualTo(START.tensor("head.bias"));
            });
        });
        assertThat(run.records())
                .allSatisfy(record -> assertThat(record.outcomes()).allSatisfy(outcome -> {
                    assertThat(outcome.savedBytes()).isEqualTo(leftOut ? 16 : 0);
                    assertThat(outcome.updateBytes()).isEqualTo(leftOut ? 8 : 24);
                }));
    }

    @Test
    void leavingThemOutChangesNoBitOfTheRun() throws Exception {
        Run whole = federation(HEAD.appliedTo(FedAdam.create())).run();
        List<Model> heads = List.of(kept("a", 6), kept("b", 6), kept("c", 6));

        Run parts = federation(HEAD.leftOut().appliedTo(FedAdam.create())).run();

        assertThat(parts.model()).isEqualTo(whole.model());
        assertThat(List.of(kept("a", 6), kept("b", 6), kept("c", 6))).isEqualTo(heads);
    }

    @Test
    void aSiteIsEvaluatedWithItsOwnTensorsAndOneThatNeverTrainedWithTheGlobalModels() throws Exception {
        Strategy strategy = HEAD.appliedTo(FedAvg.create()).withSelector(new Only(List.of("a", "c")));

        Run run = federation(strategy).rounds(30).run();

        List<OutcomeRecord> evaluated = run.records().get(29).evaluation().clients();
        for (int i = 0; i < 3; i++) {
            String id = evaluated.get(i).clientId();
            LineModel model = new LineModel();
            model.load(
                    id.equals("b")
                            ? run.model()
                            : replaced(run.model(), kept(id, 30).tensors().get(0)));
            float offset = id.equals("a") ? -3 : id.equals("b") ? 0 : 5;
            assertThat(loss(evaluated.get(i)))
                    .as(id)
                    .isEqualTo(Evaluation.of(model, LineModel.examples(20, offset, 2))
                            .metrics()
                            .get(Evaluation.LOSS)
                            .orElseThrow());
        }
        assertThat(loss(evaluated.get(0))).isLessThan(0.05);
        assertThat(loss(evaluated.get(2))).isLessThan(0.05);
        // One head for both would be off by 4 for each.
        Run shared = federation(FedAvg.create().withSelector(new Only(List.of("a", "c"))))
                .rounds(30)
                .run();
        assertThat(loss(shared.records().get(29).evaluation().clients().get(0))).isGreaterThan(1);
    }

    private static Model replaced(Model model, Tensor head) {
        return Model.of(
                model.spec(),
                List.of(
                        model.tensors().get(0),
                        model.tensors().get(1),
                        head,
                        model.tensors().get(3),
                        model.tensors().get(4)));
    }

    private record Only(List<String> ids) implements ClientSelector {
        @Override
        public List<String> select(Context context) {
            return ids;
        }

        @Override
        public String description() {
            return "only" + ids;
        }
    }

    @Test
    void aResumedRunEndsWithTheSameBits() throws Exception {
        Run whole = federation(HEAD.appliedTo(FedAdam.create())).run();
        Model head = kept("c", 6);
        InMemoryRunStore store = InMemoryRunStore.create();
        try (ClientStateStore others = InMemoryClientStateStore.create()) {
            federation(HEAD.appliedTo(FedAdam.create()))
                    .clientStates(others)
                    .store(store)
                    .rounds(3)
                    .run();
            Run resumed = federation(HEAD.appliedTo(FedAdam.create()))
                    .clientStates(others)
                    .store(store)
                    .resume(true)
                    .run();

            assertThat(resumed.model().digest()).isEqualTo(whole.model().digest());
            assertThat(others.load(new ClientStateStore.Key("run", "c", LocalTensors.NAME), 6))
                    .contains(head);
        }
    }

    @Test
    void aSiteThatLostWhatItKeptSaysSo() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        federation(HEAD.appliedTo(FedAvg.create())).store(store).rounds(3).run();

        try (ClientStateStore empty = InMemoryClientStateStore.create()) {
            assertThatExceptionOfType(QuorumNotReachedException.class)
                    .isThrownBy(() -> federation(HEAD.appliedTo(FedAvg.create()))
                            .clientStates(empty)
                            .store(store)
                            .resume(true)
                            .run())
                    .withMessageContaining("a declined: what this site kept of its own in round 3 is lost:"
                            + " its client state must be put back");
        }
    }

    @Test
    void aModelWithoutSuchTensorsIsRefusedBeforeTheFirstRound() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> federation(LocalTensors.matching("tail.*").appliedTo(FedAvg.create()))
                        .run())
                .withMessage("no tensor of the model is 'tail.*': it has body.weight, norm.shift, head.bias, norm.mean,"
                        + " norm.batches");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> federation(LocalTensors.matching("*").appliedTo(FedAvg.create()))
                        .run())
                .withMessageStartingWith("every trainable tensor of the model is '*', which leaves nothing to learn");
    }

    @Test
    void aSiteDeclinesWhatTheServerDidNotRefuse() {
        Strategy unchecked = FedAvg.create().toBuilder()
                .correction(LocalTensors.NAME)
                .tellClients(LocalTensors.SETTING, "tail.*")
                .build();

        assertThatExceptionOfType(QuorumNotReachedException.class)
                .isThrownBy(() -> federation(unchecked).run())
                .withMessageContaining("a declined: no tensor of the model is 'tail.*': it has body.weight");
        assertThatExceptionOfType(QuorumNotReachedException.class)
                .isThrownBy(() -> federation(FedAvg.create().toBuilder()
                                .correction(LocalTensors.NAME)
                                .build())
                        .run())
                .withMessageContaining("a declined: local-tensors needs the setting localTensors");
    }

    @Test
    void aSiteDeclinesWhenItHasKeptOtherTensors() {
        Strategy switching = HEAD.appliedTo(FedAvg.create())
                .withInstructions(
                        "other tensors from round 2 on",
                        (round, id) -> Config.empty().with(LocalTensors.SETTING, round == 1 ? "head.*" : "norm.*"));

        assertThatExceptionOfType(QuorumNotReachedException.class)
                .isThrownBy(() -> federation(switching).run())
                .withMessageContaining("what this site has kept are other tensors than");
    }

    @Test
    void worksBeforeOtherCorrectionsAndWantsWhatItNeeds() {
        Strategy strategy =
                HEAD.appliedTo(FedAvg.create().toBuilder().correction("other").build());

        assertThat(strategy.clientConfig().getString(LocalCorrection.SETTING)).contains("local-tensors,other");
        assertThat(strategy.requirements())
                .containsExactlyInAnyOrder(
                        Capability.TRAINING_SETTINGS,
                        Capability.CLIENT_STATE,
                        Capability.STABLE_IDENTITY,
                        Capability.NAMED_TENSORS);
        assertThat(HEAD.leftOut().appliedTo(FedAvg.create()).requirements()).contains(Capability.CLIENT_TRANSFORMS);
    }

    @Test
    void refusesStrategiesThatItCannotServe() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HEAD.appliedTo(FedBN.create()))
                .withMessage("strategy FedBN keeps '@layers-with-buffers' at the site already: join the selections");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HEAD.appliedTo(FedAvg.create().toBuilder()
                        .requires(Capability.SIDE_TENSORS)
                        .build()))
                .withMessageStartingWith("strategy FedAvg sends tensors beside the model");
    }

    @Test
    void fineTuningStartsFromTheSitesOwnTensorsAndLeavesTheRunsStateAsItIs() throws Exception {
        Federation federation = federation(HEAD.appliedTo(FedProx.withMu(0.5))).build();
        Run run = federation.run();
        Model head = kept("c", 6);
        TrainingSettings longer = TRAINING.withLocalEpochs(20);

        FineTuning tuned = federation.fineTune(run, longer);

        List<OutcomeRecord> evaluated = run.records().get(5).evaluation().clients();
        for (int i = 0; i < 3; i++) {
            FineTuning.Site site = tuned.sites().get(i);
            assertThat(site.before().get(Evaluation.LOSS)).hasValue(loss(evaluated.get(i)));
            assertThat(site.after().get(Evaluation.LOSS).orElseThrow())
                    .isLessThan(site.before().get(Evaluation.LOSS).orElseThrow());
            assertThat(site.outcome().updateBytes()).isZero();
        }
        assertThat(tuned.after().get(Evaluation.LOSS).orElseThrow())
                .isLessThan(0.5 * tuned.before().get(Evaluation.LOSS).orElseThrow());
        assertThat(kept("c", 6)).isEqualTo(head);

        Model personal = tuned.personalModel(states, "c").orElseThrow();
        LineModel loaded = new LineModel();
        loaded.load(personal);
        assertThat(Evaluation.of(loaded, LineModel.examples(20, 5, 2)).metrics().get(Evaluation.LOSS))
                .isEqualTo(tuned.sites().get(2).after().get(Evaluation.LOSS));

        FineTuning again = federation.fineTune(run, longer);
        assertThat(again.before()).isEqualTo(tuned.before());
        assertThat(again.after()).isEqualTo(tuned.after());
        assertThat(again.personalModel(states, "c")).contains(personal);
    }

    @Test
    void clientsThatCannotKeepStateAreRefusedByName() {
        try (InProcessRuntime clients = InProcessRuntime.of(sites())) {
            Runtime forgetful = new Without(clients, Capability.CLIENT_STATE);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Federation.of(forgetful)
                            .strategy(FedBN.create())
                            .initialModel(START)
                            .run())
                    .withMessage("strategy FedBN needs what these clients do not have: state kept at the client");
        }
    }

    private record Without(Runtime runtime, Capability missing) implements Runtime {
        @Override
        public List<ClientInfo> clients() {
            return runtime.clients();
        }

        @Override
        public Set<Capability> capabilities() {
            Set<Capability> rest = new TreeSet<>(runtime.capabilities());
            rest.remove(missing);
            return rest;
        }

        @Override
        public boolean awaitClients(int count, Duration timeout) throws InterruptedException {
            return runtime.awaitClients(count, timeout);
        }

        @Override
        public void submit(Task task, TaskListener listener) {
            runtime.submit(task, listener);
        }

        @Override
        public void cancel(Task task) {
            runtime.cancel(task);
        }

        @Override
        public void close() {}
    }
}
