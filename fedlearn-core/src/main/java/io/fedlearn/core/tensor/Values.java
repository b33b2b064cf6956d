package io.fedlearn.core.tensor;

import java.nio.ByteBuffer;

/** Where a tensor's values lie. Ranges are checked by {@link Tensor}. */
abstract class Values {
    abstract void copyTo(long from, double[] target, int at, int count);

    abstract void copyTo(long from, float[] target, int at, int count);

    abstract void copyTo(long from, long[] target, int at, int count);

    /** Fills {@code target}, which is little-endian and has room for whole elements. */
    abstract void encode(long from, ByteBuffer target, int count);

    /** {@code target[at + i] += scale * value[from + i]}, each product and sum rounded to double. */
    abstract void addScaledTo(long from, double[] target, int at, int count, double scale);

    /** The index of the first NaN or infinity from {@code from} on, or -1. */
    abstract long firstNonFinite(long from, long count);

    abstract long heapBytes();
}
