package io.fedlearn.privacy.central;

import java.util.OptionalDouble;

/** To which norm each client's model delta is cut down. Immutable. */
public sealed interface Clipping {
    /** The clipping norm of the first round. */
    double initialNorm();

    /**
     * The same norm in every round.
     *
     * @param clippingNorm {@code C}, in units of a weight, in [2^-100, 2^100]
     */
    static Fixed fixed(double clippingNorm) {
        return new Fixed(clippingNorm);
    }

    /**
     * A norm that follows a quantile of the clients' norms, by default their median.
     *
     * @param initialNorm of the first round, in [2^-100, 2^100]
     */
    static Adaptive adaptive(double initialNorm) {
        return new Adaptive(
                initialNorm, Adaptive.DEFAULT_QUANTILE, Adaptive.DEFAULT_LEARNING_RATE, OptionalDouble.empty());
    }

    /**
     * One norm for all rounds.
     *
     * @param initialNorm {@code C}, in units of a weight, in [2^-100, 2^100]
     */
    record Fixed(double initialNorm) implements Clipping {
        /** Validates the range. */
        public Fixed {
            requireNorm("clippingNorm", initialNorm);
        }

        @Override
        public String toString() {
            return "fixed(clippingNorm=" + initialNorm + ")";
        }
    }

    /**
     * A norm that follows a quantile of the norms of the clients' model deltas. With the share {@code b} of clients whose norm is
     * at most {@code C}, itself noisy, each round ends with
     * <pre>
     *   C = C exp(-eta (b - gamma))
     * </pre>
     *
     * <p>Each client gives a bit, +1/2 if its norm is at most {@code C} and -1/2 if not, and the sum of the bits gets Gaussian
     * noise of standard deviation {@code sigma_b} (countNoise). One client changes that sum by 1/2, and the sum of deltas by
     * {@code C}. Both together are one Gaussian mechanism of noise multiplier {@code z} if the deltas' own is
     * <pre>
     *   z_delta = (z^-2 - (2 sigma_b)^-2)^(-1/2)
     * </pre>
     * since each part scaled by its noise, one client moves the pair by {@code sqrt(z_delta^-2 + (2 sigma_b)^-2) = 1/z} standard
     * deviations. That needs {@code 2 sigma_b > z}, hence a cohort that is not small.
     *
     * <p><b>Reference.</b> Andrew et al., "Differentially Private Learning with Adaptive Clipping", NeurIPS 2021,
     * arXiv:1905.03871, Algorithm 1 and Theorem 1.
     *
     * <p><b>Settings</b> (symbol, default, range): quantile ({@code gamma}, {@value #DEFAULT_QUANTILE}, (0, 1)); learningRate
     * ({@code eta}, {@value #DEFAULT_LEARNING_RATE}, (0, 10]); countNoise ({@code sigma_b}, the expected cohort over
     * {@value #DEFAULT_COHORT_OVER_NOISE}, [2^-20, 2^28]).
     */
    final class Adaptive implements Clipping {
        /** Default of the quantile: {@value}. */
        public static final double DEFAULT_QUANTILE = 0.5;

        /** Default of the learning rate: {@value}. */
        public static final double DEFAULT_LEARNING_RATE = 0.2;

        /** The expected cohort over the noise of the count, by default: {@value}. */
        public static final double DEFAULT_COHORT_OVER_NOISE = 20;

        private final double initialNorm;
        private final double quantile;
        private final double learningRate;
        private final OptionalDouble countNoise;

        private Adaptive(double initialNorm, double quantile, double learningRate, OptionalDouble countNoise) {
            this.initialNorm = requireNorm("initialNorm", initialNorm);
            this.quantile = quantile;
            this.learningRate = learningRate;
            this.countNoise = countNoise;
        }

        /** This clipping, following another quantile, in (0, 1). */
        public Adaptive withQuantile(double gamma) {
            if (!(gamma > 0 && gamma < 1)) {
                throw new IllegalArgumentException("quantile must be in (0, 1), was " + gamma);
            }
            return new Adaptive(initialNorm, gamma, learningRate, countNoise);
        }

        /** This clipping, following faster or slower, in (0, 10]. */
        public Adaptive withLearningRate(double eta) {
            if (!(eta > 0 && eta <= 10)) {
                throw new IllegalArgumentException("learningRate must be in (0, 10], was " + eta);
            }
            return new Adaptive(initialNorm, quantile, eta, countNoise);
        }

        /** This clipping, with noise of another standard deviation on the sum of bits. */
        public Adaptive withCountNoise(double standardDeviation) {
            return new Adaptive(
                    initialNorm, quantile, learningRate, OptionalDouble.of(requireCountNoise(standardDeviation)));
        }

        private static double requireCountNoise(double standardDeviation) {
            return Require.within("countNoise", 0x1p-20, 0x1p28, standardDeviation);
        }

        @Override
        public double initialNorm() {
            return initialNorm;
        }

        /** The quantile that is followed. */
        public double quantile() {
            return quantile;
        }

        /** How fast it is followed. */
        public double learningRate() {
            return learningRate;
        }

        /** The standard deviation of the noise on the sum of bits, for a cohort of this size. */
        public double countNoise(double expectedCohort) {
            return countNoise.orElse(expectedCohort / DEFAULT_COHORT_OVER_NOISE);
        }

        /**
         * The noise multiplier of the deltas, such that with the count's noise the whole is as private as {@code noiseMultiplier}.
         *
         * @throws IllegalArgumentException if there is none, because the cohort is too small for that much noise
         */
        double deltaNoiseMultiplier(double noiseMultiplier, double expectedCohort) {
            double twice = 2 * requireCountNoise(countNoise(expectedCohort));
            double remaining = 1 / (noiseMultiplier * noiseMultiplier) - 1 / (twice * twice);
            if (!(twice > noiseMultiplier) || !(remaining > 0)) {
                throw new IllegalArgumentException("adaptive clipping needs 2 x countNoise > noiseMultiplier, had 2 x "
                        + countNoise(expectedCohort) + " for an expected cohort of " + expectedCohort + " and "
                        + noiseMultiplier + ": take larger cohorts, more noise on the count, or fixed clipping");
            }
            // A little more than rounding can have taken away.
            return 1 / Math.sqrt(remaining) * (1 + 0x1p-40);
        }

        @Override
        public String toString() {
            return "adaptive(initialNorm=" + initialNorm + ", quantile=" + quantile + ", learningRate=" + learningRate
                    + ", countNoise=" + (countNoise.isPresent() ? countNoise.getAsDouble() : "cohort/20") + ")";
        }
    }

    private static double requireNorm(String name, double norm) {
        return Require.within(name, ClippingGrid.LEAST_NORM, 1 / ClippingGrid.LEAST_NORM, norm);
    }
}
