package io.fedlearn.core.strategy;

import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorData;
import io.fedlearn.core.update.InvalidUpdateException;
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

    /** Reads all integers of a converted update once: their sums may be beyond what their type holds. */
    static void requireIntegersInRange(ClientUpdate update) {
        Model model = update.model().orElseThrow();
        long[] block = new long[BLOCK];
        for (int i = 0; i < model.tensors().size(); i++) {
            Tensor tensor = model.tensors().get(i);
            try {
                for (long from = 0;
                        from < tensor.elementCount() && !tensor.type().isFloating();
                        from += BLOCK) {
                    tensor.copyTo(from, block, 0, (int) Math.min(BLOCK, tensor.elementCount() - from));
                }
            } catch (IllegalArgumentException e) {
                throw InvalidUpdateException.ofTensor(
                        model.spec().tensors().get(i).name(), "leads out of its type's range: " + e.getMessage());
            }
        }
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
                sum[i] = sum(start[i], sum[i]);
            }
            return Tensor.ofIntegers(delta.type(), shape, sum);
        }
        double[] sum = new double[count];
        global.copyTo(from, sum, 0, count);
        delta.addScaledTo(from, sum, 0, count, 1);
        return Tensor.rounded(delta.type(), shape, sum);
    }

    private long sum(long start, long change) {
        long sum = start + change;
        // Narrower types cannot leave a long, and are held to their range where they are encoded.
        boolean overflows = switch (delta.type()) {
            case INT64 -> ((start ^ sum) & (change ^ sum)) < 0;
            case UINT64 -> Long.compareUnsigned(sum, start) < 0;
            default -> false;
        };
        if (overflows) {
            throw new IllegalArgumentException(delta.type() + " cannot hold a value of the sum");
        }
        return sum;
    }

    @Override
    public long heapBytes() {
        return delta.heapBytes();
    }
}
