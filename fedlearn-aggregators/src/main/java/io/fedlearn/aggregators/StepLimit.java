package io.fedlearn.aggregators;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.InnerProduct;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.update.InvalidUpdateException;

/**
 * The longest update that a server optimizer with a float32 state takes. Longer ones are finite and pass the border, and yet
 * their square, or their sum over rounds, would leave the range of the state, and one client would end every round. No training
 * comes near it.
 */
final class StepLimit {
    /** The largest norm of a model delta over all trainables; its square is well within float32. */
    static final double MAX_NORM = 1e15;

    private static final int BLOCK = 4096;

    private StepLimit() {}

    /**
     * Checks the trainables of a model, a model delta, or the mean of a weighted sum.
     *
     * @throws InvalidUpdateException if the norm of what it adds to the global model is beyond {@link #MAX_NORM}
     */
    static void require(ClientUpdate update, Model global) {
        Model model = update.model().orElseThrow();
        double scale = update.form() == UpdateForm.WEIGHTED_SUM ? 1.0 / update.exampleCount() : 1;
        double[] values = new double[BLOCK];
        double[] start = new double[BLOCK];
        InnerProduct squares = new InnerProduct();
        for (int t = 0; t < global.spec().size(); t++) {
            if (global.spec().tensors().get(t).role() != TensorRole.TRAINABLE) {
                continue;
            }
            Tensor tensor = model.tensors().get(t);
            for (long from = 0; from < tensor.elementCount(); from += BLOCK) {
                int count = (int) Math.min(BLOCK, tensor.elementCount() - from);
                tensor.copyTo(from, values, 0, count);
                if (update.form() != UpdateForm.MODEL_DELTA) {
                    global.tensors().get(t).copyTo(from, start, 0, count);
                    subtract(values, scale, start, count);
                }
                squares.add(values, values, count);
            }
        }
        requireNorm("the model delta", squares);
    }

    /**
     * Checks tensors that are themselves what the state changes by, such as the change of a control variate.
     *
     * @param what they are, for the message
     * @throws InvalidUpdateException if their norm is beyond {@link #MAX_NORM}
     */
    static void require(String what, Model change) {
        double[] values = new double[BLOCK];
        InnerProduct squares = new InnerProduct();
        for (Tensor tensor : change.tensors()) {
            for (long from = 0; from < tensor.elementCount(); from += BLOCK) {
                int count = (int) Math.min(BLOCK, tensor.elementCount() - from);
                tensor.copyTo(from, values, 0, count);
                squares.add(values, values, count);
            }
        }
        requireNorm(what, squares);
    }

    private static void requireNorm(String what, InnerProduct squares) {
        double norm = Math.sqrt(squares.total());
        if (!(norm <= MAX_NORM)) {
            throw InvalidUpdateException.of(
                    "the norm of " + what + " must be at most " + MAX_NORM + " for this server step, was " + norm);
        }
    }

    private static void subtract(double[] values, double scale, double[] start, int count) {
        for (int i = 0; i < count; i++) {
            values[i] = scale * values[i] - start[i];
        }
    }
}
