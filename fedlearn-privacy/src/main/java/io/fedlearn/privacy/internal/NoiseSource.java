package io.fedlearn.privacy.internal;

import java.util.random.RandomGenerator;

/**
 * Where the bits of all noise and of all secret sampling come from: a cryptographic stream. A source that repeats itself exists
 * in this module's tests alone. Confined to one thread at a time.
 *
 * <p>Every method gives the stated distribution exactly, if the bits of {@link #nextLong()} are independent and uniform; what
 * {@link RandomGenerator} adds to them in floating point ({@code nextGaussian} and its kin) does not, and is not for noise.
 */
public abstract class NoiseSource implements RandomGenerator {
    /** For the sources of this package: the secure one, and that of the tests. */
    NoiseSource() {}

    /** A source keyed afresh from the platform's {@link java.security.SecureRandom}. */
    public static NoiseSource secure() {
        return new SecureNoiseSource();
    }

    /** 64 uniform bits. */
    @Override
    public abstract long nextLong();

    /** Fills {@code count} places of an array: the same words that as many calls of {@link #nextLong()} give. */
    public void nextLongs(long[] target, int from, int count) {
        for (int i = 0; i < count; i++) {
            target[from + i] = nextLong();
        }
    }

    /**
     * A whole number in {@code [0, bound)}, each as likely. A word times the bound, as in Lemire, "Fast Random Integer Generation
     * in an Interval", ACM TOMACS 29 (2019); the few words that would favour some numbers are drawn again.
     *
     * @param bound at least 1
     */
    @Override
    public long nextLong(long bound) {
        if (bound < 1) {
            throw new IllegalArgumentException("bound must be >= 1, was " + bound);
        }
        long surplus = Long.remainderUnsigned(-bound, bound);
        while (true) {
            long word = nextLong();
            long low = word * bound;
            if (Long.compareUnsigned(low, surplus) >= 0) {
                return Math.multiplyHigh(word, bound) + ((word >> 63) & bound);
            }
        }
    }

    /** As {@link #nextLong(long)}. */
    @Override
    public int nextInt(int bound) {
        return (int) nextLong(bound);
    }

    /**
     * True with this probability, of which every bit counts: compared with a uniform number of as many bits as it takes.
     *
     * @param probability in [0, 1]
     */
    public boolean nextBernoulli(double probability) {
        if (!(probability >= 0 && probability <= 1)) {
            throw new IllegalArgumentException("probability must be in [0, 1], was " + probability);
        }
        double rest = probability;
        while (rest > 0) {
            // Both the whole part and what is left of it are exact.
            double scaled = rest * 0x1p53;
            long whole = (long) scaled;
            long bits = nextLong() >>> 11;
            if (bits != whole) {
                return bits < whole;
            }
            rest = scaled - whole;
        }
        return false;
    }
}
