package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.LocalTrainer;
import java.util.List;
import org.junit.jupiter.api.Test;

class FedDynTest {
    private static final Model GLOBAL = QuadraticModel.model(1, 2);

    private final KeptState context = new KeptState();

    private static Task.Builder task(double alpha) {
        return Task.builder(TaskKind.FIT, "site")
                .round(2)
                .model(GLOBAL)
                .config(Config.empty().with(FedDyn.ALPHA, alpha));
    }

    @Test
    void clientIsPulledBackAndPushedByWhatItKeeps() {
        context.save(FedDyn.GRADIENT, QuadraticModel.model(3, -1));
        context.accept();
        LocalCorrection correction =
                new FedDyn.Factory().create(task(0.5).lastAcceptedRound(1).build(), context);
        float[] gradient = {10, 20};
        correction.correct(gradient, new float[] {1, 2});
        assertThat(gradient).containsExactly(7, 21);
        correction.correct(gradient, new float[] {5, 0});
        assertThat(gradient).containsExactly(7 - 3 + 0.5f * 4, 21 + 1 - 0.5f * 2);

        ClientUpdate trained = ClientUpdate.ofModel(QuadraticModel.model(5, 0), 3);
        ClientUpdate update = correction.complete(trained, new LocalTrainer.Result(0, 2, 1, 3));

        assertThat(update).isSameAs(trained);
        assertThat(context.pending(FedDyn.GRADIENT)).isEqualTo(QuadraticModel.model(3 - 2, -1 + 1));
    }

    /** Such as those of FedBN, which trains on its own tensors and sends back the global ones. */
    @Test
    void tensorsThatStayAtTheSiteArePulledToWhereTheyStartAndLeaveNothingBehind() {
        LocalCorrection correction = new FedDyn.Factory().create(task(0.5).build(), context);
        float[] gradient = {10, 20};
        correction.correct(gradient, new float[] {1, 100});
        correction.correct(gradient, new float[] {1, 104});
        assertThat(gradient).containsExactly(10, 20 + 0.5f * 4);

        correction.complete(ClientUpdate.ofModel(QuadraticModel.model(3, 2), 3), new LocalTrainer.Result(0, 2, 1, 3));

        assertThat(context.pending(FedDyn.GRADIENT)).isEqualTo(QuadraticModel.model(-1, 0));
    }

    @Test
    void clientDeclinesWithoutTheStateThatTheServerCounts() {
        LocalCorrection correction =
                new FedDyn.Factory().create(task(0.5).lastAcceptedRound(1).build(), context);

        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> correction.correct(new float[2], new float[2]))
                .withMessage("this site has lost its 'feddyn.gradient' of round 1");
    }

    @Test
    void clientNeedsAlpha() {
        Task without = Task.builder(TaskKind.FIT, "site").model(GLOBAL).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new FedDyn.Factory().create(without, context))
                .withMessage("setting 'alpha' must be given");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new FedDyn.Factory().create(task(0).build(), context))
                .withMessage("alpha must be > 0 and finite, was 0.0");
    }

    private static Aggregate mean(int updates, double first, double second) {
        return Aggregate.wrap(UpdateForm.MODEL, GLOBAL.spec(), List.of(new double[] {first, second}), updates, updates);
    }

    @Test
    void serverGoesOnByWhatItKeeps() {
        ServerOptimizer optimizer = FedDyn.serverOptimizer(4, 0.5).get();

        // h = -0.5 2/4 (w_k - w), w = mean - h / 0.5.
        Model next = optimizer.step(GLOBAL, mean(2, 3, 2));
        assertThat(next).isEqualTo(QuadraticModel.model(3 + 1, 2));
        assertThat(optimizer.snapshot().tensors()).containsValue(QuadraticModel.model(-0.5f, 0));
        assertThat(optimizer.broadcast()).isEmpty();

        assertThat(optimizer.step(next, mean(4, 4, 4))).isEqualTo(QuadraticModel.model(4 + 1, 4 + 2));
        assertThat(optimizer.snapshot().tensors()).containsValue(QuadraticModel.model(-0.5f, -1));
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FedDyn.of(0, 1))
                .withMessage("clients must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FedDyn.of(3, Double.NaN))
                .withMessage("alpha must be > 0 and finite, was NaN");
    }

    @Test
    void describesItself() {
        Strategy strategy = FedDyn.of(5, 0.01);

        assertThat(strategy.name()).isEqualTo("FedDyn");
        assertThat(strategy.clientConfig().getString(LocalCorrection.SETTING)).contains("feddyn");
        assertThat(strategy.clientConfig().getDouble("alpha")).contains(0.01);
        assertThat(strategy.settings().getLong("clients")).contains(5L);
        assertThat(strategy.settings().getString("weighting")).contains("uniform");
        assertThat(strategy.requirements())
                .containsExactlyInAnyOrder(
                        Capability.STABLE_IDENTITY, Capability.CLIENT_STATE, Capability.TRAINING_SETTINGS);
    }
}
