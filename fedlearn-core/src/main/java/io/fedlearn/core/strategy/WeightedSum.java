package io.fedlearn.core.strategy;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.InvalidUpdateException;

/** A sum over several clients, in float64 whatever the model's types are. */
final class WeightedSum {
    private static final int BLOCK = 8192;

    private WeightedSum() {}

    /**
     * Refuses a sum over examples whose mean is beyond what the model's types hold: no model of a client could be, and in the
     * mean of the round it would end it for all.
     *
     * @param update that has the global model's tensors in float64
     */
    static void requireMeanInRange(ClientUpdate update, ModelSpec global) {
        Model sum = update.model().orElseThrow();
        double[] block = new double[BLOCK];
        for (int t = 0; t < global.size(); t++) {
            TensorSpec spec = global.tensors().get(t);
            Tensor tensor = sum.tensors().get(t);
            for (long from = 0; from < tensor.elementCount(); from += BLOCK) {
                int count = (int) Math.min(BLOCK, tensor.elementCount() - from);
                tensor.copyTo(from, block, 0, count);
                if (!isHeld(spec, block, count, update.exampleCount())) {
                    throw InvalidUpdateException.ofTensor(
                            spec.name(), "is a sum whose mean " + spec.type() + " cannot hold");
                }
            }
        }
    }

    private static boolean isHeld(TensorSpec spec, double[] sums, int count, long exampleCount) {
        try {
            return Tensor.computed(spec.type(), Shape.of(count), (from, means, length) -> {
                                for (int i = 0; i < length; i++) {
                                    means[i] = sums[(int) from + i] / exampleCount;
                                }
                            })
                            .firstNonFinite()
                    < 0;
        } catch (IllegalArgumentException e) {
            // An integer that is out of range.
            return false;
        }
    }
}
