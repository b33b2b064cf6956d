package io.fedlearn.privacy.site;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.update.ModelDelta;
import io.fedlearn.privacy.internal.GridVector;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** What an update adds to the trainables of the global model, a part for each tensor. */
final class TrainableDelta implements GridVector {
    private final ModelDelta delta;
    private final ModelSpec spec;
    private final int[] places;

    private TrainableDelta(ModelDelta delta, ModelSpec spec) {
        this.delta = delta;
        this.spec = spec;
        this.places = places(spec);
    }

    /**
     * The delta of an update.
     *
     * @throws io.fedlearn.core.update.InvalidUpdateException if it has not the global model's tensors
     */
    static TrainableDelta of(ClientUpdate update, Model global) {
        return new TrainableDelta(ModelDelta.of(update, global), global.spec());
    }

    private static int[] places(ModelSpec spec) {
        return IntStream.range(0, spec.size())
                .filter(t -> spec.tensors().get(t).role() == TensorRole.TRAINABLE)
                .toArray();
    }

    /** Zeros in the shape of the trainables of such models. */
    static long[][] zeros(ModelSpec spec) {
        return IntStream.of(places(spec))
                .mapToObj(t ->
                        new long[Math.toIntExact(spec.tensors().get(t).shape().elementCount())])
                .toArray(long[][]::new);
    }

    /** The model delta of these sums times a step; 0 for what is not trained. */
    static Model toModel(ModelSpec spec, long[][] sums, double step) {
        List<Tensor> tensors = new ArrayList<>(spec.size());
        int part = 0;
        for (TensorSpec tensor : spec.tensors()) {
            if (tensor.role() != TensorRole.TRAINABLE) {
                tensors.add(Tensor.zeros(tensor.type(), tensor.shape()));
                continue;
            }
            long[] units = sums[part++];
            tensors.add(Tensor.computed(tensor.type(), tensor.shape(), (from, block, count) -> {
                for (int i = 0; i < count; i++) {
                    block[i] = units[(int) from + i] * step;
                }
            }));
        }
        return Model.of(spec, tensors);
    }

    @Override
    public int parts() {
        return places.length;
    }

    @Override
    public int length(int part) {
        return (int) spec.tensors().get(places[part]).shape().elementCount();
    }

    @Override
    public void read(int part, int from, double[] block, int count) {
        delta.read(places[part], from, block, 0, count);
    }
}
