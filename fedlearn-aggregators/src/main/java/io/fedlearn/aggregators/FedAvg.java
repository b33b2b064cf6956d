package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;

/**
 * Federated averaging: the next global model is the mean of the clients' models.
 *
 * <p>With cohort {@code S}, example counts {@code n_k} and models {@code w_k} after local training, round {@code t}
 * computes
 * <pre>
 *   w_{t+1} = sum_{k in S} (n_k / n) w_k,   n = sum_{k in S} n_k
 * </pre>
 *
 * <p><b>Reference.</b> McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data",
 * AISTATS 2017, arXiv:1602.05629, Algorithm 1. <b>Differs</b> from it in asking every client where no selector says
 * otherwise, and in that {@code n} counts the examples of those clients whose updates arrived.
 *
 * <p><b>Settings.</b> None of its own. {@link Strategy#withSelector} takes the paper's {@code C}, the run's training
 * settings its {@code E}, {@code B} and client learning rate.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes. No state. Cost per round: that of
 * {@link WeightedMean}. <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class FedAvg {
    /** The published name: {@value}. */
    public static final String NAME = "FedAvg";

    private FedAvg() {}

    /** Federated averaging of all clients, weighted by their examples. */
    public static Strategy create() {
        return Strategy.builder(NAME, WeightedMean::create, ServerOptimizer::identity)
                .build();
    }
}
