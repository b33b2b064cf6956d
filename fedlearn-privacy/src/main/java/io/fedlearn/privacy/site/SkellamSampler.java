package io.fedlearn.privacy.site;

import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;

/**
 * Skellam noise of an even variance {@code 2 m}, exactly: the difference of two Poisson variables of mean {@code m}, each a sum of
 * {@code m} of mean 1, each drawn from uniform whole numbers alone (Duchon and Duvignau, "Preserving the number of cycles of length
 * k in a growing uniform permutation", Electronic Journal of Combinatorics 23(4), 2016). Takes time proportional to the variance.
 * Immutable and thread-safe.
 */
final class SkellamSampler implements GridSampler {
    /** So that one number takes less than a millisecond or so. */
    static final long MAX_HALF_VARIANCE = 1 << 13;

    private final long mean;

    private SkellamSampler(long mean) {
        this.mean = mean;
    }

    /** Noise of variance {@code 2 m}. */
    static SkellamSampler ofHalfVariance(long m) {
        if (m < 1 || m > MAX_HALF_VARIANCE) {
            throw new IllegalArgumentException("the variance of a Skellam share must be in [2, " + 2 * MAX_HALF_VARIANCE
                    + "] steps squared, was " + 2 * m + ": lower the resolution, or use discrete Gaussian noise");
        }
        return new SkellamSampler(m);
    }

    @Override
    public long sample(NoiseSource source) {
        long difference = 0;
        for (long i = 0; i < mean; i++) {
            difference += poissonOfMeanOne(source);
            difference -= poissonOfMeanOne(source);
        }
        return difference;
    }

    private static int poissonOfMeanOne(NoiseSource source) {
        int result = 1;
        int bound = 0;
        for (int n = 1; ; n++) {
            int drawn = 1 + source.nextInt(n + 1);
            if (drawn == n + 1) {
                result++;
            } else if (drawn > bound) {
                result--;
                bound = n + 1;
            } else {
                return result;
            }
        }
    }
}
