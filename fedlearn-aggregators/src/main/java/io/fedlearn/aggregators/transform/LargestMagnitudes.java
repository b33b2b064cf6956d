package io.fedlearn.aggregators.transform;

import io.fedlearn.core.tensor.Tensor;
import java.util.Arrays;

/**
 * Which values of a tensor are the {@code k} of largest magnitude: those above a threshold, and the first few on it. Magnitudes are
 * compared as float32. Found by counting the leading bits of magnitudes, in three passes, without sorting. Confined to one thread.
 */
final class LargestMagnitudes {
    private static final int BLOCK = OutgoingDelta.BLOCK;
    private static final int MAGNITUDE = Integer.MAX_VALUE;
    // Which bits each pass counts by; together all 31 of a magnitude.
    private static final int[] SHIFTS = {19, 7, 0};
    private static final int[] WIDTHS = {12, 12, 7};

    private final float[] block = new float[BLOCK];
    private final int[] counts = new int[1 << WIDTHS[0]];

    /** Receives a place and its value. */
    @FunctionalInterface
    interface Taker {
        void take(int index, double value);
    }

    /** Hands over the {@code k} places in rising order; of equal magnitudes those that come first. */
    void take(Tensor values, int k, double[] scratch, Taker taker) {
        if (k == 0) {
            return;
        }
        long wanted = k;
        int prefix = 0;
        for (int pass = 0; pass < SHIFTS.length; pass++) {
            count(values, pass, prefix);
            int bin = (1 << WIDTHS[pass]) - 1;
            while (counts[bin] < wanted) {
                wanted -= counts[bin--];
            }
            prefix = prefix << WIDTHS[pass] | bin;
        }
        // Larger ones are all taken; so many of those that are equal.
        int threshold = prefix;
        int equal = (int) wanted;
        int length = (int) values.elementCount();
        for (int from = 0; from < length; from += BLOCK) {
            int count = Math.min(BLOCK, length - from);
            values.copyTo(from, block, 0, count);
            values.copyTo(from, scratch, 0, count);
            for (int i = 0; i < count; i++) {
                int magnitude = Float.floatToRawIntBits(block[i]) & MAGNITUDE;
                if (magnitude >= threshold && (magnitude > threshold || equal-- > 0)) {
                    taker.take(from + i, scratch[i]);
                }
            }
        }
    }

    private void count(Tensor values, int pass, int prefix) {
        int shift = SHIFTS[pass];
        int mask = (1 << WIDTHS[pass]) - 1;
        int width = WIDTHS[pass];
        Arrays.fill(counts, 0);
        int length = (int) values.elementCount();
        for (int from = 0; from < length; from += BLOCK) {
            int count = Math.min(BLOCK, length - from);
            values.copyTo(from, block, 0, count);
            for (int i = 0; i < count; i++) {
                int magnitude = Float.floatToRawIntBits(block[i]) & MAGNITUDE;
                int leading = magnitude >>> shift;
                if (leading >>> width == prefix) {
                    counts[leading & mask]++;
                }
            }
        }
    }
}
