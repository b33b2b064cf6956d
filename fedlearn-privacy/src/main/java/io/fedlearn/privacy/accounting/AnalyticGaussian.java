package io.fedlearn.privacy.accounting;

import io.fedlearn.privacy.internal.NormalDistribution;
import java.util.function.DoublePredicate;

/**
 * The exact trade-off of one Gaussian mechanism between noise multiplier {@code z} (standard deviation over L2 sensitivity),
 * epsilon and delta:
 * <pre>
 *   delta = Phi(1/(2z) - epsilon z) - exp(epsilon) Phi(-1/(2z) - epsilon z)
 * </pre>
 * Each answer lies on the safe side of the truth, by less than 1e-10 of it where {@code z} is at least 1e-3 (and by no more than
 * they need below, until at 5e-9 nothing is claimed): deltas, epsilons and noise
 * multipliers are never too small. The same bits on every JVM. Stateless.
 *
 * <p><b>Reference.</b> Balle and Wang, "Improving the Gaussian Mechanism for Differential Privacy: Analytical Calibration and
 * Optimal Denoising", ICML 2018, arXiv:1805.06530, Theorem 8. <b>Differs</b> in form alone: with Mills' ratio {@code M} the
 * difference is {@code phi(a) (M(-a) - M(b))}, which neither overflows nor, integrated where the two are close, cancels.
 */
public final class AnalyticGaussian {
    /** Below this {@code 1/(2z)} the difference of two ratios is integrated instead. */
    private static final double CLOSE = 0.25;

    /** Above this {@code 1/(2z)}, nothing is claimed: too few digits of the difference to {@code epsilon z} are left. */
    private static final double LARGEST_HALF = 1e8;

    /** Positive nodes and their weights of the Gauss-Legendre rule of 8 points. Its error is below 1e-19 here. */
    private static final double[] NODES = {
        0.18343464249564980494, 0.52553240991632898582, 0.79666647741362673959, 0.96028985649753623168
    };

    private static final double[] WEIGHTS = {
        0.36268378337836198297, 0.31370664587788728734, 0.22238103445337447054, 0.10122853629037625915
    };

    /** Bisections of an interval of doubles: more than there are bits between its ends. */
    private static final int BISECTIONS = 200;

    private AnalyticGaussian() {}

    /**
     * The least delta at this epsilon.
     *
     * @param noiseMultiplier {@code > 0} and finite
     * @param epsilon {@code >= 0} and finite
     */
    public static double privacyDelta(double noiseMultiplier, double epsilon) {
        requireNoiseMultiplier(noiseMultiplier);
        requireEpsilon(epsilon);
        double half = 0.5 / noiseMultiplier;
        double centre = epsilon * noiseMultiplier;
        double low = centre - half;
        double high = centre + half;
        double unit = NormalDistribution.RELATIVE_ERROR;
        double value;
        // Of the value. Whatever is taken from low carries the rounding error of centre and half.
        double relativeError;
        double density = NormalDistribution.density(low);
        if (half > LARGEST_HALF) {
            return 1;
        } else if (half < CLOSE) {
            value = density * integral(centre, half);
            relativeError = unit * (4 + (1 + Math.abs(low)) * high + 2 * (1 + high * high));
        } else if (low < 0) {
            value = NormalDistribution.cdf(-low) - density * NormalDistribution.millsRatio(high);
            relativeError = unit * (4 + high) / value;
        } else {
            double ratio = NormalDistribution.millsRatio(low);
            double difference = ratio - NormalDistribution.millsRatio(high);
            value = density * difference;
            relativeError = unit * (4 + low * high + (ratio + high / (1 + low * low)) / difference);
        }
        if (!(value > Double.MIN_NORMAL)) {
            // Underflow, where no relative error holds.
            return low > 30 ? 2 * Double.MIN_NORMAL : 1;
        }
        return Math.min(1, Math.nextUp(value * (1 + relativeError)));
    }

    /** {@code M(centre - half) - M(centre + half)}: of {@code -M'(x) = 1 - x M(x)}, which is positive, over the interval. */
    private static double integral(double centre, double half) {
        double sum = 0;
        for (int i = 0; i < NODES.length; i++) {
            sum += WEIGHTS[i] * (slope(centre - half * NODES[i]) + slope(centre + half * NODES[i]));
        }
        return half * sum;
    }

    private static double slope(double x) {
        return 1 - x * NormalDistribution.millsRatio(x);
    }

    /**
     * The least epsilon at this delta; 0 if the mechanism has no more than that delta at epsilon 0, and infinite if delta is 0.
     *
     * @param noiseMultiplier {@code > 0} and finite
     * @param privacyDelta in [0, 1)
     */
    public static double epsilon(double noiseMultiplier, double privacyDelta) {
        requireNoiseMultiplier(noiseMultiplier);
        if (!(privacyDelta >= 0 && privacyDelta < 1)) {
            throw new IllegalArgumentException("privacyDelta must be in [0, 1), was " + privacyDelta);
        }
        if (privacyDelta < 2 * Double.MIN_NORMAL) {
            return Double.POSITIVE_INFINITY;
        }
        return least(0, epsilon -> privacyDelta(noiseMultiplier, epsilon) <= privacyDelta);
    }

    /**
     * The least noise multiplier for this epsilon and delta.
     *
     * @param epsilon {@code >= 0} and finite
     * @param privacyDelta in (0, 1), and at least 1e-300
     */
    public static double noiseMultiplier(double epsilon, double privacyDelta) {
        requireEpsilon(epsilon);
        if (!(privacyDelta >= 1e-300 && privacyDelta < 1)) {
            throw new IllegalArgumentException("privacyDelta must be in (0, 1) and >= 1e-300, was " + privacyDelta);
        }
        return least(
                Double.MIN_NORMAL,
                z -> privacyDelta(z, epsilon) <= privacyDelta && epsilon(z, privacyDelta) <= epsilon);
    }

    /** A value that suits while the double below it does not, or {@code from}; infinite if none was found. */
    private static double least(double from, DoublePredicate suits) {
        if (suits.test(from)) {
            return from;
        }
        double below = from;
        double least = 1;
        while (!suits.test(least)) {
            below = least;
            least *= 2;
            if (least == Double.POSITIVE_INFINITY) {
                return least;
            }
        }
        for (int i = 0; i < BISECTIONS; i++) {
            double middle = below + (least - below) / 2;
            if (middle <= below || middle >= least) {
                break;
            }
            if (suits.test(middle)) {
                least = middle;
            } else {
                below = middle;
            }
        }
        return least;
    }

    private static void requireNoiseMultiplier(double noiseMultiplier) {
        if (!(noiseMultiplier > 0) || Double.isInfinite(noiseMultiplier)) {
            throw new IllegalArgumentException("noiseMultiplier must be > 0 and finite, was " + noiseMultiplier);
        }
    }

    private static void requireEpsilon(double epsilon) {
        if (!(epsilon >= 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be >= 0 and finite, was " + epsilon);
        }
    }
}
