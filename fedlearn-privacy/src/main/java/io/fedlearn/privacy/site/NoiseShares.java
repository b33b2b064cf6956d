package io.fedlearn.privacy.site;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.strategy.Disclosure;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.update.UpdateTransform;
import io.fedlearn.privacy.accounting.DistributedNoise;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.budget.PrivacyCharges;
import io.fedlearn.privacy.internal.DataBlindSelection;
import io.fedlearn.privacy.internal.PlainStrategy;

/**
 * Distributed noise: each client clips its update, rounds it to whole numbers at random and adds a share of the noise, so that the sum
 * of the clients' integers is private though nobody adds noise to the sum. Prepared for secure aggregation, where the
 * coordinator learns that sum alone.
 *
 * <p><b>Without secure aggregation the coordinator sees each client's update, with a share of the noise that does not protect it.</b>
 * The guarantee is then against those who see no more than the sum, or the model made of it; against the coordinator there is none.
 *
 * <p>With the clipping norm {@code C}, {@code L} whole steps to it, {@code d} trainables and at least {@code n} clients:
 * <pre>
 *   y_k   = (L / C) clip_C(w_k - w), each number rounded up or down at random, without bias,
 *           again and again until ||y_k|| is at most D, the rounded norm for L, beta and d
 *   m_k   = y_k + N_Z(0, (z D)^2 / n)                     (discrete Gaussian, or Skellam)
 *   w    += (C / L) (sum_k m_k) / (number of clients)
 * </pre>
 *
 * <p><b>Privacy.</b> Unit: a client. Neighbours: one client's update is replaced by zeros,
 * {@link NeighboringRelation#REPLACE_SPECIAL}; who takes part is public. A round is charged as a
 * {@link PrivacyEvent.DistributedDiscreteGaussian}, or {@link PrivacyEvent.DistributedSkellam}, of {@code n} shares; a round with fewer is given up. Clients that break the
 * protocol and add no noise weaken the guarantee of the others: where {@code t} of them are feared, ask for {@code n + t} clients and
 * give {@code n}. Clients believe the settings that the task names; a site that does not trust them uses
 * {@link LocallyPrivateClient} or {@link DpSgdClient}.
 *
 * <p><b>Beside the update nothing is sent</b>: no metrics, no tensors beside the model, 1 in place of the example count. Buffers and
 * counters stay as they are. An update that is not finite counts as zeros.
 *
 * <p><b>Reference.</b> Kairouz, Liu, Steinke, "The Distributed Discrete Gaussian Mechanism for Federated Learning with Secure
 * Aggregation", ICML 2021, arXiv:2102.06387, Algorithm 1. <b>Differs</b> from it in not rotating the vector first: sums are 64-bit
 * here, and need {@link #modulusBits} bits when they are masked, where rotation would save some of them.
 *
 * <p><b>Randomness</b> is cryptographic and never from the task's seed: excepted from rule 2 of {@link UpdateTransform}.
 * <b>Floating point</b>: scaling is in {@code double}; the norm after rounding is checked in whole numbers, and the noise is exact.
 *
 * <p>Immutable and thread-safe.
 */
public final class NoiseShares {
    /** The name under which tasks tell clients of it: {@value}. */
    public static final String NAME = "noise-share";

    /** Default of {@link Builder#resolution}: {@value} steps. */
    public static final long DEFAULT_RESOLUTION = 1 << 20;

    /** The largest {@link Builder#resolution}: {@value} steps. */
    public static final long MAX_RESOLUTION = 1 << 30;

    /** Default of {@link Builder#beta}, {@code exp(-1/2)}: {@value}. */
    public static final double DEFAULT_BETA = 0.6065306597126334;

    /** Beyond this many standard deviations of the sum's noise no number of it lies, but with probability 2^-90 or so. */
    private static final double TAIL = 11.5;

    private final String scope;
    private final ShareSettings share;
    private final double noiseMultiplier;
    private final int leastShares;

    private NoiseShares(String scope, ShareSettings share, double noiseMultiplier, int leastShares) {
        this.scope = scope;
        this.share = share;
        this.noiseMultiplier = noiseMultiplier;
        this.leastShares = leastShares;
    }

    /**
     * A builder.
     *
     * @param scope whose budget each round is debited to
     * @param trainableCount how many numbers are trained, {@code ModelSpec.trainableCount()}
     */
    public static Builder builder(String scope, long trainableCount) {
        return new Builder(scope, trainableCount);
    }

    /** What a round releases, as an accountant of {@code REPLACE_SPECIAL} sees it. */
    public PrivacyEvent event() {
        return share.noise().event(share, leastShares);
    }

    /** How many updates a round needs. */
    public int leastShares() {
        return leastShares;
    }

    /**
     * With how many bits, sign included, a sum of so many clients' numbers does not overflow, but with a probability below 2^-80 for
     * each of them: for masking modulo a power of two.
     *
     * @param clients at least 1
     */
    public int modulusBits(int clients) {
        if (clients < 1) {
            throw new IllegalArgumentException("clients must be >= 1, were " + clients);
        }
        double largest = clients * (share.resolution() + 1.0) + TAIL * Math.sqrt((double) clients) * share.sigma();
        return 2 + Math.getExponent(largest);
    }

    /**
     * The strategy with distributed noise: clients encode last, the server decodes first and takes the plain mean.
     *
     * @throws IllegalArgumentException if the strategy takes something of the clients beside the mean of their models, or
     *     transforms updates at the server
     */
    public Strategy appliedTo(Strategy strategy) {
        PlainStrategy.require(strategy);
        return strategy.toBuilder()
                .name("Distributed-DP-" + strategy.name())
                .codec(new TransformSpec(NAME, share.toConfig()), () -> new ShareDecoder(share))
                .aggregator(() -> new ShareMean(leastShares, this::charge))
                .weighting(Weighting.uniform())
                .selector(new DataBlindSelection(strategy.selector(), 1))
                .disclosure(Disclosure.MODEL_AND_COHORT)
                .setting("privacyUnit", "client")
                .setting("privacyRelation", NeighboringRelation.REPLACE_SPECIAL.toString())
                .setting("privacyScope", scope)
                .setting("noiseMultiplier", noiseMultiplier)
                .setting("leastShares", leastShares)
                .build();
    }

    private PrivacyCharge charge(int round) {
        return PrivacyCharges.of(scope, event(), NeighboringRelation.REPLACE_SPECIAL, "round " + round);
    }

    @Override
    public String toString() {
        return "noise-shares(" + event() + ")";
    }

    /** Makes the encoder at a client; found through {@link java.util.ServiceLoader}. Stateless and thread-safe. */
    public static final class Factory implements UpdateTransform.Factory {
        /** A factory. */
        public Factory() {}

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public UpdateTransform create(Config settings) {
            return new ShareEncoder(ShareSettings.of(settings));
        }
    }

    /** Collects settings. Not thread-safe. */
    public static final class Builder {
        private final String scope;
        private final long trainableCount;
        private double clippingNorm = Double.NaN;
        private double noiseMultiplier = Double.NaN;
        private int leastShares;
        private long resolution = DEFAULT_RESOLUTION;
        private double beta = DEFAULT_BETA;
        private ShareNoise noise = ShareNoise.DISCRETE_GAUSSIAN;

        private Builder(String scope, long trainableCount) {
            this.scope = scope;
            this.trainableCount = trainableCount;
        }

        /** The L2 norm to which each client clips its model delta, {@code C > 0}. */
        public Builder clippingNorm(double norm) {
            this.clippingNorm = norm;
            return this;
        }

        /** Standard deviation of the least noise on the sum over the norm of one client's whole numbers, {@code z > 0}. */
        public Builder noiseMultiplier(double multiplier) {
            this.noiseMultiplier = multiplier;
            return this;
        }

        /** How many clients' shares make up the noise, {@code n >= 1}: a round with fewer updates is given up. */
        public Builder leastShares(int clients) {
            this.leastShares = clients;
            return this;
        }

        /**
         * Whole steps to the clipping norm, {@code L} in [1, {@value #MAX_RESOLUTION}]; by default {@value #DEFAULT_RESOLUTION}.
         * The fewer, the fewer bits a sum needs, and the more the rounding adds to the norm: it is about
         * {@code sqrt(L^2 + d / 4)}.
         */
        public Builder resolution(long steps) {
            this.resolution = steps;
            return this;
        }

        /**
         * With which probability at most a rounding is drawn again because the norm came out too long, {@code beta} in [0, 0.99]:
         * what it saves in sensitivity it costs in bias. By default {@value #DEFAULT_BETA}.
         */
        public Builder beta(double probability) {
            this.beta = probability;
            return this;
        }

        /**
         * Skellam noise in place of the discrete Gaussian: sums of it are exactly Skellam noise (Agarwal, Kairouz, Liu, NeurIPS
         * 2021, arXiv:2110.04995). Drawing it takes time proportional to a share's variance, which must not be above 2^14 steps
         * squared: lower the {@link #resolution}.
         */
        public Builder skellam() {
            this.noise = ShareNoise.SKELLAM;
            return this;
        }

        /**
         * The distributed noise.
         *
         * @throws IllegalArgumentException if a setting is missing or out of range
         */
        public NoiseShares build() {
            if (scope.isEmpty()) {
                throw new IllegalArgumentException("scope must not be empty");
            }
            if (leastShares < 1) {
                throw new IllegalArgumentException("leastShares must be >= 1, were " + leastShares);
            }
            if (!(noiseMultiplier > 0) || Double.isInfinite(noiseMultiplier)) {
                throw new IllegalArgumentException("noiseMultiplier must be > 0 and finite, was " + noiseMultiplier);
            }
            double norm = ShareSettings.roundedNorm(resolution, beta, trainableCount);
            // Rounded up twice over: what is claimed is what the shares' own sigma gives.
            double sigma = Math.nextUp(noiseMultiplier * norm / Math.sqrt(leastShares));
            if (noise == ShareNoise.DISCRETE_GAUSSIAN
                    && leastShares > 1
                    && !(sigma >= DistributedNoise.MIN_SHARE_SIGMA)) {
                throw new IllegalArgumentException("a client's share must have a standard deviation of at least "
                        + DistributedNoise.MIN_SHARE_SIGMA + " steps, had " + sigma
                        + ": raise noiseMultiplier or resolution");
            }
            ShareSettings share = new ShareSettings(clippingNorm, resolution, beta, trainableCount, sigma, noise);
            // Made once to refuse what cannot be drawn.
            noise.sampler(share);
            return new NoiseShares(scope, share, noiseMultiplier, leastShares);
        }
    }
}
