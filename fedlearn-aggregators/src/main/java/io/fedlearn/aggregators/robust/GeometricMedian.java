package io.fedlearn.aggregators.robust;

import io.fedlearn.aggregators.WeightedMean;
import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import java.util.function.Supplier;

/**
 * Robust federated aggregation (RFA): the model to which the clients' models have the least weighted sum of distances, as
 * far as a few weighted means come near it.
 *
 * <p>The geometric median of a cohort's models {@code w_k} with aggregation weights {@code p_k} minimises
 * {@code sum_k p_k ||z - w_k||}. Smoothed Weiszfeld iterations start from the mean, {@code beta_k = p_k}:
 * <pre>
 *   z       = sum_k beta_k w_k / sum_k beta_k
 *   beta_k  = p_k / max(nu, ||z - w_k||),   r times
 *   w_{t+1} = sum_k beta_k w_k / sum_k beta_k
 * </pre>
 * Distances go over all trainables together and are computed in float64 from differences.
 *
 * <p><b>Bears</b> bad clients that together hold a share {@code a} of the aggregation weight, less than half: the exact
 * geometric median stays within {@code 2 (1 - a) / (1 - 2 a)} times the largest distance of good ones from any point you
 * like, however far the bad ones go. Iterations reach it step by step: what a far attack moves the mean is multiplied by
 * about {@code a / (1 - a)} in each, so that with one fifth bad the default leaves 1/256 of it. Where a site may send
 * anything, take more iterations, or shorten the updates first by {@code serverTransform(() ->
 * NormClipping.withClippingNorm(...))}. With {@link Builder#badClients} a round is aborted whose {@code f} largest
 * weights together are half of all or more.
 *
 * <p><b>Example counts</b> enter by the weights {@code p_k}, so a client that claims a huge count may hold half of the
 * weight alone: {@code withWeighting(Weighting.uniform())} ignores counts, {@code Weighting.byExamplesUpTo(most)} caps
 * them. Where {@code badClients} is stated, counts are ignored unless another weighting is given; a round in which as many
 * clients as that hold half of the weight is aborted then.
 *
 * <p><b>Reference.</b> Pillutla, Kakade and Harchaoui, "Robust Aggregation for Federated Learning", IEEE Transactions on
 * Signal Processing, 2022, arXiv:1912.13445, Algorithm 2. <b>Differs</b> from it in a fixed number of iterations, without
 * a test for the end, and in computing distances in the clear at the server rather than by secure aggregation.
 *
 * <p><b>Settings</b> (symbol, default, range): smoothing ({@code nu}, {@value #DEFAULT_SMOOTHING}, (0, inf)), in units of
 * a weight; iterations ({@code r}, {@value #DEFAULT_ITERATIONS}, [1, inf)); badClients ({@code f}, 0, [0, inf)).
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes. Buffers and counters are averaged with
 * the last weights; distances do not look at them. No state. O(r n p) time for {@code p} parameters, the memory of
 * {@link WeightedMean} and a block of each update: updates are read {@code r + 1} times, from wherever they lie.
 * <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class GeometricMedian {
    /** The published name: {@value}. */
    public static final String NAME = "RFA";

    /** Default distance below which an update's weight does not grow: {@value}. */
    public static final double DEFAULT_SMOOTHING = 1e-6;

    /** Default number of Weiszfeld iterations: {@value}. */
    public static final int DEFAULT_ITERATIONS = 4;

    private GeometricMedian() {}

    /** RFA with its defaults, over all clients. */
    public static Strategy create() {
        return builder().build();
    }

    /** The aggregator with its defaults alone, for a strategy with other parts. */
    public static Supplier<Aggregator> aggregator() {
        return builder().aggregator();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the settings of RFA. Not thread-safe. */
    public static final class Builder {
        private double smoothing = DEFAULT_SMOOTHING;
        private int iterations = DEFAULT_ITERATIONS;
        private int badClients;

        private Builder() {}

        /** Distance below which an update's weight does not grow, {@code > 0}. */
        public Builder smoothing(double distance) {
            this.smoothing = distance;
            return this;
        }

        /** How often the weights are divided by distances, {@code >= 1}. */
        public Builder iterations(int count) {
            this.iterations = count;
            return this;
        }

        /** How many bad clients it has to bear, {@code >= 0}. */
        public Builder badClients(int count) {
            this.badClients = count;
            return this;
        }

        /**
         * The strategy.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Strategy build() {
            return Strategy.builder(NAME, aggregator(), ServerOptimizer::identity)
                    .weighting(badClients == 0 ? Weighting.byExamples() : Weighting.uniform())
                    .setting("smoothing", smoothing)
                    .setting("iterations", iterations)
                    .setting(BadClients.SETTING, badClients)
                    .build();
        }

        /**
         * The aggregator alone, for a strategy with other parts.
         *
         * @throws IllegalArgumentException naming the setting that is out of range
         */
        public Supplier<Aggregator> aggregator() {
            Ranges.requirePositive("smoothing", smoothing);
            Ranges.requireAtLeast("iterations", 1, iterations);
            Ranges.requireAtLeast(BadClients.SETTING, 0, badClients);
            double nu = smoothing;
            int r = iterations;
            int f = badClients;
            String description = "geometric-median(smoothing=" + nu + ", iterations=" + r + ", " + BadClients.SETTING
                    + "=" + f + ")";
            return () -> new WeiszfeldRule(description, nu, r, f);
        }
    }
}
