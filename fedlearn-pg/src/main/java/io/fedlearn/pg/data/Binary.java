package io.fedlearn.pg.data;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteOrder;

/** Reads PostgreSQL's binary values out of a row's bytes. */
final class Binary {
    private static final VarHandle SHORTS = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final double[] POWERS = {1, 1e4, 1e8, 1e12, 1e16, 1e20};
    /** With so few digits one more to the base of 10,000 leaves no more than 53 bits. */
    private static final long MOST_BEFORE_ONE_MORE = (1L << 53) / 10_000 - 1;

    private static final int NUMERIC_HEADER = 8;
    private static final int NEGATIVE = 0x4000;
    private static final int NAN = 0xc000;
    private static final int POSITIVE_INFINITY = 0xd000;
    private static final int NEGATIVE_INFINITY = 0xf000;

    private Binary() {}

    static int int2(byte[] bytes, int at) {
        return (short) SHORTS.get(bytes, at);
    }

    static int int4(byte[] bytes, int at) {
        return (int) INTS.get(bytes, at);
    }

    static long int8(byte[] bytes, int at) {
        return (long) LONGS.get(bytes, at);
    }

    static float float4(byte[] bytes, int at) {
        return Float.intBitsToFloat((int) INTS.get(bytes, at));
    }

    static double float8(byte[] bytes, int at) {
        return Double.longBitsToDouble((long) LONGS.get(bytes, at));
    }

    /** The double nearest to a numeric: its digits to the base of 10,000, the first of which counts 10,000^weight. */
    static double numeric(byte[] bytes, int at) {
        int count = int2(bytes, at);
        int weight = int2(bytes, at + 2);
        int sign = int2(bytes, at + 4) & 0xffff;
        if (sign == NAN) {
            return Double.NaN;
        }
        if (sign == POSITIVE_INFINITY || sign == NEGATIVE_INFINITY) {
            return sign == POSITIVE_INFINITY ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
        }
        // With up to 53 bits of digits and a power of ten that is a double, one rounding is left, that of the last
        // operation.
        long digits = 0;
        boolean isExact = true;
        for (int i = 0; i < count && isExact; i++) {
            // Asked before and not after: what does not fit in 64 bits comes out as any number.
            isExact = digits <= MOST_BEFORE_ONE_MORE;
            digits = digits * 10_000 + int2(bytes, at + NUMERIC_HEADER + 2 * i);
        }
        int power = weight - count + 1;
        double value;
        if (isExact && Math.abs(power) < POWERS.length) {
            value = power < 0 ? digits / POWERS[-power] : digits * POWERS[power];
        } else {
            value = ofAnyLength(bytes, at + NUMERIC_HEADER, count, power);
        }
        return sign == NEGATIVE ? -value : value;
    }

    private static double ofAnyLength(byte[] bytes, int at, int count, int power) {
        BigInteger digits = BigInteger.ZERO;
        for (int i = 0; i < count; i++) {
            digits = digits.multiply(BigInteger.valueOf(10_000)).add(BigInteger.valueOf(int2(bytes, at + 2 * i)));
        }
        return new BigDecimal(digits, -4 * power).doubleValue();
    }
}
