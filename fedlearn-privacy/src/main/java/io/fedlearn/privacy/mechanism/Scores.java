package io.fedlearn.privacy.mechanism;

import io.fedlearn.privacy.internal.CoinSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.privacy.internal.Rational;
import java.math.BigInteger;

/** Scores on a grid, and coins that fall by how far one is below the best. Immutable. */
final class Scores {
    private static final int GRID_BITS = 28;

    private final long[] steps;
    private final long best;
    /** {@code epsilon / (2 sensitivity)}, with the sensitivity in steps. */
    private final Rational rate;

    private Scores(long[] steps, long best, Rational rate) {
        this.steps = steps;
        this.best = best;
        this.rate = rate;
    }

    static Scores of(double[] scores, double sensitivity, double epsilon) {
        if (scores.length < 1) {
            throw new IllegalArgumentException("there must be at least 1 score, were none");
        }
        Grid grid = Grid.within(sensitivity, GRID_BITS);
        long[] steps = new long[scores.length];
        long best = Long.MIN_VALUE;
        for (int i = 0; i < scores.length; i++) {
            steps[i] = grid.round(scores[i], i);
            best = Math.max(best, steps[i]);
        }
        // Rounding moves the difference of two scores by at most one step.
        Rational inSteps = Rational.of(Parameters.up(grid.steps(sensitivity) + 1));
        return new Scores(steps, best, Rational.of(epsilon / 2).divide(inSteps));
    }

    int count() {
        return steps.length;
    }

    /** True with probability {@code exp(rate (score - best))}. */
    boolean nextCoin(NoiseSource source, int index) {
        Rational below =
                new Rational(BigInteger.valueOf(best).subtract(BigInteger.valueOf(steps[index])), BigInteger.ONE);
        return CoinSampler.nextExpBernoulli(source, rate.multiply(below));
    }
}
