package io.fedlearn.core.tensor;

import java.nio.ByteBuffer;

/** Values in a {@code double[]}. */
final class DoubleValues extends Values {
    final double[] array;

    DoubleValues(double[] array) {
        this.array = array;
    }

    @Override
    void copyTo(long from, double[] target, int at, int count) {
        System.arraycopy(array, (int) from, target, at, count);
    }

    @Override
    void copyTo(long from, float[] target, int at, int count) {
        int offset = (int) from;
        for (int i = 0; i < count; i++) {
            target[at + i] = (float) array[offset + i];
        }
    }

    @Override
    void copyTo(long from, long[] target, int at, int count) {
        throw new UnsupportedOperationException("floating-point values do not read as integers");
    }

    @Override
    void encode(long from, ByteBuffer target, int count) {
        target.asDoubleBuffer().put(array, (int) from, count);
        target.position(target.position() + count * Double.BYTES);
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
        for (int i = (int) from; i < end; i++) {
            if (!Double.isFinite(array[i])) {
                return i;
            }
        }
        return -1;
    }

    @Override
    long heapBytes() {
        return (long) array.length * Double.BYTES;
    }
}
