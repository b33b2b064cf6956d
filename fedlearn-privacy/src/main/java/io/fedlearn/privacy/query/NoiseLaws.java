package io.fedlearn.privacy.query;

import io.fedlearn.privacy.accounting.AnalyticGaussian;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.CoinSampler;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.privacy.internal.NormalDistribution;

/** Noise for the numbers of a query, as much as their share of its budget asks for. */
final class NoiseLaws {
    /** What a handful of roundings in {@code double} may take away is added first. */
    private static final double ROUND_UP = 1 + 0x1p-48;

    /** From so many numbers on, a sampler with a table is faster, which takes as long to make as drawing these without. */
    private static final int MANY = 1000;

    /** What a normal variable exceeds in magnitude with the probability {@link NoiseLaw#MISS} over 1, 2 and 3. */
    private static final double[] QUANTILES = {
        normalQuantile(NoiseLaw.MISS), normalQuantile(NoiseLaw.MISS / 2), normalQuantile(NoiseLaw.MISS / 3)
    };

    private NoiseLaws() {}

    private static double normalQuantile(double probability) {
        double low = 0;
        double high = 40;
        for (int i = 0; i < 60; i++) {
            double middle = (low + high) / 2;
            if (2 * NormalDistribution.cdf(-middle) <= probability) {
                high = middle;
            } else {
                low = middle;
            }
        }
        return high;
    }

    /**
     * The noise of one measure; of bins, that of each.
     *
     * @param share of the query's epsilon, or for Gaussian noise of its squared inverse noise multiplier; in (0, 1]
     * @param sensitivity by how much one person moves the number in one group; of bins, all of them together
     * @param groups how many there are
     */
    static NoiseLaw of(Noise noise, double share, Measure measure, long sensitivity, int groups) {
        if (noise instanceof Noise.Laplace laplace) {
            double scale = requireScale(noise, ROUND_UP * sensitivity / (laplace.epsilon() * share));
            // How a person's rows spread over bins is free, and for that the proven bound is the pure one.
            PrivacyEvent event = measure instanceof Measure.Bins && sensitivity > 1
                    ? new PrivacyEvent.PureLoss(Math.nextUp(sensitivity / scale))
                    : new PrivacyEvent.DiscreteLaplace(scale, sensitivity);
            GridSampler sampler = (long) groups * measure.size() < MANY
                    ? CoinSampler.discreteLaplace(scale)
                    : GridSampler.discreteLaplace(scale);
            return new LaplaceLaw(sampler, scale, event);
        }
        Noise.Gaussian gaussian = (Noise.Gaussian) noise;
        double whole = AnalyticGaussian.noiseMultiplier(gaussian.epsilon(), gaussian.privacyDelta());
        double sigma = requireScale(noise, ROUND_UP * sensitivity * whole / Math.sqrt(share));
        return new GaussianLaw(
                GridSampler.roundedGaussian(sigma),
                sigma,
                new PrivacyEvent.Gaussian(Math.nextDown(sigma / sensitivity)));
    }

    private static double requireScale(Noise noise, double scale) {
        if (!(scale <= GridSampler.MAX_SCALE)) {
            throw new IllegalArgumentException("epsilon must be large enough for noise of at most "
                    + GridSampler.MAX_SCALE + " steps, was " + noise.epsilon() + ", which asks for " + scale);
        }
        return Math.max(scale, GridSampler.MIN_SCALE);
    }

    /** Discrete Laplace noise: {@code P(n)} proportional to {@code exp(-|n| / scale)}. */
    private record LaplaceLaw(GridSampler sampler, double scale, PrivacyEvent event) implements NoiseLaw {
        @Override
        public long draw(NoiseSource source) {
            return sampler.sample(source);
        }

        @Override
        public double mean() {
            return 0;
        }

        @Override
        public double standardDeviation() {
            // 2 p / (1 - p)^2 with p = exp(-1 / scale).
            return 1 / (StrictMath.sqrt(2) * StrictMath.sinh(0.5 / scale));
        }

        @Override
        public double tail(int numbers) {
            // P(|X| > t) = 2 p^(t + 1) / (1 + p).
            double p = StrictMath.exp(-1 / scale);
            return Math.max(0, Math.ceil(scale * StrictMath.log(2 * numbers / (MISS * (1 + p)))) - 1);
        }
    }

    /** Gaussian noise, rounded down with the number that it is added to. */
    private record GaussianLaw(GridSampler sampler, double sigma, PrivacyEvent event) implements NoiseLaw {
        @Override
        public long draw(NoiseSource source) {
            return sampler.sample(source);
        }

        @Override
        public double mean() {
            return -0.5;
        }

        @Override
        public double standardDeviation() {
            // That of what rounding adds is at most 1/2.
            return StrictMath.hypot(sigma, 0.5);
        }

        @Override
        public double tail(int numbers) {
            return sigma * QUANTILES[numbers - 1] + 0.5;
        }
    }
}
