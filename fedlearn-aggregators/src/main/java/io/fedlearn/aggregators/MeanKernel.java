package io.fedlearn.aggregators;

import io.fedlearn.core.tensor.ScaledSum;
import io.fedlearn.core.tensor.Tensor;
import java.util.Arrays;

/** The sums of a weighted mean over a range of coordinates, with the scratch of one thread. Confined to it. */
final class MeanKernel {
    /** So many elements of the sum stay in the cache while every update of a list is added to them. */
    private static final int BLOCK = ScaledSum.MAX_BLOCK;

    /** As {@link #BLOCK}, beside copies of the values. */
    private static final int WIDE_BLOCK = 8192;

    private final ScaledSum kernel = new ScaledSum();
    private final BlockReader reader = new BlockReader(WIDE_BLOCK);
    private final double[] zeros = new double[2048];

    /**
     * Adds the tensors, each times its scale, to elements {@code from} to {@code to - 1} of the sum.
     *
     * @param isFirst whether to write the sum over what is there
     */
    void add(Tensor[] tensors, double[] scales, double[] sum, int from, int to, boolean isFirst) {
        for (int at = from; at < to; at += BLOCK) {
            int count = Math.min(BLOCK, to - at);
            if (isFirst) {
                kernel.set(tensors, scales, at, sum, at, count);
            } else {
                kernel.add(tensors, scales, at, sum, at, count);
            }
        }
    }

    /** As {@link #add} to what is there, for 64-bit types, in two doubles. */
    void addWide(Tensor[] tensors, double[] scales, double[] sum, double[] rest, int from, int to) {
        for (int at = from; at < to; at += WIDE_BLOCK) {
            int count = Math.min(WIDE_BLOCK, to - at);
            for (int k = 0; k < tensors.length; k++) {
                if (tensors[k].type().isInteger()) {
                    // A 64-bit integer is the sum of two doubles: its upper and its lower 32 bits.
                    addWide(reader.upperHalves(tensors[k], at, count), scales[k], sum, rest, at, count);
                    addWide(reader.lowerHalves(count), scales[k], sum, rest, at, count);
                } else {
                    addWide(reader.doubles(tensors[k], at, count), scales[k], sum, rest, at, count);
                }
            }
        }
    }

    /**
     * Adds {@code scale * values} to {@code sum}, and to {@code rest} what the product and the sum lose by rounding.
     */
    private static void addWide(double[] values, double scale, double[] sum, double[] rest, int at, int count) {
        for (int i = 0; i < count; i++) {
            double product = scale * values[i];
            double lost = Math.fma(scale, values[i], -product);
            double before = sum[at + i];
            double after = before + product;
            double part = after - before;
            rest[at + i] += (before - (after - part)) + (product - part) + lost;
            sum[at + i] = after;
        }
    }

    /** By products with 0, which are NaN for infinities too: HotSpot vectorises no search for the largest magnitude. */
    boolean areFinite(double[] values, int from, int to) {
        Arrays.fill(zeros, 0);
        for (int at = from; at < to; at += zeros.length) {
            addTimesZero(values, at, Math.min(zeros.length, to - at));
        }
        double sum = 0;
        for (double zero : zeros) {
            sum += zero;
        }
        return sum == 0;
    }

    private void addTimesZero(double[] values, int from, int count) {
        for (int i = 0; i < count; i++) {
            zeros[i] += values[from + i] * 0;
        }
    }
}
