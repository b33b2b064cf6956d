package io.fedlearn.privacy.query;

/**
 * The whole numbers that values are rounded to before they are summed. Sums of whole numbers are exact in any order, so a
 * person's share in one is bounded exactly, and its low bits tell nothing: in floating point neither holds.
 *
 * <p>A value {@code x} becomes {@code round((clamp(x) - origin) / step)}, between {@code -reach} and {@code reach}; {@code step}
 * is a power of two and {@code reach} at most {@value #MAX_REACH}, so that a value is rounded by at most a millionth of
 * how far the farther bound is from the origin, and {@code 2^42} rows cannot overflow a sum.
 *
 * @param lower values are clamped to
 * @param upper values are clamped to
 * @param origin which value is 0
 * @param step between neighbouring whole numbers
 * @param reach the largest whole number
 */
public record ValueGrid(double lower, double upper, double origin, double step, long reach) {
    /** The most that {@link #reach} can be: {@value}. */
    public static final long MAX_REACH = 1 << 20;

    private static final int REACH_BITS = Long.numberOfTrailingZeros(MAX_REACH);
    private static final double LEAST_RANGE = 1e-120;

    /** Validates the numbers. */
    public ValueGrid {
        if (!(lower < upper) || !Double.isFinite(lower) || !Double.isFinite(upper) || !Double.isFinite(origin)) {
            throw new IllegalArgumentException("lower, upper and origin must be finite and lower < upper, were " + lower
                    + ", " + upper + " and " + origin);
        }
        if (!(step > 0) || Double.isInfinite(step)) {
            throw new IllegalArgumentException("step must be > 0 and finite, was " + step);
        }
        if (reach < 1 || reach > MAX_REACH) {
            throw new IllegalArgumentException("reach must be in [1, " + MAX_REACH + "], was " + reach);
        }
    }

    /** A grid with 0 in the middle of the bounds: for means, where the middle is added again. */
    static ValueGrid centered(BoundedColumn column) {
        return around(column, column.lower() / 2 + column.upper() / 2);
    }

    /** A grid with 0 where 0 is: for sums, whose rows nobody counted. */
    static ValueGrid fromZero(BoundedColumn column) {
        return around(column, 0);
    }

    private static ValueGrid around(BoundedColumn column, double origin) {
        double range = Math.max(Math.abs(column.upper() - origin), Math.abs(column.lower() - origin));
        if (!(range >= LEAST_RANGE)) {
            throw new IllegalArgumentException("bounds of column '" + column.name() + "' must be at least "
                    + LEAST_RANGE + " apart, were " + column.lower() + " and " + column.upper());
        }
        double step = Math.scalb(1.0, Math.getExponent(range) + 1 - REACH_BITS);
        return new ValueGrid(column.lower(), column.upper(), origin, step, (long) Math.ceil(range / step));
    }

    /**
     * The whole number of a value.
     *
     * @param value not NaN
     */
    public long index(double value) {
        double clamped = Math.max(lower, Math.min(upper, value));
        return Math.max(-reach, Math.min(reach, (long) Math.rint((clamped - origin) / step)));
    }

    /**
     * The square of a whole number, less the middle of what squares there are, in units of {@link #squareUnit}; rounded:
     * {@code floor((index^2 - h + squareUnit / 2) / squareUnit)} with {@code h = floor(reach^2 / 2)}, all in whole numbers.
     *
     * @param index in {@code [-reach, reach]}
     */
    public long square(long index) {
        return Math.floorDiv(index * index - reach * reach / 2 + squareUnit() / 2, squareUnit());
    }

    /** How many squared steps a unit of {@link #square} is. */
    public long squareUnit() {
        return MAX_REACH;
    }

    /** The largest magnitude of {@link #square}. */
    long squareReach() {
        return Math.max(Math.abs(square(0)), Math.abs(square(reach)));
    }
}
