package io.fedlearn.privacy.internal;

import java.math.BigDecimal;
import java.math.BigInteger;

/**
 * A quotient of whole numbers, in lowest terms.
 *
 * @param numerator of the sign of the quotient
 * @param denominator at least 1
 */
public record Rational(BigInteger numerator, BigInteger denominator) {
    /** Cancels what is common. */
    public Rational {
        if (denominator.signum() <= 0) {
            throw new IllegalArgumentException("denominator must be >= 1, was " + denominator);
        }
        BigInteger common = numerator.gcd(denominator);
        numerator = numerator.divide(common);
        denominator = denominator.divide(common);
    }

    /** The number that a double is, exactly. */
    public static Rational of(double value) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("value must be finite, was " + value);
        }
        BigDecimal exact = new BigDecimal(value);
        return exact.scale() > 0
                ? new Rational(exact.unscaledValue(), BigInteger.TEN.pow(exact.scale()))
                : new Rational(exact.toBigIntegerExact(), BigInteger.ONE);
    }

    /** This times another. */
    public Rational multiply(Rational factor) {
        return new Rational(numerator.multiply(factor.numerator), denominator.multiply(factor.denominator));
    }

    /** This divided by another, which is above 0. */
    public Rational divide(Rational divisor) {
        return new Rational(numerator.multiply(divisor.denominator), denominator.multiply(divisor.numerator));
    }
}
