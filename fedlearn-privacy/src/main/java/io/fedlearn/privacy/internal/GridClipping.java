package io.fedlearn.privacy.internal;

/**
 * Clips vectors to a norm on a grid, and adds them up in whole numbers: what a vector adds to the sum has, exactly and whatever
 * floating point did on the way, a norm of at most {@link #bound()} grid units. That is the sensitivity of the sum when one
 * vector is added or removed; when one is replaced by another, it is twice that.
 *
 * <p>A vector longer than the clipping norm is scaled down to it, then each number is truncated towards zero to a multiple of
 * {@link #step()}, a power of two. The norm is then taken again, of the whole numbers and in whole-number arithmetic; should it
 * lie above the bound, by the rounding of the scaling, the vector is scaled down a little more. What a vector adds depends on
 * nothing but this vector and the clipping norm.
 *
 * <p>Reads through a buffer of its own; confined to one thread at a time.
 */
public final class GridClipping {
    /** What became of a vector. */
    public enum Outcome {
        /** It was within the clipping norm. */
        WITHIN,
        /** It was longer, and was scaled down. */
        CLIPPED,
        /** It holds a NaN or an infinity, and added nothing. */
        NOT_FINITE
    }

    /** So that a square of the bound and of one number more fit in a {@code long}. */
    private static final int L2_BITS = 30;

    /** Finer than for L2, since the norms of the parts of a long vector add up; exact in a {@code double}. */
    private static final int L1_BITS = 40;

    /** Norms whose steps and reciprocals are far from a {@code double}'s limits. */
    private static final double LARGEST_NORM = 0x1p500;

    private static final int BLOCK = 4096;

    private final boolean l1;
    private final double clippingNorm;
    private final double step;
    private final long bound;
    private final long limit;
    private final double[] block = new double[BLOCK];

    private GridClipping(boolean l1, double clippingNorm, int bits) {
        if (!(clippingNorm >= 1 / LARGEST_NORM && clippingNorm <= LARGEST_NORM)) {
            throw new IllegalArgumentException(
                    "clippingNorm must be > 0 and finite, between 2^-500 and 2^500, was " + clippingNorm);
        }
        this.l1 = l1;
        this.clippingNorm = clippingNorm;
        this.step = Math.scalb(1.0, Math.getExponent(clippingNorm) - bits + 1);
        this.bound = (long) (clippingNorm / step);
        this.limit = l1 ? bound : bound * bound;
    }

    /** Clips the L2 norm, onto a grid of between 2^29 and 2^30 steps to the clipping norm. */
    public static GridClipping l2(double clippingNorm) {
        return new GridClipping(false, clippingNorm, L2_BITS);
    }

    /** Clips the L1 norm, onto a grid of between 2^39 and 2^40 steps to the clipping norm. */
    public static GridClipping l1(double clippingNorm) {
        return new GridClipping(true, clippingNorm, L1_BITS);
    }

    /** The norm to which vectors are clipped. */
    public double clippingNorm() {
        return clippingNorm;
    }

    /** The grid unit: a power of two. */
    public double step() {
        return step;
    }

    /** The largest norm that a vector adds, in grid units; {@code bound() * step()} is at most the clipping norm. */
    public long bound() {
        return bound;
    }

    /**
     * Clips a vector and adds it to a sum.
     *
     * @param sum for each part of the vector an array of its length, in grid units
     */
    public Outcome addTo(long[][] sum, GridVector vector) {
        double norm = norm(vector);
        if (!Double.isFinite(norm)) {
            return Outcome.NOT_FINITE;
        }
        boolean within = norm <= clippingNorm;
        double factor = (within ? 1 : clippingNorm / norm) / step;
        for (double shrink = 0x1p-44; !add(sum, vector, factor); shrink *= 16) {
            // Ends: once the shrinking reaches the whole, nothing is left of the vector.
            factor *= Math.max(0, 1 - shrink);
        }
        return within ? Outcome.WITHIN : Outcome.CLIPPED;
    }

    /** As {@link #addTo(long[][], GridVector)}, for a vector of one part. */
    public Outcome addTo(long[] sum, GridVector vector) {
        return addTo(new long[][] {sum}, vector);
    }

    /** An estimate, on which only the scale rests; NaN if a number is not finite. */
    private double norm(GridVector vector) {
        double total = 0;
        for (int part = 0; part < vector.parts(); part++) {
            int length = vector.length(part);
            for (int from = 0; from < length; from += BLOCK) {
                int size = Math.min(BLOCK, length - from);
                vector.read(part, from, block, size);
                total += l1 ? magnitudes(block, size) : squares(block, size);
            }
        }
        double norm = l1 ? total : Math.sqrt(total);
        return Double.isFinite(norm) ? norm : boundOfNorm(vector);
    }

    /** Several sums at a time, or each addition would wait for the one before. */
    private static double squares(double[] block, int size) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        int i = 0;
        for (; i + 4 <= size; i += 4) {
            s0 += block[i] * block[i];
            s1 += block[i + 1] * block[i + 1];
            s2 += block[i + 2] * block[i + 2];
            s3 += block[i + 3] * block[i + 3];
        }
        for (; i < size; i++) {
            s0 += block[i] * block[i];
        }
        return s0 + s1 + (s2 + s3);
    }

    private static double magnitudes(double[] block, int size) {
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sum += Math.abs(block[i]);
        }
        return sum;
    }

    /** For numbers whose squares overflow: an upper bound that is finite for all but the largest of them, which vanish. */
    private double boundOfNorm(GridVector vector) {
        double largest = 0;
        long count = 0;
        for (int part = 0; part < vector.parts(); part++) {
            int length = vector.length(part);
            count += length;
            for (int from = 0; from < length; from += BLOCK) {
                int size = Math.min(BLOCK, length - from);
                vector.read(part, from, block, size);
                for (int i = 0; i < size; i++) {
                    largest = Math.max(largest, Math.abs(block[i]));
                }
            }
        }
        if (!(largest <= Double.MAX_VALUE)) {
            return Double.NaN;
        }
        return Math.min(Double.MAX_VALUE, largest * (l1 ? count : Math.sqrt(count)));
    }

    /** Adds the scaled vector, or leaves the sum as it was if its norm in whole numbers is above the bound. */
    private boolean add(long[][] sum, GridVector vector, double factor) {
        long total = 0;
        for (int part = 0; part < vector.parts(); part++) {
            int length = vector.length(part);
            for (int from = 0; from < length; from += BLOCK) {
                int size = Math.min(BLOCK, length - from);
                vector.read(part, from, block, size);
                total = l1
                        ? addMagnitudes(sum[part], from, size, factor, total)
                        : addSquares(sum[part], from, size, factor, total);
                if (total < 0 || total > limit) {
                    subtract(sum, vector, factor, part, from + size);
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * Adds a block, without a branch for each number.
     *
     * @return the total of squares, or a number below 0 if a number is above the bound or the total has overflowed: the squares up to
     *     then being less than 2^62, the total cannot pass the negative numbers unseen
     */
    private long addSquares(long[] sum, int from, int size, double factor, long before) {
        long total = before;
        long beyond = 0;
        for (int i = 0; i < size; i++) {
            long units = (long) (block[i] * factor);
            sum[from + i] += units;
            total += units * units;
            beyond |= total | (bound - units) | (bound + units);
        }
        return beyond < 0 ? -1 : total;
    }

    private long addMagnitudes(long[] sum, int from, int size, double factor, long before) {
        long total = before;
        long beyond = 0;
        for (int i = 0; i < size; i++) {
            long units = (long) (block[i] * factor);
            sum[from + i] += units;
            total += Math.abs(units);
            beyond |= total | (bound - units) | (bound + units);
        }
        return beyond < 0 ? -1 : total;
    }

    /** Takes back what was added before this place: whole numbers that wrapped around do so again. */
    private void subtract(long[][] sum, GridVector vector, double factor, int lastPart, int end) {
        for (int part = 0; part <= lastPart; part++) {
            int length = part < lastPart ? vector.length(part) : end;
            for (int from = 0; from < length; from += BLOCK) {
                int size = Math.min(BLOCK, length - from);
                vector.read(part, from, block, size);
                for (int i = 0; i < size; i++) {
                    sum[part][from + i] -= (long) (block[i] * factor);
                }
            }
        }
    }
}
