package io.fedlearn.privacy.mechanism;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.privacy.accounting.AnalyticGaussian;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.privacy.internal.NormalDistribution;
import io.fedlearn.privacy.internal.SeededNoise;
import io.fedlearn.testkit.statistics.PrivacyAssertions;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every statistical test here has a false alarm of 1e-9. */
class GaussianMechanismTest {
    private static final double FALSE_ALARM = 1e-9;
    private static final int SAMPLES = 100_000;
    private static final NoiseSource SOURCE = NoiseSource.secure();

    private static GaussianMechanism.Builder builder() {
        return GaussianMechanism.builder().relation(NeighboringRelation.ADD_OR_REMOVE_ONE);
    }

    private static GaussianMechanism mechanism(double l2Sensitivity, double noiseMultiplier) {
        return builder()
                .l2Sensitivity(l2Sensitivity)
                .noiseMultiplier(noiseMultiplier)
                .build();
    }

    private static double[] filled(double value) {
        return filled(SAMPLES, value);
    }

    private static double[] filled(int count, double value) {
        double[] values = new double[count];
        Arrays.fill(values, value);
        return values;
    }

    private static void assertNoise(GaussianMechanism mechanism, double deviation) {
        double value = 1.5 * deviation;
        double[] released = mechanism.release(filled(value));
        StatisticalAssertions.assertDistribution(
                released, x -> NormalDistribution.cdf((x - value) / deviation), FALSE_ALARM);
        StatisticalAssertions.assertNormalDeviation(released, value, deviation, FALSE_ALARM);
    }

    @Test
    void noiseIsNormal() {
        assertNoise(mechanism(0.5, 4), 2);
        assertNoise(mechanism(1e-20, 1e3), 1e-17);
        assertNoise(mechanism(1e9, 1e-3), 1e6);
    }

    @Test
    void noiseThatIsTooSmallIsNoticed() {
        assertThatThrownBy(() -> assertNoise(mechanism(0.5, 3.2), 2)).isExactlyInstanceOf(AssertionError.class);
    }

    /** The values lie at the edges of what one person's clipped value can do. */
    private static void assertPrivate(GaussianMechanism mechanism, double epsilon, double privacyDelta) {
        PrivacyAssertions.assertPrivate(
                () -> cell(mechanism, 10), () -> cell(mechanism, 11), 42, 40_000, epsilon, privacyDelta, FALSE_ALARM);
    }

    private static int cell(GaussianMechanism mechanism, double value) {
        double released = mechanism.release(SOURCE, value);
        return (int) Math.max(0, Math.min(41, Math.floor(2 * (released - 10.5)) + 21));
    }

    @Test
    void neighboursAreHardToTellApart() {
        double epsilon = 0.5;
        double privacyDelta = AnalyticGaussian.privacyDelta(2, epsilon);

        assertPrivate(mechanism(1, 2), epsilon, privacyDelta);
        assertPrivate(builder().l2Sensitivity(1).calibrated(1, 0.05).build(), 1, 0.05);
        assertThatThrownBy(() -> assertPrivate(mechanism(1, 1.6), epsilon, privacyDelta))
                .isExactlyInstanceOf(AssertionError.class);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, 0.1, 1.1, -7.3e5, 1.0 / 3})
    void releasesLieOnTheGridWhateverTheInput(double value) {
        GaussianMechanism mechanism = mechanism(1.1, 1.7);
        double[] values = filled(value);
        for (double released : mechanism.release(values)) {
            assertThat(released / mechanism.step()).isEqualTo(Math.rint(released / mechanism.step()));
        }
        assertThat(mechanism.step()).isEqualTo(0x1p-28);
    }

    @Test
    void lowBitsOfTheReleaseAreUniformAndSayNothingOfTheInput() {
        GaussianMechanism mechanism = mechanism(1, 1);
        for (double value : new double[] {0, 1.0 / 3}) {
            long[] counts = new long[16];
            for (double released : mechanism.release(filled(value))) {
                counts[(int) ((long) (released / mechanism.step()) & 15)]++;
            }
            StatisticalAssertions.assertFrequencies(
                    counts, IntStream.range(0, 16).mapToDouble(i -> 1.0 / 16).toArray(), FALSE_ALARM);
        }
    }

    /** On a grid as coarse as the noise, so that a run meets every number that matters. */
    @Test
    void neighboursReachTheSameNumbers() {
        GridNoise noise = new GridNoise(new Grid(1), GridSampler.roundedGaussian(1));
        for (double value : new double[] {0, 1}) {
            // Each has a probability above 1e-4: a million samples miss one with one below e^-100.
            assertThat(Arrays.stream(noise.release(SOURCE, filled(1_000_000, value)))
                            .distinct())
                    .contains(-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0);
        }
    }

    @Test
    void noiseMakesUpForRounding() {
        GaussianMechanism mechanism = mechanism(1, 1.5);
        for (long dimension : new long[] {1, 2, 1_000, 10_000_000}) {
            double sensitivity = 1 / mechanism.step() + Math.sqrt(dimension);
            assertThat(mechanism.deviationInSteps(dimension))
                    .isGreaterThan(1.5 * sensitivity)
                    .isLessThan(1.5 * sensitivity * (1 + 1e-12));
        }
        // And costs little.
        assertThat(mechanism.deviationInSteps(10_000_000)).isLessThan(1.5 / mechanism.step() * 1.00002);
    }

    @Test
    void modelKeepsNamesTypesAndRoles() {
        Model model = Model.builder()
                .trainable("weights", Tensor.wrap(new float[20_000], 100, 200))
                .trainable("bias", Tensor.wrap(new double[10]))
                .buffer("mean", Tensor.zeros(TensorType.FLOAT16, Shape.of(5)))
                .build();
        GaussianMechanism mechanism = mechanism(1, 0.5);
        Model released = mechanism.release(model);

        assertThat(released.spec()).isEqualTo(model.spec());
        double[] weights = new double[20_000];
        released.tensor("weights").copyTo(0, weights, 0, weights.length);
        StatisticalAssertions.assertNormalDeviation(weights, 0, 0.5, FALSE_ALARM);
        double[] bias = new double[10];
        released.tensor("bias").copyTo(0, bias, 0, 10);
        assertThat(bias).doesNotHaveDuplicates();
        assertThat(bias[0] / mechanism.step()).isEqualTo(Math.rint(bias[0] / mechanism.step()));
        double[] mean = new double[5];
        released.tensor("mean").copyTo(0, mean, 0, 5);
        assertThat(mean).doesNotContain(0.0);
    }

    @Test
    void modelIsNoisedAsItsValuesInOneVector() {
        double[] values = IntStream.range(0, 20_000).mapToDouble(i -> 0.001 * i).toArray();
        GaussianMechanism mechanism = mechanism(1, 0.5);
        Model released = mechanism.release(
                SeededNoise.of(1),
                Model.builder().trainable("w", Tensor.copyOf(values)).build());

        assertThat(released.tensor("w")).isEqualTo(Tensor.wrap(mechanism.release(SeededNoise.of(1), values)));
    }

    @Test
    void rejectsTensorThatCannotBeNoised() {
        Model model = Model.builder()
                .trainable("weights", Tensor.wrap(new float[2]))
                .counter("batches", Tensor.scalar(7L))
                .build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> mechanism(1, 1).release(model))
                .withMessageContaining("'batches'")
                .withMessageContaining("only a model of floating-point tensors");
        assertThatIllegalArgumentException().isThrownBy(() -> mechanism(1, 1).release(Model.empty()));
        assertThatIllegalArgumentException().isThrownBy(() -> mechanism(1, 1).release(new double[0]));
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void rejectsValueThatIsNotFinite(double value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> mechanism(1, 1).release(value))
                .withMessage("values must be finite, that at 0 is not");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> mechanism(1, 1).release(new double[] {1, value}))
                .withMessage("values must be finite, that at 1 is not");
        Model model = Model.builder()
                .trainable("w", Tensor.wrap(new float[] {0, 0, (float) value}))
                .build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> mechanism(1, 1).release(model))
                .withMessage("tensor 'w': values must be finite, that at 2 is not");
    }

    @Test
    void rejectsValueBeyondTheGrid() {
        assertThat(mechanism(1, 1).release(1e10)).isBetween(1e10 - 50, 1e10 + 50);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> mechanism(1, 1).release(-2e10))
                .withMessageContaining("within +-1.7179869184E10")
                .withMessageNotContaining("2.0E10");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void rejectsSettingThatIsNone(double value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().l2Sensitivity(value))
                .withMessageStartingWith("l2Sensitivity must be > 0 and finite")
                .withMessageEndingWith("was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().noiseMultiplier(value))
                .withMessage("noiseMultiplier must be > 0 and finite, was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().calibrated(value, 1e-5))
                .withMessage("epsilon must be > 0 and finite, was " + value);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, -0.1, Double.NaN})
    void rejectsDeltaThatIsNone(double privacyDelta) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().calibrated(1, privacyDelta))
                .withMessage("privacyDelta must be in (0, 1), was " + privacyDelta);
    }

    @Test
    void rejectsWhatIsMissing() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().l2Sensitivity(1).build())
                .withMessageContaining("noiseMultiplier, or epsilon and privacyDelta, must be set");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().noiseMultiplier(1).build())
                .withMessage("l2Sensitivity must be set");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GaussianMechanism.builder()
                        .l2Sensitivity(1)
                        .noiseMultiplier(1)
                        .build())
                .withMessage("relation must be set");
    }

    @Test
    void describesItself() {
        GaussianMechanism calibrated =
                builder().l2Sensitivity(2).calibrated(1, 1e-5).build();

        assertThat(calibrated.event()).isEqualTo(new PrivacyEvent.Gaussian(calibrated.noiseMultiplier()));
        assertThat(AnalyticGaussian.epsilon(calibrated.noiseMultiplier(), 1e-5)).isLessThanOrEqualTo(1);
        assertThat(calibrated.standardDeviation()).isEqualTo(2 * calibrated.noiseMultiplier());
        assertThat(calibrated)
                .hasToString("gaussian(relation=add-remove, l2Sensitivity=2.0, noiseMultiplier="
                        + calibrated.noiseMultiplier() + ", epsilon=1.0, privacyDelta=1.0E-5)");
    }
}
