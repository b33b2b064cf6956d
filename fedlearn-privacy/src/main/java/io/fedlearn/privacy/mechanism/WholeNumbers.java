package io.fedlearn.privacy.mechanism;

import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;

/** Adds the numbers of a sampler to whole numbers. */
final class WholeNumbers {
    /** Noise fits into a {@code long} beside it. */
    private static final long LIMIT = 1L << 62;

    private WholeNumbers() {}

    static long require(long value, int index) {
        if (value < -LIMIT || value > LIMIT) {
            // Without the value, which is data.
            throw new IllegalArgumentException("values must lie within +-2^62, that at " + index + " does not");
        }
        return value;
    }

    static long[] release(GridSampler sampler, NoiseSource source, long[] values) {
        GridNoise.requireDimension(values.length);
        long[] released = new long[values.length];
        sampler.fill(source, released, 0, released.length);
        for (int i = 0; i < released.length; i++) {
            released[i] += require(values[i], i);
        }
        return released;
    }

    /** Whole numbers that move at all move by 1. */
    static double sensitivity(String name, double value) {
        if (!(value >= 1 && value <= LIMIT)) {
            throw new IllegalArgumentException(name + " must be >= 1 and <= 2^62, was " + value);
        }
        return value;
    }
}
