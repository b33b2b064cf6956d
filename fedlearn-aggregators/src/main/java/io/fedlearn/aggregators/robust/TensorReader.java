package io.fedlearn.aggregators.robust;

import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads tensors block by block. float32, of which most models are, goes through a buffer that is kept, so that reading it
 * allocates nothing, wherever it lies. Confined to one thread at a time.
 */
final class TensorReader {
    /** The most elements that a read gives. */
    static final int MAX_BLOCK = 16384;

    // Direct, since a file would be read through a hidden direct buffer otherwise.
    private final ByteBuffer bytes =
            ByteBuffer.allocateDirect(MAX_BLOCK * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final float[] floats = new float[MAX_BLOCK];

    /** Reads values of a floating-point type of up to 32 bits. */
    void read(Tensor tensor, int from, float[] target, int count) {
        if (tensor.type() == TensorType.FLOAT32) {
            tensor.encodeTo(from, bytes.clear().limit(count * Float.BYTES));
            bytes.flip();
            bytes.asFloatBuffer().get(target, 0, count);
        } else {
            tensor.copyTo(from, target, 0, count);
        }
    }

    /** Reads values of any type, widened. */
    void read(Tensor tensor, int from, double[] target, int at, int count) {
        if (tensor.type() == TensorType.FLOAT32) {
            read(tensor, from, floats, count);
            for (int i = 0; i < count; i++) {
                target[at + i] = floats[i];
            }
        } else {
            tensor.copyTo(from, target, at, count);
        }
    }
}
