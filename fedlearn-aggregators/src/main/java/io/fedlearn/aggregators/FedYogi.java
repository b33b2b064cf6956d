package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import java.util.function.Supplier;

/**
 * Federated averaging with a Yogi update on the server.
 *
 * <p>With global model {@code w}, cohort {@code S} and example counts {@code n_k}, round {@code t} computes
 * <pre>
 *   d_t     = sum_{k in S} (n_k / n) (w_k - w_t),   n = sum_{k in S} n_k
 *   m_t     = beta1 m_{t-1} + (1 - beta1) d_t
 *   v_t     = v_{t-1} - (1 - beta2) d_t^2 sign(v_{t-1} - d_t^2)      (element-wise)
 *   w_{t+1} = w_t + eta m_t / (sqrt(v_t) + tau)
 * </pre>
 * so {@code v} comes down at most by the square of a change, where Adam's would fall by a share of itself. {@code m}
 * starts at 0 and {@code v} at {@code tau^2}; there is no bias correction.
 *
 * <p><b>Reference.</b> Reddi et al., "Adaptive Federated Optimization", ICLR 2021, arXiv:2003.00295, Algorithm 2.
 * <b>Differs</b> from it in weighting by {@code n_k} rather than uniformly. The squares are those of {@code d_t}, as
 * the authors' correction of the paper's first version has it.
 *
 * <p><b>Settings</b> (symbol, default, range):
 * serverLearningRate ({@code eta}, {@value #DEFAULT_SERVER_LEARNING_RATE}, (0, inf));
 * beta1 ({@value #DEFAULT_BETA1}, [0, 1));
 * beta2 ({@value #DEFAULT_BETA2}, [0, 1));
 * tau ({@value #DEFAULT_TAU}, (0, inf)).
 * {@code eta} and {@code tau} are in units of a weight, the betas pure numbers. The learning rates must be tuned
 * together, over powers of ten: the paper's best differ from task to task.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes; the step acts on trainables, buffers
 * and counters are averaged. State: {@code m} and {@code v}, float64 for float64 tensors and float32 for others,
 * computed in {@code double} and stored once a round. A round takes 8 times a float32 model's bytes, the state
 * of this round and of the one before included. Cost: that of {@link WeightedMean} and O(p) for {@code p} parameters. <b>Threads.</b> The strategy is
 * immutable and thread-safe.
 */
public final class FedYogi {
    /** The published name: {@value}. */
    public static final String NAME = "FedYogi";

    /** Default server learning rate: {@value}. */
    public static final double DEFAULT_SERVER_LEARNING_RATE = 0.01;

    /** Default share of the past in {@code m}: {@value}. */
    public static final double DEFAULT_BETA1 = 0.9;

    /** Default share of the past in {@code v}: {@value}. */
    public static final double DEFAULT_BETA2 = 0.99;

    /** Default degree of adaptivity: {@value}. */
    public static final double DEFAULT_TAU = 0.001;

    private FedYogi() {}

    /** FedYogi with its defaults, over all clients. */
    public static Strategy create() {
        return builder().build();
    }

    /** FedYogi with this server learning rate, {@code > 0}, and its other defaults, over all clients. */
    public static Strategy withServerLearningRate(double serverLearningRate) {
        return builder().serverLearningRate(serverLearningRate).build();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the settings of FedYogi. Not thread-safe. */
    public static final class Builder {
        private double serverLearningRate = DEFAULT_SERVER_LEARNING_RATE;
        private double beta1 = DEFAULT_BETA1;
        private double beta2 = DEFAULT_BETA2;
        private double tau = DEFAULT_TAU;

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
                    .build();
        }

        /**
         * The server step alone, for a strategy with other parts, such as
         * {@code FedProx.withMu(0.1).toBuilder().serverOptimizer(FedYogi.builder().serverOptimizer())}.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Supplier<ServerOptimizer> serverOptimizer() {
            AdaptiveRule rule = new AdaptiveRule(
                    AdaptiveRule.SecondMoment.YOGI, serverLearningRate, beta1, beta2, tau, BiasCorrection.NONE);
            return () -> new MomentOptimizer(rule);
        }
    }
}
