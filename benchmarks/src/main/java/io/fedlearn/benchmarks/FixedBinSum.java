package io.fedlearn.benchmarks;

import java.util.Arrays;

/**
 * Sums that are independent of the order of arrival, after Demmel and Nguyen, "Parallel Reproducible Summation", IEEE
 * Transactions on Computers 2015: the line of exponents is cut into bins of {@value #WIDTH} bits at fixed places, every value
 * is cut at the same places, and the pieces of a bin are added up in a {@code double} of their own, which is exact.
 *
 * <p>Kept are the highest bins that any value of a block of {@value #BLOCK} parameters has reached; when a larger value comes,
 * they move up and the lowest is dropped. What is dropped depends on the values alone, not on their order. A {@code double}
 * takes 2^{@value #CAPACITY_BITS} pieces; a rule that took more would have to carry between the bins now and then.
 */
final class FixedBinSum implements Summation {
    static final int WIDTH = 40;
    static final int CAPACITY_BITS = 52 - WIDTH;
    static final int BLOCK = 4096;
    private static final int NONE = Integer.MIN_VALUE;

    private final int bins;
    private final double[][] sums;
    private final int[] top;
    private double divisor = 1;
    private int added;

    FixedBinSum(int parameters, int bins) {
        this.bins = bins;
        this.sums = new double[bins][parameters];
        this.top = new int[(parameters + BLOCK - 1) / BLOCK];
    }

    @Override
    public void begin() {
        for (double[] sum : sums) {
            Arrays.fill(sum, 0);
        }
        Arrays.fill(top, NONE);
        added = 0;
    }

    @Override
    public void arrive(int client, Updates updates) {
        if (++added > 1 << CAPACITY_BITS) {
            throw new IllegalStateException("a bin takes " + (1 << CAPACITY_BITS) + " updates");
        }
        float[] values = updates.values(client);
        double weight = updates.count(client);
        for (int block = 0; block < top.length; block++) {
            int from = block * BLOCK;
            int to = Math.min(values.length, from + BLOCK);
            double largest = weight * largest(values, from, to);
            if (largest == 0) {
                continue;
            }
            int needed = Math.floorDiv(Math.getExponent(largest), WIDTH);
            if (needed > top[block]) {
                raise(block, needed, from, to);
            }
            double upper = Math.scalb(1.5, 52 + top[block] * WIDTH);
            double middle = Math.scalb(1.5, 52 + (top[block] - 1) * WIDTH);
            if (bins == 2) {
                addTwo(values, weight, upper, middle, sums[0], sums[1], from, to);
            } else {
                double lower = Math.scalb(1.5, 52 + (top[block] - 2) * WIDTH);
                addThree(values, weight, upper, middle, lower, sums[0], sums[1], sums[2], from, to);
            }
        }
    }

    static float largest(float[] values, int from, int to) {
        float largest = 0;
        for (int i = from; i < to; i++) {
            largest = Math.max(largest, Math.abs(values[i]));
        }
        return largest;
    }

    private void raise(int block, int needed, int from, int to) {
        int by = top[block] == NONE ? bins : Math.min(bins, needed - top[block]);
        for (int k = bins - 1; k >= 0; k--) {
            if (k >= by) {
                System.arraycopy(sums[k - by], from, sums[k], from, to - from);
            } else {
                Arrays.fill(sums[k], from, to, 0);
            }
        }
        top[block] = needed;
    }

    // Adding and subtracting 1.5 * 2^(52 + e) rounds to a multiple of 2^e.
    private static void addTwo(
            float[] values, double weight, double upper, double lower, double[] a, double[] b, int from, int to) {
        for (int i = from; i < to; i++) {
            double value = weight * values[i];
            double high = (value + upper) - upper;
            double low = ((value - high) + lower) - lower;
            a[i] += high;
            b[i] += low;
        }
    }

    private static void addThree(
            float[] values,
            double weight,
            double upper,
            double middle,
            double lower,
            double[] a,
            double[] b,
            double[] c,
            int from,
            int to) {
        for (int i = from; i < to; i++) {
            double value = weight * values[i];
            double high = (value + upper) - upper;
            double rest = value - high;
            double mid = (rest + middle) - middle;
            double low = ((rest - mid) + lower) - lower;
            a[i] += high;
            b[i] += mid;
            c[i] += low;
        }
    }

    @Override
    public void finish(double totalCount, float[] mean) {
        divisor = totalCount;
        for (int block = 0; block < top.length; block++) {
            int from = block * BLOCK;
            int to = Math.min(mean.length, from + BLOCK);
            if (top[block] == NONE) {
                Arrays.fill(mean, from, to, 0);
            } else {
                finish(top[block], totalCount, mean, from, to);
            }
        }
    }

    private void finish(int index, double totalCount, float[] mean, int from, int to) {
        // The same total can be spread over the bins in more than one way; carried upwards, in one way only.
        for (int k = bins - 1; k > 0; k--) {
            double unit = Math.scalb(1.0, (index - k + 1) * WIDTH);
            double inverse = 1 / unit;
            for (int i = from; i < to; i++) {
                double carry = Math.floor(sums[k][i] * inverse) * unit;
                sums[k][i] -= carry;
                sums[k - 1][i] += carry;
            }
        }
        for (int i = from; i < to; i++) {
            mean[i] = (float) mean(i, totalCount);
        }
    }

    private double mean(int index, double totalCount) {
        double sum = sums[0][index] + sums[1][index];
        return (bins == 2 ? sum : sum + sums[2][index]) / totalCount;
    }

    @Override
    public double mean(int index) {
        return mean(index, divisor);
    }

    @Override
    public int accumulatorBytes() {
        return bins * Double.BYTES;
    }
}
