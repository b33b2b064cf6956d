package io.fedlearn.privacy.central;

/**
 * The whole numbers that stand for clipped model deltas: multiples of a step that is a power of two. A clipped delta has at most
 * the norm {@code radius}, in steps. Immutable.
 *
 * <p>The radius is below 2^26, so that the square of every allowed norm is a whole number below 2^52: sums of squares in
 * {@code double} are exact as long as they matter, and more than the allowed one never rounds down to it.
 *
 * @param step a power of two
 * @param radius in [2^25, 2^26)
 */
record ClippingGrid(double step, long radius) {
    /** The least clipping norm, and one over the largest: {@value}. */
    static final double LEAST_NORM = 0x1p-100;

    /** So much less than the radius is aimed at: more than the norm of 2^31 values is off by, and than scaling adds. */
    private static final double AIM = 1 - 0x1p-20;

    private static final int RADIUS_BITS = 26;

    /** The grid on which this norm is between 2^25 and 2^26 steps; what is beyond a whole number of them is cut off. */
    static ClippingGrid of(double clippingNorm) {
        double step = Math.scalb(1.0, Math.getExponent(clippingNorm) - RADIUS_BITS + 1);
        return new ClippingGrid(step, (long) (clippingNorm / step));
    }

    /** The clipping norm that holds, at most the one that was asked for. */
    double norm() {
        return radius * step;
    }

    /** By what to multiply a vector of this norm to have it in steps, and clipped. */
    double scale(double norm) {
        double steps = norm / step;
        return steps <= radius * AIM ? 1 / step : radius * AIM / norm;
    }

    /** Whether whole numbers with this sum of squares are within the radius. */
    boolean holds(double sumOfSquares) {
        return sumOfSquares <= (double) radius * radius;
    }
}
