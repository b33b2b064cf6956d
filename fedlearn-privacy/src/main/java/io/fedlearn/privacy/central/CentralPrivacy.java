package io.fedlearn.privacy.central;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Disclosure;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.budget.PrivacyCharges;
import io.fedlearn.privacy.internal.DataBlindSelection;
import io.fedlearn.privacy.internal.PlainStrategy;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Client-level differential privacy by a trusted coordinator: what a run releases hides any one client, all its examples together,
 * from whoever sees every model of the run. It takes the place of the mean of any strategy that is one (FedAvg, FedProx, FedAdam
 * and its kin): {@link #appliedTo}.
 *
 * <p><b>DP-FedAvg.</b> With the clipping norm {@code C}, {@linkplain Clipping fixed or adaptive}, noise multiplier {@code z}, weights
 * {@code p_k} in (0, 1] and the expected cohort {@code n}, each round gives the server optimizer
 * <pre>
 *   (sum_{k in S} p_k clip_C(w_k - w) + N(0, (z C)^2)) / n
 * </pre>
 * <b>Reference.</b> McMahan et al., "Learning Differentially Private Recurrent Language Models", ICLR 2018, arXiv:1710.06963,
 * Algorithm 1. <b>Differs</b> in weighting clients alike unless a cap is given.
 *
 * <p><b>DP-FTRL</b>, with {@link Builder#restartEvery}, for cohorts that cannot be sampled: the noise of the rounds is that of a binary
 * tree over them, so that it cancels in the running sum. The server optimizer gets what the noisy running sum grew by: with the
 * identity the model is {@code w_0} plus the running sum, which is DP-FTRL, and with momentum, which is linear in the running sums,
 * it is its momentum variant. <b>Reference.</b> Kairouz et al., "Practical and Private (Deep) Learning without Sampling or
 * Shuffling", ICML 2021, arXiv:2103.00039; the estimate of running sums is Honaker's, 2015.
 *
 * <p><b>Unit and neighbours</b>: a client; {@link #relation()} follows from the sampling. <b>Released</b>: every global model, and
 * the clipping norm. <b>Sensitivity</b>: L2 norm {@code C}, or {@code 2 C} under replacement. <b>Guarantee</b>: that of
 * {@link #event(int)} under {@link #relation()}, by an accountant. <b>Randomness</b>: cryptographic, keyed anew each round.
 * <b>Floating point</b>: sums and noise are whole numbers on a grid, the sensitivity is checked in exact arithmetic. The argument is
 * in {@code docs/privacy/training-central.md}.
 *
 * <p>Immutable and thread-safe.
 */
public final class CentralPrivacy {
    /** The least noise multiplier: {@value}; less would be no noise on the grid. */
    public static final double MIN_NOISE_MULTIPLIER = 0x1p-30;

    /** The largest noise multiplier: {@value}; sums and noise stay exact up to there. */
    public static final double MAX_NOISE_MULTIPLIER = 1 << 16;

    /** The unit that is protected, as records name it: {@value}. */
    public static final String UNIT = "client";

    private final String scope;
    private final Clipping clipping;
    private final double noiseMultiplier;
    private final double deltaNoiseMultiplier;
    private final ClientSampling sampling;
    private final double expectedCohort;
    private final OptionalLong exampleCap;
    private final OptionalInt restartEvery;
    private final Buffers buffers;
    private final NoiseSamplers samplers;

    private CentralPrivacy(Builder builder, Clipping clipping, double noiseMultiplier, ClientSampling sampling) {
        this.scope = builder.scope;
        this.clipping = clipping;
        this.noiseMultiplier = noiseMultiplier;
        this.sampling = sampling;
        this.exampleCap = builder.exampleCap;
        this.restartEvery = builder.restartEvery;
        this.buffers = builder.buffers;
        this.samplers = builder.samplers;
        this.expectedCohort = expectedCohort(builder.expectedCohort, sampling);
        this.deltaNoiseMultiplier = clipping instanceof Clipping.Adaptive adaptive
                ? Require.within(
                        "the deltas' part of noiseMultiplier",
                        MIN_NOISE_MULTIPLIER,
                        MAX_NOISE_MULTIPLIER,
                        adaptive.deltaNoiseMultiplier(noiseMultiplier, expectedCohort))
                : noiseMultiplier;
        if (restartEvery.isPresent() != sampling instanceof ClientSampling.Separated) {
            throw new IllegalArgumentException("tree aggregation (restartEvery) and separated sampling belong together:"
                    + " had " + (restartEvery.isPresent() ? "a tree" : "no tree") + " and " + sampling);
        }
        if (restartEvery.isPresent() && clipping instanceof Clipping.Adaptive) {
            throw new IllegalArgumentException(
                    "a tree's noise is for one clipping norm: tree aggregation needs fixed clipping, had " + clipping);
        }
    }

    private static double expectedCohort(OptionalDouble given, ClientSampling sampling) {
        if (sampling instanceof ClientSampling.WithoutReplacement fixed) {
            if (given.isPresent() && given.getAsDouble() != fixed.cohort()) {
                throw new IllegalArgumentException(
                        "expectedCohort must be the " + fixed.cohort() + " that are drawn, was " + given.getAsDouble());
            }
            return fixed.cohort();
        }
        return given.orElseThrow(() -> new IllegalArgumentException(
                "expectedCohort must be given: the mean is over a number that does not depend on who took part"));
    }

    /**
     * A builder.
     *
     * @param scope whose budget each release is debited to, such as the run's name
     */
    public static Builder builder(String scope) {
        return new Builder(scope);
    }

    /** Whose budget is debited. */
    public String scope() {
        return scope;
    }

    /** How updates are clipped. */
    public Clipping clipping() {
        return clipping;
    }

    /** The standard deviation of the noise on the sum over the clipping norm, of all that a round releases together. */
    public double noiseMultiplier() {
        return noiseMultiplier;
    }

    /** As {@link #noiseMultiplier()}, of the deltas alone: larger where the clipping norm takes its part. */
    public double deltaNoiseMultiplier() {
        return deltaNoiseMultiplier;
    }

    /** How cohorts come about. */
    public ClientSampling sampling() {
        return sampling;
    }

    /** What sums are divided by. */
    public double expectedCohort() {
        return expectedCohort;
    }

    /** How many examples count as a whole client, if clients are weighted by examples. */
    public OptionalLong exampleCap() {
        return exampleCap;
    }

    /** How many rounds a tree has, if there are trees. */
    public OptionalInt restartEvery() {
        return restartEvery;
    }

    /** What becomes of a model's buffers. */
    public Buffers buffers() {
        return buffers;
    }

    private void requireBuffers(ModelSpec model) {
        for (TensorSpec tensor : model.tensors()) {
            if (buffers == Buffers.REFUSED && tensor.role() == TensorRole.BUFFER) {
                throw new IllegalArgumentException("private training must be told what becomes of the model's buffers:"
                        + " keep them as they are (Buffers.KEPT), or clip and noise them too (Buffers.COUNTED); the"
                        + " model has " + tensor);
            }
        }
    }

    /** Which populations of clients are neighbours. */
    public NeighboringRelation relation() {
        return sampling.relation();
    }

    /**
     * What one release costs, for an accountant of {@link #relation()}: that of a round, or of a whole tree, which is paid for
     * when it starts.
     */
    public PrivacyEvent event() {
        if (sampling instanceof ClientSampling.Poisson poisson) {
            return new PrivacyEvent.PoissonSampled(poisson.rate(), new PrivacyEvent.Gaussian(noiseMultiplier));
        }
        if (sampling instanceof ClientSampling.WithoutReplacement fixed) {
            // One client replaced moves the sum by twice the clipping norm.
            return new PrivacyEvent.SampledWithoutReplacement(
                    fixed.population().size(), fixed.cohort(), new PrivacyEvent.Gaussian(noiseMultiplier / 2));
        }
        if (sampling instanceof ClientSampling.Separated separated && restartEvery.isPresent()) {
            int steps = restartEvery.getAsInt();
            int separation = Math.min(steps, separated.minSeparation());
            // Wherever a tree starts, no more rounds of one client than this can lie in it.
            return new PrivacyEvent.TreeAggregation(
                    noiseMultiplier, steps, (steps + separation - 1) / separation, separation);
        }
        return new PrivacyEvent.Gaussian(noiseMultiplier);
    }

    /**
     * What a run of so many rounds costs that is neither aborted nor restarted.
     *
     * @param rounds at least 1
     */
    public PrivacyEvent event(int rounds) {
        Require.atLeastOne("rounds", rounds);
        int trees = restartEvery.isEmpty() ? rounds : (rounds - 1) / restartEvery.getAsInt() + 1;
        return new PrivacyEvent.Repeated(trees, event());
    }

    /**
     * How much noise to expect on the mean of a round (of a tree: of its first).
     *
     * @param parameters how many floating-point values the model has, at least 1
     */
    public ExpectedNoise expectedNoise(long parameters) {
        if (parameters < 1) {
            throw new IllegalArgumentException("parameters must be >= 1, were " + parameters);
        }
        double ratio = Math.sqrt(parameters) * deltaNoiseMultiplier / expectedCohort;
        return new ExpectedNoise(
                deltaNoiseMultiplier * clipping.initialNorm() / expectedCohort, ratio * clipping.initialNorm(), ratio);
    }

    /**
     * The private form of a strategy: its mean is replaced by a noisy one, its cohorts are chosen as the sampling says, and its
     * records keep what is released and nothing else. Its server optimizer stays, since what it makes of the noisy mean tells no
     * more than that mean. Apply it last: parts that are exchanged afterwards are not vouched for.
     *
     * @throws IllegalArgumentException if the strategy takes something of the clients beside the mean of their models, naming it
     */
    public Strategy appliedTo(Strategy strategy) {
        PlainStrategy.require(strategy);
        Strategy.Builder builder = strategy.toBuilder()
                .name((restartEvery.isPresent() ? "DP-FTRL-" : "DP-") + strategy.name())
                .aggregator(() -> new PrivateMean(this, samplers))
                .weighting(
                        exampleCap.isPresent() ? Weighting.byExamplesUpTo(exampleCap.getAsLong()) : Weighting.uniform())
                .selector(selector(strategy))
                .disclosure(isSecret() ? Disclosure.MODEL : Disclosure.MODEL_AND_COHORT)
                .requiresModel(this::requireBuffers)
                .setting("buffers", buffers.name())
                .setting("privacyUnit", UNIT)
                .setting("privacyRelation", relation().toString())
                .setting("privacyScope", scope)
                .setting("clipping", clipping.toString())
                .setting("noiseMultiplier", noiseMultiplier)
                .setting("sampling", sampling.toString())
                .setting("expectedCohort", expectedCohort);
        if (restartEvery.isPresent()) {
            builder.setting("restartEvery", restartEvery.getAsInt());
        }
        return builder.build();
    }

    private boolean isSecret() {
        return sampling instanceof ClientSampling.Poisson || sampling instanceof ClientSampling.WithoutReplacement;
    }

    private ClientSelector selector(Strategy strategy) {
        ClientSelector own = strategy.selector();
        if (isSecret() && !own.description().equals(ClientSelector.all().description())) {
            throw new IllegalArgumentException("strategy " + strategy.name() + " selects by " + own.description()
                    + ", and privacy is claimed for " + sampling + ": leave the selection to it");
        }
        if (sampling instanceof ClientSampling.Poisson poisson) {
            return new SecretPoissonSampling(poisson, samplers::source);
        }
        if (sampling instanceof ClientSampling.WithoutReplacement fixed) {
            return new SecretFixedSizeSampling(fixed, samplers::source);
        }
        return new DataBlindSelection(
                own, sampling instanceof ClientSampling.Separated separated ? separated.minSeparation() : 1);
    }

    /** What an update counts, in (0, 1]. */
    double weight(ClientUpdate update) {
        if (exampleCap.isEmpty()) {
            return 1;
        }
        long cap = exampleCap.getAsLong();
        return (double) Math.min(cap, update.exampleCount()) / cap;
    }

    /** What starting this round costs, where it costs anything. */
    PrivacyCharge charge(int round) {
        String what = restartEvery.isEmpty()
                ? "round " + round
                : "rounds " + round + " to " + (round + restartEvery.getAsInt() - 1L);
        return PrivacyCharges.of(scope, event(), relation(), what);
    }

    /** The unit, the relation and what a release costs. */
    @Override
    public String toString() {
        return "central privacy of a " + UNIT + " (" + relation() + ", " + event() + ")";
    }

    /** Collects the settings. Not thread-safe. */
    public static final class Builder {
        private final String scope;
        private Optional<Clipping> clipping = Optional.empty();
        private OptionalDouble noiseMultiplier = OptionalDouble.empty();
        private Optional<ClientSampling> sampling = Optional.empty();
        private OptionalDouble expectedCohort = OptionalDouble.empty();
        private OptionalLong exampleCap = OptionalLong.empty();
        private OptionalInt restartEvery = OptionalInt.empty();
        private Buffers buffers = Buffers.REFUSED;
        private NoiseSamplers samplers = new SecureSamplers();

        private Builder(String scope) {
            if (scope.isEmpty()) {
                throw new IllegalArgumentException("scope must not be empty");
            }
            this.scope = scope;
        }

        /** To which norm updates are cut down. */
        public Builder clipping(Clipping updateClipping) {
            this.clipping = Optional.of(updateClipping);
            return this;
        }

        /**
         * {@code z}: the standard deviation of the noise on the sum over the clipping norm. Under replacement, where the sum moves
         * by twice that norm, an accountant's noise multiplier is half of it.
         *
         * @param z in [{@value CentralPrivacy#MIN_NOISE_MULTIPLIER}, {@value CentralPrivacy#MAX_NOISE_MULTIPLIER}]
         */
        public Builder noiseMultiplier(double z) {
            this.noiseMultiplier =
                    OptionalDouble.of(Require.within("noiseMultiplier", MIN_NOISE_MULTIPLIER, MAX_NOISE_MULTIPLIER, z));
            return this;
        }

        /** How cohorts come about. */
        public Builder sampling(ClientSampling clientSampling) {
            this.sampling = Optional.of(clientSampling);
            return this;
        }

        /**
         * What sums are divided by: how many clients a round is expected to have, as far as is public. It changes the scale of
         * the mean and nothing about privacy. Not needed where a fixed number is drawn.
         *
         * @param clients {@code > 0} and finite
         */
        public Builder expectedCohort(double clients) {
            this.expectedCohort = OptionalDouble.of(Require.positive("expectedCohort", clients));
            return this;
        }

        /** Every client counts alike; the default. */
        public Builder uniformWeights() {
            this.exampleCap = OptionalLong.empty();
            return this;
        }

        /**
         * A client counts by its examples, and as a whole one from this many on.
         *
         * @param examples at least 1
         */
        public Builder weightsByExamplesUpTo(long examples) {
            if (examples < 1) {
                throw new IllegalArgumentException("examples must be >= 1, were " + examples);
            }
            this.exampleCap = OptionalLong.of(examples);
            return this;
        }

        /**
         * Noise of a tree, which starts anew after so many rounds: DP-FTRL. Needs {@link ClientSampling#separated}.
         *
         * @param rounds at least 1
         */
        public Builder restartEvery(int rounds) {
            this.restartEvery = OptionalInt.of(Require.atLeastOne("restartEvery", rounds));
            return this;
        }

        /** What becomes of a model's buffers; by default a model that has any is refused. */
        public Builder buffers(Buffers rule) {
            this.buffers = rule;
            return this;
        }

        /** For tests: noise that is known. */
        Builder samplers(NoiseSamplers noiseSamplers) {
            this.samplers = noiseSamplers;
            return this;
        }

        /**
         * The settings.
         *
         * @throws IllegalArgumentException if one is missing, or they do not go together
         */
        public CentralPrivacy build() {
            return new CentralPrivacy(
                    this,
                    clipping.orElseThrow(() -> new IllegalArgumentException("clipping must be given")),
                    noiseMultiplier.orElseThrow(() -> new IllegalArgumentException("noiseMultiplier must be given")),
                    sampling.orElseThrow(() -> new IllegalArgumentException("sampling must be given")));
        }
    }
}
