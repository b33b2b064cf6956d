package io.fedlearn.aggregators;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * Federated averaging of normalised updates: a client that took more local steps than another does not count for more.
 *
 * <p>With global model {@code w}, cohort {@code S}, example counts {@code n_k}, models {@code w_k} after {@code tau_k}
 * local steps and {@code p_k = n_k / sum_{j in S} n_j}, round {@code t} computes
 * <pre>
 *   d_k     = (w_t - w_k) / ||a_k||_1
 *   w_{t+1} = w_t - tau_eff sum_{k in S} p_k d_k
 * </pre>
 * where {@code ||a_k||_1} is how often the gradients of the local steps are in the model delta: {@code tau_k} with plain
 * SGD, {@code (tau - rho (1 - rho^tau) / (1 - rho)) / (1 - rho)} with momentum {@code rho},
 * {@code (1 - (1 - eta mu)^tau) / (eta mu)} with client learning rate {@code eta} and proximal term {@code mu}. For
 * {@code tau_eff} see {@link EffectiveSteps}. FedAvg converges to the minimum of a loss in which each client has a weight
 * in proportion to {@code n_k ||a_k||_1}; FedNova to that of {@code sum_k p_k F_k}, as it says.
 *
 * <p>{@code rho}, {@code mu} and {@code eta} are what the run tells its clients; {@code tau_k} is what each reports as
 * {@value LocalTrainingClient#LOCAL_STEPS}. Sites may take different numbers of steps
 * ({@link Strategy#withInstructions}), not other momenta, learning rates or {@code mu}.
 *
 * <p><b>Reference.</b> Wang et al., "Tackling the Objective Inconsistency Problem in Heterogeneous Federated
 * Optimization", NeurIPS 2020, arXiv:2007.07481, Section 4. <b>Differs</b> from it in weighting by the examples of those
 * clients whose updates arrived. With {@code mu > 0} the authors' program takes {@link EffectiveSteps#STEPS}; with
 * momentum and {@code mu} together it counts otherwise, here both are in {@code ||a_k||_1} exactly. There is no server
 * momentum: {@link Strategy#toBuilder} adds {@link FedAvgM}'s.
 *
 * <p><b>Settings</b> (symbol, default, range): effectiveSteps ({@code tau_eff}, {@link EffectiveSteps#NORMALISERS});
 * maxLocalSteps ({@value #DEFAULT_MAX_LOCAL_STEPS}, [1, {@value #MOST_LOCAL_STEPS}]), the most steps that a client is
 * believed to have taken.
 *
 * <p><b>Trust.</b> A client that claims 1 step counts as many times more as it took steps, and one that claims
 * {@code maxLocalSteps} lengthens everyone's step by its share of {@code tau_eff}. So set maxLocalSteps little above what
 * an honest site can take. Example counts enter as in FedAvg: {@code withWeighting(Weighting.byExamplesUpTo(most))} caps
 * them, {@code Weighting.uniform()} ignores them.
 *
 * <p><b>Needs</b> clients that train by SGD as they are told ({@link Capability#TRAINING_SETTINGS}) and report
 * {@value LocalTrainingClient#LOCAL_STEPS}, as every {@link LocalTrainingClient} does; an update without a whole number of
 * steps in range is rejected by the name of the metric. {@code eta mu} must be less than 1. Where strong momentum and a
 * strong {@code mu} together make a client swing back over the global model, {@code ||a_k||_1} of some numbers of steps is
 * less than 1 or even below 0: an update of so many is rejected too.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes; buffers and counters are averaged by
 * {@code p_k}. No state. Cost per round: that of {@link WeightedMean}. <b>Threads.</b> The strategy is immutable and
 * thread-safe.
 */
public final class FedNova {
    /** The published name: {@value}. */
    public static final String NAME = "FedNova";

    /** Default of the most steps that a client is believed to have taken: {@value}. */
    public static final long DEFAULT_MAX_LOCAL_STEPS = 100_000;

    /** The largest value of maxLocalSteps: {@value}. */
    public static final long MOST_LOCAL_STEPS = 10_000_000;

    private FedNova() {}

    /** FedNova with its defaults, over all clients, weighted by their examples. */
    public static Strategy create() {
        return builder().build();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the settings of FedNova. Not thread-safe. */
    public static final class Builder {
        private EffectiveSteps effectiveSteps = EffectiveSteps.NORMALISERS;
        private long maxLocalSteps = DEFAULT_MAX_LOCAL_STEPS;

        private Builder() {}

        /** How far the server goes. */
        public Builder effectiveSteps(EffectiveSteps variant) {
            this.effectiveSteps = variant;
            return this;
        }

        /** The most steps that a client is believed to have taken, at least 1; an update that claims more is rejected. */
        public Builder maxLocalSteps(long most) {
            this.maxLocalSteps = most;
            return this;
        }

        /**
         * The strategy.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Strategy build() {
            return Strategy.builder(NAME, aggregator(), ServerOptimizer::identity)
                    .setting("effectiveSteps", effectiveSteps.name())
                    .setting("maxLocalSteps", maxLocalSteps)
                    .requires(Capability.TRAINING_SETTINGS)
                    .build();
        }

        /**
         * The rule alone, for a strategy with other parts, such as
         * {@code FedProx.withMu(0.1).toBuilder().aggregator(FedNova.builder().aggregator())}.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Supplier<Aggregator> aggregator() {
            Ranges.requireBetween("maxLocalSteps", 1, MOST_LOCAL_STEPS, maxLocalSteps);
            EffectiveSteps variant = effectiveSteps;
            long most = maxLocalSteps;
            return () -> new Rule(variant, most);
        }
    }

    private static final class Rule implements Aggregator.Streaming {
        private final EffectiveSteps effectiveSteps;
        private final long maxLocalSteps;
        private final ReweightedMean mean = new ReweightedMean();
        private TrainingSettings settings = TrainingSettings.defaults();
        // All normalisers are taken relative to the first, so that equal ones are 1 and round nothing.
        private double unit;
        private double weightSum;
        private double normalisedSum;
        private double effectiveSum;

        Rule(EffectiveSteps effectiveSteps, long maxLocalSteps) {
            this.effectiveSteps = effectiveSteps;
            this.maxLocalSteps = maxLocalSteps;
        }

        @Override
        public String description() {
            return "fednova(effectiveSteps=" + effectiveSteps.name().toLowerCase(Locale.ROOT) + ", maxLocalSteps="
                    + maxLocalSteps + ")";
        }

        /**
         * {@inheritDoc}
         *
         * @throws IllegalArgumentException if the learning rate times {@code mu} is 1 or more
         */
        @Override
        public void configure(Config clientConfig) {
            TrainingSettings told = TrainingSettings.of(clientConfig);
            Normaliser.requireSupported(told);
            settings = told;
        }

        /**
         * {@inheritDoc}
         *
         * @throws InvalidUpdateException if the number of local steps is missing, not whole or out of range, or amounts to less
         *     than one step
         */
        @Override
        public void check(ClientUpdate update, ModelSpec global) {
            normaliser(steps(update));
        }

        /** Of less than 1 one client would be most of the mean, or, below 0, end the round. */
        private double normaliser(long steps) {
            double normaliser = Normaliser.of(steps, settings);
            if (!(normaliser >= 1)) {
                throw InvalidUpdateException.of("metric '" + LocalTrainingClient.LOCAL_STEPS + "' of " + steps
                        + " amounts to " + normaliser + " steps with this momentum and mu, must be at least 1");
            }
            return normaliser;
        }

        private long steps(ClientUpdate update) {
            Reports.requireSingleClient(update, NAME);
            double steps = Reports.metric(update, LocalTrainingClient.LOCAL_STEPS, NAME);
            if (!(steps >= 1 && steps <= maxLocalSteps) || steps != Math.rint(steps)) {
                throw InvalidUpdateException.of("metric '" + LocalTrainingClient.LOCAL_STEPS
                        + "' must be a whole number in [1, " + maxLocalSteps + "], was " + steps);
            }
            return (long) steps;
        }

        @Override
        public void begin(Model global) {
            mean.begin(global);
            unit = 0;
            weightSum = 0;
            normalisedSum = 0;
            effectiveSum = 0;
        }

        /**
         * {@inheritDoc}
         *
         * @throws InvalidUpdateException as {@link #check} and {@link WeightedMean#accumulate}
         */
        @Override
        public void accumulate(List<WeightedUpdate> updates) {
            double[] weights = new double[updates.size()];
            double firstUnit = unit;
            double addedWeight = weightSum;
            double addedNormalised = normalisedSum;
            double addedEffective = effectiveSum;
            for (int k = 0; k < weights.length; k++) {
                WeightedUpdate weighted = updates.get(k);
                long steps = steps(weighted.update());
                double normaliser = normaliser(steps);
                firstUnit = firstUnit == 0 ? normaliser : firstUnit;
                weights[k] = weighted.weight() / (normaliser / firstUnit);
                addedWeight += weighted.weight();
                addedNormalised += weights[k];
                addedEffective +=
                        weighted.weight() * ((effectiveSteps == EffectiveSteps.STEPS ? steps : normaliser) / firstUnit);
            }
            mean.accumulate(updates, weights);
            unit = firstUnit;
            weightSum = addedWeight;
            normalisedSum = addedNormalised;
            effectiveSum = addedEffective;
        }

        @Override
        public Aggregate finish() {
            return mean.finish((effectiveSum / weightSum) * (normalisedSum / weightSum));
        }
    }
}
