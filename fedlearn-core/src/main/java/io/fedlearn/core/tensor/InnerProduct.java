package io.fedlearn.core.tensor;

/**
 * The kernel of norms and inner products: adds up {@code a[i] b[i]} in float64, block by block, in four partial sums in a fixed
 * order, so that the bits are the same on every JVM. One sum alone would be added up at the pace of an addition's latency. Not
 * thread-safe.
 */
public final class InnerProduct {
    private static final int LANES = 4;

    private double sum0;
    private double sum1;
    private double sum2;
    private double sum3;

    /** A product of nothing, which is 0. */
    public InnerProduct() {}

    /** Adds the products of the first {@code count} elements; {@code a} and {@code b} may be the same. */
    public void add(double[] a, double[] b, int count) {
        double lane0 = sum0;
        double lane1 = sum1;
        double lane2 = sum2;
        double lane3 = sum3;
        int whole = count - count % LANES;
        for (int i = 0; i < whole; i += LANES) {
            lane0 += a[i] * b[i];
            lane1 += a[i + 1] * b[i + 1];
            lane2 += a[i + 2] * b[i + 2];
            lane3 += a[i + 3] * b[i + 3];
        }
        for (int i = whole; i < count; i++) {
            lane0 += a[i] * b[i];
        }
        sum0 = lane0;
        sum1 = lane1;
        sum2 = lane2;
        sum3 = lane3;
    }

    /** The sum of all products so far. */
    public double total() {
        return (sum0 + sum1) + (sum2 + sum3);
    }
}
