package io.fedlearn.testkit.fault;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.ModelDelta;
import java.util.ArrayList;
import java.util.List;

/** Updates that are well formed and do harm. */
final class Attack {
    private Attack() {}

    static void requirePositive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be > 0 and finite, was " + value);
        }
    }

    static ClientUpdate gaussianNoise(Task task, ClientUpdate honest, double deviation) {
        SeededRandom random = SeededRandom.of(SeededRandom.derive(task.seed(), "gaussianNoise"));
        return replaced(task.model(), honest, (tensor, values) -> {
            for (int i = 0; i < values.length; i++) {
                values[i] += deviation * random.nextGaussian();
            }
        });
    }

    static ClientUpdate signFlip(Task task, ClientUpdate honest, double factor) {
        ModelDelta delta = ModelDelta.of(honest, task.model());
        double[] block = new double[ModelDelta.MAX_BLOCK];
        return replaced(task.model(), honest, (tensor, values) -> {
            for (int from = 0; from < values.length; from += block.length) {
                int count = Math.min(block.length, values.length - from);
                delta.read(tensor, from, block, 0, count);
                for (int i = 0; i < count; i++) {
                    values[from + i] -= factor * block[i];
                }
            }
        });
    }

    private interface Change {
        /** Changes the global model's values of the tensor at this place. */
        void apply(int tensor, double[] values);
    }

    /** The answer with other trainables; what else it holds of a model is the global one's. */
    private static ClientUpdate replaced(Model global, ClientUpdate honest, Change change) {
        List<Tensor> tensors = new ArrayList<>(global.tensors());
        for (int t = 0; t < tensors.size(); t++) {
            TensorSpec spec = global.spec().tensors().get(t);
            if (spec.role() == TensorRole.TRAINABLE) {
                double[] values = global.tensors().get(t).toDoubleArray();
                change.apply(t, values);
                tensors.set(t, Tensor.rounded(spec.type(), spec.shape(), values));
            }
        }
        return honest.withModel(UpdateForm.MODEL, Model.of(global.spec(), tensors));
    }
}
