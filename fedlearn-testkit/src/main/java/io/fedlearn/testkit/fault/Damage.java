package io.fedlearn.testkit.fault;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import java.util.function.UnaryOperator;

/** Damaged copies of models. */
final class Damage {
    private Damage() {}

    static Model lastFloatingValue(Model model, double value) {
        Model.Builder builder = Model.builder();
        boolean done = false;
        for (int i = 0; i < model.spec().size(); i++) {
            TensorSpec spec = model.spec().tensors().get(i);
            Tensor tensor = model.tensors().get(i);
            if (!done && spec.type().isFloating() && spec.shape().elementCount() > 0) {
                double[] values = tensor.toDoubleArray();
                values[values.length - 1] = value;
                tensor = Tensor.rounded(spec.type(), spec.shape(), values);
                done = true;
            }
            builder.add(spec.name(), tensor, spec.role());
        }
        if (!done) {
            throw new IllegalArgumentException("the model has no floating-point value to damage");
        }
        return builder.build();
    }

    static Model replaceFirst(Model model, UnaryOperator<TensorSpec> specs, UnaryOperator<Tensor> tensors) {
        requireTensor(model);
        Model.Builder builder = Model.builder();
        for (int i = 0; i < model.spec().size(); i++) {
            TensorSpec spec = model.spec().tensors().get(i);
            Tensor tensor = model.tensors().get(i);
            TensorSpec wanted = i == 0 ? specs.apply(spec) : spec;
            builder.add(wanted.name(), i == 0 ? tensors.apply(tensor) : tensor, wanted.role());
        }
        return builder.build();
    }

    private static void requireTensor(Model model) {
        if (model.spec().size() == 0) {
            throw new IllegalArgumentException("the model has no tensor to damage");
        }
    }

    static TensorType otherType(TensorType type) {
        if (type.isFloating()) {
            return type == TensorType.FLOAT64 ? TensorType.FLOAT32 : TensorType.FLOAT64;
        }
        return type == TensorType.INT32 ? TensorType.INT64 : TensorType.INT32;
    }

    static Model withoutLast(Model model) {
        requireTensor(model);
        Model.Builder builder = Model.builder();
        for (int i = 0; i < model.spec().size() - 1; i++) {
            TensorSpec spec = model.spec().tensors().get(i);
            builder.add(spec.name(), model.tensors().get(i), spec.role());
        }
        return builder.build();
    }

    static Model withExtra(Model model) {
        Model.Builder builder = Model.builder();
        for (int i = 0; i < model.spec().size(); i++) {
            TensorSpec spec = model.spec().tensors().get(i);
            builder.add(spec.name(), model.tensors().get(i), spec.role());
        }
        return builder.add("extra", Tensor.copyOf(new float[] {0}), TensorRole.TRAINABLE)
                .build();
    }

    static Model reversed(Model model) {
        if (model.spec().size() < 2) {
            throw new IllegalArgumentException("the model has no two tensors to exchange");
        }
        Model.Builder builder = Model.builder();
        for (int i = model.spec().size() - 1; i >= 0; i--) {
            TensorSpec spec = model.spec().tensors().get(i);
            builder.add(spec.name(), model.tensors().get(i), spec.role());
        }
        return builder.build();
    }
}
