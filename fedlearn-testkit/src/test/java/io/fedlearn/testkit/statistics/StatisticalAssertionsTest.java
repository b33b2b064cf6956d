package io.fedlearn.testkit.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.random.SeededRandom;
import java.util.Arrays;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class StatisticalAssertionsTest {
    private static final double FALSE_ALARM = 1e-9;
    private static final int SAMPLES = 20_000;

    private static double[] gaussians(long seed, double mean, double deviation) {
        SeededRandom random = SeededRandom.of(seed);
        double[] samples = new double[SAMPLES];
        Arrays.setAll(samples, i -> mean + deviation * random.nextGaussian());
        return samples;
    }

    private static double[] uniforms(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        double[] samples = new double[SAMPLES];
        Arrays.setAll(samples, i -> random.nextDouble());
        return samples;
    }

    private static void requireFailure(ThrowingCallable assertion) {
        assertThatThrownBy(assertion).isExactlyInstanceOf(AssertionError.class);
    }

    @Test
    void probabilityIsFoundRightOrWrong() {
        StatisticalAssertions.assertProbability(300, 1000, 0.3, FALSE_ALARM);
        StatisticalAssertions.assertProbability(350, 1000, 0.3, FALSE_ALARM);
        requireFailure(() -> StatisticalAssertions.assertProbability(450, 1000, 0.3, FALSE_ALARM));
        requireFailure(() -> StatisticalAssertions.assertProbability(150, 1000, 0.3, FALSE_ALARM));
    }

    @Test
    void impossibleAndCertainEventsAreExact() {
        StatisticalAssertions.assertProbability(0, 10, 0, FALSE_ALARM);
        StatisticalAssertions.assertProbability(10, 10, 1, FALSE_ALARM);
        requireFailure(() -> StatisticalAssertions.assertProbability(1, 10, 0, FALSE_ALARM));
        requireFailure(() -> StatisticalAssertions.assertProbability(9, 10, 1, FALSE_ALARM));
    }

    @Test
    void falseAlarmsAreNoMoreFrequentThanSaid() {
        SeededRandom random = SeededRandom.of(1);
        int alarms = 0;
        int runs = 5_000;
        for (int run = 0; run < runs; run++) {
            int successes = 0;
            for (int i = 0; i < 50; i++) {
                successes += random.nextDouble() < 0.2 ? 1 : 0;
            }
            try {
                StatisticalAssertions.assertProbability(successes, 50, 0.2, 0.1);
            } catch (AssertionError e) {
                alarms++;
            }
        }

        // At most a tenth, and some: the bound is not so wide that it never fails.
        assertThat(alarms).isPositive().isLessThan(runs / 10);
    }

    @Test
    void frequenciesAreFoundRightOrWrong() {
        long[] counts = new long[4];
        for (double uniform : uniforms(6)) {
            counts[(int) (4 * uniform)]++;
        }
        StatisticalAssertions.assertFrequencies(counts, new double[] {0.25, 0.25, 0.25, 0.25}, FALSE_ALARM);
        requireFailure(() ->
                StatisticalAssertions.assertFrequencies(counts, new double[] {0.25, 0.28, 0.25, 0.22}, FALSE_ALARM));
        requireFailure(
                () -> StatisticalAssertions.assertFrequencies(new long[] {1, 999}, new double[] {0, 1}, FALSE_ALARM));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StatisticalAssertions.assertFrequencies(counts, new double[] {1}, FALSE_ALARM));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StatisticalAssertions.assertFrequencies(
                        new long[] {1, 1}, new double[] {0.7, 0.7}, FALSE_ALARM));
    }

    @Test
    void meanIsFoundRightOrWrong() {
        StatisticalAssertions.assertMean(gaussians(1, 5, 2), 5, 2, FALSE_ALARM);
        requireFailure(() -> StatisticalAssertions.assertMean(gaussians(1, 5.2, 2), 5, 2, FALSE_ALARM));
        requireFailure(() -> StatisticalAssertions.assertMean(new double[] {Double.NaN}, 5, 2, FALSE_ALARM));
    }

    @Test
    void deviationIsFoundRightOrWrong() {
        StatisticalAssertions.assertNormalDeviation(gaussians(2, 5, 2), 5, 2, FALSE_ALARM);
        requireFailure(() -> StatisticalAssertions.assertNormalDeviation(gaussians(2, 5, 1.9), 5, 2, FALSE_ALARM));
        requireFailure(() -> StatisticalAssertions.assertNormalDeviation(gaussians(2, 5, 2.1), 5, 2, FALSE_ALARM));
    }

    @Test
    void distributionIsFoundRightOrWrong() {
        StatisticalAssertions.assertDistribution(uniforms(3), x -> x, FALSE_ALARM);
        requireFailure(() -> StatisticalAssertions.assertDistribution(uniforms(3), x -> x * x, FALSE_ALARM));
        requireFailure(() -> StatisticalAssertions.assertDistribution(uniforms(3), x -> Double.NaN, FALSE_ALARM));
    }

    @Test
    void samplesOfOneDistributionAreToldFromOthers() {
        StatisticalAssertions.assertSameDistribution(uniforms(4), uniforms(5), FALSE_ALARM);
        double[] rounded = Arrays.stream(uniforms(4)).map(x -> Math.rint(4 * x)).toArray();
        StatisticalAssertions.assertSameDistribution(
                rounded, Arrays.stream(uniforms(5)).map(x -> Math.rint(4 * x)).toArray(), FALSE_ALARM);
        requireFailure(
                () -> StatisticalAssertions.assertSameDistribution(uniforms(4), gaussians(5, 0.5, 0.28), FALSE_ALARM));
        requireFailure(() -> StatisticalAssertions.assertSameDistribution(rounded, uniforms(5), FALSE_ALARM));
    }

    @Test
    void nonsenseIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StatisticalAssertions.assertProbability(1, 0, 0.5, FALSE_ALARM));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StatisticalAssertions.assertProbability(1, 2, 1.5, FALSE_ALARM));
        assertThatIllegalArgumentException().isThrownBy(() -> StatisticalAssertions.assertProbability(1, 2, 0.5, 0));
        assertThatCode(() -> StatisticalAssertions.assertProbability(1, 2, 0.5, 0.5))
                .doesNotThrowAnyException();
    }
}
