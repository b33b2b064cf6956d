package io.fedlearn.aggregators.robust;

import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The updates of a round as a robust rule takes them: those of single clients, all of the global model's tensors, and
 * all models or all model deltas. Differences between two of them are the same either way, so no rule needs to know
 * which.
 *
 * @param spec of the global model
 * @param updates in the order of client ids
 * @param form of all of them
 */
record Cohort(ModelSpec spec, List<WeightedUpdate> updates, UpdateForm form) {
    /**
     * Checks the updates against the global model and each other.
     *
     * @throws IllegalArgumentException if the model holds a bool tensor, or one that no array can hold
     * @throws InvalidUpdateException if an update does not fit
     */
    static Cohort of(Model global, List<WeightedUpdate> updates) {
        requireNumbers(global.spec());
        UpdateCheck check = UpdateCheck.forModel(global.spec());
        WeightedUpdate first = updates.get(0);
        for (WeightedUpdate weighted : updates) {
            requireSingleClient(weighted.update());
            check.checkModel(weighted.update(), global.spec());
            if (weighted.update().form() != first.update().form()) {
                throw InvalidUpdateException.of("client '" + weighted.clientId() + "' sent a "
                        + weighted.update().form() + ", client '" + first.clientId() + "' a "
                        + first.update().form() + ": a robust rule cannot compare them");
            }
        }
        return new Cohort(global.spec(), List.copyOf(updates), first.update().form());
    }

    private static void requireNumbers(ModelSpec spec) {
        for (TensorSpec tensor : spec.tensors()) {
            if (tensor.type() == TensorType.BOOL) {
                throw new IllegalArgumentException(
                        "tensor '" + tensor.name() + "' must be of a number type to be aggregated, was BOOL");
            }
            if (tensor.shape().elementCount() > Integer.MAX_VALUE - 8) {
                throw new IllegalArgumentException(
                        "tensor '" + tensor.name() + "' must have at most 2^31-9 elements, had "
                                + tensor.shape().elementCount());
            }
        }
    }

    /** Refuses a sum over several clients: the bad ones in it can no longer be told from the others. */
    static void requireSingleClient(ClientUpdate update) {
        if (update.form() == UpdateForm.WEIGHTED_SUM) {
            throw InvalidUpdateException.of("a " + update.form()
                    + " over several clients cannot be compared with the updates of single clients");
        }
    }

    /**
     * Refuses a cohort that is too small for what the rule promises.
     *
     * @param rule its name and what it has to bear
     * @param least how many it needs
     * @param condition where that number comes from, such as {@code n >= 2 f + 3}
     */
    void requireAtLeast(String rule, long least, String condition) {
        if (size() < least) {
            throw InvalidUpdateException.of(
                    rule + " needs at least " + least + " updates (" + condition + "), had " + size());
        }
    }

    /** How many updates there are. */
    int size() {
        return updates.size();
    }

    /** The tensor at this place, of each update. */
    Tensor[] tensors(int place) {
        Tensor[] tensors = new Tensor[size()];
        for (int k = 0; k < tensors.length; k++) {
            tensors[k] = updates.get(k).update().model().orElseThrow().tensors().get(place);
        }
        return tensors;
    }

    /** The updates at these places alone. */
    Cohort select(int[] places) {
        List<WeightedUpdate> selected = new ArrayList<>(places.length);
        for (int place : places) {
            selected.add(updates.get(place));
        }
        return new Cohort(spec, selected, form);
    }

    /** The sum of the aggregation weights. */
    double totalWeight() {
        double sum = 0;
        for (WeightedUpdate weighted : updates) {
            sum += weighted.weight();
        }
        if (Double.isInfinite(sum)) {
            throw InvalidUpdateException.of("the aggregation weights add up to infinity");
        }
        return sum;
    }

    /** The aggregation weight of each client, for the record of a rule that chose them. */
    Map<String, Double> clientWeights() {
        Map<String, Double> weights = new TreeMap<>();
        for (WeightedUpdate weighted : updates) {
            weights.put(weighted.clientId(), weighted.weight());
        }
        return weights;
    }
}
