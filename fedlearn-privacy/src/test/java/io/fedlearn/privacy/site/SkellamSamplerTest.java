package io.fedlearn.privacy.site;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.testkit.statistics.StatisticalAssertions;
import org.junit.jupiter.api.Test;

class SkellamSamplerTest {
    private static final double FALSE_ALARM = 1e-8;

    /** The probability of a difference of two Poisson variables of this mean. */
    private static double probability(int difference, double mean) {
        double sum = 0;
        double term = Math.exp(-2 * mean);
        for (int k = 1; k <= difference; k++) {
            term *= mean / k;
        }
        for (int k = 0; k < 200; k++) {
            sum += term;
            term *= mean * mean / ((k + 1.0) * (k + 1.0 + difference));
        }
        return sum;
    }

    private static int[] counts(long halfVariance, int trials) {
        SkellamSampler sampler = SkellamSampler.ofHalfVariance(halfVariance);
        NoiseSource source = NoiseSource.secure();
        int[] counts = new int[41];
        for (int t = 0; t < trials; t++) {
            long drawn = sampler.sample(source);
            if (Math.abs(drawn) <= 20) {
                counts[20 + (int) drawn]++;
            }
        }
        return counts;
    }

    @Test
    void drawsEachNumberAsOftenAsItShould() {
        int trials = 200_000;
        for (int mean : new int[] {1, 2, 5}) {
            int[] counts = counts(mean, trials);
            for (int difference = 0; difference <= 6; difference++) {
                double expected = probability(difference, mean);
                StatisticalAssertions.assertProbability(counts[20 + difference], trials, expected, FALSE_ALARM);
                StatisticalAssertions.assertProbability(counts[20 - difference], trials, expected, FALSE_ALARM);
            }
        }
    }

    @Test
    void noiseOfLessVarianceFailsTheSameCheck() {
        int trials = 200_000;
        int[] counts = counts(4, trials);
        assertThatThrownBy(() ->
                        StatisticalAssertions.assertProbability(counts[20], trials, probability(0, 5), FALSE_ALARM))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void hasTheVarianceOfBothHalves() {
        SkellamSampler sampler = SkellamSampler.ofHalfVariance(200);
        NoiseSource source = NoiseSource.secure();
        double[] samples = new double[5000];
        for (int i = 0; i < samples.length; i++) {
            samples[i] = sampler.sample(source);
        }
        StatisticalAssertions.assertNormalDeviation(samples, 0, 20, FALSE_ALARM);
    }

    @Test
    void refusesVariancesThatWouldTakeTooLong() {
        assertThatThrownBy(() -> SkellamSampler.ofHalfVariance(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> SkellamSampler.ofHalfVariance(SkellamSampler.MAX_HALF_VARIANCE + 1))
                .hasMessageContaining("lower the resolution");
        assertThat(SkellamSampler.ofHalfVariance(SkellamSampler.MAX_HALF_VARIANCE))
                .isNotNull();
    }
}
