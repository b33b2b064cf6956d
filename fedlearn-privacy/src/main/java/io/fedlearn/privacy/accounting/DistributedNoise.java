package io.fedlearn.privacy.accounting;

/**
 * What clients that each add a share of the noise, and the accountant of their sum, must compute alike. All norms are in units of the
 * grid: a vector is scaled, clipped, rounded to whole numbers at random, and gets whole noise.
 *
 * <p><b>Reference.</b> Kairouz, Liu, Steinke, "The Distributed Discrete Gaussian Mechanism for Federated Learning with Secure
 * Aggregation", ICML 2021, arXiv:2102.06387; for Skellam noise Agarwal, Kairouz, Liu, NeurIPS 2021, arXiv:2110.04995.
 */
public final class DistributedNoise {
    /** The least standard deviation of a client's discrete Gaussian share for which the sum is known to be close to one. */
    public static final double MIN_SHARE_SIGMA = 0.5;

    private static final double MARGIN = 1e-14;

    private DistributedNoise() {}

    /**
     * The norm that a vector may have after each entry was rounded up or down at random, without bias (Theorem 1 there). A client
     * draws the rounding again until the norm is no more than this, which happens with probability {@code 1 - beta} at least in each
     * attempt; the guarantee does not depend on {@code beta}, the bias of the rounding does.
     *
     * @param l2Norm bound of the vector before rounding, {@code > 0}
     * @param beta in [0, 1); 0 for the bound that always holds
     * @param dimension of the vector, at least 1
     */
    public static double roundedL2Norm(double l2Norm, double beta, long dimension) {
        requirePositive("l2Norm", l2Norm);
        if (!(beta >= 0 && beta < 1)) {
            throw new IllegalArgumentException("beta must be in [0, 1), was " + beta);
        }
        requireDimension(dimension);
        double root = Math.sqrt((double) dimension);
        double always = l2Norm + root;
        if (beta == 0) {
            return Upward.raise(always, MARGIN);
        }
        double likely = Math.sqrt(
                l2Norm * l2Norm + 0.25 * dimension + Math.sqrt(2 * StrictMath.log(1 / beta)) * (l2Norm + 0.5 * root));
        return Upward.raise(Math.min(always, likely), MARGIN);
    }

    /**
     * The L1 norm of a vector of whole numbers with this L2 norm at most: no more than {@code sqrt(dimension)} times it, and no more
     * than its square.
     *
     * @param l2Norm {@code > 0}
     * @param dimension at least 1
     */
    public static double wholeL1Norm(double l2Norm, long dimension) {
        requirePositive("l2Norm", l2Norm);
        requireDimension(dimension);
        return Upward.raise(l2Norm * Math.min(Math.sqrt((double) dimension), l2Norm), MARGIN);
    }

    /**
     * How far the sum of discrete Gaussians is from a discrete Gaussian: {@code tau} of Theorem 1 there.
     *
     * @param sigma of one share, at least {@value #MIN_SHARE_SIGMA}
     * @param clients how many shares, at least 1
     */
    public static double tau(double sigma, long clients) {
        if (!(sigma >= MIN_SHARE_SIGMA) || Double.isInfinite(sigma)) {
            throw new IllegalArgumentException("sigma must be >= " + MIN_SHARE_SIGMA + " and finite, was " + sigma);
        }
        if (clients < 1) {
            throw new IllegalArgumentException("clients must be >= 1, were " + clients);
        }
        double exponent = -2 * Math.PI * Math.PI * sigma * sigma;
        double sum = 0;
        long terms = Math.min(clients - 1, 10_000);
        for (long k = 1; k <= terms; k++) {
            sum += StrictMath.exp(exponent * k / (k + 1));
        }
        // The terms fall: the rest are at most as large as the last.
        sum += (clients - 1 - terms) * StrictMath.exp(exponent * terms / (terms + 1));
        return Upward.raise(10 * sum, 1e-10);
    }

    /**
     * Half the squared ratio of sensitivity and noise, and what the sum's distance from a discrete Gaussian adds (Proposition 14
     * there): the {@code rho} of concentrated differential privacy.
     */
    static double rho(PrivacyEvent.DistributedDiscreteGaussian event) {
        double tau = event.clients() == 1 ? 0 : tau(event.sigma(), event.clients());
        double sigma = event.sigma() * Math.sqrt((double) event.clients());
        double l2 = event.l2Sensitivity() / sigma;
        double l1 = event.l1Sensitivity() / sigma;
        double dimension = event.dimension();
        double both = l2 + Math.sqrt(dimension) * tau;
        double least = Math.min(
                l2 * l2 / 2 + tau * dimension,
                Math.min(l2 * l2 / 2 + l1 * tau + tau * tau * dimension / 2, both * both / 2));
        return Upward.raise(least, MARGIN);
    }

    /** The divergence of whole order of Skellam noise (Agarwal, Kairouz, Liu 2021). */
    static double skellam(PrivacyEvent.DistributedSkellam event, int order) {
        double variance = event.variance() * event.clients();
        double l2 = event.l2Sensitivity();
        double l1 = event.l1Sensitivity();
        double second = Math.min(
                ((2.0 * order - 1) * l2 / variance * l2 / variance + 6 * l1 / variance / variance) / 4,
                1.5 * l1 / variance);
        return Upward.raise(order * l2 / variance * l2 / 2 + second, MARGIN);
    }

    private static void requirePositive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be > 0 and finite, was " + value);
        }
    }

    private static void requireDimension(long dimension) {
        if (dimension < 1) {
            throw new IllegalArgumentException("dimension must be >= 1, was " + dimension);
        }
    }
}
