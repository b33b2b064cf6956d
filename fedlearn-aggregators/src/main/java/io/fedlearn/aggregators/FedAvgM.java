package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import java.util.function.Supplier;

/**
 * Federated averaging with momentum on the server.
 *
 * <p>With global model {@code w}, cohort {@code S} and example counts {@code n_k}, round {@code t} computes
 * <pre>
 *   d_t     = sum_{k in S} (n_k / n) (w_k - w_t),   n = sum_{k in S} n_k
 *   v_t     = beta v_{t-1} + d_t
 *   w_{t+1} = w_t + eta v_t
 * </pre>
 * {@code v} starts at 0. In the long run a steady change counts {@code 1 / (1 - beta)} times, ten times by default:
 * the clients' learning rate that suits {@link FedAvg} may be too large here.
 *
 * <p><b>Reference.</b> Hsu, Qi and Brown, "Measuring the Effects of Non-Identical Data Distribution for Federated
 * Visual Classification", 2019, arXiv:1909.06335. <b>Differs</b> from it in the server learning rate, which the paper
 * does not have (1), and in the sign of {@code v}. The default of {@code beta} is the 0.9 that Reddi et al.
 * (arXiv:2003.00295) compare with; with the 0 of some implementations it is FedAvg.
 *
 * <p><b>Settings</b> (symbol, default, range):
 * serverLearningRate ({@code eta}, {@value #DEFAULT_SERVER_LEARNING_RATE}, (0, inf));
 * serverMomentum ({@code beta}, {@value #DEFAULT_SERVER_MOMENTUM}, [0, 1)).
 * Both are pure numbers.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes; the step acts on trainables, buffers
 * and counters are averaged. State: {@code v}, float64 for float64 tensors and float32 for others, computed in
 * {@code double} and stored once a round. A round takes 6 times a float32 model's bytes, the state of
 * this round and of the one before included. Cost:
 * that of {@link WeightedMean} and O(p) for {@code p} parameters. <b>Threads.</b> The strategy is immutable and
 * thread-safe.
 */
public final class FedAvgM {
    /** The published name: {@value}. */
    public static final String NAME = "FedAvgM";

    /** Default server learning rate: {@value}. */
    public static final double DEFAULT_SERVER_LEARNING_RATE = 1.0;

    /** Default share of the past in {@code v}: {@value}. */
    public static final double DEFAULT_SERVER_MOMENTUM = 0.9;

    private FedAvgM() {}

    /** FedAvgM with its defaults, over all clients. */
    public static Strategy create() {
        return builder().build();
    }

    /** FedAvgM with this server learning rate, {@code > 0}, and the default momentum, over all clients. */
    public static Strategy withServerLearningRate(double serverLearningRate) {
        return builder().serverLearningRate(serverLearningRate).build();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the settings of FedAvgM. Not thread-safe. */
    public static final class Builder {
        private double serverLearningRate = DEFAULT_SERVER_LEARNING_RATE;
        private double serverMomentum = DEFAULT_SERVER_MOMENTUM;

        private Builder() {}

        /** Factor of the server's step, {@code > 0}. */
        public Builder serverLearningRate(double rate) {
            this.serverLearningRate = rate;
            return this;
        }

        /** Share of the past in {@code v}, in [0, 1). */
        public Builder serverMomentum(double share) {
            this.serverMomentum = share;
            return this;
        }

        /**
         * The strategy.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Strategy build() {
            return Strategy.builder(NAME, WeightedMean::create, serverOptimizer())
                    .setting("serverLearningRate", serverLearningRate)
                    .setting("serverMomentum", serverMomentum)
                    .build();
        }

        /**
         * The server step alone, for a strategy with other parts, such as
         * {@code FedProx.withMu(0.1).toBuilder().serverOptimizer(FedAvgM.builder().serverOptimizer())}.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Supplier<ServerOptimizer> serverOptimizer() {
            MomentumRule rule = new MomentumRule(serverLearningRate, serverMomentum);
            return () -> new MomentOptimizer(rule);
        }
    }
}
