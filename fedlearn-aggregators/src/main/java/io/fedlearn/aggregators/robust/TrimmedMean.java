package io.fedlearn.aggregators.robust;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.Weighting;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.function.Supplier;

/**
 * The mean of the clients' models without the largest and smallest values of each coordinate.
 *
 * <p>With the {@code n} values {@code x_(1) <= ... <= x_(n)} of a coordinate in the cohort, in order of size, the next
 * global model has there
 * <pre>
 *   1 / (n - 2 b)  sum_{i = b+1}^{n-b} x_(i),   b = floor(beta n)   or   b = f
 * </pre>
 * {@code floor(beta n)} is exact for {@code beta} as it is written in decimals: 0.29 of 100 are 29. Since {@code beta}
 * is below one half, something is always left.
 *
 * <p><b>Bears</b> {@code f <= b} bad clients of {@code n}: what is left of a coordinate then lies between two values of
 * good clients. With the default {@code beta} those are 2 of 10 and 10 of 50; a round in which {@code beta n} is less
 * than 1, so that nothing would be left out, is aborted (unless {@code beta} is 0). {@link #bearing} states {@code f}
 * instead, and a round with fewer than {@code 2 f + 1} updates is aborted.
 *
 * <p><b>Example counts</b> do not enter: a client cannot buy influence by claiming many, and a large site has no more
 * than a small one.
 *
 * <p><b>Reference.</b> Yin et al., "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates", ICML
 * 2018, arXiv:1803.01498, Algorithm 1, option II. <b>Differs</b> from it in that clients send what they trained, of
 * several local steps, where the paper's send one gradient, and that nothing is projected.
 *
 * <p><b>Settings</b> (symbol, default, range): trimmedShare ({@code beta}, {@value #DEFAULT_TRIMMED_SHARE}, [0, 0.5)),
 * a share of the updates for each tail; or badClients ({@code f}, none, [0, inf)).
 *
 * <p><b>Shapes.</b> Every update has the global model's tensor names and shapes. All roles are treated alike; means of
 * integers are rounded to the nearest whole number, ties to even. No state. O(n log^2(n) p) time for {@code p}
 * parameters, one {@code double} per parameter and a block of each update in memory: updates are read once, from
 * wherever they lie. <b>Threads.</b> The strategy is immutable and thread-safe.
 */
public final class TrimmedMean {
    /** The published name: {@value}. */
    public static final String NAME = "TrimmedMean";

    /** Default share of the updates that is left out in each tail: {@value}. */
    public static final double DEFAULT_TRIMMED_SHARE = 0.2;

    private static final String TRIMMED_SHARE = "trimmedShare";

    private TrimmedMean() {}

    /** The trimmed mean with its default share, over all clients. */
    public static Strategy create() {
        return withTrimmedShare(DEFAULT_TRIMMED_SHARE);
    }

    /**
     * The trimmed mean over all clients, without this share of the values in each tail.
     *
     * @param trimmedShare in [0, 0.5)
     */
    public static Strategy withTrimmedShare(double trimmedShare) {
        return Strategy.builder(NAME, aggregatorWithTrimmedShare(trimmedShare), ServerOptimizer::identity)
                .weighting(Weighting.uniform())
                .setting(TRIMMED_SHARE, trimmedShare)
                .setting(BadClients.SETTING, 0)
                .build();
    }

    /**
     * The trimmed mean over all clients, without so many values in each tail.
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
     * The aggregator of {@link #withTrimmedShare} alone, for a strategy with other parts.
     *
     * @param trimmedShare in [0, 0.5)
     */
    public static Supplier<Aggregator> aggregatorWithTrimmedShare(double trimmedShare) {
        if (!(trimmedShare >= 0 && trimmedShare < 0.5)) {
            throw new IllegalArgumentException(TRIMMED_SHARE + " must be in [0, 0.5), was " + trimmedShare);
        }
        BigDecimal share = BigDecimal.valueOf(trimmedShare);
        // With fewer it would be the plain mean under a safer name.
        int least = share.signum() == 0 ? 1 : leaveOutOne(share);
        return () -> new CoordinateRule(
                "trimmed-mean(" + TRIMMED_SHARE + "=" + trimmedShare + ")",
                least,
                "beta n >= 1",
                n -> share.multiply(BigDecimal.valueOf(n)).intValue());
    }

    /** Of how many updates the share is one. */
    private static int leaveOutOne(BigDecimal share) {
        return BigDecimal.ONE
                .divide(share, 0, RoundingMode.CEILING)
                .min(BigDecimal.valueOf(Integer.MAX_VALUE))
                .intValueExact();
    }

    /**
     * The aggregator of {@link #bearing} alone, for a strategy with other parts.
     *
     * @param badClients how many bad clients it has to bear, {@code >= 0}
     */
    public static Supplier<Aggregator> aggregator(int badClients) {
        Ranges.requireAtLeast(BadClients.SETTING, 0, badClients);
        return () -> CoordinateRule.bearing(
                "trimmed-mean(" + BadClients.SETTING + "=" + badClients + ")", badClients, n -> badClients);
    }
}
