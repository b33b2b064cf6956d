package io.fedlearn.privacy.accounting;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/**
 * Renyi divergences of a mechanism over a sample of fixed size drawn without replacement, one unit replaced (Wang, Balle,
 * Kasiviswanathan 2019): Theorem 9 for any mechanism, Theorem 27 for the Gaussian one. For whole orders; between them
 * {@code (alpha - 1) D} is convex (Corollary 10), so that a chord lies above it.
 */
final class WithoutReplacement {
    private static final double MARGIN = 1e-11;

    /** The rule's error is at most {@code e^-150} of its bound, and less where the moments are small themselves. */
    private static final double ACCURACY = 150;

    /** Beyond this order the moments are not taken: Theorem 9's term, twice the power of the loss, serves. */
    private static final int LARGEST_MOMENT = 256;

    /** A term that weighs less than {@code e^-34} of the second need not be small. */
    private static final double NEGLIGIBLE = 34;

    private static final double LOG_2 = StrictMath.log(2);
    private static final double LOG_ROOT_TWO_PI = 0.5 * StrictMath.log(2 * Math.PI);

    private final double logRate;
    private final int largest;
    private final LogBinomials binomials;
    private final double[] logTerm;

    private WithoutReplacement(double rate, int largest, IntToDoubleFunction logTerm) {
        this.logRate = StrictMath.log(rate);
        this.largest = largest;
        this.binomials = LogBinomials.upTo(largest);
        this.logTerm = new double[largest + 1];
        for (int j = 2; j <= largest; j++) {
            this.logTerm[j] = logTerm.applyAsDouble(j);
        }
    }

    /** Of the Gaussian mechanism. */
    static double[] gaussian(double rate, double noiseMultiplier, double[] orders) {
        int largest = largest(orders);
        double[] logMoments = new double[2 + largest];
        Arrays.fill(logMoments, Double.NaN);
        int most = Math.min(largest, LARGEST_MOMENT);
        LogBinomials binomials = LogBinomials.upTo(most);
        double logRate = StrictMath.log(rate);
        double leading = Math.min(power(2, noiseMultiplier), moment(2, noiseMultiplier, logMoments));
        double negligible = binomials.of(most, 2) + 2 * logRate + leading - NEGLIGIBLE;
        return new WithoutReplacement(rate, largest, j -> {
                    double power = power(j, noiseMultiplier);
                    // Over the second, a term weighs most in the largest order.
                    return j <= most && binomials.of(most, j) + j * logRate + power < negligible
                            ? power
                            : Math.min(power, moment(j, noiseMultiplier, logMoments));
                })
                .curve(orders);
    }

    /** {@code log(2 e^((j - 1) D_j))}. */
    private static double power(int j, double noiseMultiplier) {
        return LOG_2 + j * (j - 1.0) / 2 / noiseMultiplier / noiseMultiplier;
    }

    /** {@code log(4 sqrt(B(2 floor(j / 2)) B(2 ceil(j / 2))))} for the moments {@code B(l) = E[(P / Q - 1)^l]}. */
    private static double moment(int j, double noiseMultiplier, double[] logMoments) {
        double inverseVariance = 1 / noiseMultiplier / noiseMultiplier;
        if (j > LARGEST_MOMENT
                || (j - 1) * inverseVariance > 1 && StrictMath.log(j) - (j - 1) * inverseVariance < -LOG_2) {
            return Double.POSITIVE_INFINITY;
        }
        return 2 * LOG_2
                + 0.5
                        * (logMoment(j / 2 * 2, noiseMultiplier, logMoments)
                                + logMoment((j + 1) / 2 * 2, noiseMultiplier, logMoments));
    }

    /**
     * By the trapezoidal rule, as in {@link PoissonGaussian}: the function has no pole, the strip is as wide as the error is least, and
     * {@code |e^L - 1|^l <= 2^(l - 1) (e^(l L) + 1)} in it.
     */
    private static double logMoment(int l, double noiseMultiplier, double[] logMoments) {
        if (!Double.isNaN(logMoments[l])) {
            return logMoments[l];
        }
        double shift = 0.5 / noiseMultiplier / noiseMultiplier;
        double accuracy = ACCURACY + l * Math.max(0, StrictMath.log(2 * noiseMultiplier));
        double step = Math.PI * Math.sqrt(2 / accuracy);
        double peak = l / noiseMultiplier;
        double left = -14 - Math.sqrt(l);
        LogSum sum = new LogSum();
        double beyond = Double.NEGATIVE_INFINITY;
        for (int k = 0; ; k++) {
            double t = left + k * step;
            double loss = t / noiseMultiplier - shift;
            double size = loss > 40 ? loss : StrictMath.log(Math.abs(StrictMath.expm1(loss)));
            double exponent = -t * t / 2 - LOG_ROOT_TWO_PI + l * size;
            sum.add(exponent);
            // The logarithm of e^L - 1 rises by at most e^L / (e^L - 1) / sigma: at most l / t more than l / sigma.
            if (t > peak + Math.sqrt(l) + 2 && loss > 0) {
                beyond = exponent;
                if (beyond < sum.value() - 46) {
                    break;
                }
            }
        }
        LogSum all = new LogSum();
        all.add(sum.value() + StrictMath.log(step));
        all.add(beyond);
        // Left of the range |e^L - 1| is less than |L|, and than 1.
        all.add(-left * left / 2 + l * Math.min(0, StrictMath.log(-left / noiseMultiplier + shift)));
        all.add(-accuracy + 2 + (l - 1) * LOG_2 + LogSum.log1pExp(l * (l - 1.0) * shift));
        logMoments[l] = all.value();
        return logMoments[l];
    }

    /**
     * Of a mechanism of which only its divergences are known.
     *
     * @param divergence of whole order
     * @param pure its pure epsilon, or infinity
     */
    static double[] general(double rate, IntToDoubleFunction divergence, double pure, double[] orders) {
        double logPure = LogSum.logExpm1(pure);
        return new WithoutReplacement(rate, largest(orders), j -> {
                    double whole = divergence.applyAsDouble(j);
                    double term = (j - 1) * whole + Math.min(LOG_2, j * logPure);
                    return j > 2 ? term : Math.min(2 * LOG_2 + LogSum.logExpm1(whole), term);
                })
                .curve(orders);
    }

    private static int largest(double[] orders) {
        return (int) Math.ceil(Arrays.stream(orders).max().orElse(2));
    }

    private double[] curve(double[] orders) {
        double[] whole = new double[largest + 1];
        Arrays.fill(whole, Double.NaN);
        double[] result = new double[orders.length];
        for (int i = 0; i < orders.length; i++) {
            int below = (int) Math.floor(orders[i]);
            double share = orders[i] - below;
            double logA =
                    share == 0 ? log(below, whole) : (1 - share) * log(below, whole) + share * log(below + 1, whole);
            result[i] = Upward.raise(logA / (orders[i] - 1), MARGIN);
        }
        return result;
    }

    private double log(int order, double[] known) {
        if (order == 1) {
            return 0;
        }
        if (Double.isNaN(known[order])) {
            LogSum excess = new LogSum();
            for (int j = 2; j <= order; j++) {
                excess.add(binomials.of(order, j) + j * logRate + logTerm[j]);
            }
            known[order] = LogSum.log1pExp(excess.value());
        }
        return known[order];
    }
}
