package io.fedlearn.aggregators;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One number beside every trainable parameter, such as the running mean of its changes: float64 where the parameter
 * is, float32 where it is narrower. Confined to one thread at a time.
 *
 * <p>{@link #snapshot} hands the arrays out without copying; a tensor that was handed out is copied before it is
 * written again. So a checkpoint costs memory only for as long as someone holds it.
 */
final class Moment {
    private final ModelSpec spec;
    // For each tensor of the specification one of the two; the other has no elements.
    private final float[][] floats;
    private final double[][] doubles;
    private final boolean[] handedOut;

    private Moment(ModelSpec spec) {
        this.spec = spec;
        this.floats = new float[spec.size()][0];
        this.doubles = new double[spec.size()][0];
        this.handedOut = new boolean[spec.size()];
    }

    /** What the moments of a model look like: its trainables, in the types that moments are kept in. */
    static ModelSpec specFor(ModelSpec model) {
        List<TensorSpec> specs = new ArrayList<>();
        for (TensorSpec tensor : model.tensors()) {
            if (tensor.role() == TensorRole.TRAINABLE) {
                TensorType type = tensor.type() == TensorType.FLOAT64 ? TensorType.FLOAT64 : TensorType.FLOAT32;
                specs.add(new TensorSpec(tensor.name(), type, tensor.shape(), TensorRole.TRAINABLE));
            }
        }
        return ModelSpec.of(specs);
    }

    /** A moment that is {@code initial} everywhere. */
    static Moment of(ModelSpec spec, double initial) {
        Moment moment = new Moment(spec);
        for (int t = 0; t < spec.size(); t++) {
            int length = Math.toIntExact(spec.tensors().get(t).shape().elementCount());
            if (moment.isDouble(t)) {
                moment.doubles[t] = new double[length];
                Arrays.fill(moment.doubles[t], initial);
            } else {
                moment.floats[t] = new float[length];
                Arrays.fill(moment.floats[t], (float) initial);
            }
        }
        return moment;
    }

    /** A moment with a copy of these values. */
    static Moment copyOf(Model values) {
        Moment moment = new Moment(values.spec());
        for (int t = 0; t < values.spec().size(); t++) {
            if (moment.isDouble(t)) {
                moment.doubles[t] = values.tensors().get(t).toDoubleArray();
            } else {
                moment.floats[t] = values.tensors().get(t).toFloatArray();
            }
        }
        return moment;
    }

    private boolean isDouble(int t) {
        return spec.tensors().get(t).type() == TensorType.FLOAT64;
    }

    ModelSpec spec() {
        return spec;
    }

    void read(int t, int from, double[] block, int count) {
        if (isDouble(t)) {
            System.arraycopy(doubles[t], from, block, 0, count);
        } else {
            float[] source = floats[t];
            for (int i = 0; i < count; i++) {
                block[i] = source[from + i];
            }
        }
    }

    void write(int t, int from, double[] block, int count) {
        if (handedOut[t]) {
            floats[t] = floats[t].clone();
            doubles[t] = doubles[t].clone();
            handedOut[t] = false;
        }
        if (isDouble(t)) {
            System.arraycopy(block, 0, doubles[t], from, count);
        } else {
            float[] target = floats[t];
            for (int i = 0; i < count; i++) {
                target[from + i] = (float) block[i];
            }
        }
    }

    /** Whether all of these are finite in the type that the moment of tensor {@code t} is kept in. */
    boolean canHold(int t, double[] block, int count) {
        double most = isDouble(t) ? Double.MAX_VALUE : Float.MAX_VALUE;
        boolean fits = true;
        for (int i = 0; i < count; i++) {
            fits &= Math.abs(block[i]) <= most;
        }
        return fits;
    }

    Model snapshot() {
        List<Tensor> tensors = new ArrayList<>(spec.size());
        for (int t = 0; t < spec.size(); t++) {
            Tensor flat = isDouble(t) ? Tensor.wrap(doubles[t]) : Tensor.wrap(floats[t]);
            tensors.add(flat.reshape(spec.tensors().get(t).shape()));
            handedOut[t] = true;
        }
        return Model.of(spec, tensors);
    }
}
