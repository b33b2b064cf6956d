package io.fedlearn.aggregators.selection;

import io.fedlearn.aggregators.internal.Ranges;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.training.Evaluation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;

/**
 * Power of choice: of {@code d} candidates, drawn without replacement in proportion to their examples, the {@code m} whose loss
 * is largest.
 *
 * <p>The loss of a client is the mean training loss that its latest accepted update reported (the paper's {@code rpow-d}, which
 * costs no further message); one that has reported none counts as infinite, so everybody is heard once. Convergence is faster
 * where clients differ, at the price of a bias towards those that fit worst, which grows with {@code d}: {@code d = m} is
 * {@link ExampleWeightedSelection}. A client that lies about its loss is chosen more often.
 *
 * <p><b>Reference.</b> Cho, Wang and Joshi, "Towards Understanding Biased Client Selection in Federated Learning", AISTATS 2022
 * (arXiv:2010.01243), {@code pi_rpow-d}. There updates are averaged uniformly
 * ({@link io.fedlearn.core.strategy.Weighting#uniform()}).
 *
 * <p><b>Settings</b>: count ({@code m}, none, at least 1); candidates ({@code d}, none, at least {@code m}). <b>Threads.</b>
 * Immutable.
 */
public final class PowerOfChoice implements ClientSelector {
    private final int count;
    private final int candidates;

    private PowerOfChoice(int count, int candidates) {
        Ranges.requireAtLeast("count", 1, count);
        Ranges.requireAtLeast("candidates", count, candidates);
        this.count = count;
        this.candidates = candidates;
    }

    /**
     * A selector of so many clients, or of all where there are fewer.
     *
     * @param count at least 1
     * @param candidates of whom they are the worst off, at least {@code count}
     */
    public static PowerOfChoice choosing(int count, int candidates) {
        return new PowerOfChoice(count, candidates);
    }

    @Override
    public List<String> select(Context context) {
        record Candidate(String id, double loss) {}
        List<Candidate> drawn = new ArrayList<>();
        for (ClientInfo client : ClientExamples.of(context, Long.MAX_VALUE).sample(context, candidates)) {
            double loss = context.participation()
                    .apply(client.id())
                    .lastMetrics()
                    .get(Evaluation.LOSS)
                    .orElse(Double.POSITIVE_INFINITY);
            drawn.add(new Candidate(client.id(), loss));
        }
        // The sort is stable: between equal losses the draw decides.
        drawn.sort(Comparator.comparingDouble(Candidate::loss).reversed());
        return drawn.stream().limit(count).map(Candidate::id).toList();
    }

    @Override
    public String description() {
        return "power-of-choice(count=" + count + ", candidates=" + candidates + ")";
    }

    @Override
    public OptionalInt largestCohort() {
        return OptionalInt.of(count);
    }
}
