package io.fedlearn.aggregators.transform;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.InnerProduct;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.util.ArrayList;
import java.util.List;

/**
 * Limits how far one update can move the global model: the L2 norm of its model delta is clipped.
 *
 * <p>With global model {@code w}, clipping norm {@code C} and an update's model {@code w_k}, over all trainables
 * together,
 * <pre>
 *   d    = w_k - w
 *   w_k' = w + d min(1, C / ||d||)
 * </pre>
 * An update within the norm is returned as it came. The form is kept: a model stays a model, a model delta a delta.
 * Buffers and counters are left alone. Norm and products are computed in {@code double} and each result is rounded
 * once to its tensor's type, which may leave the norm above {@code C} by rounding errors.
 *
 * <p>At the server it limits what a faulty or hostile client can do: {@code strategy.toBuilder().serverTransform(() ->
 * NormClipping.withClippingNorm(1.0))}. At the clients it takes what {@link #atClient} tells them, under the name
 * {@value #NAME}. It is not a privacy mechanism: for that the bound would have to hold exactly, and noise to follow.
 *
 * <p><b>Reference.</b> McMahan et al., "Learning Differentially Private Recurrent Language Models", ICLR 2018,
 * arXiv:1710.06963, "flat clipping" in Algorithm 1; as a defence, Sun et al., "Can You Really Backdoor Federated
 * Learning?", 2019, arXiv:1911.07963.
 *
 * <p><b>Settings</b> (symbol, default, range): clippingNorm ({@code C}, none, (0, inf)), in units of a weight.
 *
 * <p><b>Shapes.</b> The update has the global model's trainables by name and shape. Time O(p) for {@code p}
 * parameters, memory that of the clipped model. <b>Threads.</b> Confined to one thread at a time.
 */
public final class NormClipping implements UpdateTransform {
    /** The name under which tasks tell clients of it: {@value}. */
    public static final String NAME = "norm-clipping";

    /** Setting {@value}: the largest norm. */
    public static final String CLIPPING_NORM = "clippingNorm";

    private static final int BLOCK = Tensor.BlockFunction.MAX_COUNT;

    private final double clippingNorm;
    private final double[] values = new double[BLOCK];
    private final double[] start = new double[BLOCK];

    private NormClipping(double clippingNorm) {
        if (!(clippingNorm > 0) || Double.isInfinite(clippingNorm)) {
            throw new IllegalArgumentException(CLIPPING_NORM + " must be > 0 and finite, was " + clippingNorm);
        }
        this.clippingNorm = clippingNorm;
    }

    /**
     * A transform that clips to this norm.
     *
     * @param clippingNorm {@code > 0} and finite
     */
    public static NormClipping withClippingNorm(double clippingNorm) {
        return new NormClipping(clippingNorm);
    }

    /**
     * What tells clients to clip to this norm, for {@code Strategy.Builder.clientTransform}.
     *
     * @param clippingNorm {@code > 0} and finite
     */
    public static TransformSpec atClient(double clippingNorm) {
        return new TransformSpec(NAME, Config.empty().with(CLIPPING_NORM, withClippingNorm(clippingNorm).clippingNorm));
    }

    /** Makes the transform at a client; found through {@link java.util.ServiceLoader}. Stateless and thread-safe. */
    public static final class Factory implements UpdateTransform.Factory {
        /** A factory. */
        public Factory() {}

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public UpdateTransform create(Config settings) {
            for (String name : settings.names()) {
                if (!name.equals(CLIPPING_NORM)) {
                    throw new IllegalArgumentException(NAME + " has no setting '" + name + "'");
                }
            }
            return withClippingNorm(settings.getDouble(CLIPPING_NORM)
                    .orElseThrow(() -> new IllegalArgumentException(NAME + " needs the setting " + CLIPPING_NORM)));
        }
    }

    /**
     * {@inheritDoc}
     *
     * @throws InvalidUpdateException if the update has no model, is a sum over several clients, lacks a trainable, has
     *     one of another shape, or a model delta whose norm is not finite
     */
    @Override
    public ClientUpdate apply(ClientUpdate update, TransformContext context) {
        Model model = update.model().orElseThrow(() -> InvalidUpdateException.of("the update holds no model to clip"));
        if (update.form() == UpdateForm.WEIGHTED_SUM) {
            throw InvalidUpdateException.of("a " + update.form() + " over several clients cannot be clipped");
        }
        Model global = context.globalModel();
        double norm = norm(model, update.form(), global);
        if (norm <= clippingNorm) {
            return update;
        }
        double factor = clippingNorm / norm;
        List<Tensor> clipped = new ArrayList<>(model.spec().size());
        for (int t = 0; t < model.spec().size(); t++) {
            Tensor tensor = model.tensors().get(t);
            clipped.add(
                    model.spec().tensors().get(t).role() == TensorRole.TRAINABLE
                            ? scaled(tensor, startOf(model.spec(), t, global), update.form(), factor)
                            : tensor);
        }
        return update.withModel(update.form(), Model.of(model.spec(), clipped));
    }

    private double norm(Model model, UpdateForm form, Model global) {
        InnerProduct squares = new InnerProduct();
        for (int t = 0; t < model.spec().size(); t++) {
            if (model.spec().tensors().get(t).role() != TensorRole.TRAINABLE) {
                continue;
            }
            Tensor tensor = model.tensors().get(t);
            Tensor from = startOf(model.spec(), t, global);
            for (long at = 0; at < tensor.elementCount(); at += BLOCK) {
                int count = (int) Math.min(BLOCK, tensor.elementCount() - at);
                readModelDelta(tensor, from, form, at, count);
                squares.add(values, values, count);
            }
        }
        double norm = Math.sqrt(squares.total());
        if (!Double.isFinite(norm)) {
            throw InvalidUpdateException.of("the norm of the model delta is not finite");
        }
        return norm;
    }

    private static Tensor startOf(ModelSpec spec, int t, Model global) {
        TensorSpec tensor = spec.tensors().get(t);
        Tensor from = global.find(tensor.name())
                .orElseThrow(() -> InvalidUpdateException.ofTensor(tensor.name(), "is not in the global model"));
        if (!from.shape().equals(tensor.shape())) {
            throw InvalidUpdateException.ofTensor(
                    tensor.name(), "must have shape " + from.shape() + ", had " + tensor.shape());
        }
        return from;
    }

    /** Leaves the model delta in {@code values}, and the global model in {@code start} where the update is a model. */
    private void readModelDelta(Tensor tensor, Tensor from, UpdateForm form, long at, int count) {
        tensor.copyTo(at, values, 0, count);
        if (form == UpdateForm.MODEL) {
            from.copyTo(at, start, 0, count);
            for (int i = 0; i < count; i++) {
                values[i] -= start[i];
            }
        }
    }

    private Tensor scaled(Tensor tensor, Tensor from, UpdateForm form, double factor) {
        return Tensor.computed(tensor.type(), tensor.shape(), (at, block, count) -> {
            readModelDelta(tensor, from, form, at, count);
            for (int i = 0; i < count; i++) {
                block[i] = factor * values[i];
            }
            if (form == UpdateForm.MODEL) {
                for (int i = 0; i < count; i++) {
                    block[i] += start[i];
                }
            }
        });
    }

    @Override
    public boolean keepsSpecification() {
        return true;
    }

    @Override
    public String description() {
        return NAME + "(" + CLIPPING_NORM + "=" + clippingNorm + ")";
    }
}
