package io.fedlearn.privacy.mechanism;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.testkit.statistics.PrivacyAssertions;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import java.util.Arrays;
import java.util.TreeSet;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every statistical test here has a false alarm of 1e-9. */
class DiscreteMechanismsTest {
    private static final double FALSE_ALARM = 1e-9;
    private static final NoiseSource SOURCE = NoiseSource.secure();

    private static DiscreteGaussianMechanism gaussian(double sigma) {
        return DiscreteGaussianMechanism.builder()
                .relation(NeighboringRelation.ADD_OR_REMOVE_ONE)
                .l2Sensitivity(1)
                .sigma(sigma)
                .build();
    }

    private static DiscreteLaplaceMechanism laplace(double scale) {
        return DiscreteLaplaceMechanism.builder()
                .relation(NeighboringRelation.ADD_OR_REMOVE_ONE)
                .l1Sensitivity(1)
                .scale(scale)
                .build();
    }

    private static void assertPrivate(LongUnaryOperator mechanism, double epsilon, double privacyDelta) {
        PrivacyAssertions.assertPrivate(
                () -> cell(mechanism.applyAsLong(100)),
                () -> cell(mechanism.applyAsLong(101)),
                21,
                40_000,
                epsilon,
                privacyDelta,
                FALSE_ALARM);
    }

    private static int cell(long released) {
        return (int) Math.max(0, Math.min(20, released - 90));
    }

    @Test
    void laplaceNeighboursAreHardToTellApart() {
        DiscreteLaplaceMechanism enough = DiscreteLaplaceMechanism.builder()
                .relation(NeighboringRelation.ADD_OR_REMOVE_ONE)
                .l1Sensitivity(1)
                .epsilon(0.8)
                .build();
        DiscreteLaplaceMechanism tooLittle = laplace(0.8 / 0.8);

        assertPrivate(value -> enough.release(SOURCE, value), 0.8, 0);
        assertThatThrownBy(() -> assertPrivate(value -> tooLittle.release(SOURCE, value), 0.8, 0))
                .isExactlyInstanceOf(AssertionError.class);
    }

    /** Delta of the discrete Gaussian for a shift of 1, as a sum. */
    private static double privacyDelta(double sigma, double epsilon) {
        double sum = 0;
        double weight = 0;
        for (int n = -100; n <= 100; n++) {
            double here = Math.exp(-0.5 * n * n / (sigma * sigma));
            double there = Math.exp(-0.5 * (n - 1) * (n - 1) / (sigma * sigma));
            weight += here;
            sum += Math.max(0, here - Math.exp(epsilon) * there);
        }
        return sum / weight;
    }

    @Test
    void gaussianNeighboursAreHardToTellApart() {
        double privacyDelta = privacyDelta(2, 0.5);
        DiscreteGaussianMechanism enough = gaussian(2);
        assertPrivate(value -> enough.release(SOURCE, value), 0.5, privacyDelta);
        DiscreteGaussianMechanism tooLittle = gaussian(1.6);
        assertThatThrownBy(() -> assertPrivate(value -> tooLittle.release(SOURCE, value), 0.5, privacyDelta))
                .isExactlyInstanceOf(AssertionError.class);
    }

    @Test
    void neighboursReachTheSameNumbers() {
        // Each has a probability above 1e-4: a million samples miss one with one below e^-100.
        for (long value : new long[] {0, 1}) {
            long[] values = new long[1_000_000];
            Arrays.fill(values, value);
            for (long[] released :
                    new long[][] {gaussian(1).release(values), laplace(1).release(values)}) {
                TreeSet<Long> reached = new TreeSet<>();
                Arrays.stream(released).forEach(reached::add);
                assertThat(reached).contains(-3L, -2L, -1L, 0L, 1L, 2L, 3L);
            }
        }
    }

    @Test
    void vectorsGetIndependentNoise() {
        long[] values = new long[50_000];
        Arrays.fill(values, 7);
        double[] gaussians =
                Arrays.stream(gaussian(100).release(values)).asDoubleStream().toArray();
        StatisticalAssertions.assertNormalDeviation(gaussians, 7, 100, FALSE_ALARM);
        double[] products = new double[gaussians.length / 2];
        Arrays.setAll(products, i -> (gaussians[2 * i] - 7) * (gaussians[2 * i + 1] - 7));
        StatisticalAssertions.assertMean(products, 0, 100 * 100, FALSE_ALARM);
        double[] laplaces =
                Arrays.stream(laplace(100).release(values)).asDoubleStream().toArray();
        StatisticalAssertions.assertMean(laplaces, 7, 100 * Math.sqrt(2), FALSE_ALARM);
        assertThat(values).containsOnly(7);
    }

    @Test
    void eventsSayWhatIsSpent() {
        assertThat(gaussian(2.5).event()).isEqualTo(new PrivacyEvent.DiscreteGaussian(2.5, 1));
        assertThat(laplace(2.5).event()).isEqualTo(new PrivacyEvent.DiscreteLaplace(2.5, 1));
        DiscreteGaussianMechanism.Builder builder = DiscreteGaussianMechanism.builder()
                .relation(NeighboringRelation.REPLACE_ONE)
                .l2Sensitivity(3.7);
        assertThat(builder.sigma(10).build().event()).isEqualTo(new PrivacyEvent.DiscreteGaussian(10, 3));
        for (double target : new double[] {1e-6, 0.1, 1.0 / 3, 7}) {
            PrivacyEvent.ZeroConcentrated rho =
                    (PrivacyEvent.ZeroConcentrated) builder.rho(target).build().vectorEvent();
            assertThat(rho.rho()).isLessThanOrEqualTo(target).isGreaterThan(target * (1 - 1e-13));
            PrivacyEvent.PureLoss loss = (PrivacyEvent.PureLoss) DiscreteLaplaceMechanism.builder()
                    .relation(NeighboringRelation.REPLACE_ONE)
                    .l1Sensitivity(3)
                    .epsilon(target)
                    .build()
                    .vectorEvent();
            assertThat(loss.epsilon()).isLessThanOrEqualTo(target).isGreaterThan(target * (1 - 1e-13));
        }
        assertThat(gaussian(2)).hasToString("discrete-gaussian(relation=add-remove, l2Sensitivity=1.0, sigma=2.0)");
        assertThat(laplace(2)).hasToString("discrete-laplace(relation=add-remove, l1Sensitivity=1, scale=2.0)");
    }

    @Test
    void rejectsNumberBesideWhichNoiseDoesNotFit() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> gaussian(1).release(Long.MIN_VALUE))
                .withMessage("values must lie within +-2^62, that at 0 does not");
        assertThatIllegalArgumentException().isThrownBy(() -> laplace(1).release(new long[] {0, (1L << 62) + 1}));
        assertThatIllegalArgumentException().isThrownBy(() -> laplace(1).release(new long[0]));
        assertThat(laplace(1).release(1L << 62)).isBetween((1L << 62) - 100, (1L << 62) + 100);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void rejectsSettingThatIsNone(double value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DiscreteGaussianMechanism.builder().l2Sensitivity(value))
                .withMessageContaining("l2Sensitivity must be >= 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DiscreteGaussianMechanism.builder().sigma(value))
                .withMessage("sigma must be > 0 and finite, was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DiscreteGaussianMechanism.builder().rho(value))
                .withMessage("rho must be > 0 and finite, was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DiscreteLaplaceMechanism.builder().epsilon(value))
                .withMessage("epsilon must be > 0 and finite, was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DiscreteLaplaceMechanism.builder().scale(value))
                .withMessage("scale must be > 0 and finite, was " + value);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DiscreteLaplaceMechanism.builder().l1Sensitivity(0))
                .withMessageContaining("l1Sensitivity must be >= 1");
    }
}
