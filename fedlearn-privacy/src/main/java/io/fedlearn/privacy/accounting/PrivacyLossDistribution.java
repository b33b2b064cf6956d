package io.fedlearn.privacy.accounting;

import java.util.Arrays;

/**
 * A privacy loss rounded up onto the multiples of an interval, with what was cut off at both ends. Immutable.
 *
 * <p><b>Rounding up.</b> An outcome whose loss {@code L} lies between the grid points {@code l} and {@code u = l + h} goes to {@code l} with
 * weight {@code a} and to {@code u} with weight {@code 1 - a}, where
 * <pre>
 *   a = (exp(u - L) - 1) / (exp(h) - 1)
 * </pre>
 * so that the mean of {@code exp(-L)}, which is the outcome's probability under {@code Q} over that under {@code P}, stays what it was.
 * After any composition {@code delta(epsilon) = E max(0, 1 - exp(epsilon) exp(-sum of losses))} is convex in each factor
 * {@code exp(-L)}, so by Jensen's inequality the split can only raise it. This is the pessimistic estimate of Doroshenko, Ghazi, Kamath,
 * Kumar, Manurangsi, "Connect the Dots", PoPETs 2022, arXiv:2207.04380: at the grid points, delta before composition is exact.
 * It is also the loss of a pair of distributions, so the loss the other way round comes by mirroring: at {@code -x} lies
 * {@code mass(x) exp(-x)}.
 *
 * <p><b>Tails.</b> {@code tail} bounds the probability cut off at either end under either distribution. A direction counts it twice:
 * as an infinite loss and again at the lowest grid point.
 *
 * <p><b>Round-off.</b> Masses are right to a relative 2^-43, losses to 2^-44 of the largest; both are added by whoever composes.
 */
final class PrivacyLossDistribution {
    /** Of a mass as computed: quadrature, exponentials and sums. */
    private static final double MASS_ERROR = 0x1p-43;
    /** Of a loss as computed, over the largest in absolute value. */
    private static final double LOSS_ERROR = 0x1p-44;

    private final double interval;
    private final long first;
    private final double[] masses;
    private final double tail;

    /** Takes the array over. Place {@code i} of it is the probability of the loss {@code (first + i) * interval}. */
    PrivacyLossDistribution(double interval, long first, double[] masses, double tail) {
        this.interval = interval;
        this.first = first;
        this.masses = masses;
        this.tail = tail;
    }

    double interval() {
        return interval;
    }

    /** The least grid point in units of the interval, one way round or the other. */
    long first(boolean reversed) {
        return reversed ? -(first + masses.length - 1) : first;
    }

    /** The largest grid point in units of the interval, one way round or the other. */
    long last(boolean reversed) {
        return reversed ? -first : first + masses.length - 1;
    }

    /** The probability of an infinite loss, at most. */
    double infinityMass() {
        return tail;
    }

    /** By how much a loss may be wrong. */
    double lossError() {
        return LOSS_ERROR * interval * Math.max(Math.abs(first), Math.abs(first + masses.length));
    }

    /**
     * The masses times {@code exp(theta x)} over an estimate of their sum, from the least grid point up.
     *
     * @param cumulant the natural logarithm of the estimate
     */
    double[] tilted(boolean reversed, double theta, double cumulant) {
        double[] tilted = new double[masses.length];
        double exponent = reversed ? -(1 + theta) : theta;
        for (int i = 0; i < masses.length; i++) {
            double mass = masses[i];
            if (mass > 0) {
                double power = exponent * ((first + i) * interval) - cumulant;
                // In two factors: a tiny mass may be worth much.
                double scaled = Math.abs(power) < 600
                        ? mass * Math.exp(power)
                        : Math.exp(0.5 * power) * mass * Math.exp(0.5 * power);
                tilted[reversed ? masses.length - 1 - i : i] = scaled;
            }
        }
        tilted[0] += tail * Math.exp(theta * (first(reversed) * interval) - cumulant);
        return tilted;
    }

    /** By how much a tilted mass may be wrong, relatively. */
    double tiltedError(double theta) {
        double largest = interval * Math.max(Math.abs(first), Math.abs(first + masses.length));
        return MASS_ERROR + 0x1p-50 * (4 + (1 + theta) * largest);
    }

    /** An upper bound of {@code ln E exp(theta L)} over the finite losses; infinite where it is too large for a number. */
    double cumulantBound(boolean reversed, double theta, double estimate) {
        double[] tilted = tilted(reversed, theta, estimate);
        double sum = Arrays.stream(tilted).sum();
        return estimate + Math.log(sum) + tiltedError(theta) + 0x1p-50 * (1 + Math.abs(estimate));
    }
}
