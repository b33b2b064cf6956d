package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import java.util.function.Supplier;

/**
 * Federated averaging with an Adam update on the server.
 *
 * <p>With global model {@code w}, cohort {@code S} and example counts {@code n_k}, round {@code t} computes
 * <pre>
 *   d_t     = sum_{k in S} (n_k / n) (w_k - w_t),   n = sum_{k in S} n_k
 *   m_t     = beta1 m_{t-1} + (1 - beta1) d_t
 *   v_t     = beta2 v_{t-1} + (1 - beta2) d_t^2      (element-wise)
 *   w_{t+1} = w_t + eta m_t / (sqrt(v_t) + tau)
 * </pre>
 * There is no bias correction, as in the paper. {@code m} starts at 0 and {@code v} at {@code tau^2}.
 * {@link BiasCorrection} has two that other implementations use.
 *
 * <p><b>Reference.</b> Reddi et al., "Adaptive Federated Optimization", ICLR 2021, arXiv:2003.00295, Algorithm 2.
 * <b>Differs</b> from it in weighting by {@code n_k} rather than uniformly.
 *
 * <p><b>Settings</b> (symbol, default, range):
 * serverLearningRate ({@code eta}, {@value #DEFAULT_SERVER_LEARNING_RATE}, (0, inf));
 * beta1 ({@value #DEFAULT_BETA1}, [0, 1));
 * beta2 ({@value #DEFAULT_BETA2}, [0, 1));
 * tau ({@value #DEFAULT_TAU}, (0, inf));
 * biasCorrection ({@link BiasCorrection#NONE}).
 * {@code eta} and {@code tau} are in units of a weight, the betas pure numbers. The learning rates must be tuned
 * together, over powers of ten: the paper's best differ from task to task.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes; the step acts on trainables, buffers
 * and counters are averaged. State: {@code m} and {@code v}, float64 for float64 tensors and float32 for others,
 * computed in {@code double} and stored once a round. A round takes 8 times a float32 model's bytes, the state
 * of this round and of the one before included. Cost: that of {@link WeightedMean} and O(p) for {@code p} parameters. <b>Threads.</b> The strategy is
 * immutable and thread-safe.
 */
public final class FedAdam {
    /** The published name: {@value}. */
    public static final String NAME = "FedAdam";

    /** Default server learning rate: {@value}. */
    public static final double DEFAULT_SERVER_LEARNING_RATE = 0.1;

    /** Default share of the past in {@code m}: {@value}. */
    public static final double DEFAULT_BETA1 = 0.9;

    /** Default share of the past in {@code v}: {@value}. */
    public static final double DEFAULT_BETA2 = 0.99;

    /** Default degree of adaptivity: {@value}. */
    public static final double DEFAULT_TAU = 0.001;

    private FedAdam() {}

    /** FedAdam with its defaults, over all clients. */
    public static Strategy create() {
        return builder().build();
    }

    /** FedAdam with this server learning rate, {@code > 0}, and its other defaults, over all clients. */
    public static Strategy withServerLearningRate(double serverLearningRate) {
        return builder().serverLearningRate(serverLearningRate).build();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the settings of FedAdam. Not thread-safe. */
    public static final class Builder {
        private double serverLearningRate = DEFAULT_SERVER_LEARNING_RATE;
        private double beta1 = DEFAULT_BETA1;
        private double beta2 = DEFAULT_BETA2;
        private double tau = DEFAULT_TAU;
        private BiasCorrection biasCorrection = BiasCorrection.NONE;

        private Builder() {}

        /** Factor of the server's step, {@code > 0}. */
        public Builder serverLearningRate(double rate) {
            this.serverLearningRate = rate;
            return this;
        }

        /** Share of the past in {@code m}, in [0, 1). */
        public Builder beta1(double share) {
            this.beta1 = share;
            return this;
        }

        /** Share of the past in {@code v}, in [0, 1). */
        public Builder beta2(double share) {
            this.beta2 = share;
            return this;
        }

        /** What is added to the divisor, {@code > 0}: the larger, the less each parameter has a rate of its own. */
        public Builder tau(double value) {
            this.tau = value;
            return this;
        }

        /** How to make up for moments that start from nothing. */
        public Builder biasCorrection(BiasCorrection correction) {
            this.biasCorrection = correction;
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
                    .setting("beta1", beta1)
                    .setting("beta2", beta2)
                    .setting("tau", tau)
                    .setting("biasCorrection", biasCorrection.name())
                    .build();
        }

        /**
         * The server step alone, for a strategy with other parts, such as
         * {@code FedProx.withMu(0.1).toBuilder().serverOptimizer(FedAdam.builder().serverOptimizer())}.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Supplier<ServerOptimizer> serverOptimizer() {
            AdaptiveRule rule = new AdaptiveRule(
                    AdaptiveRule.SecondMoment.ADAM, serverLearningRate, beta1, beta2, tau, biasCorrection);
            return () -> new MomentOptimizer(rule);
        }
    }
}
