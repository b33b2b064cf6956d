package io.fedlearn.aggregators.robust;

import io.fedlearn.aggregators.WeightedMean;
import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import java.util.function.Supplier;

/**
 * The mean of the clients' models that lie nearest to their nearest neighbours.
 *
 * <p>With the models {@code w_i} of a cohort of {@code n} clients, {@code f} of which may be bad, {@code N_i} the
 * {@code n - f - 2} others that are nearest to {@code w_i}, and {@code M} the {@code m} clients with the least scores,
 * <pre>
 *   s(i)    = sum_{j in N_i} ||w_i - w_j||^2
 *   w_{t+1} = sum_{i in M} p_i w_i / sum_{i in M} p_i
 * </pre>
 * where {@code p_i} is the aggregation weight. Of equal scores that of the smaller client id is taken first. Distances
 * are those of {@link Krum}.
 *
 * <p><b>Bears</b> {@code f} bad clients of {@code n >= 2 f + 3}; a round with fewer updates, or fewer than {@code m + f},
 * is aborted. Bad ones may be among the {@code m}, but only with scores as low as those of good ones. {@code f} is
 * stated, not found out.
 *
 * <p><b>Example counts</b> are ignored: {@code p_i} is 1, as in the paper. Another weighting enters the mean, after the
 * selection, which does not see it: with {@code Weighting.byExamples()} a client that lies near the others and claims a
 * huge count would be nearly all of it, so cap counts there ({@code Weighting.byExamplesUpTo(most)}). Buffers and counters
 * are averaged with the same weights; distances do not look at them.
 *
 * <p><b>Reference.</b> Blanchard et al., "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent",
 * NeurIPS 2017. <b>Differs</b> from it in that clients send what they trained, of several local steps, where the paper's send one gradient.
 *
 * <p><b>Settings</b> (symbol, default, range): badClients ({@code f}, none, [0, inf)); selected ({@code m},
 * {@code n - f}, [1, n - f]).
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes. No state. O(n^2 p) time for {@code p}
 * parameters, the memory of {@link WeightedMean}, a block of each update and 12 n^2 bytes of distances and ranks: updates
 * are read once, from wherever they lie, and those selected twice. <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class MultiKrum {
    /** The published name: {@value}. */
    public static final String NAME = "MultiKrum";

    private static final String SELECTED = "selected";

    private MultiKrum() {}

    /**
     * Multi-Krum over all clients that selects all but as many as may be bad.
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
     * Multi-Krum over all clients.
     *
     * @param badClients how many bad clients it has to bear, {@code >= 0}
     * @param selected how many updates are averaged, {@code >= 1}
     */
    public static Strategy bearing(int badClients, int selected) {
        return Strategy.builder(NAME, aggregator(badClients, selected), ServerOptimizer::identity)
                .weighting(Weighting.uniform())
                .setting(BadClients.SETTING, badClients)
                .setting(SELECTED, selected)
                .build();
    }

    /**
     * The aggregator of {@link #bearing(int)} alone, for a strategy with other parts.
     *
     * @param badClients how many bad clients it has to bear, {@code >= 0}
     */
    public static Supplier<Aggregator> aggregator(int badClients) {
        Ranges.requireAtLeast(BadClients.SETTING, 0, badClients);
        return () -> new KrumRule(
                "multi-krum(" + BadClients.SETTING + "=" + badClients + ")", badClients, n -> n - badClients);
    }

    /**
     * The aggregator of {@link #bearing(int, int)} alone, for a strategy with other parts.
     *
     * @param badClients how many bad clients it has to bear, {@code >= 0}
     * @param selected how many updates are averaged, {@code >= 1}
     */
    public static Supplier<Aggregator> aggregator(int badClients, int selected) {
        Ranges.requireAtLeast(BadClients.SETTING, 0, badClients);
        Ranges.requireAtLeast(SELECTED, 1, selected);
        String description =
                "multi-krum(" + BadClients.SETTING + "=" + badClients + ", " + SELECTED + "=" + selected + ")";
        return () -> new KrumRule(description, badClients, n -> selected);
    }
}
