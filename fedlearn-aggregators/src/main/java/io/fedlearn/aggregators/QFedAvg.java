package io.fedlearn.aggregators;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.ModelDelta;
import java.util.List;
import java.util.function.Supplier;

/**
 * Fair federated averaging: clients on which the global model loses more count for more, the larger {@code q} the more.
 *
 * <p>With global model {@code w}, cohort {@code S}, models {@code w_k} after local training, {@code F_k} the loss of
 * {@code w_t} at client {@code k} before it, and {@code L = 1 / eta} for client learning rate {@code eta}, round
 * {@code t} computes
 * <pre>
 *   G_k     = L (w_t - w_k)
 *   Delta_k = F_k^q G_k
 *   h_k     = q F_k^(q-1) ||G_k||^2 + L F_k^q
 *   w_{t+1} = w_t - sum_{k in S} Delta_k / sum_{k in S} h_k
 * </pre>
 * which descends {@code sum_k F_k^(q+1) / (q + 1)}. With {@code q = 0} it is the uniform mean of the models. Each
 * {@code F_k} is taken as {@code F_k + 1e-10}, as the authors' program does, so that a loss of 0, whose power would
 * divide by zero where {@code q < 1}, is defined.
 *
 * <p>{@code F_k} is the loss at the model that the client got, {@value LocalTrainingClient#LOSS_BEFORE}, which every
 * client is asked to measure, and never the training loss that it reports beside. {@code eta} is what the run tells its
 * clients.
 *
 * <p><b>Reference.</b> Li et al., "Fair Resource Allocation in Federated Learning", ICLR 2020, arXiv:1905.10497,
 * Algorithm 2. <b>Differs</b> from it in asking every client where no selector says otherwise; the paper selects clients
 * with probability {@code n_k / n}, so there as here the sums do not weight them by examples. The strategy's weighting, if
 * it is replaced, multiplies {@code Delta_k} and {@code h_k}.
 *
 * <p><b>Settings</b> (symbol, default, range): q ({@code q}, {@value #DEFAULT_Q}, [0, {@value #MOST_Q}]), a pure number:
 * the paper has no default and tunes it from 0.001 to 15 by data set, this is Flower's; maxLoss
 * ({@value #DEFAULT_MAX_LOSS}, (0, inf) and {@code maxLoss^q} at most {@value #MOST_WEIGHT}), the largest loss that is
 * believed.
 *
 * <p><b>Trust.</b> A client that lies about its loss takes over the round: one that claims {@code c} times the loss counts
 * {@code c^q} times. maxLoss bounds that; set it to what an untrained model loses. One that sends a model far away makes
 * {@code h_k} large, and holds everybody back: {@link io.fedlearn.aggregators.transform.NormClipping} bounds that. With
 * {@code q < 1} so does one that claims a loss next to 0, whose power {@code F_k^(q-1)} is up to {@code 10^(10 (1 - q))}:
 * nothing bounds that, the round's step is then next to 0. Example counts do not enter unless
 * {@code withWeighting(Weighting.byExamples())} says so.
 *
 * <p><b>Needs</b> clients that honour {@value LocalTrainingClient#REPORT_LOSS_BEFORE} and the learning rate
 * ({@link Capability#TRAINING_SETTINGS}); it costs them a pass over their training examples. An update without a loss in
 * [0, maxLoss] is rejected by the name of the metric.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes; norms go over trainables, buffers and
 * counters are averaged by the aggregation weights. No state. Cost per round: that of {@link WeightedMean} and one more
 * pass over each update. <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class QFedAvg {
    /** The published name: {@value}. */
    public static final String NAME = "q-FedAvg";

    /** Default of how much larger losses count for more: {@value}. */
    public static final double DEFAULT_Q = 0.1;

    /** The largest {@code q}: {@value}, the largest that the paper tries; powers of small losses would vanish. */
    public static final double MOST_Q = 15;

    /** Default of the largest loss that is believed: {@value}. */
    public static final double DEFAULT_MAX_LOSS = 1e6;

    /** The largest value of {@code maxLoss^q}: {@value}, with which the sums of any updates stay finite. */
    public static final double MOST_WEIGHT = 1e100;

    private static final double OFFSET = 1e-10;

    private QFedAvg() {}

    /** q-FedAvg with its defaults, over all clients. */
    public static Strategy create() {
        return builder().build();
    }

    /** q-FedAvg over all clients; with {@code q = 0} a mean in which each client counts alike. */
    public static Strategy withQ(double q) {
        return builder().q(q).build();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the settings of q-FedAvg. Not thread-safe. */
    public static final class Builder {
        private double q = DEFAULT_Q;
        private double maxLoss = DEFAULT_MAX_LOSS;

        private Builder() {}

        /** How much larger losses count for more, in [0, {@value #MOST_Q}]. */
        public Builder q(double exponent) {
            this.q = exponent;
            return this;
        }

        /** The largest loss that is believed, {@code > 0}; an update that claims more is rejected. */
        public Builder maxLoss(double most) {
            this.maxLoss = most;
            return this;
        }

        /**
         * The strategy.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Strategy build() {
            return Strategy.builder(NAME, aggregator(), ServerOptimizer::identity)
                    .setting("q", q)
                    .setting("maxLoss", maxLoss)
                    .weighting(Weighting.uniform())
                    .tellClients(LocalTrainingClient.REPORT_LOSS_BEFORE, true)
                    .requires(Capability.TRAINING_SETTINGS)
                    .build();
        }

        /**
         * The rule alone, for a strategy with other parts, which must tell clients
         * {@value LocalTrainingClient#REPORT_LOSS_BEFORE} too.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Supplier<Aggregator> aggregator() {
            Ranges.requireBetween("q", 0, MOST_Q, q);
            Ranges.requirePositive("maxLoss", maxLoss);
            Ranges.requireBetween("maxLoss^q", 0, MOST_WEIGHT, StrictMath.pow(maxLoss, q));
            double exponent = q;
            double most = maxLoss;
            return () -> new Rule(exponent, most);
        }
    }

    private static final class Rule implements Aggregator.Streaming {
        private final double q;
        private final double maxLoss;
        private final ReweightedMean mean = new ReweightedMean();
        private double lipschitz = 1 / TrainingSettings.DEFAULT_LEARNING_RATE;
        private Model global = Model.empty();
        // Both divided by L.
        private double weightSum;
        private double divisor;

        Rule(double q, double maxLoss) {
            this.q = q;
            this.maxLoss = maxLoss;
        }

        @Override
        public String description() {
            return "q-fedavg(q=" + q + ", maxLoss=" + maxLoss + ")";
        }

        @Override
        public void configure(Config clientConfig) {
            lipschitz = 1 / TrainingSettings.of(clientConfig).learningRate();
        }

        /**
         * {@inheritDoc}
         *
         * @throws InvalidUpdateException if the loss before training is missing, negative or too large
         */
        @Override
        public void check(ClientUpdate update, ModelSpec spec) {
            loss(update);
        }

        private double loss(ClientUpdate update) {
            Reports.requireSingleClient(update, NAME);
            double loss = Reports.metric(update, LocalTrainingClient.LOSS_BEFORE, NAME);
            if (!(loss >= 0 && loss <= maxLoss)) {
                throw InvalidUpdateException.of("metric '" + LocalTrainingClient.LOSS_BEFORE + "' must be in [0, "
                        + maxLoss + "], was " + loss);
            }
            return loss + OFFSET;
        }

        @Override
        public void begin(Model newGlobal) {
            mean.begin(newGlobal);
            global = newGlobal;
            weightSum = 0;
            divisor = 0;
        }

        /**
         * {@inheritDoc}
         *
         * @throws InvalidUpdateException as {@link #check} and {@link WeightedMean#accumulate}
         */
        @Override
        public void accumulate(List<WeightedUpdate> updates) {
            double[] weights = new double[updates.size()];
            double addedWeight = weightSum;
            double addedDivisor = divisor;
            for (int k = 0; k < weights.length; k++) {
                WeightedUpdate weighted = updates.get(k);
                double loss = loss(weighted.update());
                weights[k] = weighted.weight() * StrictMath.pow(loss, q);
                addedWeight += weights[k];
                addedDivisor += weights[k];
                if (q > 0) {
                    double squaredNorm =
                            ModelDelta.of(weighted.update(), global).squaredNorm();
                    addedDivisor += weighted.weight() * (q * StrictMath.pow(loss, q - 1) * (lipschitz * squaredNorm));
                }
            }
            mean.accumulate(updates, weights);
            weightSum = addedWeight;
            divisor = addedDivisor;
        }

        @Override
        public Aggregate finish() {
            global = Model.empty();
            return mean.finish(weightSum / divisor);
        }
    }
}
