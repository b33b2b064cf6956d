package io.fedlearn.aggregators.robust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.PartState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FLTrustTest {
    private static final Model GLOBAL = model(1, 1, 10, 100);

    private final List<Task> rootTasks = new ArrayList<>();

    @AfterEach
    void clearInterrupt() {
        Thread.interrupted();
    }

    private static Model model(double first, double second, float buffer, long counter) {
        return Model.builder()
                .trainable("w", Tensor.copyOf(new double[] {first, second}))
                .buffer("mean", Tensor.scalar(buffer))
                .counter("batches", Tensor.scalar(counter))
                .build();
    }

    /** A server whose own training leads here. */
    private Client root(Model answer) {
        return (task, context) -> {
            rootTasks.add(task);
            assertThat(context.state().load("anything")).isEmpty();
            return ClientUpdate.ofModel(answer, 1);
        };
    }

    private static WeightedUpdate update(String id, Model model) {
        return new WeightedUpdate(id, ClientUpdate.ofModel(model, 5), 1);
    }

    private static Aggregate aggregate(Aggregator rule, WeightedUpdate... updates) {
        Aggregator.Streaming streaming = (Aggregator.Streaming) rule;
        streaming.begin(GLOBAL);
        streaming.accumulate(List.of(updates));
        return streaming.finish();
    }

    private Aggregator rule(Model own) {
        return FLTrust.builder(root(own)).aggregator().get();
    }

    @Test
    void trustsByDirectionAndGivesEachUpdateTheServersLength() {
        // The server goes (0, 5); the clients (0, 1), (30, 40), (0, -7) and nowhere.
        Aggregate aggregate = aggregate(
                rule(model(1, 6, 0, 0)),
                update("a", model(1, 2, 20, 104)),
                update("b", model(31, 41, 30, 109)),
                update("c", model(1, -6, 1000, 1000)),
                update("d", model(1, 1, 1000, 1000)));

        Model next = aggregate.toModel(GLOBAL);
        // Trust 1 and 0.8: (1 (0, 5) + 0.8 (3, 4)) / 1.8.
        assertThat(next.tensor("w").get(0)).isCloseTo(1 + 2.4 / 1.8, within(1e-12));
        assertThat(next.tensor("w").get(1)).isCloseTo(1 + 8.2 / 1.8, within(1e-12));
        assertThat(next.tensor("mean").get(0)).isCloseTo((20 + 0.8 * 30) / 1.8, within(1e-5));
        assertThat(next.tensor("batches").get(0)).isEqualTo(Math.rint(100 + (4 + 0.8 * 9) / 1.8));
        assertThat(aggregate.updateCount()).isEqualTo(4);
    }

    @Test
    void returnsUpdatesThatAreTheServersOwn() {
        Model own = model(-3, 0.5, 17, 200);

        assertThat(aggregate(rule(own), update("a", own), update("b", own)).toModel(GLOBAL))
                .isEqualTo(own);
    }

    @Test
    void bearsAnyNumberOfClientsThatGoTheOtherWay() {
        WeightedUpdate[] updates = new WeightedUpdate[10];
        for (int k = 0; k < 9; k++) {
            updates[k] = update("bad-" + k, model(1 - 1e6, 1 - 1e6, 1e6f, 1));
        }
        updates[9] = update("good", model(2, 2, 11, 101));

        Model next = aggregate(rule(model(3, 3, 0, 0)), updates).toModel(GLOBAL);

        assertThat(next.tensor("w").get(0)).isCloseTo(3, within(1e-12));
        assertThat(next.tensor("mean").get(0)).isEqualTo(11);
    }

    @Test
    void trustsNoUpdateWhoseLengthIsBeyondADouble() {
        Model next = aggregate(
                        rule(model(3, 3, 0, 0)),
                        update("a", model(Double.MAX_VALUE / 4, 1, 0, 0)),
                        update("b", model(2, 2, 11, 101)))
                .toModel(GLOBAL);

        assertThat(next.tensor("w").get(0)).isCloseTo(3, within(1e-12));
    }

    @Test
    void abortsWhereNobodyCanBeTrusted() {
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> aggregate(rule(model(2, 2, 0, 0)), update("a", model(0, 0, 0, 0))))
                .withMessage("none of 1 updates points the way of the server's own, so that none can be trusted");
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> aggregate(rule(GLOBAL), update("a", model(0, 0, 0, 0))))
                .withMessage("the server's own update is 0, so that none can be trusted");
    }

    @Test
    void abortedRoundLeavesTheModel() throws Exception {
        Map<String, Client> clients = new TreeMap<>();
        clients.put("a", (task, context) -> ClientUpdate.ofModel(model(0, 0, 0, 0), 1));
        clients.put(
                "b",
                (task, context) -> ClientUpdate.ofModel(task.round() == 2 ? model(2, 2, 10, 100) : task.model(), 1));

        Run run = Federation.of(clients)
                .strategy(FLTrust.of(root(model(3, 3, 0, 0))))
                .initialModel(GLOBAL)
                .rounds(3)
                .policy(RoundPolicy.defaults().withToleratedAborts(3))
                .evaluateEvery(0)
                .run();

        assertThat(run.records().get(0).isAborted()).isTrue();
        assertThat(run.records().get(0).abortReason().orElseThrow()).contains("none can be trusted");
        assertThat(run.records().get(0).modelDigest()).isEqualTo(GLOBAL.digest());
        assertThat(run.records().get(1).isAborted()).isFalse();
        // A round that came to nothing is not counted: the second trains as the first.
        assertThat(rootTasks.get(1).seed()).isEqualTo(rootTasks.get(0).seed());
        assertThat(rootTasks.get(2).seed()).isNotEqualTo(rootTasks.get(1).seed());
    }

    @Test
    void serverTrainsOnceARoundAsClientsAreToldAndFromAnotherSeedEachTime() {
        Aggregator.Streaming rule = (Aggregator.Streaming) rule(model(3, 3, 0, 0));
        TrainingSettings told = TrainingSettings.defaults().withLearningRate(0.3);
        rule.configure(told.toConfig().with("corrections", "other"));
        for (int round = 0; round < 2; round++) {
            rule.begin(GLOBAL);
            rule.accumulate(List.of(update("a", model(2, 2, 0, 0))));
            rule.accumulate(List.of(update("b", model(2, 3, 0, 0))));
            rule.finish();
        }

        assertThat(rootTasks).hasSize(2);
        assertThat(rootTasks.get(0).config()).isEqualTo(told.toConfig());
        assertThat(rootTasks.get(0).model()).isSameAs(GLOBAL);
        assertThat(rootTasks.get(0).seed()).isNotEqualTo(rootTasks.get(1).seed());
        assertThat(rule.snapshot())
                .isEqualTo(new PartState(Map.of(), Config.empty().with("rounds", 2)));
    }

    @Test
    void serverMayTrainByItsOwnSettings() {
        TrainingSettings own = TrainingSettings.defaults().withLocalEpochs(7);
        Aggregator rule = FLTrust.builder(root(model(3, 3, 0, 0)))
                .training(own)
                .serverLearningRate(0.5)
                .aggregator()
                .get();
        rule.configure(TrainingSettings.defaults().toConfig());

        Model next = aggregate(rule, update("a", model(2, 2, 0, 0))).toModel(GLOBAL);

        assertThat(rootTasks.get(0).config()).isEqualTo(own.toConfig());
        assertThat(next.tensor("w").get(0)).isCloseTo(2, within(1e-12));
        assertThat(next.tensor("mean").get(0)).as("no step of the server's").isEqualTo(0);
    }

    @Test
    void endsTheRunWhereTheServersOwnTrainingFails() {
        Client declining = (task, context) -> {
            throw new TaskDeclinedException("the root data set is empty");
        };
        assertThatExceptionOfType(RootUpdateException.class)
                .isThrownBy(
                        () -> aggregate(FLTrust.builder(declining).aggregator().get(), update("a", GLOBAL)))
                .withMessage("the server's own training failed: the root data set is empty")
                .withCauseInstanceOf(TaskDeclinedException.class);
        assertThatExceptionOfType(RootUpdateException.class)
                .isThrownBy(() -> aggregate(rule(model(Double.NaN, 1, 1, 1)), update("a", GLOBAL)))
                .withMessage("the server's own update is malformed: tensor 'w' holds NaN at index 0");
    }

    @Test
    void passesAnInterruptOn() {
        Client interrupted = (task, context) -> {
            throw new InterruptedException();
        };

        assertThatExceptionOfType(RootUpdateException.class)
                .isThrownBy(() ->
                        aggregate(FLTrust.builder(interrupted).aggregator().get(), update("a", GLOBAL)));
        assertThat(Thread.currentThread().isInterrupted()).isTrue();
    }

    @Test
    void rejectsASumOverSeveralClients() {
        ClientUpdate sum = ClientUpdate.of(UpdateForm.WEIGHTED_SUM, GLOBAL, 5);

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule(GLOBAL).check(sum, GLOBAL.spec()))
                .withMessageContaining("WEIGHTED_SUM");
    }

    @Test
    void refusesSettingsAndStatesOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        FLTrust.builder(root(GLOBAL)).serverLearningRate(-1).build())
                .withMessage("serverLearningRate must be > 0 and finite, was -1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rule(GLOBAL)
                        .restore(new PartState(Map.of(), Config.empty().with("rounds", -1))))
                .withMessage("rounds must be in [1, 2^31), was -1");
    }

    @Test
    void ignoresExampleCounts() {
        assertThat(FLTrust.of(root(GLOBAL)).settings().getString("weighting")).contains("uniform");
        assertThat(FLTrust.of(root(GLOBAL)).name()).isEqualTo("FLTrust");
        assertThat(FLTrust.of(root(GLOBAL)).settings().getString("aggregator"))
                .contains("fltrust(serverLearningRate=1.0, seed=0)");
    }
}
