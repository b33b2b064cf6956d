package io.fedlearn.privacy.internal;

import java.math.BigInteger;

/**
 * The discrete Laplace and the discrete Gaussian from coins alone, in whole numbers, as Canonne, Kamath and Steinke, "The Discrete
 * Gaussian for Differential Privacy", NeurIPS 2020, arXiv:2004.00010, Algorithms 1 to 3. Slow (some microseconds) and for every
 * parameter; beside it, {@link StripSampler} draws the same distributions fast. Immutable and thread-safe.
 *
 * <p>How many coins it takes depends on the result, and so does the time.
 */
public final class CoinSampler implements GridSampler {
    private final boolean gaussian;
    /** Of the parameter: that of the Laplace variables, and for the Gaussian the standard deviation. */
    private final BigInteger numerator;

    private final BigInteger denominator;

    private CoinSampler(boolean gaussian, double parameter) {
        if (!(parameter > 0) || Double.isInfinite(parameter)) {
            throw new IllegalArgumentException(
                    (gaussian ? "sigma" : "scale") + " must be > 0 and finite, was " + parameter);
        }
        this.gaussian = gaussian;
        Rational exact = Rational.of(parameter);
        numerator = exact.numerator();
        denominator = exact.denominator();
    }

    /** {@code P(n)} proportional to {@code exp(-|n| / scale)}. */
    public static CoinSampler discreteLaplace(double scale) {
        return new CoinSampler(false, scale);
    }

    /** {@code P(n)} proportional to {@code exp(-n^2 / (2 sigma^2))}. */
    public static CoinSampler discreteGaussian(double sigma) {
        return new CoinSampler(true, sigma);
    }

    @Override
    public long sample(NoiseSource source) {
        return (gaussian ? nextGaussian(source) : nextLaplace(source, numerator, denominator)).longValueExact();
    }

    /** Algorithm 3. */
    private BigInteger nextGaussian(NoiseSource source) {
        BigInteger t = numerator.divide(denominator).add(BigInteger.ONE);
        BigInteger sigmaSquared = numerator.multiply(numerator);
        BigInteger denominatorSquared = denominator.multiply(denominator);
        // (|y| - sigma^2/t)^2 / (2 sigma^2) = (|y| t d^2 - n^2)^2 / (2 n^2 d^2 t^2)
        BigInteger divisor = sigmaSquared
                .multiply(denominatorSquared)
                .multiply(t)
                .multiply(t)
                .shiftLeft(1);
        while (true) {
            BigInteger y = nextLaplace(source, t, BigInteger.ONE);
            BigInteger difference =
                    y.abs().multiply(t).multiply(denominatorSquared).subtract(sigmaSquared);
            if (nextExpBernoulli(source, difference.multiply(difference), divisor)) {
                return y;
            }
        }
    }

    /** Algorithm 2, for the scale {@code t / s}. */
    private static BigInteger nextLaplace(NoiseSource source, BigInteger t, BigInteger s) {
        while (true) {
            BigInteger u = nextBelow(source, t);
            if (!nextExpBernoulli(source, u, t)) {
                continue;
            }
            BigInteger v = BigInteger.ZERO;
            while (nextExpBernoulli(source, BigInteger.ONE, BigInteger.ONE)) {
                v = v.add(BigInteger.ONE);
            }
            BigInteger y = u.add(t.multiply(v)).divide(s);
            boolean negative = source.nextLong() < 0;
            if (!negative) {
                return y;
            }
            if (y.signum() != 0) {
                return y.negate();
            }
        }
    }

    /**
     * Algorithm 1: true with probability {@code exp(-exponent)}.
     *
     * @param exponent at least 0
     */
    public static boolean nextExpBernoulli(NoiseSource source, Rational exponent) {
        if (exponent.numerator().signum() < 0) {
            throw new IllegalArgumentException("exponent must be >= 0, was " + exponent);
        }
        return nextExpBernoulli(source, exponent.numerator(), exponent.denominator());
    }

    private static boolean nextExpBernoulli(NoiseSource source, BigInteger numerator, BigInteger denominator) {
        BigInteger rest = numerator;
        while (rest.compareTo(denominator) > 0) {
            if (!nextSmallExpBernoulli(source, denominator, denominator)) {
                return false;
            }
            rest = rest.subtract(denominator);
        }
        return nextSmallExpBernoulli(source, rest, denominator);
    }

    /** For a quotient of at most 1: von Neumann's series of falling coins. */
    private static boolean nextSmallExpBernoulli(NoiseSource source, BigInteger numerator, BigInteger denominator) {
        int k = 1;
        while (nextBelow(source, denominator.multiply(BigInteger.valueOf(k))).compareTo(numerator) < 0) {
            k++;
        }
        return (k & 1) == 1;
    }

    /** A whole number in [0, bound), each as likely. */
    private static BigInteger nextBelow(NoiseSource source, BigInteger bound) {
        if (bound.bitLength() < Long.SIZE) {
            return BigInteger.valueOf(source.nextLong(bound.longValue()));
        }
        int bits = bound.bitLength();
        while (true) {
            BigInteger value = BigInteger.ZERO;
            for (int drawn = 0; drawn < bits; drawn += Long.SIZE) {
                int wanted = Math.min(Long.SIZE, bits - drawn);
                long word = source.nextLong() >>> (Long.SIZE - wanted);
                value = value.shiftLeft(wanted).add(new BigInteger(Long.toUnsignedString(word)));
            }
            if (value.compareTo(bound) < 0) {
                return value;
            }
        }
    }
}
