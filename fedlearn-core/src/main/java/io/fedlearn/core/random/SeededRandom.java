package io.fedlearn.core.random;

import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * Pseudo-random numbers by xoshiro256++, seeded through SplitMix64: the same numbers for the same seed on every JVM and
 * processor, for ever. Not cryptographic. Confined to one thread at a time.
 *
 * <p><b>Reference.</b> Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47 (2021).
 */
public final class SeededRandom {
    /** The smallest concentration of a Dirichlet distribution: {@value}, below which logarithms overflow. */
    public static final double MIN_CONCENTRATION = 1e-300;

    private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

    private long s0;
    private long s1;
    private long s2;
    private long s3;

    private SeededRandom(long seed) {
        long state = seed + GOLDEN_GAMMA;
        s0 = mix(state);
        state += GOLDEN_GAMMA;
        s1 = mix(state);
        state += GOLDEN_GAMMA;
        s2 = mix(state);
        state += GOLDEN_GAMMA;
        s3 = mix(state);
    }

    /** A generator that starts from this seed. */
    public static SeededRandom of(long seed) {
        return new SeededRandom(seed);
    }

    /**
     * A seed of its own for a purpose: different numbers or texts give unrelated seeds.
     *
     * @param seed the seed to derive from, such as a run's
     * @param purpose what tells this seed from its siblings, such as a round's number
     */
    public static long derive(long seed, long purpose) {
        return mix(mix(seed + GOLDEN_GAMMA) ^ mix(purpose * GOLDEN_GAMMA + 0x632be59bd9b4e019L));
    }

    /** As {@link #derive(long, long)}, for a purpose that is a text, such as a client's id. */
    public static long derive(long seed, String purpose) {
        long hash = 0xcbf29ce484222325L;
        for (byte b : purpose.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
        }
        return derive(seed, hash);
    }

    private static long mix(long value) {
        long z = value;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    /** 64 random bits. */
    public long nextLong() {
        long result = Long.rotateLeft(s0 + s3, 23) + s0;
        long t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = Long.rotateLeft(s3, 45);
        return result;
    }

    /** Fills the first {@code count} entries as so many calls of {@link #nextLong()} would, faster. */
    public void fill(long[] target, int count) {
        Objects.checkFromIndexSize(0, count, target.length);
        // In local variables the state stays in registers.
        long a = s0;
        long b = s1;
        long c = s2;
        long d = s3;
        for (int i = 0; i < count; i++) {
            target[i] = Long.rotateLeft(a + d, 23) + a;
            long t = b << 17;
            c ^= a;
            d ^= b;
            b ^= c;
            a ^= d;
            c ^= t;
            d = Long.rotateLeft(d, 45);
        }
        s0 = a;
        s1 = b;
        s2 = c;
        s3 = d;
    }

    /** A number from 0 to {@code bound - 1}, each as likely. */
    public int nextInt(int bound) {
        if (bound <= 0) {
            throw new IllegalArgumentException("bound must be > 0, was " + bound);
        }
        // Draws from the incomplete last interval are thrown away, which keeps the numbers exactly uniform.
        while (true) {
            long bits = nextLong() >>> 1;
            long value = bits % bound;
            if (bits - value + (bound - 1) >= 0) {
                return (int) value;
            }
        }
    }

    /** A number in [0, 1): a multiple of 2^-53, each as likely. */
    public double nextDouble() {
        return (nextLong() >>> 11) * 0x1p-53;
    }

    /** A normally distributed number with mean 0 and standard deviation 1 (Marsaglia's polar method). */
    public double nextGaussian() {
        while (true) {
            double u = 2 * nextDouble() - 1;
            double v = 2 * nextDouble() - 1;
            double square = u * u + v * v;
            if (square > 0 && square < 1) {
                return u * Math.sqrt(-2 * StrictMath.log(square) / square);
            }
        }
    }

    /**
     * A gamma-distributed number with this shape and scale 1.
     *
     * <p><b>Reference.</b> Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26 (2000).
     *
     * @param shape > 0
     */
    public double nextGamma(double shape) {
        if (!(shape > 0) || Double.isInfinite(shape)) {
            throw new IllegalArgumentException("shape must be > 0 and finite, was " + shape);
        }
        if (shape < 1) {
            // In logarithms, because U^(1/shape) of a small shape falls below the smallest double.
            return StrictMath.exp(logOfSmallGamma(shape));
        }
        double d = shape - 1.0 / 3;
        double c = 1 / Math.sqrt(9 * d);
        while (true) {
            double x = nextGaussian();
            double v = 1 + c * x;
            if (v > 0) {
                double cube = v * v * v;
                double u = 1 - nextDouble();
                if (StrictMath.log(u) < 0.5 * x * x + d - d * cube + d * StrictMath.log(cube)) {
                    return d * cube;
                }
            }
        }
    }

    private double logOfSmallGamma(double shape) {
        double boosted = nextGamma(shape + 1);
        return StrictMath.log(boosted) + StrictMath.log(1 - nextDouble()) / shape;
    }

    /**
     * Shares that add up to 1, drawn from the symmetric Dirichlet distribution.
     *
     * @param concentration finite and at least {@value #MIN_CONCENTRATION}; small values give uneven shares
     * @param count how many shares, at least 1
     */
    public double[] nextDirichlet(double concentration, int count) {
        if (!(concentration >= MIN_CONCENTRATION) || Double.isInfinite(concentration)) {
            throw new IllegalArgumentException(
                    "concentration must be >= " + MIN_CONCENTRATION + " and finite, was " + concentration);
        }
        if (count < 1) {
            throw new IllegalArgumentException("count must be >= 1, was " + count);
        }
        double[] logs = new double[count];
        double largest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            logs[i] = concentration < 1 ? logOfSmallGamma(concentration) : StrictMath.log(nextGamma(concentration));
            largest = Math.max(largest, logs[i]);
        }
        double sum = 0;
        for (int i = 0; i < count; i++) {
            logs[i] = StrictMath.exp(logs[i] - largest);
            sum += logs[i];
        }
        for (int i = 0; i < count; i++) {
            logs[i] /= sum;
        }
        return logs;
    }

    /** Puts the entries into a random order, each order as likely (Fisher and Yates). */
    public void shuffle(int[] entries) {
        for (int i = entries.length - 1; i > 0; i--) {
            int j = nextInt(i + 1);
            int entry = entries[i];
            entries[i] = entries[j];
            entries[j] = entry;
        }
    }
}
