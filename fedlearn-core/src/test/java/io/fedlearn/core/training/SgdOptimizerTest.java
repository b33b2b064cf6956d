package io.fedlearn.core.training;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Every number is a sum of few powers of two, so that float arithmetic is exact. */
class SgdOptimizerTest {
    @Test
    void stepsAgainstTheGradient() {
        float[] parameters = {1, -2};

        SgdOptimizer.of(TrainingSettings.defaults().withLearningRate(0.5)).step(parameters, new float[] {1, -4});

        assertThat(parameters).containsExactly(0.5f, 0);
    }

    @Test
    void pullsParametersTowardsZeroByWeightDecay() {
        float[] parameters = {4, -8};
        TrainingSettings settings =
                TrainingSettings.defaults().withLearningRate(0.5).withWeightDecay(0.25);

        SgdOptimizer.of(settings).step(parameters, new float[] {1, 0});

        // 4 - 0.5 (1 + 0.25 * 4), -8 - 0.5 (0 - 2)
        assertThat(parameters).containsExactly(3, -7);
    }

    @Test
    void repeatsAShareOfTheLastStepByMomentum() {
        float[] parameters = {0};
        TrainingSettings settings = TrainingSettings.defaults()
                .withLearningRate(1)
                .withMomentum(0.5)
                .withWeightDecay(0.25);
        SgdOptimizer optimizer = SgdOptimizer.of(settings);

        optimizer.step(parameters, new float[] {4});
        assertThat(parameters).containsExactly(-4);

        // v = 0.5 * 4 + (1 + 0.25 * -4) = 2
        optimizer.step(parameters, new float[] {1});
        assertThat(parameters).containsExactly(-6);

        SgdOptimizer.of(settings.withWeightDecay(0)).step(parameters, new float[] {1});
        assertThat(parameters).containsExactly(-7);
    }
}
