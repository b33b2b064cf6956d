package io.fedlearn.privacy.internal;

/** What the samplers should give, computed from the formulas. */
final class Distributions {
    private Distributions() {}

    /** {@code P(floor(Z) <= n)}. */
    static double roundedGaussian(double sigma, double n) {
        return NormalDistribution.cdf((n + 1) / sigma);
    }

    /** {@code P(floor(Z) <= n)}. */
    static double roundedLaplace(double scale, double n) {
        double t = (n + 1) / scale;
        return t < 0 ? 0.5 * Math.exp(t) : 1 - 0.5 * Math.exp(-t);
    }

    /** {@code P(n)}, by the sum over all that is not negligible. */
    static double discreteGaussian(double sigma, long n) {
        double sum = 0;
        for (long m = -1 - (long) (40 * sigma); m <= 1 + (long) (40 * sigma); m++) {
            sum += Math.exp(-0.5 * (m / sigma) * (m / sigma));
        }
        return Math.exp(-0.5 * (n / sigma) * (n / sigma)) / sum;
    }

    /** {@code P(n)}. */
    static double discreteLaplace(double scale, long n) {
        double ratio = Math.exp(-1 / scale);
        return (1 - ratio) / (1 + ratio) * Math.exp(-Math.abs(n) / scale);
    }
}
