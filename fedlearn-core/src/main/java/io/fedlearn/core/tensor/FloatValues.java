package io.fedlearn.core.tensor;

import java.nio.ByteBuffer;

/** Values in a {@code float[]}: the kernels that most models run through. */
final class FloatValues extends Values {
    /** Checked per block, so that the loop has no exit and is vectorised. */
    private static final int CHECK_BLOCK = 4096;

    final float[] array;

    FloatValues(float[] array) {
        this.array = array;
    }

    @Override
    void copyTo(long from, double[] target, int at, int count) {
        int offset = (int) from;
        for (int i = 0; i < count; i++) {
            target[at + i] = array[offset + i];
        }
    }

    @Override
    void copyTo(long from, float[] target, int at, int count) {
        System.arraycopy(array, (int) from, target, at, count);
    }

    @Override
    void copyTo(long from, long[] target, int at, int count) {
        throw new UnsupportedOperationException("floating-point values do not read as integers");
    }

    @Override
    void encode(long from, ByteBuffer target, int count) {
        target.asFloatBuffer().put(array, (int) from, count);
        target.position(target.position() + count * Float.BYTES);
    }

    @Override
    void addScaledTo(long from, double[] target, int at, int count, double scale) {
        int offset = (int) from;
        for (int i = 0; i < count; i++) {
            target[at + i] += scale * array[offset + i];
        }
    }

    @Override
    long firstNonFinite(long from, long count) {
        int end = (int) (from + count);
        int stop;
        for (int block = (int) from; block < end; block = stop) {
            // Not the smaller of two sums: the sum overflows near the largest array.
            stop = end - block > CHECK_BLOCK ? block + CHECK_BLOCK : end;
            // NaN is larger than anything to Math.max.
            float largest = 0;
            for (int i = block; i < stop; i++) {
                largest = Math.max(largest, Math.abs(array[i]));
            }
            if (!Float.isFinite(largest)) {
                for (int i = block; i < stop; i++) {
                    if (!Float.isFinite(array[i])) {
                        return i;
                    }
                }
            }
        }
        return -1;
    }

    @Override
    long heapBytes() {
        return (long) array.length * Float.BYTES;
    }
}
