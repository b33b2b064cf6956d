package io.fedlearn.benchmarks;

import java.util.Arrays;

/**
 * Sums that are independent of the order of arrival: whole multiples of 2^-{@value #FRACTION_BITS} in 128 bits, two
 * {@code long}s per parameter. A value is cut to such a multiple when it comes; adding whole numbers is exact.
 *
 * <p>Sums must stay below 2^{@value #RANGE_BITS}: a product of a value and an example count beyond 2^{@value #PRODUCT_BITS} is
 * refused, which leaves room for 2^20 updates. Sums without any limit to the float32 values would take 6 {@code long}s.
 */
final class FixedPointSum implements Summation {
    static final int FRACTION_BITS = 64;
    static final int RANGE_BITS = 127 - FRACTION_BITS;
    static final int PRODUCT_BITS = RANGE_BITS - 20;

    private final long[] high;
    private final long[] low;
    private double divisor = 1;

    FixedPointSum(int parameters) {
        this.high = new long[parameters];
        this.low = new long[parameters];
    }

    @Override
    public void begin() {
        Arrays.fill(high, 0);
        Arrays.fill(low, 0);
    }

    @Override
    public void arrive(int client, Updates updates) {
        add(updates.values(client), updates.count(client), high, low);
    }

    private static void add(float[] values, double weight, long[] high, long[] low) {
        for (int i = 0; i < high.length; i++) {
            long bits = Double.doubleToRawLongBits(weight * values[i]);
            // The product is mantissa * 2^(shift - FRACTION_BITS).
            int shift = ((int) (bits >>> 52) & 0x7ff) - 1075 + FRACTION_BITS;
            if (shift > PRODUCT_BITS + FRACTION_BITS - 53) {
                throw new IllegalArgumentException(
                        "value " + i + " times its example count must be below 2^" + PRODUCT_BITS);
            }
            long mantissa = (bits & ((1L << 52) - 1)) | 1L << 52;
            long lower = 0;
            long upper = 0;
            if (shift >= 0) {
                lower = mantissa << shift;
                upper = mantissa >>> 1 >>> (63 - shift);
            } else if (shift > -64) {
                lower = mantissa >>> -shift;
            }
            long sign = bits >> 63;
            lower = (lower ^ sign) - sign;
            upper = (upper ^ sign) + (sign != 0 && lower == 0 ? 1 : 0);
            long sum = low[i] + lower;
            high[i] += upper + (Long.compareUnsigned(sum, lower) < 0 ? 1 : 0);
            low[i] = sum;
        }
    }

    @Override
    public void finish(double totalCount, float[] mean) {
        divisor = totalCount;
        for (int i = 0; i < mean.length; i++) {
            mean[i] = (float) mean(i);
        }
    }

    @Override
    public double mean(int index) {
        boolean negative = high[index] < 0;
        long lower = negative ? -low[index] : low[index];
        long upper = negative ? ~high[index] + (lower == 0 ? 1 : 0) : high[index];
        double sum = upper + (lower >>> 1) * 0x1p-63 + (lower & 1) * 0x1p-64;
        return (negative ? -sum : sum) / divisor;
    }

    @Override
    public int accumulatorBytes() {
        return 2 * Long.BYTES;
    }
}
