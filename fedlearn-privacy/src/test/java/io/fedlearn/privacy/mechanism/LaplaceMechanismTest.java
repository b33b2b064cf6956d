package io.fedlearn.privacy.mechanism;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.testkit.statistics.PrivacyAssertions;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every statistical test here has a false alarm of 1e-9. */
class LaplaceMechanismTest {
    private static final double FALSE_ALARM = 1e-9;
    private static final int SAMPLES = 100_000;
    private static final NoiseSource SOURCE = NoiseSource.secure();

    private static LaplaceMechanism.Builder builder() {
        return LaplaceMechanism.builder().relation(NeighboringRelation.REPLACE_ONE);
    }

    private static LaplaceMechanism mechanism(double l1Sensitivity, double noiseMultiplier) {
        return builder()
                .l1Sensitivity(l1Sensitivity)
                .noiseMultiplier(noiseMultiplier)
                .build();
    }

    private static void assertNoise(LaplaceMechanism mechanism, double scale) {
        StatisticalAssertions.assertDistribution(
                mechanism.release(new double[SAMPLES]),
                x -> x < 0 ? 0.5 * Math.exp(x / scale) : 1 - 0.5 * Math.exp(-x / scale),
                FALSE_ALARM);
    }

    @Test
    void noiseIsLaplace() {
        assertNoise(mechanism(0.5, 4), 2);
        assertNoise(mechanism(1e-20, 1e3), 1e-17);
        assertThatThrownBy(() -> assertNoise(mechanism(0.5, 3.2), 2)).isExactlyInstanceOf(AssertionError.class);
    }

    private static int cell(LaplaceMechanism mechanism, double value) {
        double released = mechanism.release(SOURCE, value);
        return (int) Math.max(0, Math.min(21, Math.floor(2 * (released - 10.5)) + 11));
    }

    private static void assertPrivate(LaplaceMechanism mechanism, double epsilon) {
        PrivacyAssertions.assertPrivate(
                () -> cell(mechanism, 10), () -> cell(mechanism, 11), 22, 40_000, epsilon, 0, FALSE_ALARM);
    }

    @Test
    void neighboursAreHardToTellApart() {
        assertPrivate(builder().l1Sensitivity(1).epsilon(0.8).build(), 0.8);
        assertThatThrownBy(() -> assertPrivate(mechanism(1, 0.8 / 0.8), 0.8)).isExactlyInstanceOf(AssertionError.class);
    }

    @Test
    void releasesLieOnTheGrid() {
        LaplaceMechanism mechanism = mechanism(1, 2);
        double one = mechanism.release(1.0 / 3);
        assertThat(one / mechanism.step(1)).isEqualTo(Math.rint(one / mechanism.step(1)));
        double step = mechanism.step(1_000);
        for (double released : mechanism.release(new double[1_000])) {
            assertThat(released / step).isEqualTo(Math.rint(released / step));
        }
    }

    @Test
    void noiseMakesUpForRounding() {
        LaplaceMechanism mechanism = mechanism(1, 1.5);
        for (long dimension : new long[] {1, 2, 1_000, 10_000_000}) {
            double sensitivity = 1 / mechanism.step(dimension) + dimension;
            assertThat(mechanism.scaleInSteps(dimension))
                    .isGreaterThan(1.5 * sensitivity)
                    .isLessThan(1.5 * sensitivity * (1 + 1e-12))
                    // And costs little.
                    .isLessThan(1.5 / mechanism.step(dimension) * 1.00002);
        }
    }

    @Test
    void modelIsNoised() {
        Model model =
                Model.builder().trainable("w", Tensor.wrap(new float[SAMPLES])).build();
        Model released = mechanism(1, 2).release(model);

        double[] values = new double[SAMPLES];
        released.tensor("w").copyTo(0, values, 0, SAMPLES);
        assertThat(released.spec()).isEqualTo(model.spec());
        StatisticalAssertions.assertMean(values, 0, 2 * Math.sqrt(2), FALSE_ALARM);
        assertThat(values).doesNotContain(0.0);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void rejectsSettingThatIsNone(double value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().l1Sensitivity(value))
                .withMessageStartingWith("l1Sensitivity must be > 0 and finite")
                .withMessageEndingWith("was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().noiseMultiplier(value))
                .withMessage("noiseMultiplier must be > 0 and finite, was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().epsilon(value))
                .withMessage("epsilon must be > 0 and finite, was " + value);
    }

    @Test
    void rejectsWhatIsMissingOrNotFinite() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().l1Sensitivity(1).build())
                .withMessage("noiseMultiplier or epsilon must be set");
        assertThatIllegalArgumentException().isThrownBy(() -> mechanism(1, 1).release(Double.NaN));
        assertThatIllegalArgumentException().isThrownBy(() -> mechanism(1, 1).release(1e300));
    }

    @Test
    void describesItself() {
        LaplaceMechanism mechanism = builder().l1Sensitivity(2).epsilon(0.1).build();

        assertThat(mechanism.event()).isEqualTo(new PrivacyEvent.Laplace(mechanism.noiseMultiplier()));
        assertThat(1 / mechanism.noiseMultiplier()).isLessThanOrEqualTo(0.1).isGreaterThan(0.1 - 1e-15);
        assertThat(mechanism.scale()).isEqualTo(2 * mechanism.noiseMultiplier());
        assertThat(mechanism)
                .hasToString("laplace(relation=replace, l1Sensitivity=2.0, noiseMultiplier="
                        + mechanism.noiseMultiplier() + ")");
    }
}
