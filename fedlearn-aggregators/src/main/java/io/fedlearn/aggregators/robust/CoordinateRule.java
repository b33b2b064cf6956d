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
    private final int leastUpdates;
    private final String condition;
    private final Trimming trimming;
    private final SortedCoordinates kernel = new SortedCoordinates(SortedCoordinates.Choice.MIDDLE);
    private final CombinedValues values = new CombinedValues();

    /**
     * A rule.
     *
     * @param leastUpdates how many it needs
     * @param condition where that number comes from, for a message
     */
    CoordinateRule(String description, int leastUpdates, String condition, Trimming trimming) {
        this.description = description;
        this.leastUpdates = leastUpdates;
        this.condition = condition;
        this.trimming = trimming;
    }

    /** A rule that needs {@code 2 f + 1} updates to bear {@code f} bad clients. */
    static CoordinateRule bearing(String description, int badClients, Trimming trimming) {
        return new CoordinateRule(description, BadClients.least(2, badClients, 1), "n >= 2 f + 1", trimming);
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public int leastUpdates() {
        return leastUpdates;
    }

    @Override
    public void check(ClientUpdate update, ModelSpec global) {
        Cohort.requireSingleClient(update);
    }

    @Override
    public Aggregate aggregate(Model global, List<WeightedUpdate> updates) {
        Cohort cohort = Cohort.of(global, updates);
        cohort.requireAtLeast(description, leastUpdates, condition);
        kernel.combine(cohort, cohort.size() - 2 * trimming.perTail(cohort.size()), values);
        return values.toAggregate(cohort);
    }
}
