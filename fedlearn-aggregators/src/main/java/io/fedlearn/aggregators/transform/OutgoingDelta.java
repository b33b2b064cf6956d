package io.fedlearn.aggregators.transform;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import java.util.Objects;

/**
 * An update that is to be encoded, read as a model delta block by block, whichever form it has. Its tensors may have gone through
 * another codec before. Confined to one thread.
 */
final class OutgoingDelta {
    /** As long as the blocks in which tensors are computed: what one asks for, the other reads at once. */
    static final int BLOCK = Tensor.BlockFunction.MAX_COUNT;

    private final Model model;
    private final Model global;
    private final boolean isDelta;
    private final double[] start = new double[BLOCK];

    private OutgoingDelta(Model model, Model global, boolean isDelta) {
        this.model = model;
        this.global = global;
        this.isDelta = isDelta;
    }

    /**
     * The delta of this update.
     *
     * @param codec that asks, for messages
     * @throws InvalidUpdateException if there is none, or a tensor is not the global model's
     */
    static OutgoingDelta of(ClientUpdate update, Model global, String codec) {
        Model model =
                update.model().orElseThrow(() -> InvalidUpdateException.of("the update holds no model to encode"));
        if (update.form() == UpdateForm.WEIGHTED_SUM) {
            throw InvalidUpdateException.of("a " + update.form() + " over several clients cannot be encoded");
        }
        boolean isDelta = update.form() == UpdateForm.MODEL_DELTA;
        for (TensorSpec tensor : model.spec().tensors()) {
            TensorSpec from = global.spec()
                    .tensor(tensor.name())
                    .orElseThrow(() -> InvalidUpdateException.ofTensor(tensor.name(), "is not in the global model"));
            if (!isDelta && (tensor.type() != from.type() || !tensor.shape().equals(from.shape()))) {
                throw InvalidUpdateException.ofTensor(
                        tensor.name(),
                        "must be " + from.type() + " " + from.shape() + ", was " + tensor.type() + " "
                                + tensor.shape());
            }
            if (from.type().isFloating() && !tensor.type().isFloating()) {
                throw InvalidUpdateException.ofTensor(
                        tensor.name(),
                        "is of type " + tensor.type() + ": " + codec + " must come before what makes integers of it");
            }
        }
        return new OutgoingDelta(model, global, isDelta);
    }

    /** The number of tensors. */
    int size() {
        return model.spec().size();
    }

    /** What tensor {@code t} looks like before it is encoded. */
    TensorSpec spec(int t) {
        return model.spec().tensors().get(t);
    }

    /** What it looks like in the global model. */
    TensorSpec globalSpec(int t) {
        return global.spec().tensor(spec(t).name()).orElseThrow();
    }

    boolean isTrainable(int t) {
        return globalSpec(t).role() == TensorRole.TRAINABLE;
    }

    /** Reads {@code count} values of the delta, at most {@value #BLOCK}. */
    void read(int t, long from, double[] target, int at, int count) {
        model.tensors().get(t).copyTo(from, target, at, count);
        if (!isDelta) {
            global.tensor(spec(t).name()).copyTo(from, start, 0, count);
            for (int i = 0; i < count; i++) {
                target[at + i] -= start[i];
            }
        }
    }

    /** The delta of a tensor that is not encoded, in its own type. */
    Tensor plain(int t) {
        Tensor tensor = model.tensors().get(t);
        if (isDelta) {
            return tensor;
        }
        if (tensor.type().isFloating()) {
            return Tensor.computed(
                    tensor.type(), tensor.shape(), (from, block, count) -> read(t, from, block, 0, count));
        }
        long[] values = tensor.toLongArray();
        long[] before = global.tensor(spec(t).name()).toLongArray();
        for (int i = 0; i < values.length; i++) {
            boolean isHeld = tensor.type() == TensorType.UINT64
                    ? Long.compareUnsigned(values[i], before[i]) >= 0
                    : tensor.type() != TensorType.INT64
                            || ((values[i] ^ before[i]) & (values[i] ^ (values[i] - before[i]))) >= 0;
            if (!isHeld) {
                throw cannotHold(t, i);
            }
            values[i] -= before[i];
        }
        try {
            return Tensor.ofIntegers(tensor.type(), tensor.shape(), values);
        } catch (IllegalArgumentException e) {
            throw InvalidUpdateException.ofTensor(
                    spec(t).name(),
                    "changed by more than its type can say: " + Objects.requireNonNullElse(e.getMessage(), ""));
        }
    }

    private InvalidUpdateException cannotHold(int t, int index) {
        return InvalidUpdateException.ofTensor(
                spec(t).name(),
                "changed by more than its type can say: " + spec(t).type() + " cannot hold the value at " + index);
    }
}
