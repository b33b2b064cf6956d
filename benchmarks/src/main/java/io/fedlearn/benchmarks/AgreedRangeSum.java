package io.fedlearn.benchmarks;

import java.util.Arrays;

/**
 * Sums that are independent of the order of arrival, because all were told beforehand how large values and the total of the
 * example counts can be: whole multiples of one unit, exact in one {@code double} per parameter. What is larger is refused; what
 * is smaller than the unit is lost.
 */
final class AgreedRangeSum implements Summation {
    private static final int BLOCK = 4096;

    private final double[] sum;
    private final double rounder;
    private final float limit;
    private double divisor = 1;

    /**
     * Sums of values below {@code 2^valueBits} with example counts below {@code 2^countBits} in all.
     */
    AgreedRangeSum(int parameters, int valueBits, int countBits) {
        this.sum = new double[parameters];
        // The unit is 2^(valueBits + countBits - 52), and adding 1.5 * 2^52 units rounds to one.
        this.rounder = Math.scalb(1.5, valueBits + countBits);
        this.limit = Math.scalb(1f, valueBits);
    }

    @Override
    public void begin() {
        Arrays.fill(sum, 0);
    }

    @Override
    public void arrive(int client, Updates updates) {
        float[] values = updates.values(client);
        double weight = updates.count(client);
        for (int from = 0; from < values.length; from += BLOCK) {
            int to = Math.min(values.length, from + BLOCK);
            if (FixedBinSum.largest(values, from, to) >= limit) {
                throw new IllegalArgumentException("values must be < " + limit);
            }
            add(values, weight, rounder, sum, from, to);
        }
    }

    private static void add(float[] values, double weight, double rounder, double[] sum, int from, int to) {
        for (int i = from; i < to; i++) {
            sum[i] += (weight * values[i] + rounder) - rounder;
        }
    }

    @Override
    public void finish(double totalCount, float[] mean) {
        divisor = totalCount;
        for (int i = 0; i < sum.length; i++) {
            mean[i] = (float) (sum[i] / totalCount);
        }
    }

    @Override
    public double mean(int index) {
        return sum[index] / divisor;
    }

    @Override
    public int accumulatorBytes() {
        return Double.BYTES;
    }
}
