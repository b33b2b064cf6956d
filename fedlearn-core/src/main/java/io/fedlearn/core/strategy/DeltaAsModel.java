package io.fedlearn.core.strategy;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorData;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A tensor of a client's model that is read as global model plus delta, block by block. With it every update reaches the
 * aggregator in one form, whichever the client chose, and a delta costs no second model.
 */
final class DeltaAsModel implements TensorData {
    private static final int BLOCK = 8192;

    private final Tensor global;
    private final Tensor delta;

    private DeltaAsModel(Tensor global, Tensor delta) {
        this.global = global;
        this.delta = delta;
    }

    /** The update with a model in place of a model delta. */
    static ClientUpdate convert(ClientUpdate update, Model global) {
        Model deltas = update.model().orElseThrow();
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < deltas.tensors().size(); i++) {
            Tensor delta = deltas.tensors().get(i);
            tensors.add(Tensor.of(
                    delta.type(),
                    delta.shape(),
                    new DeltaAsModel(global.tensors().get(i), delta)));
        }
        return update.withModel(UpdateForm.MODEL, Model.of(global.spec(), tensors));
    }

    @Override
    public void read(long byteOffset, ByteBuffer target) {
        long from = byteOffset / delta.type().byteSize();
        while (target.remaining() >= delta.type().byteSize()) {
            int count = Math.min(BLOCK, target.remaining() / delta.type().byteSize());
            sum(from, count).encodeTo(0, target);
            from += count;
        }
    }

    private Tensor sum(long from, int count) {
        Shape shape = Shape.of(count);
        if (!delta.type().isFloating()) {
            long[] sum = new long[count];
            long[] start = new long[count];
            global.copyTo(from, start, 0, count);
            delta.copyTo(from, sum, 0, count);
            for (int i = 0; i < count; i++) {
                sum[i] += start[i];
            }
            return Tensor.ofIntegers(delta.type(), shape, sum);
        }
        double[] sum = new double[count];
        global.copyTo(from, sum, 0, count);
        delta.addScaledTo(from, sum, 0, count, 1);
        return Tensor.rounded(delta.type(), shape, sum);
    }

    @Override
    public long heapBytes() {
        return delta.heapBytes();
    }
}
