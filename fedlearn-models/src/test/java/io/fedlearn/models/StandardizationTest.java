package io.fedlearn.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class StandardizationTest {
    private static final float MISSING = Float.NaN;

    private static InMemoryExamples examples(float... features) {
        return InMemoryExamples.wrap(Shape.of(2), features, new float[features.length / 2]);
    }

    /** Means 3 and 5, deviations 2 and 0. */
    private static FeatureStatistics statistics() {
        return FeatureStatistics.of(examples(1, 5, 5, 5, MISSING, 5));
    }

    private static Model linear(LinearRegression model, float weight1, float weight2, float bias) {
        return Model.builder()
                .buffer("input.mean", model.initialModel(0).tensor("input.mean"))
                .buffer("input.scale", model.initialModel(0).tensor("input.scale"))
                .trainable("weight", Tensor.copyOf(new float[] {weight1, weight2}, 1, 2))
                .trainable("bias", Tensor.copyOf(new float[] {bias}))
                .build();
    }

    @Test
    void initialModelCarriesMeanAndScale() {
        Model initial = LogisticRegression.of(2).standardizing(statistics()).initialModel(4);
        assertThat(initial.tensor(DenseModel.INPUT_MEAN).toFloatArray()).containsExactly(3, 5);
        assertThat(initial.tensor(DenseModel.INPUT_SCALE).toFloatArray()).containsExactly(2, 1);
        assertThat(initial.spec().tensor("input.mean").orElseThrow().role()).isEqualTo(TensorRole.BUFFER);
        assertThat(initial.spec().tensor("input.scale").orElseThrow().role()).isEqualTo(TensorRole.BUFFER);
    }

    @Test
    void siteThatKnowsNoStatisticsTakesThemFromTheModel() {
        LinearRegression site = LinearRegression.of(2).standardizing();
        Model global = linear(LinearRegression.of(2).standardizing(statistics()), 10, 1, 0.5f);
        site.load(global);
        assertThat(site.predict(5, 7)).containsExactly(10 + 2 + 0.5f);
        assertThat(site.snapshot()).isEqualTo(global);
    }

    @Test
    void missingFeatureCountsAsTheMean() {
        LinearRegression model = LinearRegression.of(2).standardizing(statistics());
        model.load(linear(model, 10, 1, 0.5f));
        assertThat(model.predict(MISSING, 7)).isEqualTo(model.predict(3, 7)).containsExactly(2.5f);
    }

    @Test
    void modelBeforeTrainingIsNeutralWithoutStatistics() {
        Model initial = LinearRegression.of(2).standardizing().initialModel(1);
        assertThat(initial.tensor("input.mean").toFloatArray()).containsExactly(0, 0);
        assertThat(initial.tensor("input.scale").toFloatArray()).containsExactly(1, 1);
    }

    @Test
    void trainingLeavesMeanAndScaleAlone() {
        LogisticRegression model = LogisticRegression.of(2).standardizing(statistics());
        Model initial = model.initialModel(1);
        model.load(initial);
        model.startTraining(TrainingSettings.defaults().withWeightDecay(0.5), 1);
        Batch batch = Batches.of(2, 1, new float[] {1, 2, 3, MISSING}, 0, 1);
        float[] gradient = new float[3];
        model.lossAndGradient(batch, gradient);
        model.applyGradient(gradient);
        assertThat(model.snapshot().tensor("input.mean")).isEqualTo(initial.tensor("input.mean"));
        assertThat(model.snapshot().tensor("input.scale")).isEqualTo(initial.tensor("input.scale"));
        assertThat(model.snapshot().tensor("weight")).isNotEqualTo(initial.tensor("weight"));
    }

    @Test
    void withoutStandardisationAMissingFeatureIsRefusedByIndex() {
        LogisticRegression model = LogisticRegression.of(3);
        Batch batch = Batches.of(3, 1, new float[] {1, 2, 3, 4, MISSING, 6}, 0, 1);
        assertThatExceptionOfType(InvalidExampleException.class)
                .isThrownBy(() -> model.lossAndGradient(batch, new float[4]))
                .withMessageContaining("feature 1")
                .withMessageContaining("standardizing()")
                .satisfies(e -> assertThat(e.feature()).hasValue(1));
    }

    @Test
    void infiniteFeaturesAreAlwaysRefused() {
        LogisticRegression model = LogisticRegression.of(2).standardizing(statistics());
        assertThatExceptionOfType(InvalidExampleException.class)
                .isThrownBy(() -> model.predict(0, Float.NEGATIVE_INFINITY))
                .withMessageContaining("feature 1");
    }

    @Test
    void refusesScalesThatDivideByNothingAndKeepsItsValues() {
        LinearRegression model = LinearRegression.of(2).standardizing(statistics());
        Model good = linear(model, 1, 2, 3);
        model.load(good);
        Model bad = Model.of(
                good.spec(),
                Arrays.asList(
                        good.tensor("input.mean"),
                        Tensor.copyOf(new float[] {1, 0}),
                        Tensor.copyOf(new float[] {9, 9}, 1, 2),
                        good.tensor("bias")));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> model.load(bad))
                .withMessageContaining("input.scale")
                .withMessageContaining("feature 1");
        assertThat(model.snapshot()).isEqualTo(good);
    }

    @Test
    void refusesStatisticsOfAnotherNumberOfFeatures() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LinearRegression.of(3).standardizing(statistics()))
                .withMessageContaining("3 features, were of 2");
    }

    @Test
    void mergedStatisticsOfSitesAreThoseOfAllExamples() {
        SeededRandom random = SeededRandom.of(5);
        float[] all = new float[2 * 900];
        for (int i = 0; i < all.length; i++) {
            all[i] = random.nextInt(10) == 0 ? MISSING : (float) (100 * (i % 2) + 7 * random.nextGaussian());
        }
        FeatureStatistics pooled = FeatureStatistics.of(examples(all));
        FeatureStatistics merged = FeatureStatistics.empty(2);
        merged.merge(FeatureStatistics.of(examples(Arrays.copyOfRange(all, 0, 20))));
        merged.merge(FeatureStatistics.of(examples(Arrays.copyOfRange(all, 20, 1300))));
        merged.merge(FeatureStatistics.empty(2));
        merged.merge(FeatureStatistics.of(examples(Arrays.copyOfRange(all, 1300, all.length))));
        for (int j = 0; j < 2; j++) {
            assertThat(merged.count(j)).isEqualTo(pooled.count(j)).isLessThan(900);
            assertThat(merged.mean(j)).isCloseTo(pooled.mean(j), within(1e-12 * 100));
            assertThat(merged.standardDeviation(j)).isCloseTo(pooled.standardDeviation(j), within(1e-12 * 100));
        }
    }
}
