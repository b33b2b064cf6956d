package io.fedlearn.privacy.accounting;

/** A sum of positive numbers that are given, and held, as logarithms. Confined to one thread. */
final class LogSum {
    private double largest = Double.NEGATIVE_INFINITY;
    private double sum;

    void add(double logarithm) {
        if (logarithm == Double.NEGATIVE_INFINITY || largest == Double.POSITIVE_INFINITY) {
            return;
        }
        if (logarithm <= largest) {
            sum += StrictMath.exp(logarithm - largest);
        } else {
            sum = (sum == 0 ? 0 : sum * StrictMath.exp(largest - logarithm)) + 1;
            largest = logarithm;
        }
    }

    /** The logarithm of the sum; minus infinity for nothing. */
    double value() {
        return sum == 0 ? Double.NEGATIVE_INFINITY : largest + StrictMath.log(sum);
    }

    /** {@code log(1 + exp(x))}, exact for small and for large {@code x}. */
    static double log1pExp(double x) {
        return x > 40 ? x + StrictMath.exp(-x) : StrictMath.log1p(StrictMath.exp(x));
    }

    /** {@code log(exp(x) - 1)} for {@code x >= 0}. */
    static double logExpm1(double x) {
        return x > 40 ? x + StrictMath.log1p(-StrictMath.exp(-x)) : StrictMath.log(StrictMath.expm1(x));
    }
}
