package io.fedlearn.privacy.internal;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/** Decimal arithmetic on numbers that are not negative, with every result rounded down or every result rounded up. Immutable. */
final class DirectedMath {
    private static final BigDecimal HALF = new BigDecimal("0.5");

    private final MathContext context;

    private DirectedMath(int digits, RoundingMode mode) {
        context = new MathContext(digits, mode);
    }

    /** Results are at most the true ones. */
    static DirectedMath down(int digits) {
        return new DirectedMath(digits, RoundingMode.DOWN);
    }

    /** Results are at least the true ones. */
    static DirectedMath up(int digits) {
        return new DirectedMath(digits, RoundingMode.UP);
    }

    BigDecimal multiply(BigDecimal a, BigDecimal b) {
        return a.multiply(b, context);
    }

    BigDecimal divide(BigDecimal a, BigDecimal b) {
        return a.divide(b, context);
    }

    /** {@code exp(x)}: Taylor's series of a small part of {@code x}, all of whose terms are positive, then squared. */
    BigDecimal exp(BigDecimal x) {
        int squarings = 0;
        BigDecimal part = x;
        while (part.compareTo(HALF) > 0) {
            part = part.multiply(HALF, context);
            squarings++;
        }
        BigDecimal least = BigDecimal.ONE.movePointLeft(context.getPrecision() + 1);
        BigDecimal term = BigDecimal.ONE;
        BigDecimal sum = BigDecimal.ONE;
        for (int i = 1; term.compareTo(least) > 0; i++) {
            term = term.multiply(part, context).divide(BigDecimal.valueOf(i), context);
            sum = sum.add(term, context);
        }
        if (context.getRoundingMode() == RoundingMode.UP) {
            // All the terms that are left are together less than the last one.
            sum = sum.add(term, context);
        }
        for (int i = 0; i < squarings; i++) {
            sum = sum.multiply(sum, context);
        }
        return sum;
    }
}
