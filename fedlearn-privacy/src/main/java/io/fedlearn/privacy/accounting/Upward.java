package io.fedlearn.privacy.accounting;

/** Arithmetic whose result is never less than the true one. For numbers that are not negative. */
final class Upward {
    private Upward() {}

    static double add(double a, double b) {
        return a == 0 ? b : b == 0 ? a : Math.nextUp(a + b);
    }

    static double multiply(double a, double b) {
        return a == 0 || b == 0 ? 0 : Math.nextUp(a * b);
    }

    static double divide(double a, double b) {
        return a == 0 ? 0 : Math.nextUp(a / b);
    }

    /** {@code x^2 / (2 y^2)} without overflow on the way. */
    static double halfSquaredRatio(double x, double y) {
        double ratio = divide(x, y);
        return multiply(multiply(ratio, ratio), 0.5);
    }

    /** A value whose relative error is less than this, raised by it. */
    static double raise(double value, double relativeError) {
        return value == 0 ? 0 : Math.nextUp(value * (1 + relativeError));
    }

    /** A whole number, where a double does not hold it the next one. */
    static double of(long value) {
        double near = (double) value;
        return near < (1L << 53) ? near : Math.nextUp(near);
    }
}
