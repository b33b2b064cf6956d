package io.fedlearn.aggregators.robust;

import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;

/**
 * The kernel of coordinate-wise rules: sorts the cohort's values of each coordinate and takes the unweighted mean of some
 * of them. Only a block of each update is in memory at a time.
 *
 * <p>float16, bfloat16 and float32 are sorted as {@code float}, float64 and integers of up to 32 bits as {@code double},
 * 64-bit integers as {@code long}: nothing is rounded before the mean, and 64-bit integers not even there. Confined to
 * one thread at a time.
 */
final class SortedCoordinates {
    /** So many columns of all rows stay in the cache while they are sorted. */
    private static final int SORTED_AT_ONCE = 2048;

    /** At most so many values of all updates together are in memory, where that leaves a block worth reading. */
    private static final int MAX_VALUES = 1 << 20;

    private static final int LEAST_BLOCK = 512;

    /** Which of the sorted values are averaged. */
    enum Choice {
        /** As many are left out at the lower end as at the upper. */
        MIDDLE,
        /** Those nearest to the median; of two that are equally near, the smaller. */
        NEAREST_TO_MEDIAN
    }

    private final Choice choice;
    private final TensorReader reader = new TensorReader();
    private int rows;
    private int kept;
    private int block;
    private SortingNetwork network = SortingNetwork.of(1, 0, 1);
    private float[][] floats = {};
    private double[][] doubles = {};
    private long[][] longs = {};
    private double[] sums = {};

    SortedCoordinates(Choice choice) {
        this.choice = choice;
    }

    /**
     * Writes the rule's value of every coordinate.
     *
     * @param kept how many values of each coordinate are averaged, leaving out an even number
     */
    void combine(Cohort cohort, int kept, CombinedValues target) {
        prepare(cohort.size(), kept);
        target.prepare(cohort.spec());
        for (int t = 0; t < cohort.spec().size(); t++) {
            TensorSpec tensor = cohort.spec().tensors().get(t);
            Tensor[] tensors = cohort.tensors(t);
            switch (tensor.type()) {
                case FLOAT16, BFLOAT16, FLOAT32 -> combineFloats(tensors, target.values(t));
                case INT64, UINT64 ->
                    combineLongs(tensors, tensor.type() == TensorType.UINT64, target.values(t), target.remainders(t));
                default -> combineDoubles(tensors, target.values(t));
            }
        }
    }

    private void prepare(int newRows, int newKept) {
        if (newRows == rows && newKept == kept) {
            return;
        }
        if (newRows != rows) {
            block = Math.max(LEAST_BLOCK, Math.min(TensorReader.MAX_BLOCK, MAX_VALUES / newRows));
            floats = new float[newRows][0];
            doubles = new double[newRows][0];
            longs = new long[newRows][0];
        }
        rows = newRows;
        kept = newKept;
        int dropped = (rows - kept) / 2;
        network = choice == Choice.MIDDLE
                ? SortingNetwork.of(rows, dropped, rows - dropped)
                : SortingNetwork.of(rows, 0, rows);
    }

    private void combineFloats(Tensor[] tensors, double[] target) {
        int length = Math.min(block, target.length);
        if (floats[0].length < length) {
            floats = new float[rows][length];
            sums = new double[length];
        }
        for (int at = 0; at < target.length; at += block) {
            int count = Math.min(block, target.length - at);
            for (int k = 0; k < rows; k++) {
                reader.read(tensors[k], at, floats[k], count);
            }
            for (int from = 0; from < count; from += SORTED_AT_ONCE) {
                int to = Math.min(count, from + SORTED_AT_ONCE);
                network.sort(floats, from, to);
                if (choice == Choice.MIDDLE) {
                    int first = (rows - kept) / 2;
                    widen(floats[first], sums, from, to);
                    for (int k = first + 1; k < first + kept; k++) {
                        add(floats[k], sums, from, to);
                    }
                } else {
                    sumNearest(floats, from, to);
                }
            }
            divide(target, at, count);
        }
    }

    private static void widen(float[] values, double[] sums, int from, int to) {
        for (int i = from; i < to; i++) {
            sums[i] = values[i];
        }
    }

    private static void add(float[] values, double[] sums, int from, int to) {
        for (int i = from; i < to; i++) {
            sums[i] += values[i];
        }
    }

    /** The values nearest to the median are neighbours in sorted order; this finds where they start. */
    private void sumNearest(float[][] sorted, int from, int to) {
        int dropped = rows - kept;
        for (int i = from; i < to; i++) {
            double medianTwice = (double) sorted[(rows - 1) / 2][i] + sorted[rows / 2][i];
            int first = 0;
            // As long as the next value above is nearer than the lowest: median - low > high - median.
            while (first < dropped && (double) sorted[first][i] + sorted[first + kept][i] < medianTwice) {
                first++;
            }
            double sum = sorted[first][i];
            for (int k = first + 1; k < first + kept; k++) {
                sum += sorted[k][i];
            }
            sums[i] = sum;
        }
    }

    private void divide(double[] target, int at, int count) {
        double divisor = kept;
        for (int i = 0; i < count; i++) {
            target[at + i] = sums[i] / divisor;
        }
    }

    private void combineDoubles(Tensor[] tensors, double[] target) {
        int length = Math.min(block, target.length);
        if (doubles[0].length < length) {
            doubles = new double[rows][length];
        }
        for (int at = 0; at < target.length; at += block) {
            int count = Math.min(block, target.length - at);
            for (int k = 0; k < rows; k++) {
                reader.read(tensors[k], at, doubles[k], 0, count);
            }
            for (int from = 0; from < count; from += SORTED_AT_ONCE) {
                int to = Math.min(count, from + SORTED_AT_ONCE);
                network.sort(doubles, from, to);
                for (int i = from; i < to; i++) {
                    target[at + i] = mean(doubles, firstKept(doubles, i), i);
                }
            }
        }
    }

    private int firstKept(double[][] sorted, int i) {
        int dropped = rows - kept;
        if (choice == Choice.MIDDLE) {
            return dropped / 2;
        }
        double medianTwice = sorted[(rows - 1) / 2][i] + sorted[rows / 2][i];
        int first = 0;
        while (first < dropped && sorted[first][i] + sorted[first + kept][i] < medianTwice) {
            first++;
        }
        return first;
    }

    private double mean(double[][] sorted, int first, int i) {
        double low = sorted[first][i];
        double high = sorted[first + kept - 1][i];
        double sum = low;
        for (int k = first + 1; k < first + kept; k++) {
            sum += sorted[k][i];
        }
        // Not even by rounding does the mean leave the range of the values, so equal ones return themselves.
        return Math.max(low, Math.min(high, sum / kept));
    }

    private void combineLongs(Tensor[] tensors, boolean unsigned, double[] target, double[] remainders) {
        int length = Math.min(block, target.length);
        if (longs[0].length < length) {
            longs = new long[rows][length];
        }
        // With the highest bit turned over, unsigned numbers are ordered as signed ones are.
        long turned = unsigned ? Long.MIN_VALUE : 0;
        for (int at = 0; at < target.length; at += block) {
            int count = Math.min(block, target.length - at);
            for (int k = 0; k < rows; k++) {
                tensors[k].copyTo(at, longs[k], 0, count);
                for (int i = 0; i < count; i++) {
                    longs[k][i] ^= turned;
                }
            }
            network.sort(longs, 0, count);
            for (int i = 0; i < count; i++) {
                putMean(firstKept(longs, i), i, unsigned, target, remainders, at + i);
            }
        }
    }

    private int firstKept(long[][] sorted, int i) {
        int dropped = rows - kept;
        if (choice == Choice.MIDDLE) {
            return dropped / 2;
        }
        int first = 0;
        while (first < dropped
                && isSumLess(
                        sorted[first][i], sorted[first + kept][i], sorted[(rows - 1) / 2][i], sorted[rows / 2][i])) {
            first++;
        }
        return first;
    }

    /** Whether {@code a + b < c + d}, whatever their size. */
    private static boolean isSumLess(long a, long b, long c, long d) {
        long half = (a >> 1) + (b >> 1) + (a & b & 1);
        long otherHalf = (c >> 1) + (d >> 1) + (c & d & 1);
        return half < otherHalf || half == otherHalf && ((a ^ b) & 1) < ((c ^ d) & 1);
    }

    /** The mean of 64-bit integers as the nearest double and what is left to the mean. */
    private void putMean(int first, int i, boolean unsigned, double[] target, double[] remainders, int at) {
        long high = 0;
        long low = 0;
        for (int k = first; k < first + kept; k++) {
            long value = longs[k][i];
            // The bit that was turned over stands for 2^63 more.
            high += unsigned ? (value ^ Long.MIN_VALUE) >>> 32 : value >> 32;
            low += value & 0xffffffffL;
        }
        // (high 2^32 + low) / kept, digit by digit: nothing overflows for fewer than 2^30 updates.
        long digit = Math.floorDiv(high, (long) kept);
        long carried = (Math.floorMod(high, (long) kept) << 32) + low;
        double upper = digit * 0x1p32;
        double lower = carried / kept + (carried % kept) / (double) kept;
        target[at] = upper + lower;
        remainders[at] = lower - (target[at] - upper);
    }
}
