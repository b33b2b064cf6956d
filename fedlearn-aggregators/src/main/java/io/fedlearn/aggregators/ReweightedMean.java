package io.fedlearn.aggregators;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A mean that moves trainables by weights of a rule's own and by a factor: with global model {@code w}, weights
 * {@code u_k} and factor {@code f},
 * <pre>
 *   w + f (sum_k u_k w_k / sum_k u_k - w)
 * </pre>
 * Buffers and counters, which no gradient has moved, are averaged with the aggregation weights, and are not scaled. With
 * equal updates and a factor of 1 it returns them, as {@link WeightedMean} does, of which it is made. Confined to one
 * thread at a time.
 */
final class ReweightedMean {
    private static final int BLOCK = 4096;

    private final WeightedMean trainables = WeightedMean.create();
    private final WeightedMean others = WeightedMean.create();
    private final double[] start = new double[BLOCK];
    private ModelSpec spec = ModelSpec.of(List.of());
    private ModelSpec trainableSpec = spec;
    private ModelSpec otherSpec = spec;
    private UpdateCheck check = UpdateCheck.forModel(spec);
    private Model global = Model.empty();

    void begin(Model newGlobal) {
        if (!spec.equals(newGlobal.spec())) {
            spec = newGlobal.spec();
            trainableSpec = specOf(true);
            otherSpec = specOf(false);
            check = UpdateCheck.forModel(spec);
        }
        global = newGlobal;
        trainables.begin(part(global, true));
        others.begin(part(global, false));
    }

    private static boolean isTrainable(TensorSpec tensor) {
        return tensor.role() == TensorRole.TRAINABLE;
    }

    private ModelSpec specOf(boolean trainable) {
        return ModelSpec.of(spec.tensors().stream()
                .filter(tensor -> isTrainable(tensor) == trainable)
                .toList());
    }

    private Model part(Model model, boolean trainable) {
        List<Tensor> tensors = new ArrayList<>();
        for (int t = 0; t < spec.size(); t++) {
            if (isTrainable(spec.tensors().get(t)) == trainable) {
                tensors.add(model.tensors().get(t));
            }
        }
        return Model.of(trainable ? trainableSpec : otherSpec, tensors);
    }

    /**
     * Takes in further updates.
     *
     * @param weights of their trainables, {@code u_k}
     * @throws InvalidUpdateException if an update does not fit, or a weight is 0 or beyond what a {@code double} holds; none
     *     of the list is taken in then
     */
    void accumulate(List<WeightedUpdate> updates, double[] weights) {
        List<WeightedUpdate> moved = new ArrayList<>(updates.size());
        List<WeightedUpdate> averaged = new ArrayList<>(updates.size());
        for (int k = 0; k < weights.length; k++) {
            WeightedUpdate weighted = updates.get(k);
            ClientUpdate update = weighted.update();
            check.checkModel(update, spec);
            if (!(weights[k] > 0) || Double.isInfinite(weights[k])) {
                throw InvalidUpdateException.of(
                        "client '" + weighted.clientId() + "' would have the weight " + weights[k]);
            }
            Model model = update.model().orElseThrow();
            moved.add(new WeightedUpdate(
                    weighted.clientId(), update.withModel(update.form(), part(model, true)), weights[k]));
            averaged.add(new WeightedUpdate(
                    weighted.clientId(), update.withModel(update.form(), part(model, false)), weighted.weight()));
        }
        trainables.accumulate(moved);
        others.accumulate(averaged);
    }

    /**
     * What the updates since {@link #begin} amount to.
     *
     * @throws InvalidUpdateException if the factor or a mean is not finite
     */
    Aggregate finish(double factor) {
        Aggregate moved = trainables.finish();
        Aggregate averaged = others.finish();
        if (!Double.isFinite(factor)) {
            throw InvalidUpdateException.of("the updates would be scaled by " + factor);
        }
        List<double[]> values = new ArrayList<>(spec.size());
        Map<Integer, double[]> remainders = new TreeMap<>();
        int trainable = 0;
        int other = 0;
        for (int t = 0; t < spec.size(); t++) {
            if (isTrainable(spec.tensors().get(t))) {
                double[] mean = moved.values(trainable++);
                scale(mean, moved.form(), global.tensors().get(t), factor);
                values.add(mean);
            } else {
                double[] remainder = averaged.remainders().get(other);
                if (remainder != null) {
                    remainders.put(t, remainder);
                }
                values.add(averaged.values(other++));
            }
        }
        global = Model.empty();
        return Aggregate.wrap(moved.form(), spec, values, averaged.updateCount(), averaged.totalWeight())
                .withRemainders(remainders);
    }

    private void scale(double[] mean, UpdateForm form, Tensor from, double factor) {
        if (factor == 1) {
            // Not even the last bit of a float64 value changes.
            return;
        }
        for (int at = 0; at < mean.length; at += BLOCK) {
            int count = Math.min(BLOCK, mean.length - at);
            if (form == UpdateForm.MODEL_DELTA) {
                for (int i = 0; i < count; i++) {
                    mean[at + i] *= factor;
                }
            } else {
                from.copyTo(at, start, 0, count);
                for (int i = 0; i < count; i++) {
                    mean[at + i] = start[i] + factor * (mean[at + i] - start[i]);
                }
            }
        }
    }
}
