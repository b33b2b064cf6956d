package io.fedlearn.aggregators.robust;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import java.util.function.Supplier;

/**
 * The one client's model that lies nearest to its nearest neighbours.
 *
 * <p>With the models {@code w_i} of a cohort of {@code n} clients, {@code f} of which may be bad, and {@code N_i} the
 * {@code n - f - 2} others that are nearest to {@code w_i},
 * <pre>
 *   s(i)    = sum_{j in N_i} ||w_i - w_j||^2
 *   w_{t+1} = w_i   with the least s(i)
 * </pre>
 * Of equal scores that of the smaller client id is taken. Distances go over all trainables together and are computed in
 * float64 from differences, so that they are right for updates that differ in their last bits, and never below zero.
 *
 * <p><b>Bears</b> {@code f} bad clients of {@code n >= 2 f + 3}; a round with fewer updates is aborted. {@code f} is
 * stated, not found out: with more bad clients than that they may be each other's neighbours.
 *
 * <p><b>Example counts</b> do not enter. The model of one client is taken as it is, with its buffers and counters, at
 * which the distances do not look; so progress is that of a single site, noisier than a mean. {@link MultiKrum} averages
 * several. On skewed data the sites whose data is rare lose, without any attack. In a model of very many parameters an
 * attacker may hide a large change of a few in a distance that is no longer than the others' ({@link Bulyan}).
 *
 * <p><b>Reference.</b> Blanchard et al., "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent",
 * NeurIPS 2017. <b>Differs</b> from it in that clients send what they trained, of several local steps, where the paper's
 * send one gradient.
 *
 * <p><b>Settings</b> (symbol, default, range): badClients ({@code f}, none, [0, inf)).
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes. No state. O(n^2 p) time for {@code p}
 * parameters, one {@code double} per parameter (two for 64-bit types), a block of each update and 12 n^2 bytes of
 * distances and ranks in memory: updates are read once, from wherever they lie, and that of the chosen twice.
 * <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class Krum {
    /** The published name: {@value}. */
    public static final String NAME = "Krum";

    private Krum() {}

    /**
     * Krum over all clients.
     *
     * @param badClients how many bad clients it has to bear, {@code >= 0}
     */
    public static Strategy bearing(int badClients) {
        return Strategy.builder(NAME, aggregator(badClients), ServerOptimizer::identity)
                .weighting(Weighting.uniform())
                .setting(BadClients.SETTING, badClients)
                .build();
    }

    /**
     * The aggregator alone, for a strategy with other parts.
     *
     * @param badClients how many bad clients it has to bear, {@code >= 0}
     */
    public static Supplier<Aggregator> aggregator(int badClients) {
        Ranges.requireAtLeast(BadClients.SETTING, 0, badClients);
        return () -> new KrumRule("krum(" + BadClients.SETTING + "=" + badClients + ")", badClients, n -> 1);
    }
}
