package io.fedlearn.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleToIntFunction;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/**
 * Checks every bit pattern, and rounding at every midpoint between neighbours, against the definitions of the formats.
 */
class HalfPrecisionTest {
    private static final int FLOAT16_INFINITY = 0x7c00;
    private static final int BFLOAT16_INFINITY = 0x7f80;

    /** The value of a non-negative pattern as the format defines it, exactly. */
    private static BigDecimal defined(int bits, int mantissaBits, int bias) {
        int exponent = bits >>> mantissaBits;
        int mantissa = bits & ((1 << mantissaBits) - 1);
        int significand = exponent == 0 ? mantissa : mantissa + (1 << mantissaBits);
        int power = Math.max(exponent, 1) - bias - mantissaBits;
        BigDecimal two = BigDecimal.valueOf(2);
        return power >= 0
                ? BigDecimal.valueOf(significand).multiply(two.pow(power))
                : BigDecimal.valueOf(significand).multiply(new BigDecimal("0.5").pow(-power));
    }

    private static double float16(int bits) {
        return HalfPrecision.fromFloat16((short) bits);
    }

    private static double bfloat16(int bits) {
        return HalfPrecision.fromBfloat16((short) bits);
    }

    private static int toFloat16(double value) {
        return HalfPrecision.toFloat16(value) & 0xffff;
    }

    private static int toBfloat16(double value) {
        return HalfPrecision.toBfloat16(value) & 0xffff;
    }

    @Test
    void readsEveryFiniteFloat16AsDefined() {
        List<Integer> wrong = new ArrayList<>();
        for (int bits = 0; bits < FLOAT16_INFINITY; bits++) {
            double value = defined(bits, 10, 15).doubleValue();
            if (float16(bits) != value || float16(bits | 0x8000) != -value) {
                wrong.add(bits);
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(Double.doubleToRawLongBits(float16(0x8000))).isEqualTo(Double.doubleToRawLongBits(-0.0));
    }

    @Test
    void readsEveryFiniteBfloat16AsDefined() {
        List<Integer> wrong = new ArrayList<>();
        for (int bits = 0; bits < BFLOAT16_INFINITY; bits++) {
            double value = defined(bits, 7, 127).doubleValue();
            if (bfloat16(bits) != value || bfloat16(bits | 0x8000) != -value) {
                wrong.add(bits);
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(Double.doubleToRawLongBits(bfloat16(0x8000))).isEqualTo(Double.doubleToRawLongBits(-0.0));
    }

    @Test
    void readsInfinitiesAndEveryNaN() {
        assertThat(float16(0x7c00)).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(float16(0xfc00)).isEqualTo(Double.NEGATIVE_INFINITY);
        assertThat(bfloat16(0x7f80)).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(bfloat16(0xff80)).isEqualTo(Double.NEGATIVE_INFINITY);
        for (int payload = 1; payload < 0x400; payload++) {
            assertThat(float16(0x7c00 | payload)).isNaN();
            assertThat(float16(0xfc00 | payload)).isNaN();
        }
        for (int payload = 1; payload < 0x80; payload++) {
            assertThat(bfloat16(0x7f80 | payload)).isNaN();
            assertThat(bfloat16(0xff80 | payload)).isNaN();
        }
    }

    @Test
    void roundsToFloat16ToNearestTiesToEvenBetweenAllNeighbours() {
        assertThat(wronglyRounded(FLOAT16_INFINITY, HalfPrecisionTest::float16, HalfPrecisionTest::toFloat16, 65536))
                .isEmpty();
    }

    @Test
    void roundsToBfloat16ToNearestTiesToEvenBetweenAllNeighbours() {
        assertThat(wronglyRounded(
                        BFLOAT16_INFINITY, HalfPrecisionTest::bfloat16, HalfPrecisionTest::toBfloat16, 0x1p128))
                .isEmpty();
    }

    /**
     * The patterns at which rounding errs: each must keep itself, and the midpoint to its upper neighbour must go to
     * the even of the two, the doubles beside the midpoint to the nearer. Beyond the largest, {@code beyond} is the
     * neighbour that overflows to infinity. Midpoints are exact in double.
     */
    private static List<Integer> wronglyRounded(
            int infinity, IntToDoubleFunction read, DoubleToIntFunction round, double beyond) {
        List<Integer> wrong = new ArrayList<>();
        for (int bits = 0; bits < infinity; bits++) {
            double value = read.applyAsDouble(bits);
            double above = bits + 1 == infinity ? beyond : read.applyAsDouble(bits + 1);
            double midpoint = value + (above - value) / 2;
            int even = bits + (bits & 1);
            boolean right = round.applyAsInt(value) == bits
                    && round.applyAsInt(-value) == (bits | 0x8000)
                    && round.applyAsInt(midpoint) == even
                    && round.applyAsInt(-midpoint) == (even | 0x8000)
                    && round.applyAsInt(Math.nextDown(midpoint)) == bits
                    && round.applyAsInt(Math.nextUp(midpoint)) == bits + 1
                    && round.applyAsInt(-Math.nextUp(midpoint)) == (bits + 1 | 0x8000);
            if (!right) {
                wrong.add(bits);
            }
        }
        return wrong;
    }

    @Test
    void overflowsToInfinityAndUnderflowsToSignedZero() {
        assertThat(toFloat16(Double.MAX_VALUE)).isEqualTo(0x7c00);
        assertThat(toFloat16(Double.NEGATIVE_INFINITY)).isEqualTo(0xfc00);
        assertThat(toFloat16(-Double.MIN_VALUE)).isEqualTo(0x8000);
        assertThat(toBfloat16(Double.MAX_VALUE)).isEqualTo(0x7f80);
        assertThat(toBfloat16(Double.NEGATIVE_INFINITY)).isEqualTo(0xff80);
        assertThat(toBfloat16(-Double.MIN_VALUE)).isEqualTo(0x8000);
    }

    @Test
    void keepsNaN() {
        assertThat(float16(toFloat16(Double.NaN))).isNaN();
        assertThat(bfloat16(toBfloat16(Double.NaN))).isNaN();
    }
}
