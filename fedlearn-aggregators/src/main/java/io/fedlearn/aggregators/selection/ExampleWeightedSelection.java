package io.fedlearn.aggregators.selection;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import java.util.List;
import java.util.OptionalInt;

/**
 * So many clients without replacement, one after the other, each with a probability in proportion to its examples among those
 * that are left.
 *
 * <p>A client's example count is what it says of itself (property {@value #EXAMPLE_COUNT}), or else what its latest
 * accepted update rested on. While neither is known it counts as the mean of those that are, so that newcomers have their
 * chance. Counts are what clients say: one that lies is chosen more often, so take it among sites that are trusted, or
 * {@linkplain #withMost cap} what a count may be. An update that was chosen by its examples should not be weighted by them once
 * more: {@link io.fedlearn.core.strategy.Weighting#uniform()} belongs with it, as in the paper.
 *
 * <p><b>Reference.</b> Li et al., "Federated Optimization in Heterogeneous Networks", MLSys 2020, arXiv:1812.06127,
 * Algorithm 1, <b>differing</b> in that a client is chosen once a round at most. The draw is that of Efraimidis and Spirakis,
 * "Weighted random sampling with a reservoir", 2006: the clients with the smallest {@code -ln(u_k) / n_k}.
 *
 * <p><b>Settings</b>: count (none, at least 1); most (none, at least 1). <b>Threads.</b> Immutable.
 */
public final class ExampleWeightedSelection implements ClientSelector {
    /** The property in which a client says how many training examples it has: {@value}. */
    public static final String EXAMPLE_COUNT = "exampleCount";

    private final int count;
    private final long most;

    private ExampleWeightedSelection(int count, long most) {
        Ranges.requireAtLeast("count", 1, count);
        Ranges.requireAtLeast("most", 1, most);
        this.count = count;
        this.most = most;
    }

    /**
     * A selector of so many clients, or of all where there are fewer.
     *
     * @param count at least 1
     */
    public static ExampleWeightedSelection choosing(int count) {
        return new ExampleWeightedSelection(count, Long.MAX_VALUE);
    }

    /**
     * This selector, as if no client had more than so many examples.
     *
     * @param examples at least 1
     */
    public ExampleWeightedSelection withMost(long examples) {
        return new ExampleWeightedSelection(count, examples);
    }

    @Override
    public List<String> select(Context context) {
        return ClientExamples.of(context, most).sample(context, count).stream()
                .map(ClientInfo::id)
                .toList();
    }

    @Override
    public String description() {
        return "by-examples(count=" + count + (most == Long.MAX_VALUE ? "" : ", most=" + most) + ")";
    }

    @Override
    public OptionalInt largestCohort() {
        return OptionalInt.of(count);
    }
}
