package io.fedlearn.privacy.accounting;

/**
 * Renyi divergences of order {@code alpha > 1} between a mechanism's outputs on neighbouring inputs, in closed form. Each is written
 * as {@code log1p} of a sum of positive terms, so that nothing cancels where the loss is small, and is raised by more than its
 * rounding errors.
 */
final class Renyi {
    /** Above what a few dozen operations, each wrong by a unit in the last place, add up to. */
    private static final double MARGIN = 1e-13;

    private static final double LARGE = 300;
    private static final int SHORT = 256;

    private Renyi() {}

    /** Two normal distributions: {@code alpha / (2 z^2)} (Mironov 2017, Proposition 7). */
    static double gaussian(double alpha, double noiseMultiplier) {
        return Upward.multiply(alpha, Upward.halfSquaredRatio(1, noiseMultiplier));
    }

    /** Two Laplace distributions (Mironov 2017, Proposition 6). */
    static double laplace(double alpha, double noiseMultiplier) {
        double epsilon = 1 / noiseMultiplier;
        double divergence;
        if (alpha * epsilon > 30) {
            double less = (alpha - 1) * StrictMath.expm1((1 - 2 * alpha) * epsilon) / (2 * alpha - 1);
            divergence = epsilon + StrictMath.log1p(less) / (alpha - 1);
        } else {
            double excess = (alpha * remainder((alpha - 1) * epsilon) + (alpha - 1) * remainder(-alpha * epsilon))
                    / (2 * alpha - 1);
            divergence = StrictMath.log1p(excess) / (alpha - 1);
        }
        return Upward.raise(divergence, MARGIN);
    }

    /**
     * The largest that pure epsilon-differential privacy allows: that of randomised response on one bit, of which every such
     * mechanism is a post-processing (Kairouz, Oh, Viswanath 2015).
     */
    static double pure(double alpha, double epsilon) {
        if (Double.isInfinite(epsilon)) {
            return epsilon;
        }
        double divergence;
        if (alpha * epsilon > LARGE) {
            double inner = (alpha - 0.5) * epsilon;
            divergence = (inner + StrictMath.log1p(StrictMath.exp(-2 * inner)) - logTwoCosh(epsilon / 2)) / (alpha - 1);
        } else {
            divergence = StrictMath.log1p(2
                            * StrictMath.sinh(alpha * epsilon / 2)
                            * StrictMath.sinh((alpha - 1) * epsilon / 2)
                            / StrictMath.cosh(epsilon / 2))
                    / (alpha - 1);
        }
        return Math.min(epsilon, Upward.raise(divergence, MARGIN));
    }

    /** Randomised response, one category for another. */
    static double randomizedResponse(double alpha, double randomProbability, int categories) {
        double other = randomProbability / categories;
        double epsilon = StrictMath.log1p((1 - randomProbability) / other);
        double power = (alpha - 1) * epsilon;
        double divergence;
        if (power > LARGE) {
            divergence = epsilon
                    + StrictMath.log(1 - randomProbability + other + StrictMath.exp(-power)) / (alpha - 1)
                    + MARGIN;
        } else {
            double sinh = StrictMath.sinh(power / 2);
            divergence = StrictMath.log1p((1 - randomProbability) * StrictMath.expm1(power) + 4 * other * sinh * sinh)
                    / (alpha - 1);
        }
        return Upward.raise(divergence, MARGIN);
    }

    /** Two discrete Laplace distributions that lie {@code sensitivity} apart. */
    static double discreteLaplace(double alpha, double scale, long sensitivity) {
        double epsilon = sensitivity / scale;
        double divergence = alpha * epsilon < 1 && sensitivity <= SHORT
                ? sumOfDiscreteLaplace(alpha, scale, (int) sensitivity)
                : closedDiscreteLaplace(alpha, scale, sensitivity);
        return Math.min(pure(alpha, Upward.divide(Upward.of(sensitivity), scale)), Upward.raise(divergence, MARGIN));
    }

    /** {@code 1 + sum Q (e^(alpha L) - 1 - alpha (e^L - 1))}, every term of which is positive. */
    private static double sumOfDiscreteLaplace(double alpha, double scale, int sensitivity) {
        double ratio = StrictMath.exp(-1 / scale);
        double top = StrictMath.tanh(0.5 / scale);
        double excess = bregman(alpha, -sensitivity / scale) / (1 + ratio)
                + StrictMath.exp(-sensitivity / scale) * bregman(alpha, sensitivity / scale) / (1 + ratio);
        for (int x = 1; x < sensitivity; x++) {
            excess += top * StrictMath.exp((x - sensitivity) / scale) * bregman(alpha, (sensitivity - 2.0 * x) / scale);
        }
        return StrictMath.log1p(excess) / (alpha - 1);
    }

    private static double closedDiscreteLaplace(double alpha, double scale, long sensitivity) {
        double epsilon = sensitivity / scale;
        double step = (2 * alpha - 1) / scale;
        double between = StrictMath.tanh(0.5 / scale)
                * StrictMath.exp(-step)
                * StrictMath.expm1(-step * (sensitivity - 1))
                / StrictMath.expm1(-step);
        double ends = (1 + StrictMath.exp((1 - 2 * alpha) * epsilon)) / (1 + StrictMath.exp(-1 / scale));
        double logarithm = (alpha - 1) * epsilon + StrictMath.log(ends + between);
        // The two may nearly cancel: here the error is absolute.
        return (Math.max(0, logarithm) + MARGIN * (1 + alpha * epsilon)) / (alpha - 1);
    }

    /** {@code e^(alpha x) - 1 - alpha (e^x - 1)}. */
    private static double bregman(double alpha, double x) {
        return remainder(alpha * x) - alpha * remainder(x);
    }

    /** {@code e^x - 1 - x}. */
    static double remainder(double x) {
        if (Math.abs(x) > 0.5) {
            return StrictMath.expm1(x) - x;
        }
        double sum = 0;
        for (int k = 18; k >= 2; k--) {
            sum = (1 + sum) * x / k;
        }
        return sum * x;
    }

    private static double logTwoCosh(double x) {
        return x + StrictMath.log1p(StrictMath.exp(-2 * x));
    }
}
