package io.fedlearn.privacy.mechanism;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.ArrayList;
import java.util.List;

/** Adds the numbers of a sampler to data on a grid. Immutable. */
record GridNoise(Grid grid, GridSampler sampler) {
    private static final int BLOCK = Tensor.BlockFunction.MAX_COUNT;

    double release(NoiseSource source, double value) {
        return grid.value(grid.round(value, 0) + sampler.sample(source));
    }

    double[] release(NoiseSource source, double[] values) {
        double[] released = values.clone();
        long[] noise = new long[Math.min(BLOCK, values.length)];
        for (int from = 0; from < released.length; from += BLOCK) {
            addTo(source, released, from, Math.min(BLOCK, released.length - from), from, noise);
        }
        return released;
    }

    private void addTo(NoiseSource source, double[] values, int at, int count, long index, long[] noise) {
        sampler.fill(source, noise, 0, count);
        for (int i = 0; i < count; i++) {
            values[at + i] = grid.value(grid.round(values[at + i], index + i) + noise[i]);
        }
    }

    /** Every number of a model, whose types it keeps. */
    Model release(NoiseSource source, Model model) {
        List<Tensor> released = new ArrayList<>();
        long[] noise = new long[BLOCK];
        for (TensorSpec spec : model.spec().tensors()) {
            Tensor tensor = model.tensor(spec.name());
            released.add(Tensor.computed(tensor.type(), tensor.shape(), (from, block, count) -> {
                tensor.copyTo(from, block, 0, count);
                try {
                    addTo(source, block, 0, count, from, noise);
                } catch (IllegalArgumentException e) {
                    throw new IllegalArgumentException("tensor '" + spec.name() + "': " + e.getMessage(), e);
                }
            }));
        }
        return Model.of(model.spec(), released);
    }

    /** How many numbers a model has, if all can be noised. */
    static long dimension(Model model) {
        long dimension = 0;
        for (TensorSpec tensor : model.spec().tensors()) {
            if (!tensor.type().isFloating()) {
                throw new IllegalArgumentException("tensor '" + tensor.name() + "' is " + tensor.type()
                        + " and cannot be noised: only a model of floating-point tensors can be released");
            }
            dimension += tensor.shape().elementCount();
        }
        return requireDimension(dimension);
    }

    static long requireDimension(long dimension) {
        if (dimension < 1) {
            throw new IllegalArgumentException("there must be at least 1 value, were " + dimension);
        }
        return dimension;
    }
}
