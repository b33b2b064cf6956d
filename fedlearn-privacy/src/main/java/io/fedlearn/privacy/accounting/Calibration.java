package io.fedlearn.privacy.accounting;

import java.util.function.DoubleFunction;
import java.util.function.Supplier;

/**
 * Finds what meets a target: the least noise, or the most releases. The result is checked with the accountant itself, so that it never
 * exceeds the target. Immutable and thread-safe.
 *
 * <p>More noise must not cost more, nor more releases less; where an accountant's rounding breaks that by a hair, the result still
 * meets the target.
 */
public final class Calibration {
    /** How far above the least noise the result may lie, relative to it: {@value}. */
    public static final double TOLERANCE = 1e-6;

    private static final double SMALLEST = 1e-4;
    private static final double LARGEST = 1e9;
    private static final int MOST_STEPS = 200;

    private final Supplier<PrivacyAccountant> start;
    private final double epsilon;
    private final double privacyDelta;

    private Calibration(Supplier<PrivacyAccountant> start, double epsilon, double privacyDelta) {
        this.start = start;
        this.epsilon = epsilon;
        this.privacyDelta = privacyDelta;
    }

    /**
     * Towards this target.
     *
     * @param start gives an accountant that has seen what was released before, or nothing
     * @param epsilon of all together, {@code > 0} and finite
     * @param privacyDelta of all together, in (0, 1)
     */
    public static Calibration of(Supplier<PrivacyAccountant> start, double epsilon, double privacyDelta) {
        if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be > 0 and finite, was " + epsilon);
        }
        if (!(privacyDelta > 0 && privacyDelta < 1)) {
            throw new IllegalArgumentException("privacyDelta must be in (0, 1), was " + privacyDelta);
        }
        return new Calibration(start, epsilon, privacyDelta);
    }

    /** As {@link #of(Supplier, double, double)}, with nothing released before. */
    public static Calibration of(
            AccountingMethod method, NeighboringRelation relation, double epsilon, double privacyDelta) {
        return of(() -> method.start(relation), epsilon, privacyDelta);
    }

    /**
     * The least noise multiplier, to within {@link #TOLERANCE}, with which what is planned meets the target.
     *
     * @param planned everything that will be released, by noise multiplier
     * @throws IllegalArgumentException if no noise multiplier up to 10^9 does
     * @throws UnsupportedEventException if the accountant cannot analyse what is planned
     */
    public double noiseMultiplier(DoubleFunction<PrivacyEvent> planned) {
        double high = 1;
        double excess = excess(planned, high);
        double low = high;
        double lowExcess = excess;
        if (excess <= 0) {
            while (lowExcess <= 0) {
                if (low < SMALLEST) {
                    return low;
                }
                high = low;
                excess = lowExcess;
                low /= 2;
                lowExcess = excess(planned, low);
            }
        } else {
            while (!(excess <= 0)) {
                if (high > LARGEST) {
                    throw new IllegalArgumentException("epsilon " + epsilon + " at privacyDelta " + privacyDelta
                            + " is out of reach: a noise multiplier of " + high + " does not meet it");
                }
                low = high;
                lowExcess = excess;
                high *= 2;
                excess = excess(planned, high);
            }
        }
        return narrowed(planned, low, lowExcess, high, excess);
    }

    /** False position in logarithms, with the Illinois rule, and bisection where it does not narrow. */
    private double narrowed(
            DoubleFunction<PrivacyEvent> planned, double from, double fromExcess, double to, double toExcess) {
        double low = StrictMath.log(from);
        double high = StrictMath.log(to);
        double lowExcess = fromExcess;
        double highExcess = toExcess;
        double best = to;
        int side = 0;
        for (int step = 0; step < MOST_STEPS && high - low > TOLERANCE / 2; step++) {
            double share = highExcess == lowExcess ? 0.5 : lowExcess / (lowExcess - highExcess);
            boolean isUsable = step % 4 != 3 && share > 0 && share < 1;
            double least = TOLERANCE / 8 / (high - low);
            double middle = low + (isUsable ? Math.min(1 - least, Math.max(least, share)) : 0.5) * (high - low);
            double value = StrictMath.exp(middle);
            double excess = excess(planned, value);
            if (excess <= 0) {
                high = middle;
                best = value;
                highExcess = excess;
                lowExcess = side < 0 ? lowExcess / 2 : lowExcess;
                side = -1;
            } else {
                low = middle;
                lowExcess = excess;
                highExcess = side > 0 ? highExcess / 2 : highExcess;
                side = 1;
            }
        }
        return best;
    }

    /** How far beyond the target, by the logarithm's measure; 0 and less meets it. */
    private double excess(DoubleFunction<PrivacyEvent> planned, double noiseMultiplier) {
        double reached = start.get().compose(planned.apply(noiseMultiplier)).epsilon(privacyDelta);
        if (reached <= epsilon) {
            return Math.min(0, Math.max(-10, StrictMath.log(Math.max(reached, 1e-300) / epsilon)));
        }
        // What is no number is beyond the target too.
        double beyond = StrictMath.log(reached / epsilon);
        return beyond < 10 ? Math.max(Double.MIN_NORMAL, beyond) : 10;
    }

    /**
     * How often an event may be released at most.
     *
     * @return in [0, {@code most}]
     * @throws UnsupportedEventException if the accountant cannot analyse the event
     */
    public long releases(PrivacyEvent event, long most) {
        if (most < 0) {
            throw new IllegalArgumentException("most must be >= 0, was " + most);
        }
        PrivacyAccountant accountant = start.get();
        if (!fits(accountant, event, 0)) {
            return 0;
        }
        long fitting = 0;
        long step = 1;
        while (step > 0 && fitting <= most - step && fits(accountant, event, fitting + step)) {
            fitting += step;
            step = step > Long.MAX_VALUE / 2 ? 0 : step * 2;
        }
        for (step = Math.max(step, 1); step > 0; step /= 2) {
            if (fitting <= most - step && fits(accountant, event, fitting + step)) {
                fitting += step;
            }
        }
        return fitting;
    }

    private boolean fits(PrivacyAccountant accountant, PrivacyEvent event, long count) {
        return accountant.compose(event, count).epsilon(privacyDelta) <= epsilon;
    }
}
