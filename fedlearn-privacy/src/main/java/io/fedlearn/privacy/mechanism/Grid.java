package io.fedlearn.privacy.mechanism;

/**
 * The multiples of a power of two, onto which data is rounded before anything else, so that no low bit of it survives and
 * sensitivities are whole numbers' sensitivities. Immutable.
 *
 * @param step a power of two
 */
record Grid(double step) {
    /** The largest number of steps that data may be away from 0: noise fits into a {@code long} beside it. */
    private static final double LIMIT = 0x1p62;

    /** The grid on which {@code unit} is at least {@code 2^bits} steps long, and less than twice that. */
    static Grid within(double unit, int bits) {
        return new Grid(Math.scalb(1.0, Math.getExponent(unit) - bits));
    }

    /** The nearest number of steps. */
    long round(double value, long index) {
        // Exact, or out of range: the step is a power of two.
        double steps = Math.rint(value / step);
        if (!(Math.abs(steps) <= LIMIT)) {
            // Without the value, which is data.
            throw new IllegalArgumentException((Double.isFinite(value)
                            ? "values must lie within +-" + LIMIT * step + " (2^62 steps of the noise's grid)"
                            : "values must be finite")
                    + ", that at " + index + " is not");
        }
        return (long) steps;
    }

    double value(long steps) {
        return steps * step;
    }

    /** A length in steps, not rounded: exact. */
    double steps(double length) {
        return length / step;
    }
}
