package io.fedlearn.aggregators;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.training.TrainingSettings;

/**
 * Federated averaging of clients that are held near the global model while they train.
 *
 * <p>With global model {@code w_t} and local loss {@code F_k}, a client of cohort {@code S} minimises, as far as it
 * gets,
 * <pre>
 *   F_k(w) + (mu / 2) ||w - w_t||^2
 * </pre>
 * so each of its steps adds {@code mu (w - w_t)} to the gradient. The server computes
 * {@code w_{t+1} = sum_{k in S} (n_k / n) w_k}, {@code n = sum_{k in S} n_k}, as {@link FedAvg} does.
 *
 * <p>Partial work is accepted: a slow site that trains fewer epochs than others counts by its examples all the same.
 * {@link Strategy#withInstructions} tells single clients how many.
 *
 * <p><b>Reference.</b> Li et al., "Federated Optimization in Heterogeneous Networks", MLSys 2020, arXiv:1812.06127,
 * Algorithm 2. <b>Differs</b> from it in asking every client where no selector says otherwise, and in weighting models
 * by {@code n_k}, where the paper selects clients with probability {@code n_k / n} and averages them uniformly.
 *
 * <p><b>Settings</b> (symbol, default, range): mu ({@code mu}, none, [0, inf)), in units of loss per squared weight.
 * With 0 it is FedAvg; the paper tries 0.001, 0.01, 0.1 and 1.
 *
 * <p><b>Needs</b> clients whose local training honours {@code mu} ({@link Capability#TRAINING_SETTINGS}): over clients
 * that would ignore it, it is refused at the start.
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes. No state at the server. Cost per
 * round: that of {@link WeightedMean}; a client keeps the global model's trainables while it trains. <b>Threads.</b>
 * The strategy is immutable and thread-safe.
 */
public final class FedProx {
    /** The published name: {@value}. */
    public static final String NAME = "FedProx";

    private FedProx() {}

    /**
     * FedProx over all clients, weighted by their examples.
     *
     * @param mu weight of the proximal term, at least 0 and finite
     */
    public static Strategy withMu(double mu) {
        Ranges.requireNotNegative(TrainingSettings.MU, mu);
        return Strategy.builder(NAME, WeightedMean::create, ServerOptimizer::identity)
                .setting(TrainingSettings.MU, mu)
                .tellClients(TrainingSettings.MU, mu)
                .requires(Capability.TRAINING_SETTINGS)
                .build();
    }
}
