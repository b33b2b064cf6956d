package io.fedlearn.core.update;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.InnerProduct;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;

/**
 * A client update seen as what it adds to the global model, {@code d = w_k - w}, in float64 and block by block, whichever form it
 * came in and wherever its values lie. Norms and distances go over the trainables alone.
 *
 * <p>The difference of two float32 values that lie near each other is exact in {@code double}, so distances between updates that
 * differ in their last bits are right, where {@code ||a||^2 + ||b||^2 - 2 a b} would be noise.
 *
 * <p>Sums keep a fixed number of partial sums: the same bits on every JVM. Reads through buffers of its own; confined to one
 * thread at a time.
 */
public final class ModelDelta {
    /** The most elements that one read gives: {@value}. */
    public static final int MAX_BLOCK = 4096;

    private final Model model;
    private final UpdateForm form;
    private final Model global;
    private final double[] start = new double[MAX_BLOCK];
    private final double[] mine = new double[MAX_BLOCK];
    private final double[] other = new double[MAX_BLOCK];

    private ModelDelta(Model model, UpdateForm form, Model global) {
        this.model = model;
        this.form = form;
        this.global = global;
    }

    /**
     * The delta of an update that starts from this model and has its tensors.
     *
     * @throws InvalidUpdateException if it holds no model, or a sum over several clients, or lacks a tensor of the global
     *     model's, or has one of another shape
     */
    public static ModelDelta of(ClientUpdate update, Model global) {
        Model model = update.model().orElseThrow(() -> InvalidUpdateException.of("the update holds no model"));
        if (update.form() == UpdateForm.WEIGHTED_SUM) {
            throw InvalidUpdateException.of(
                    "a " + update.form() + " over several clients has no model delta of its own");
        }
        for (int t = 0; t < global.spec().size(); t++) {
            TensorSpec expected = global.spec().tensors().get(t);
            if (t >= model.spec().size()
                    || !model.spec().tensors().get(t).name().equals(expected.name())) {
                throw InvalidUpdateException.ofTensor(expected.name(), "is not at its place " + t);
            }
            if (!model.spec().tensors().get(t).shape().equals(expected.shape())) {
                throw InvalidUpdateException.ofTensor(
                        expected.name(),
                        "must have shape " + expected.shape() + ", had "
                                + model.spec().tensors().get(t).shape());
            }
        }
        return new ModelDelta(model, update.form(), global);
    }

    /**
     * Reads a block of the delta of one tensor.
     *
     * @param tensor its place in the global model
     * @param from first element
     * @param target receives the values from place {@code at} on
     * @param count at most {@value #MAX_BLOCK}
     */
    public void read(int tensor, long from, double[] target, int at, int count) {
        model.tensors().get(tensor).copyTo(from, target, at, count);
        if (form == UpdateForm.MODEL) {
            global.tensors().get(tensor).copyTo(from, start, 0, count);
            for (int i = 0; i < count; i++) {
                target[at + i] -= start[i];
            }
        }
    }

    /** The sum of the squares of the trainables' deltas, {@code ||d||^2}. */
    public double squaredNorm() {
        InnerProduct product = new InnerProduct();
        forEachBlock((tensor, from, count) -> {
            read(tensor, from, mine, 0, count);
            product.add(mine, mine, count);
        });
        return product.total();
    }

    /** The inner product with another update's delta from the same global model, over the trainables. */
    public double dot(ModelDelta that) {
        InnerProduct product = new InnerProduct();
        forEachBlock((tensor, from, count) -> {
            read(tensor, from, mine, 0, count);
            that.read(tensor, from, other, 0, count);
            product.add(mine, other, count);
        });
        return product.total();
    }

    private interface BlockUse {
        void with(int tensor, long from, int count);
    }

    private void forEachBlock(BlockUse use) {
        for (int t = 0; t < global.spec().size(); t++) {
            if (global.spec().tensors().get(t).role() != TensorRole.TRAINABLE) {
                continue;
            }
            Tensor tensor = global.tensors().get(t);
            for (long from = 0; from < tensor.elementCount(); from += MAX_BLOCK) {
                use.with(t, from, (int) Math.min(MAX_BLOCK, tensor.elementCount() - from));
            }
        }
    }
}
