package io.fedlearn.aggregators.robust;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import java.util.List;

/** Krum again and again, then the mean of what is nearest to the median of those picked. */
final class BulyanRule implements Aggregator.WholeCohort {
    private final String description;
    private final int badClients;
    private final PairwiseDistances distances = new PairwiseDistances();
    private final SortedCoordinates kernel = new SortedCoordinates(SortedCoordinates.Choice.NEAREST_TO_MEDIAN);
    private final CombinedValues values = new CombinedValues();

    BulyanRule(String description, int badClients) {
        this.description = description;
        this.badClients = badClients;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public int leastUpdates() {
        return BadClients.least(4, badClients, 3);
    }

    @Override
    public void check(ClientUpdate update, ModelSpec global) {
        Cohort.requireSingleClient(update);
    }

    @Override
    public Aggregate aggregate(Model global, List<WeightedUpdate> updates) {
        Cohort cohort = Cohort.of(global, updates);
        cohort.requireAtLeast(description, leastUpdates(), "n >= 4 f + 3");
        int theta = cohort.size() - 2 * badClients;
        Cohort picked = cohort.select(new KrumScores(distances.squared(cohort)).picked(theta, badClients));
        kernel.combine(picked, theta - 2 * badClients, values);
        return values.toAggregate(picked).withClientWeights(picked.clientWeights());
    }
}
