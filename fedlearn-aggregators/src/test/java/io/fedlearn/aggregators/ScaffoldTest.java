package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.LocalCorrection;
import io.fedlearn.core.training.LocalTrainer;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.PartState;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ScaffoldTest {
    private static final TrainingSettings SETTINGS =
            TrainingSettings.defaults().withLearningRate(0.5).withMomentum(0.25);
    private static final Model GLOBAL = model(TensorType.FLOAT64, 1, 2, 3);

    private final KeptState context = new KeptState();

    private static Model model(TensorType type, double first, double second, double third) {
        return Model.builder()
                .trainable("a", Tensor.rounded(type, Shape.of(2), new double[] {first, second}))
                .buffer("mean", Tensor.scalar(7f))
                .trainable("b", Tensor.rounded(type, Shape.scalar(), new double[] {third}))
                .build();
    }

    private static Model side(double first, double second, double third) {
        return Model.builder()
                .trainable("a", Tensor.copyOf(new float[] {(float) first, (float) second}))
                .trainable("b", Tensor.scalar((float) third))
                .build();
    }

    private static Task.Builder task(int round) {
        return Task.builder(TaskKind.FIT, "site").round(round).model(GLOBAL).config(SETTINGS.toConfig());
    }

    private static ClientUpdate trained(LocalCorrection correction, long steps, double... values) {
        return correction.complete(
                ClientUpdate.ofModel(model(TensorType.FLOAT64, values[0], values[1], values[2]), 4),
                new LocalTrainer.Result(0, steps, 1, 4));
    }

    @Test
    void clientStartsWithoutCorrectionAndSendsItsMeanGradient() {
        LocalCorrection correction = new Scaffold.Factory().create(task(1).build(), context);
        float[] gradient = {1, 2, 3};
        correction.correct(gradient, new float[] {1, 2, 3});
        assertThat(gradient).containsExactly(1, 2, 3);

        ClientUpdate update = trained(correction, 2, 0, 2, 4.5);

        // Two steps with momentum 1/4 count 1 + 1.25 times.
        double scale = 0.5 * 2.25;
        assertThat(update.tensors()).containsOnlyKeys(Scaffold.CHANGE);
        assertThat(update.tensors().get(Scaffold.CHANGE)).isEqualTo(side(1 / scale, 0, -1.5 / scale));
        assertThat(context.pending(Scaffold.VARIATE)).isEqualTo(update.tensors().get(Scaffold.CHANGE));
        assertThat(update.exampleCount()).isEqualTo(4);
    }

    @Test
    void clientCorrectsByBothVariatesAndSendsTheChangeOfItsOwn() {
        context.save(Scaffold.VARIATE, side(0.5, -1, 2));
        context.accept();
        LocalCorrection correction = new Scaffold.Factory()
                .create(
                        task(5).lastAcceptedRound(3)
                                .tensors(Scaffold.VARIATE, side(1, 1, 1))
                                .build(),
                        context);
        float[] gradient = {10, 10, 10};
        correction.correct(gradient, new float[] {1, 2, 3});
        assertThat(gradient).containsExactly(10.5f, 12, 9);
        correction.correct(gradient, new float[] {8, 8, 8});
        assertThat(gradient).containsExactly(11, 14, 8);

        ClientUpdate update = trained(correction, 1, 0, 2, 4);

        // (w - y) / (K eta) - c, and that on top of the old variate.
        assertThat(update.tensors().get(Scaffold.CHANGE)).isEqualTo(side(1, -1, -3));
        assertThat(context.pending(Scaffold.VARIATE)).isEqualTo(side(1.5, -2, -1));
    }

    @Test
    void clientDeclinesWithoutTheStateThatTheServerCounts() {
        LocalCorrection lost =
                new Scaffold.Factory().create(task(5).lastAcceptedRound(3).build(), context);
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> lost.correct(new float[3], new float[3]))
                .withMessage("this site has lost its 'scaffold.variate' of round 3");

        context.save(Scaffold.VARIATE, QuadraticModel.model(1));
        context.accept();
        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> lost.correct(new float[3], new float[3]))
                .withMessageContaining("this site's 'scaffold.variate' is of another model");
    }

    /** With strong momentum and a strong pull the model swings back: nothing can be divided by what is left of the steps. */
    @Test
    void clientDeclinesWhereItsStepsAmountToLessThanOne() {
        TrainingSettings settings =
                TrainingSettings.defaults().withMomentum(0.99).withMu(9);
        LocalCorrection correction = new Scaffold.Factory()
                .create(task(1).config(settings.toConfig()).build(), context);
        correction.correct(new float[3], new float[3]);

        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> trained(correction, 6, 0, 2, 4.5))
                .withMessageContaining("6 local steps amount to -0.09");
    }

    @Test
    void clientDeclinesAVariateOfAnotherModel() {
        LocalCorrection correction = new Scaffold.Factory()
                .create(task(1).tensors(Scaffold.VARIATE, GLOBAL).build(), context);

        assertThatExceptionOfType(TaskDeclinedException.class)
                .isThrownBy(() -> correction.correct(new float[3], new float[3]))
                .withMessageContaining("the task's 'scaffold.variate' is of another model");
    }

    @Test
    void evaluationNeedsNoState() {
        Task task = Task.builder(TaskKind.EVALUATE, "site")
                .model(GLOBAL)
                .lastAcceptedRound(2)
                .build();

        assertThat(new Scaffold.Factory().create(task, context).startFrom(GLOBAL))
                .isSameAs(GLOBAL);
    }

    private static WeightedUpdate update(String id, double weight, Model model, Model change) {
        return new WeightedUpdate(id, ClientUpdate.ofModel(model, 4).withTensors(Scaffold.CHANGE, change), weight);
    }

    private static Aggregate aggregate(WeightedUpdate... updates) {
        Scaffold.Rule rule = new Scaffold.Rule();
        rule.begin(GLOBAL);
        rule.accumulate(List.of(updates));
        return rule.finish();
    }

    @Test
    void serverMovesByTheMeanAndItsVariateByTheShareOfAllClients() {
        ServerOptimizer optimizer =
                Scaffold.builder(8).serverLearningRate(0.5).serverOptimizer().get();
        assertThat(optimizer.broadcast()).isEmpty();
        Aggregate aggregate = aggregate(
                update("x", 1, model(TensorType.FLOAT64, 3, 2, -1), side(1, 0, -4)),
                update("y", 3, model(TensorType.FLOAT64, 7, 2, 3), side(3, 0, -4)));

        Model next = optimizer.step(GLOBAL, aggregate);

        // Models by their weights (3/4 of 7 and 1/4 of 3), changes alike.
        assertThat(next).isEqualTo(model(TensorType.FLOAT64, 3.5, 2, 2.5));
        assertThat(optimizer.broadcast()).isEqualTo(Map.of(Scaffold.VARIATE, side(0.5, 0, -1)));
        optimizer.step(next, aggregate);
        assertThat(optimizer.broadcast().get(Scaffold.VARIATE)).isEqualTo(side(1, 0, -2));
    }

    @Test
    void refusedStepLeavesTheVariateAsItWas() {
        ServerOptimizer optimizer = Scaffold.builder(1).serverOptimizer().get();
        optimizer.step(GLOBAL, aggregate(update("x", 1, GLOBAL, side(3e38, 1, 1))));
        PartState before = optimizer.snapshot();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> optimizer.step(GLOBAL, aggregate(update("x", 1, GLOBAL, side(3e38, 1, 1)))))
                .withMessage("tensor 'a' leaves the range of FLOAT32 in the step of the server optimizer");
        assertThat(optimizer.snapshot()).isEqualTo(before);
    }

    @Test
    void rejectsSideTensorsThatAreMissingOrMalformedByName() {
        Model good = side(1, 1, 1);
        requireRejected(
                ClientUpdate.ofModel(GLOBAL, 4), "tensor group 'scaffold.change' is missing, which SCAFFOLD needs");
        requireRejected(
                with(Model.builder().trainable("a", good.tensor("a")).build()),
                "tensor 'b' of group 'scaffold.change' is missing");
        requireRejected(
                with(Model.builder()
                        .trainable("a", good.tensor("a"))
                        .trainable("b", good.tensor("b"))
                        .trainable("c", good.tensor("b"))
                        .build()),
                "tensor 'c' of group 'scaffold.change' is not in the global model");
        requireRejected(
                with(Model.builder()
                        .trainable("a", Tensor.copyOf(new float[3]))
                        .trainable("b", good.tensor("b"))
                        .build()),
                "tensor 'a' of group 'scaffold.change' must have shape 2, had 3");
        requireRejected(
                with(Model.builder()
                        .trainable("a", Tensor.copyOf(new double[2]))
                        .trainable("b", good.tensor("b"))
                        .build()),
                "tensor 'a' of group 'scaffold.change' must be of type FLOAT32, was FLOAT64");
        requireRejected(with(good).withModel(UpdateForm.WEIGHTED_SUM, GLOBAL), "a WEIGHTED_SUM over several clients");
        new Scaffold.Rule().check(with(good), GLOBAL.spec());
    }

    @Test
    void rejectsAChangeThatTheServersStateCouldNotHoldForLong() {
        requireRejected(with(side(1, 3e38, 1)), "the norm of tensor group 'scaffold.change' must be at most 1.0E15");
        new Scaffold.Rule().check(with(side(1, 9e14, 1)), GLOBAL.spec());
    }

    private static ClientUpdate with(Model change) {
        return ClientUpdate.ofModel(GLOBAL, 4).withTensors(Scaffold.CHANGE, change);
    }

    private static void requireRejected(ClientUpdate update, String message) {
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> new Scaffold.Rule().check(update, GLOBAL.spec()))
                .withMessageStartingWith(message);
    }

    @Test
    void serverOptimizerSaysThatItNeedsItsAggregator() {
        ServerOptimizer optimizer = Scaffold.builder(3).serverOptimizer().get();
        WeightedMean mean = WeightedMean.create();
        mean.begin(GLOBAL);
        mean.accumulate(List.of(update("x", 1, GLOBAL, side(1, 1, 1))));

        assertThatIllegalStateException()
                .isThrownBy(() -> optimizer.step(GLOBAL, mean.finish()))
                .withMessageContaining("the aggregate has no tensors 'scaffold.change'");
    }

    @Test
    void refusesStateOfAnotherOptimizer() {
        ServerOptimizer optimizer = Scaffold.builder(3).serverOptimizer().get();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> optimizer.restore(new PartState(Map.of("m", side(1, 1, 1)), Config.empty())))
                .withMessage("the state must hold 'scaffold.variate' alone, held [m]");
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Scaffold.withClients(0))
                .withMessage("clients must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Scaffold.builder(3).serverLearningRate(0).build())
                .withMessage("serverLearningRate must be > 0 and finite, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Scaffold.withClients(3)
                        .start(TrainingSettings.defaults().withMu(11).toConfig()))
                .withMessageStartingWith("learningRate * mu must be < 1, was 1.1");
    }

    @Test
    void describesItself() {
        Strategy strategy = Scaffold.withClients(5);

        assertThat(strategy.name()).isEqualTo("SCAFFOLD");
        assertThat(strategy.clientConfig().getString(LocalCorrection.SETTING)).contains("scaffold");
        assertThat(strategy.settings().getLong("clients")).contains(5L);
        assertThat(strategy.settings().getDouble("serverLearningRate").orElseThrow())
                .isCloseTo(Scaffold.DEFAULT_SERVER_LEARNING_RATE, within(0.0));
        assertThat(strategy.settings().getString("weighting")).contains("uniform");
        assertThat(strategy.requirements())
                .containsExactlyInAnyOrder(
                        Capability.NAMED_TENSORS,
                        Capability.SIDE_TENSORS,
                        Capability.STABLE_IDENTITY,
                        Capability.CLIENT_STATE,
                        Capability.TRAINING_SETTINGS);
    }
}
