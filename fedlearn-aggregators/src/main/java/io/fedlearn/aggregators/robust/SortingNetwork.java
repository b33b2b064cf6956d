package io.fedlearn.aggregators.robust;

import java.util.Arrays;

/**
 * Sorts many columns of numbers at once by comparing whole rows: Batcher's odd-even merge network, without the
 * comparators that only matter to places nobody reads. Its steps do not depend on the values, so the smaller and the
 * larger of two rows are element-wise loops that run in vector registers. About {@code n log2(n)^2 / 4} comparators for
 * {@code n} rows. Immutable.
 *
 * <p>The order is that of {@link Math#min(double, double)}: -0.0 comes before 0.0.
 *
 * <p><b>Reference.</b> Batcher, "Sorting networks and their applications", AFIPS 1968; as Knuth, The Art of Computer
 * Programming, volume 3, algorithm 5.2.2M, for any number of rows.
 */
final class SortingNetwork {
    private final int[] lower;
    private final int[] upper;

    private SortingNetwork(int[] lower, int[] upper) {
        this.lower = lower;
        this.upper = upper;
    }

    /**
     * A network for so many rows.
     *
     * @param from the first place in sorted order that must come out right
     * @param to the place after the last
     */
    static SortingNetwork of(int rows, int from, int to) {
        Comparators all = new Comparators();
        int top = Integer.highestOneBit(Math.max(1, rows - 1));
        for (int p = top; p > 0 && rows > 1; p /= 2) {
            int q = top;
            int r = 0;
            int d = p;
            while (true) {
                for (int i = 0; i < rows - d; i++) {
                    if ((i & p) == r) {
                        all.add(i, i + d);
                    }
                }
                if (q == p) {
                    break;
                }
                d = q - p;
                q /= 2;
                r = p;
            }
        }
        return all.leadingTo(rows, from, to);
    }

    /** Pairs of rows in the order in which they are compared. */
    private static final class Comparators {
        private int[] lower = new int[16];
        private int[] upper = new int[16];
        private int count;

        void add(int low, int high) {
            if (count == lower.length) {
                lower = Arrays.copyOf(lower, 2 * count);
                upper = Arrays.copyOf(upper, 2 * count);
            }
            lower[count] = low;
            upper[count] = high;
            count++;
        }

        SortingNetwork leadingTo(int rows, int from, int to) {
            boolean[] isNeeded = new boolean[rows];
            Arrays.fill(isNeeded, from, to, true);
            int kept = count;
            for (int c = count - 1; c >= 0; c--) {
                if (isNeeded[lower[c]] || isNeeded[upper[c]]) {
                    isNeeded[lower[c]] = true;
                    isNeeded[upper[c]] = true;
                    kept--;
                    lower[kept] = lower[c];
                    upper[kept] = upper[c];
                }
            }
            return new SortingNetwork(Arrays.copyOfRange(lower, kept, count), Arrays.copyOfRange(upper, kept, count));
        }
    }

    /** How many comparators there are. */
    int size() {
        return lower.length;
    }

    /** Sorts the columns {@code from} to {@code to}, excluded. */
    void sort(float[][] rows, int from, int to) {
        for (int c = 0; c < lower.length; c++) {
            order(rows[lower[c]], rows[upper[c]], from, to);
        }
    }

    /** Sorts the columns {@code from} to {@code to}, excluded. */
    void sort(double[][] rows, int from, int to) {
        for (int c = 0; c < lower.length; c++) {
            order(rows[lower[c]], rows[upper[c]], from, to);
        }
    }

    /** Sorts the columns {@code from} to {@code to}, excluded. */
    void sort(long[][] rows, int from, int to) {
        for (int c = 0; c < lower.length; c++) {
            order(rows[lower[c]], rows[upper[c]], from, to);
        }
    }

    private static void order(float[] low, float[] high, int from, int to) {
        for (int i = from; i < to; i++) {
            float a = low[i];
            float b = high[i];
            low[i] = Math.min(a, b);
            high[i] = Math.max(a, b);
        }
    }

    private static void order(double[] low, double[] high, int from, int to) {
        for (int i = from; i < to; i++) {
            double a = low[i];
            double b = high[i];
            low[i] = Math.min(a, b);
            high[i] = Math.max(a, b);
        }
    }

    private static void order(long[] low, long[] high, int from, int to) {
        for (int i = from; i < to; i++) {
            long a = low[i];
            long b = high[i];
            low[i] = Math.min(a, b);
            high[i] = Math.max(a, b);
        }
    }
}
