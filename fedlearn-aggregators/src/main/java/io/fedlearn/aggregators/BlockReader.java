package io.fedlearn.aggregators;

import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads tensors block by block through buffers of its own, so that reading allocates nothing, wherever the values lie.
 * Confined to one thread at a time.
 */
final class BlockReader {
    private final ByteBuffer bytes;
    private final double[] doubles;
    private final long[] longs;

    BlockReader(int most) {
        // Direct, since a file would be read through a hidden direct buffer otherwise.
        bytes = ByteBuffer.allocateDirect(most * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        doubles = new double[most];
        longs = new long[most];
    }

    /** The values as doubles, valid until the next read. */
    double[] doubles(Tensor tensor, int from, int count) {
        if (tensor.type() == TensorType.FLOAT64 && tensor.heapBytes() == 0) {
            tensor.encodeTo(from, bytes.clear().limit(count * Double.BYTES));
            bytes.flip();
            bytes.asDoubleBuffer().get(doubles, 0, count);
        } else {
            tensor.copyTo(from, doubles, 0, count);
        }
        return doubles;
    }

    /** The upper 32 bits of 64-bit integers times 2^32, exact as doubles; valid until the next read. */
    double[] upperHalves(Tensor tensor, int from, int count) {
        tensor.copyTo(from, longs, 0, count);
        boolean unsigned = tensor.type().isUnsigned();
        for (int i = 0; i < count; i++) {
            doubles[i] = (unsigned ? longs[i] >>> 32 : longs[i] >> 32) * 0x1p32;
        }
        return doubles;
    }

    /** The lower 32 bits of the integers that {@link #upperHalves} read. */
    double[] lowerHalves(int count) {
        for (int i = 0; i < count; i++) {
            doubles[i] = longs[i] & 0xffffffffL;
        }
        return doubles;
    }
}
