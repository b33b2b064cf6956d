package io.fedlearn.aggregators.robust;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The values that a coordinate-wise rule writes, one per parameter, in arrays that are kept from round to round. */
final class CombinedValues {
    private static final double[] NONE = {};

    private ModelSpec spec = ModelSpec.of(List.of());
    private List<double[]> values = List.of();
    // What the values of 64-bit integers leave out, by the tensor's place.
    private final Map<Integer, double[]> remainders = new TreeMap<>();

    /** Makes room for a model of this specification. */
    void prepare(ModelSpec newSpec) {
        if (spec.equals(newSpec)) {
            return;
        }
        // Given up before the new ones are there, so that both are never alive at once.
        values = List.of();
        remainders.clear();
        spec = newSpec;
        List<double[]> arrays = new ArrayList<>(newSpec.size());
        for (TensorSpec tensor : newSpec.tensors()) {
            int length = (int) tensor.shape().elementCount();
            if (tensor.type() == TensorType.INT64 || tensor.type() == TensorType.UINT64) {
                remainders.put(arrays.size(), new double[length]);
            }
            arrays.add(new double[length]);
        }
        values = arrays;
    }

    /** Where the values of the tensor at this place go. */
    double[] values(int place) {
        return values.get(place);
    }

    /** Where the remainders go, of a tensor of 64-bit integers; empty for another. */
    double[] remainders(int place) {
        return remainders.getOrDefault(place, NONE);
    }

    /** The aggregate over these arrays, all finite. */
    Aggregate toAggregate(Cohort cohort) {
        for (int t = 0; t < spec.size(); t++) {
            requireFinite(spec.tensors().get(t).name(), values.get(t));
        }
        return Aggregate.wrap(cohort.form(), spec, values, cohort.size(), cohort.totalWeight())
                .withRemainders(remainders);
    }

    private static void requireFinite(String name, double[] values) {
        for (int i = 0; i < values.length; i++) {
            if (!Double.isFinite(values[i])) {
                throw InvalidUpdateException.ofTensor(name, "has an aggregate that is not finite at index " + i);
            }
        }
    }
}
