package io.fedlearn.testkit.statistics;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/**
 * Assertions about samples of a distribution, each with the probability of a false alarm: how often it may fail although the
 * samples are as claimed. Every bound but that of {@link #assertMean} holds for any number of samples, not only in the limit;
 * they are a little wider than exact ones, and closed formulas. Stateless.
 *
 * <p>With {@code n} samples and a false alarm {@code alpha}:
 *
 * <table>
 * <caption>What fails</caption>
 * <tr><th>claim</th><th>fails if</th><th>bound</th></tr>
 * <tr><td>probability {@code p}</td><td>{@code n KL(k/n, p) > ln(2/alpha)}</td><td>Chernoff</td></tr>
 * <tr><td>mean {@code m}</td><td>{@code |mean - m| > s sqrt(2 ln(2/alpha) / n)}</td><td>normal tail</td></tr>
 * <tr><td>variance {@code s^2}</td><td>{@code n v/s^2 - n} outside {@code (-2 sqrt(n x), 2 sqrt(n x) + 2x)},
 *     {@code x = ln(2/alpha)}</td><td>Laurent and Massart 2000</td></tr>
 * <tr><td>distribution {@code F}</td><td>{@code sup |F_n - F| > sqrt(ln(2/alpha) / 2n)}</td>
 *     <td>Dvoretzky, Kiefer, Wolfowitz, Massart 1990</td></tr>
 * </table>
 */
public final class StatisticalAssertions {
    private StatisticalAssertions() {}

    private static double log(double falseAlarm, double events) {
        if (!(falseAlarm > 0 && falseAlarm < 1)) {
            throw new IllegalArgumentException("falseAlarm must be in (0, 1), was " + falseAlarm);
        }
        return Math.log(events / falseAlarm);
    }

    private static void requireSamples(long count) {
        if (count < 1) {
            throw new IllegalArgumentException("there must be at least 1 sample, were " + count);
        }
    }

    /**
     * Asserts that independent trials succeed with this probability. {@code KL} is the Kullback-Leibler divergence of the two
     * coin tosses.
     *
     * @throws AssertionError if so many successes are too improbable
     */
    public static void assertProbability(long successes, long trials, double probability, double falseAlarm) {
        requireSamples(trials);
        if (successes < 0 || successes > trials) {
            throw new IllegalArgumentException("successes must be in [0, " + trials + "], were " + successes);
        }
        if (!(probability >= 0 && probability <= 1)) {
            throw new IllegalArgumentException("probability must be in [0, 1], was " + probability);
        }
        double share = (double) successes / trials;
        double divergence = term(share, probability) + term(1 - share, 1 - probability);
        if (trials * divergence > log(falseAlarm, 2)) {
            throw new AssertionError(successes + " of " + trials + " should come of the probability " + probability
                    + ": so many or more extreme ones are less probable than " + falseAlarm);
        }
    }

    private static double term(double share, double probability) {
        return share == 0 ? 0 : share * Math.log(share / probability);
    }

    /**
     * Asserts that independent trials fall into cells with these probabilities: {@link #assertProbability} of each cell, with an equal
     * part of the false alarm. Tails belong into cells of their own, where their probability counts and not how many they are.
     *
     * @param probabilities of the cells, of a sum of at most 1 (within round-off)
     * @throws AssertionError if a cell has too many or too few
     */
    public static void assertFrequencies(long[] counts, double[] probabilities, double falseAlarm) {
        if (counts.length != probabilities.length) {
            throw new IllegalArgumentException("there must be as many counts as probabilities, were " + counts.length
                    + " and " + probabilities.length);
        }
        if (!(Arrays.stream(probabilities).sum() <= 1 + 1e-9)) {
            throw new IllegalArgumentException("probabilities must sum to at most 1");
        }
        long trials = Arrays.stream(counts).sum();
        for (int i = 0; i < counts.length; i++) {
            try {
                assertProbability(counts[i], trials, Math.min(1, probabilities[i]), falseAlarm / counts.length);
            } catch (AssertionError e) {
                throw new AssertionError("cell " + i + ": " + e.getMessage(), e);
            }
        }
    }

    /**
     * Asserts that samples have this mean, given the standard deviation of their distribution. The bound is that of normal
     * samples; for others it holds as far as the mean of {@code n} of them is nearly normal.
     *
     * @throws AssertionError if the mean of the samples is too far off
     */
    public static void assertMean(double[] samples, double mean, double standardDeviation, double falseAlarm) {
        requireSamples(samples.length);
        double actual = Arrays.stream(samples).sum() / samples.length;
        double tolerance = standardDeviation * Math.sqrt(2 * log(falseAlarm, 2) / samples.length);
        // Written so that NaN fails.
        if (!(Math.abs(actual - mean) <= tolerance)) {
            throw new AssertionError("the mean of " + samples.length + " samples should be " + mean + " +- " + tolerance
                    + ", was " + actual);
        }
    }

    /**
     * Asserts that samples of a normal distribution of this mean have this standard deviation.
     *
     * @throws AssertionError if they spread too much or too little
     */
    public static void assertNormalDeviation(
            double[] samples, double mean, double standardDeviation, double falseAlarm) {
        requireSamples(samples.length);
        int n = samples.length;
        double sum = 0;
        for (double sample : samples) {
            double deviation = (sample - mean) / standardDeviation;
            sum += deviation * deviation;
        }
        double x = log(falseAlarm, 2);
        if (!(sum <= n + 2 * Math.sqrt(n * x) + 2 * x && sum >= n - 2 * Math.sqrt(n * x))) {
            throw new AssertionError("the standard deviation of " + n + " samples should be about " + standardDeviation
                    + ", was " + standardDeviation * Math.sqrt(sum / n));
        }
    }

    /**
     * Asserts that samples come from this distribution (one-sample Kolmogorov-Smirnov).
     *
     * @param distribution the cumulative distribution function, which must be continuous
     * @throws AssertionError if the samples' distribution is too far from it somewhere
     */
    public static void assertDistribution(double[] samples, DoubleUnaryOperator distribution, double falseAlarm) {
        requireSamples(samples.length);
        double[] sorted = samples.clone();
        Arrays.sort(sorted);
        int n = sorted.length;
        double tolerance = Math.sqrt(log(falseAlarm, 2) / (2.0 * n));
        for (int i = 0; i < n; i++) {
            double expected = distribution.applyAsDouble(sorted[i]);
            double distance = Math.max((i + 1.0) / n - expected, expected - (double) i / n);
            if (!(distance <= tolerance)) {
                throw new AssertionError("the samples' distribution should be within " + tolerance
                        + " of the claimed one, was " + distance + " away");
            }
        }
    }

    /**
     * Asserts that two sets of samples come from one distribution, whatever it is (two-sample Kolmogorov-Smirnov): fails if the
     * two differ by more than {@code sqrt(ln(4/alpha) / 2) (1/sqrt(n) + 1/sqrt(m))} somewhere.
     *
     * @throws AssertionError if they differ too much
     */
    public static void assertSameDistribution(double[] first, double[] second, double falseAlarm) {
        requireSamples(first.length);
        requireSamples(second.length);
        double[] a = first.clone();
        double[] b = second.clone();
        Arrays.sort(a);
        Arrays.sort(b);
        double tolerance = Math.sqrt(log(falseAlarm, 4) / 2) * (1 / Math.sqrt(a.length) + 1 / Math.sqrt(b.length));
        int i = 0;
        int j = 0;
        double distance = 0;
        while (i < a.length && j < b.length) {
            double value = Math.min(a[i], b[j]);
            while (i < a.length && a[i] == value) {
                i++;
            }
            while (j < b.length && b[j] == value) {
                j++;
            }
            if (Double.isNaN(value)) {
                throw new AssertionError("a sample is NaN");
            }
            distance = Math.max(distance, Math.abs((double) i / a.length - (double) j / b.length));
        }
        if (distance > tolerance) {
            throw new AssertionError(
                    "the two distributions should be within " + tolerance + ", were " + distance + " apart");
        }
    }
}
