package io.fedlearn.aggregators.robust;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import java.util.function.Supplier;

/**
 * The median of the clients' models, coordinate by coordinate.
 *
 * <p>With the {@code n} values {@code x_(1) <= ... <= x_(n)} of a coordinate in the cohort, in order of size, the next
 * global model has there
 * <pre>
 *   x_((n+1)/2)                        if n is odd
 *   (x_(n/2) + x_(n/2+1)) / 2          if n is even
 * </pre>
 *
 * <p><b>Bears</b> {@code f <= (n - 1) / 2} bad clients of {@code n}, rounded down: every value then lies between two of
 * good clients. {@link #bearing} states {@code f}, and a round with fewer than {@code 2 f + 1} updates is aborted.
 *
 * <p><b>Example counts</b> do not enter: a client cannot buy influence by claiming many. Nor can a large site have more
 * than a small one, so on skewed data the median may be far from the mean, and worse than it, without any attack.
 *
 * <p><b>Reference.</b> Yin et al., "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates", ICML
 * 2018, arXiv:1803.01498, Algorithm 1, option I. <b>Differs</b> from it in that clients send what they trained, of
 * several local steps, where the paper's send one gradient, and that nothing is projected.
 *
 * <p><b>Settings</b> (symbol, default, range): badClients ({@code f}, 0, [0, inf)).
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes. All roles are treated alike; the mean
 * of two integers is rounded to even. No state. O(n log^2(n) p) time for {@code p} parameters, one {@code double} per
 * parameter and a block of each update in memory: updates are read once, from wherever they lie.
 * <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class CoordinateMedian {
    /** The published name: {@value}. */
    public static final String NAME = "CoordinateMedian";

    private CoordinateMedian() {}

    /** The median over all clients, however few answer. */
    public static Strategy create() {
        return bearing(0);
    }

    /**
     * The median over all clients, with at least so many answers that this many bad clients cannot move it outside the
     * range of the good.
     *
     * @param badClients {@code >= 0}
     */
    public static Strategy bearing(int badClients) {
        return Strategy.builder(NAME, aggregator(badClients), ServerOptimizer::identity)
                .weighting(Weighting.uniform())
                .setting(BadClients.SETTING, badClients)
                .build();
    }

    /** The aggregator alone, for a strategy with other parts. */
    public static Supplier<Aggregator> aggregator() {
        return aggregator(0);
    }

    /**
     * The aggregator of {@link #bearing} alone, such as for
     * {@code FedProx.withMu(0.1).toBuilder().aggregator(CoordinateMedian.aggregator(2))}.
     *
     * @param badClients {@code >= 0}
     */
    public static Supplier<Aggregator> aggregator(int badClients) {
        Ranges.requireAtLeast(BadClients.SETTING, 0, badClients);
        String description = "coordinate-median(" + BadClients.SETTING + "=" + badClients + ")";
        return () -> CoordinateRule.bearing(description, badClients, n -> (n - 1) / 2);
    }
}
