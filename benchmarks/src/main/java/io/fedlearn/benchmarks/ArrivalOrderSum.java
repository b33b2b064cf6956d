package io.fedlearn.benchmarks;

import java.util.Arrays;

/** Plain float64 sums in the order of arrival: as fast as it goes, and other bits in another order. */
final class ArrivalOrderSum implements Summation {
    private final double[] sum;
    private double divisor = 1;

    ArrivalOrderSum(int parameters) {
        this.sum = new double[parameters];
    }

    @Override
    public void begin() {
        Arrays.fill(sum, 0);
    }

    @Override
    public void arrive(int client, Updates updates) {
        add(updates.values(client), updates.count(client), sum);
    }

    private static void add(float[] values, double weight, double[] sum) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += weight * values[i];
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
