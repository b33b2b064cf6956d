package io.fedlearn.privacy.query;

import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.CoinSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.privacy.internal.Rational;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Chooses quantiles among the ends of equal steps of the declared range. An end {@code e} with {@code b} values below it and
 * {@code a} at or above it scores {@code u(e) = -|(1 - q) b - q a|}: 0 where a share {@code q} lies below. One person, with at most
 * {@code m} rows, moves a score by at most {@code D = m max(q, 1 - q)}.
 *
 * <p>The choice is by permute-and-flip: the ends in a random order, each taken with probability
 * {@code exp(-epsilon (u_max - u(e)) / (2 D))}, the first that is taken is the answer. It is epsilon-differentially private, and its
 * error is never larger than the exponential mechanism's. Scores are whole numbers, coins exact.
 *
 * <p><b>References.</b> Smith, "Privacy-preserving Statistical Estimation with Optimal Convergence Rates", STOC 2011, for the score.
 * McKenna and Sheldon, "Permute-and-Flip: A New Mechanism for Differentially Private Selection", NeurIPS 2020, for the choice.
 * <b>Differs</b> from Smith in that candidates are ends of steps rather than values of the data: a source need not tell values.
 */
final class QuantileChoice {
    /** Probabilities are rounded to this many parts, so that scores are whole numbers. */
    private static final long PARTS = 1 << 20;

    /** Epsilon is rounded down to so many bits behind the first. */
    private static final int EPSILON_BITS = 20;

    private static final double LEAST_EPSILON = 1e-100;

    private final double[] ends;
    private final long[] parts;
    private final int maxRowsPerPerson;
    private final double epsilon;

    private QuantileChoice(double[] ends, long[] parts, int maxRowsPerPerson, double epsilon) {
        this.ends = ends;
        this.parts = parts;
        this.maxRowsPerPerson = maxRowsPerPerson;
        this.epsilon = epsilon;
    }

    /**
     * The choice for a query.
     *
     * @param share of the query's epsilon that all quantiles of one group have together
     */
    static QuantileChoice of(Aggregate.Quantiles asked, PrivateQuery query, double share) {
        if (!(query.noise() instanceof Noise.Laplace pure)) {
            throw new IllegalArgumentException(
                    "noise for quantiles must be laplace: they are chosen with pure privacy, was " + query.noise());
        }
        double epsilon = pure.epsilon() * share / asked.probabilities().size() * (1 - 0x1p-48);
        if (!(epsilon >= LEAST_EPSILON)) {
            throw new IllegalArgumentException("epsilon must leave at least " + LEAST_EPSILON
                    + " for each quantile of a group, was " + pure.epsilon());
        }
        // Coins of short fractions are much faster.
        int exponent = Math.getExponent(epsilon) - EPSILON_BITS;
        epsilon = Math.scalb(Math.floor(Math.scalb(epsilon, -exponent)), exponent);
        double[] ends = edges(asked).stream().mapToDouble(Double::doubleValue).toArray();
        long[] parts = asked.probabilities().stream()
                .mapToLong(probability -> Math.max(1, Math.min(PARTS - 1, Math.round(probability * PARTS))))
                .toArray();
        return new QuantileChoice(ends, parts, query.maxRowsPerPerson(), epsilon);
    }

    /** The ends of the steps, from one bound to the other. */
    static List<Double> edges(Aggregate.Quantiles asked) {
        BoundedColumn column = asked.bounded();
        List<Double> edges = new ArrayList<>();
        for (int i = 0; i <= asked.resolution(); i++) {
            double share = (double) i / asked.resolution();
            double edge =
                    i == asked.resolution() ? column.upper() : column.lower() * (1 - share) + column.upper() * share;
            if (i > 0 && !(edge > edges.get(i - 1))) {
                throw new IllegalArgumentException("resolution for column '" + column.name()
                        + "' must leave steps between " + column.lower() + " and " + column.upper() + ", was "
                        + asked.resolution());
            }
            edges.add(edge);
        }
        return edges;
    }

    /** What the choices for one group cost, one after the other. */
    PrivacyEvent event() {
        PrivacyEvent one = new PrivacyEvent.PureLoss(epsilon);
        return parts.length == 1 ? one : new PrivacyEvent.Repeated(parts.length, one);
    }

    /** The quantiles of a group whose numbers are the counts of the steps. */
    List<Estimate> choose(BoundedSums sums, int group, NoiseSource source) {
        double[] chosen = new double[parts.length];
        for (int i = 0; i < parts.length; i++) {
            chosen[i] = ends[choose(scores(sums, group, parts[i]), sensitivity(parts[i]), source)];
        }
        // Quantiles ascend. To sort is to compute with what was released.
        Arrays.sort(chosen);
        List<Estimate> estimates = new ArrayList<>();
        for (int i = 0; i < parts.length; i++) {
            double rows = 2.0
                    * sensitivity(parts[i])
                    / PARTS
                    / epsilon
                    * StrictMath.log(ends.length / (NoiseLaw.MISS / parts.length));
            estimates.add(new Estimate(chosen[i], new Uncertainty.InRank(rows)));
        }
        return estimates;
    }

    /** By how much one person moves a score, in units of scores. */
    long sensitivity(long part) {
        return maxRowsPerPerson * Math.max(part, PARTS - part);
    }

    /** The score of each end, times {@link #PARTS}. */
    long[] scores(BoundedSums sums, int group, long part) {
        long all = 0;
        for (int step = 0; step + 1 < ends.length; step++) {
            all += sums.get(group, step);
        }
        long[] scores = new long[ends.length];
        long below = 0;
        for (int end = 0; end < ends.length; end++) {
            scores[end] = -Math.abs((PARTS - part) * below - part * (all - below));
            if (end + 1 < ends.length) {
                below += sums.get(group, end);
            }
        }
        return scores;
    }

    /** The parts of the probabilities, in their order. */
    long[] parts() {
        return parts.clone();
    }

    private int choose(long[] scores, long sensitivity, NoiseSource source) {
        long best = Long.MIN_VALUE;
        for (long score : scores) {
            best = Math.max(best, score);
        }
        int exponent = Math.getExponent(epsilon) - EPSILON_BITS;
        BigInteger numerator =
                BigInteger.valueOf((long) Math.scalb(epsilon, -exponent)).shiftLeft(Math.max(0, exponent));
        BigInteger denominator = BigInteger.valueOf(sensitivity).shiftLeft(1 + Math.max(0, -exponent));
        int[] order = new int[scores.length];
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        for (int left = order.length; ; left--) {
            int drawn = source.nextInt(left);
            int end = order[drawn];
            BigInteger gap = BigInteger.valueOf(best - scores[end]);
            if (CoinSampler.nextExpBernoulli(source, new Rational(gap.multiply(numerator), denominator))) {
                return end;
            }
            order[drawn] = order[left - 1];
        }
    }
}
