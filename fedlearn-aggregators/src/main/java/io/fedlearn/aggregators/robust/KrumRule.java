package io.fedlearn.aggregators.robust;

import io.fedlearn.aggregators.WeightedMean;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import java.util.List;
import java.util.function.IntUnaryOperator;

/** The weighted mean of the updates with the lowest scores. */
final class KrumRule implements Aggregator.WholeCohort {
    private final String description;
    private final int badClients;
    private final IntUnaryOperator selectedOf;
    private final PairwiseDistances distances = new PairwiseDistances();
    private final WeightedMean mean = WeightedMean.create();

    /**
     * A rule.
     *
     * @param selectedOf how many of {@code n} updates are averaged
     */
    KrumRule(String description, int badClients, IntUnaryOperator selectedOf) {
        this.description = description;
        this.badClients = badClients;
        this.selectedOf = selectedOf;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public int leastUpdates() {
        int least = BadClients.least(2, badClients, 3);
        return Math.max(least, BadClients.least(1, badClients, selectedOf.applyAsInt(least)));
    }

    @Override
    public void check(ClientUpdate update, ModelSpec global) {
        Cohort.requireSingleClient(update);
    }

    @Override
    public Aggregate aggregate(Model global, List<WeightedUpdate> updates) {
        Cohort cohort = Cohort.of(global, updates);
        cohort.requireAtLeast(description, BadClients.least(2, badClients, 3), "n >= 2 f + 3");
        int selected = selectedOf.applyAsInt(cohort.size());
        cohort.requireAtLeast(description, (long) selected + badClients, "n >= m + f");
        int[] places = new KrumScores(distances.squared(cohort)).lowest(selected, badClients);
        Cohort chosen = cohort.select(places);
        mean.begin(global);
        mean.accumulate(chosen.updates());
        return mean.finish().withClientWeights(chosen.clientWeights());
    }
}
