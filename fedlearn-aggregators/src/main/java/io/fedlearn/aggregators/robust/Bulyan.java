package io.fedlearn.aggregators.robust;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import java.util.function.Supplier;

/**
 * Krum picks a majority of good models one by one; then each coordinate is the mean of the values nearest to the picked
 * ones' median.
 *
 * <p>With a cohort of {@code n} clients, {@code f} of which may be bad:
 * <pre>
 *   R = all n updates, S = {}
 *   until S holds theta = n - 2 f:  move the update with the least Krum score within R from R to S,
 *                                   scores summing the max(1, |R| - f - 2) smallest squared distances
 *   each coordinate of w_{t+1} = mean of the beta = theta - 2 f values in S that are nearest to their median
 * </pre>
 * The median of an even number is the mean of the middle two; of two values that are equally near, the smaller counts.
 * Distances and ties of scores are those of {@link Krum}. {@code R} shrinks to {@code 2 f + 1}, where nothing would be
 * left of {@code |R| - f - 2} neighbours for {@code f} of 0 and 1.
 *
 * <p><b>Bears</b> {@code f} bad clients of {@code n >= 4 f + 3}; a round with fewer updates is aborted. {@code f} is
 * stated, not found out. Against Krum's weakness, a large change of a few parameters within a usual distance, each
 * coordinate is held near the median of a majority of good ones.
 *
 * <p><b>Example counts</b> do not enter.
 *
 * <p><b>Reference.</b> El Mhamdi et al., "The Hidden Vulnerability of Distributed Learning in Byzantium", ICML 2018,
 * arXiv:1802.07927. <b>Differs</b> from it in that clients send what they trained, of several local steps,
 * where the paper's send one gradient.
 *
 * <p><b>Settings</b> (symbol, default, range): badClients ({@code f}, none, [0, inf)).
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes. Trainables decide who is picked; in the
 * second step all roles are treated alike, and means of integers are rounded to the nearest whole number, ties to even.
 * No state. O(n^2 p + n^3) time for {@code p} parameters, one {@code double} per parameter, a block of each update and
 * 12 n^2 bytes of distances and ranks in memory: updates are read once, from wherever they lie, and those picked twice.
 * <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class Bulyan {
    /** The published name: {@value}. */
    public static final String NAME = "Bulyan";

    private Bulyan() {}

    /**
     * Bulyan over all clients.
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
        return () -> new BulyanRule("bulyan(" + BadClients.SETTING + "=" + badClients + ")", badClients);
    }
}
