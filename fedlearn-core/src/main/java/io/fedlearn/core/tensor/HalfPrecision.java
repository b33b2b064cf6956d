package io.fedlearn.core.tensor;

/** The two 16-bit floating-point types; {@code Float.float16ToFloat} came with Java 20 only. */
final class HalfPrecision {
    private HalfPrecision() {}

    static float fromFloat16(short bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = (bits >>> 10) & 0x1f;
        int mantissa = bits & 0x3ff;
        if (exponent == 0x1f) {
            return Float.intBitsToFloat(sign | 0x7f800000 | mantissa << 13);
        }
        if (exponent == 0) {
            float magnitude = mantissa * 0x1p-24f;
            return sign == 0 ? magnitude : -magnitude;
        }
        return Float.intBitsToFloat(sign | (exponent + 112) << 23 | mantissa << 13);
    }

    /** Rounds to nearest, ties to even. The value comes as double, so that no double rounding happens on the way. */
    static short toFloat16(double value) {
        long bits = Double.doubleToRawLongBits(value);
        int sign = (int) (bits >>> 48) & 0x8000;
        if (Double.isNaN(value)) {
            return (short) (sign | 0x7e00);
        }
        double magnitude = Math.abs(value);
        if (magnitude >= 65520.0) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < 0x1p-14) {
            // Subnormal: a multiple of 2^-24; rint rounds ties to even, and 1024 steps are the smallest normal number.
            return (short) (sign | (int) Math.rint(magnitude * 0x1p24));
        }
        int exponent = Math.getExponent(magnitude);
        int steps = (int) Math.rint(Math.scalb(magnitude, 10 - exponent));
        // A carry out of the mantissa moves into the exponent by itself.
        return (short) (sign | (((exponent + 15) << 10) + (steps - 1024)));
    }

    static float fromBfloat16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** Rounds to nearest, ties to even. */
    static short toBfloat16(double value) {
        if (Double.isNaN(value)) {
            return (short) 0x7fc0;
        }
        long bits = Double.doubleToRawLongBits(value);
        int sign = (int) (bits >>> 48) & 0x8000;
        double magnitude = Math.abs(value);
        if (magnitude >= 0x1.ffp127) {
            return (short) (sign | 0x7f80);
        }
        if (magnitude < 0x1p-126) {
            return (short) (sign | (int) Math.rint(magnitude * 0x1p133));
        }
        int exponent = Math.getExponent(magnitude);
        int steps = (int) Math.rint(Math.scalb(magnitude, 7 - exponent));
        return (short) (sign | (((exponent + 127) << 7) + (steps - 128)));
    }
}
