package io.fedlearn.benchmarks;

import io.fedlearn.core.tensor.TensorData;
import java.nio.ByteBuffer;

/** Float32 values out of a small table, as fast as from memory, for models that take none. */
record MadeValues(long seed) implements TensorData {
    private static final float[] TABLE = new float[1 << 14];

    static {
        for (int i = 0; i < TABLE.length; i++) {
            TABLE[i] = (i & 1023) * 0x1p-12f;
        }
    }

    @Override
    public void read(long byteOffset, ByteBuffer target) {
        long at = seed + byteOffset / Float.BYTES;
        while (target.remaining() >= Float.BYTES) {
            int from = (int) (at & (TABLE.length - 1));
            int count = Math.min(TABLE.length - from, target.remaining() / Float.BYTES);
            target.asFloatBuffer().put(TABLE, from, count);
            target.position(target.position() + count * Float.BYTES);
            at += count;
        }
    }
}
