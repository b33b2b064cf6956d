package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FedNovaTest {
    private static final Model GLOBAL = model(1, 10, 100);

    private static Model model(double weight, float buffer, long counter) {
        return Model.builder()
                .trainable("weight", Tensor.scalar(weight))
                .buffer("mean", Tensor.scalar(buffer))
                .counter("batches", Tensor.scalar(counter))
                .build();
    }

    private static WeightedUpdate update(String id, double weight, double steps, Model model) {
        return new WeightedUpdate(
                id, ClientUpdate.ofModel(model, 5).withMetric(LocalTrainingClient.LOCAL_STEPS, steps), weight);
    }

    private static Aggregate aggregate(Aggregator rule, WeightedUpdate... updates) {
        Aggregator.Streaming streaming = (Aggregator.Streaming) rule;
        streaming.begin(GLOBAL);
        streaming.accumulate(List.of(updates));
        return streaming.finish();
    }

    private static Aggregator rule() {
        return FedNova.builder().aggregator().get();
    }

    @Test
    void movesByTheMeanPerStepTimesTheEffectiveNumberOfSteps() {
        // p = 1/4, 3/4; per step 2 / 2 and -6 / 3; 1/4 2 + 3/4 3 = 2.75 steps.
        Aggregate aggregate =
                aggregate(rule(), update("a", 1, 2, model(3, 10, 100)), update("b", 3, 3, model(-5, 10, 100)));

        assertThat(aggregate.values(0)[0]).isEqualTo(1 + 2.75 * (0.25 * 1 - 0.75 * 2));
    }

    @Test
    void averagesBuffersAndCountersByTheAggregationWeights() {
        Aggregate aggregate =
                aggregate(rule(), update("a", 1, 2, model(3, 2, 103)), update("b", 3, 30, model(-5, 6, 1L << 62)));

        Model next = aggregate.toModel(GLOBAL);
        assertThat(next.tensor("mean")).isEqualTo(Tensor.scalar(5f));
        // (103 + 3 2^62) / 4, with the bits that a double would lose.
        assertThat(next.tensor("batches")).isEqualTo(Tensor.scalar((3L << 60) + 26));
    }

    @Test
    void countsMomentumAndTheProximalTermInTheNormaliser() {
        assertThat(Normaliser.of(7, TrainingSettings.defaults())).isEqualTo(7);
        double rho = 0.9;
        assertThat(Normaliser.of(7, TrainingSettings.defaults().withMomentum(rho)))
                .isCloseTo((7 - rho * (1 - Math.pow(rho, 7)) / (1 - rho)) / (1 - rho), within(1e-12));
        double pull = 0.1 * 0.5;
        assertThat(Normaliser.of(7, TrainingSettings.defaults().withMu(0.5)))
                .isCloseTo((1 - Math.pow(1 - pull, 7)) / pull, within(1e-12));
        assertThat(Normaliser.of(
                        100_000, TrainingSettings.defaults().withMomentum(0.99).withMu(9)))
                .as("in the end the pull is as strong as the gradient")
                .isCloseTo(1 / 0.9, within(1e-9));
    }

    /** Lets clients drift under a constant gradient, which every one of them finds again. */
    @ParameterizedTest
    @CsvSource({"0, 0", "0.9, 0", "0, 2", "0.9, 2", "0.99, 9.9"})
    void normaliserTurnsAModelDeltaBackIntoItsGradient(double momentum, double mu) {
        TrainingSettings settings =
                TrainingSettings.defaults().withMomentum(momentum).withMu(mu);
        double gradient = -3;
        for (int steps = 1; steps < 60; steps++) {
            double w = 0;
            double velocity = 0;
            for (int i = 0; i < steps; i++) {
                velocity = momentum * velocity + gradient + mu * w;
                w -= settings.learningRate() * velocity;
            }
            double normaliser = Normaliser.of(steps, settings);
            assertThat(normaliser).isPositive();
            assertThat(-w / (settings.learningRate() * normaliser)).isCloseTo(gradient, within(1e-9));
        }
    }

    @Test
    void goesByStepsWhereTheVariantSaysSo() {
        Aggregator rule = FedNova.builder()
                .effectiveSteps(EffectiveSteps.STEPS)
                .aggregator()
                .get();
        TrainingSettings settings = TrainingSettings.defaults().withMu(0.5);
        rule.configure(settings.toConfig());

        Aggregate aggregate = aggregate(rule, update("a", 1, 4, model(3, 1, 1)), update("b", 1, 4, model(3, 1, 1)));

        assertThat(aggregate.values(0)[0]).isCloseTo(1 + 2 * 4 / Normaliser.of(4, settings), within(1e-12));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, 2.5, 101, 1e300})
    void rejectsStepsThatNobodyTakes(double steps) {
        Aggregator rule = FedNova.builder().maxLocalSteps(100).aggregator().get();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule.check(update("a", 1, steps, GLOBAL).update(), GLOBAL.spec()))
                .withMessage("metric 'localSteps' must be a whole number in [1, 100], was " + steps);
    }

    /** With strong momentum and a strong pull the model swings back over the start: six steps amount to -0.1. */
    @Test
    void rejectsStepsThatAmountToLessThanOne() {
        Aggregator rule = rule();
        rule.configure(TrainingSettings.defaults().withMomentum(0.99).withMu(9).toConfig());

        rule.check(update("a", 1, 4, GLOBAL).update(), GLOBAL.spec());
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule.check(update("a", 1, 6, GLOBAL).update(), GLOBAL.spec()))
                .withMessageContaining("metric 'localSteps' of 6 amounts to -0.09")
                .withMessageContaining("must be at least 1");
    }

    @Test
    void rejectsAnUpdateThatDoesNotSayItsSteps() {
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule().check(ClientUpdate.ofModel(GLOBAL, 5), GLOBAL.spec()))
                .withMessage("metric 'localSteps' is missing, which FedNova needs");
    }

    @Test
    void rejectsASumOverSeveralClients() {
        ClientUpdate sum = update("a", 1, 3, GLOBAL).update().withModel(UpdateForm.WEIGHTED_SUM, GLOBAL);

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> rule().check(sum, GLOBAL.spec()))
                .withMessageContaining("WEIGHTED_SUM");
    }

    @Test
    void takesNoneOfAListThatHoldsABadUpdate() {
        Aggregator.Streaming rule = (Aggregator.Streaming) rule();
        rule.begin(GLOBAL);
        WeightedUpdate good = update("a", 1, 2, model(3, 10, 100));
        WeightedUpdate bad = update("b", 1, 2, Model.empty());

        assertThatExceptionOfType(InvalidUpdateException.class).isThrownBy(() -> rule.accumulate(List.of(good, bad)));
        rule.accumulate(List.of(good));

        Aggregate aggregate = rule.finish();
        assertThat(aggregate.values(0)[0]).isEqualTo(3);
        assertThat(aggregate.updateCount()).isEqualTo(1);
        assertThat(aggregate.totalWeight()).isEqualTo(1);
    }

    @Test
    void namesTheClientWhoseWeightIsBeyondADouble() {
        Aggregator rule = rule();

        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() ->
                        aggregate(rule, update("a", 1, 1, GLOBAL), update("b", Double.MIN_VALUE, 100_000, GLOBAL)))
                .withMessageContaining("client 'b'");
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FedNova.builder().maxLocalSteps(0).build())
                .withMessage("maxLocalSteps must be in [1, 10000000], was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FedNova.create()
                        .start(TrainingSettings.defaults().withMu(10).toConfig()))
                .withMessage("learningRate * mu must be < 1, was 1.0");
    }

    @Test
    void describesItself() {
        assertThat(FedNova.create().name()).isEqualTo("FedNova");
        assertThat(FedNova.create().requirements()).containsExactly(Capability.TRAINING_SETTINGS);
        assertThat(FedNova.create().settings())
                .isEqualTo(Config.empty()
                        .with("effectiveSteps", "NORMALISERS")
                        .with("maxLocalSteps", FedNova.DEFAULT_MAX_LOCAL_STEPS)
                        .with("selector", "all")
                        .with("weighting", "by-examples")
                        .with("aggregator", "fednova(effectiveSteps=normalisers, maxLocalSteps=100000)")
                        .with("serverOptimizer", "identity"));
    }
}
