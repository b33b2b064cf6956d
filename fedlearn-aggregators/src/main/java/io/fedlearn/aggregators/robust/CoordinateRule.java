package io.fedlearn.aggregators.robust;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import java.util.List;

/** The mean of each coordinate's middle values; how many are left out at either end is what rules differ in. */
final class CoordinateRule implements Aggregator.WholeCohort {
    /** How much a rule leaves out. */
    interface Trimming {
        /** How many of {@code n} values are left out at either end: fewer than half of them. */
        int perTail(int n);
    }

    private final String description;
    private final int badClients;
    private final Trimming trimming;
    private final SortedCoordinates kernel = new SortedCoordinates(SortedCoordinates.Choice.MIDDLE);
    private final CombinedValues values = new CombinedValues();

    CoordinateRule(String description, int badClients, Trimming trimming) {
        this.description = description;
        this.badClients = badClients;
        this.trimming = trimming;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public int leastUpdates() {
        return BadClients.least(2, badClients, 1);
    }

    @Override
    public void check(ClientUpdate update, ModelSpec global) {
        Cohort.requireSingleClient(update);
    }

    @Override
    public Aggregate aggregate(Model global, List<WeightedUpdate> updates) {
        Cohort cohort = Cohort.of(global, updates);
        cohort.requireAtLeast(description, leastUpdates(), "n >= 2 f + 1");
        kernel.combine(cohort, cohort.size() - 2 * trimming.perTail(cohort.size()), values);
        return values.toAggregate(cohort);
    }
}
