package io.fedlearn.privacy.accounting;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/**
 * How a composition will be computed: the tilt, the window of sums of losses, the interval and the number of grid points. Any plan gives a
 * valid bound; a good one gives a tight bound soon. Made from sketches of the losses and Chernoff bounds on their sum. Immutable.
 *
 * @param epsilon about where the answer lies
 * @param privacyDelta about that of this epsilon
 * @param tilt {@code theta >= 0}, for which the tilted sum lies around that epsilon
 * @param upperTilt for which the Chernoff bound puts the window's upper end where the tail is negligible
 * @param interval of the grid
 * @param first the window's least grid point, in units of the interval
 * @param size how many grid points the window has, a power of two
 * @param tail what may be cut off one release
 */
record LossPlan(
        double epsilon,
        double privacyDelta,
        double tilt,
        double upperTilt,
        double interval,
        long first,
        int size,
        double tail) {
    /** What truncation may add to delta in all, as a share of it. */
    static final double TRUNCATED_SHARE = 1e-8;
    /** By how much the discretisation may raise epsilon, as a share of it, where the interval is not given. */
    static final double EPSILON_SHARE = 1e-5;
    /** The most grid points where the interval is not given. */
    static final int LARGEST_CHOSEN_SIZE = 1 << 20;
    /** The most grid points at all. */
    static final int LARGEST_SIZE = 1 << 23;

    private static final int SMALLEST_SIZE = 1 << 8;
    private static final double LEAST_TILT = 1e-9;
    private static final double LARGEST_TILT = 1e7;
    /** The tilt times the interval at most: the round-off of one grid point must not outweigh the one below it. */
    static final double LARGEST_STEP = 30;

    private static final double LEAST_TAIL = 1e-290;
    private static final double LEAST_INTERVAL = 0x1p-60;
    /** The natural logarithm of the share of the tilted sum that may lie on one side of the window and wrap around. */
    private static final double LOG_WRAPPED_SHARE = Math.log(1e-8);
    /** Of the best tilt. */
    private static final double[] TILT_SHARES = {1, 0.7, 0.5, 0.35, 0.25};
    /** The natural logarithm of how much larger than delta the tilted sum's factor may be: so much larger is the round-off. */
    private static final double LOG_LARGEST_EXCESS = Math.log(1e4);

    /** A plan for the epsilon of this delta. */
    static LossPlan forDelta(List<LossTerm> terms, boolean reversed, PldSettings settings, double delta) {
        double tail = tail(terms, settings, delta);
        Cumulants cumulants = Cumulants.of(terms, reversed, tail);
        double tilt = leastTilt(theta -> chernoffEpsilon(cumulants, theta, delta));
        double epsilon = Math.max(0, chernoffEpsilon(cumulants, tilt, delta));
        return of(terms, cumulants, settings, tail, tilt, epsilon, delta);
    }

    /** A plan for the epsilon of this delta, known to be at most this. */
    static LossPlan forDeltaNear(
            List<LossTerm> terms, boolean reversed, PldSettings settings, double delta, double epsilon) {
        double tail = tail(terms, settings, delta);
        Cumulants cumulants = Cumulants.of(terms, reversed, tail);
        double tilt = leastTilt(theta -> chernoffLogDelta(cumulants, theta, epsilon));
        return of(terms, cumulants, settings, tail, tilt, epsilon, delta);
    }

    /** A plan for the delta of this epsilon. */
    static LossPlan forEpsilon(List<LossTerm> terms, boolean reversed, PldSettings settings, double epsilon) {
        Chernoff chernoff = Chernoff.of(terms, reversed, settings, epsilon);
        return of(terms, chernoff.cumulants, settings, chernoff.tail, chernoff.tilt, epsilon, chernoff.privacyDelta);
    }

    /**
     * Where Chernoff's bound puts the delta of an epsilon.
     *
     * @param privacyDelta by the sketches
     * @param tilt by which it is found
     * @param tail what may be cut off one release beside it
     */
    private record Chernoff(double privacyDelta, double tilt, double tail, Cumulants cumulants) {
        static Chernoff of(List<LossTerm> terms, boolean reversed, PldSettings settings, double epsilon) {
            double delta = 1e-6;
            for (int turn = 0; ; turn++) {
                double tail = LossPlan.tail(terms, settings, delta);
                Cumulants cumulants = Cumulants.of(terms, reversed, tail);
                double tilt = leastTilt(theta -> chernoffLogDelta(cumulants, theta, epsilon));
                double logDelta = Math.min(0, chernoffLogDelta(cumulants, tilt, epsilon));
                double estimate = Math.exp(Math.max(logDelta, -650));
                if (estimate >= delta || turn == 3) {
                    return new Chernoff(estimate, tilt, tail, cumulants);
                }
                delta = estimate;
            }
        }
    }

    /** This plan on at most so many grid points: for a first look. */
    LossPlan coarser(int largestSize) {
        LossPlan plan = this;
        while (plan.size > largestSize) {
            // Half as many cover the same window, with one to spare at its lower end.
            plan = new LossPlan(
                    epsilon,
                    privacyDelta,
                    tilt,
                    upperTilt,
                    2 * plan.interval,
                    Math.floorDiv(plan.first, 2),
                    plan.size / 2,
                    tail);
        }
        return plan;
    }

    private static double tail(List<LossTerm> terms, PldSettings settings, double delta) {
        double inAll = settings.tailMass() > 0 ? settings.tailMass() : TRUNCATED_SHARE * delta;
        double count = terms.stream().mapToDouble(LossTerm::count).sum();
        return Math.min(0.01, Math.max(LEAST_TAIL, inAll / (2 * count)));
    }

    /** From the Renyi divergence of order {@code 1 + theta} (Canonne, Kamath, Steinke 2020, Proposition 12). */
    private static double chernoffLogDelta(Cumulants cumulants, double theta, double epsilon) {
        return cumulants.at(theta) - theta * epsilon + theta * Math.log(theta) - (1 + theta) * Math.log1p(theta);
    }

    private static double chernoffEpsilon(Cumulants cumulants, double theta, double delta) {
        return (chernoffLogDelta(cumulants, theta, 0) - Math.log(delta)) / theta;
    }

    /** Where a function that falls and then rises is least, over the tilts: on a grid of powers, then by thirds. */
    private static double leastTilt(DoubleUnaryOperator function) {
        DoubleUnaryOperator ofLog = log -> function.applyAsDouble(Math.exp(log));
        double best = Math.log(LEAST_TILT);
        double step = 1.5;
        for (double log = best; log <= Math.log(LARGEST_TILT); log += step) {
            if (ofLog.applyAsDouble(log) < ofLog.applyAsDouble(best)) {
                best = log;
            }
        }
        double low = best - step;
        double high = best + step;
        for (int i = 0; i < 20; i++) {
            double third = (high - low) / 3;
            if (ofLog.applyAsDouble(low + third) <= ofLog.applyAsDouble(high - third)) {
                high -= third;
            } else {
                low += third;
            }
        }
        return Math.exp(0.5 * (low + high));
    }

    private static LossPlan of(
            List<LossTerm> terms,
            Cumulants cumulants,
            PldSettings settings,
            double tail,
            double tilt,
            double epsilon,
            double delta) {
        double negligible = Math.max(delta * TRUNCATED_SHARE, LEAST_TAIL);
        double upperTilt = leastTilt(theta -> (cumulants.at(theta) - Math.log(negligible)) / theta);
        double end = (cumulants.at(upperTilt) - Math.log(negligible)) / upperTilt;
        double chosen = tilt;
        double lower = 0;
        double upper = Double.POSITIVE_INFINITY;
        // At its best tilt a sum with rare large terms has two humps far apart; a little less of it makes do with a
        // smaller window.
        for (double share : TILT_SHARES) {
            double candidate = share * tilt;
            double excess =
                    Math.max(0, cumulants.at(candidate) - candidate * epsilon - Math.log(Math.max(delta, LEAST_TAIL)));
            if (share < 1 && excess > LOG_LARGEST_EXCESS) {
                break;
            }
            double counted = Math.min(end, epsilon + (excess - Math.log(TRUNCATED_SHARE)) / candidate);
            // What wraps around only loosens the bound, and more than a few of the largest losses are rarer than
            // Chernoff's bound says.
            double wrapped = Math.min(
                    quantile(cumulants, candidate, 1), epsilon + 10 * cumulants.deviation() + 4 * cumulants.widest());
            double top = Math.max(counted, wrapped);
            top = Math.max(epsilon, Math.min(top, cumulants.largest()) + cumulants.slack());
            double bottom = Math.max(quantile(cumulants, candidate, -1), cumulants.least()) - cumulants.slack();
            bottom = Math.min(bottom, epsilon - 0.1 * (top - epsilon));
            if (top - bottom < 0.7 * (upper - lower)) {
                chosen = candidate;
                upper = top;
                lower = bottom;
            }
        }
        double interval = settings.interval();
        int largest = LARGEST_SIZE;
        if (interval == 0) {
            interval = chosenInterval(terms, cumulants, chosen, epsilon);
            largest = LARGEST_CHOSEN_SIZE;
        }
        double range = Math.max(upper - lower, cumulants.widest());
        // Twice the interval is a rounding up of its own; another interval of the caller's would not be.
        while (range / interval > largest - 8) {
            interval *= 2;
        }
        long first = (long) Math.floor(lower / interval) - 1;
        long last = (long) Math.ceil(upper / interval) + 1;
        int size = SMALLEST_SIZE;
        while (size < last - first + 1) {
            size *= 2;
        }
        // Where delta is less than the probability of the largest sum, no tilt is the best: the steeper the better.
        double steepest = LARGEST_STEP / interval;
        return new LossPlan(
                epsilon, delta, Math.min(chosen, steepest), Math.min(upperTilt, steepest), interval, first, size, tail);
    }

    /** Beyond this, above or below as the sign says, lies a negligible share of the tilted sum. */
    private static double quantile(Cumulants cumulants, double tilt, int sign) {
        double best = Double.POSITIVE_INFINITY;
        double atTilt = cumulants.at(tilt);
        double deviation = cumulants.deviation();
        for (double step = 1e-3 / deviation; step < 1e4 / deviation; step *= 1.5) {
            best = Math.min(best, (cumulants.at(tilt + sign * step) - atTilt - LOG_WRAPPED_SHARE) / step);
        }
        return sign * best;
    }

    /** The largest power of two with which the discretisation costs little enough. */
    private static double chosenInterval(List<LossTerm> terms, Cumulants cumulants, double tilt, double epsilon) {
        double lattice = terms.size() == 1 ? terms.get(0).loss().lattice() : 0;
        if (lattice > 0) {
            // On a lattice nothing is rounded.
            return lattice;
        }
        double scale = Math.max(epsilon, 0.1 * cumulants.deviation());
        if (terms.size() == 1 && terms.get(0).count() == 1) {
            // Exact at every grid point.
            return Math.scalb(1.0, Math.getExponent(scale / 1024));
        }
        // A power of two, so that nearly equal questions are answered on the same grid.
        double interval = Math.scalb(1.0, Math.getExponent(scale / 64));
        while (interval > LEAST_INTERVAL && cumulants.addedEpsilon(tilt, interval) > EPSILON_SHARE * scale) {
            interval /= 2;
        }
        return interval;
    }

    /** The logarithm of the moment generating function of the sum, from sketches. */
    private record Cumulants(List<LossSketch> sketches, List<Long> counts) {
        static Cumulants of(List<LossTerm> terms, boolean reversed, double tail) {
            List<LossSketch> sketches = new ArrayList<>();
            List<Long> counts = new ArrayList<>();
            for (LossTerm term : terms) {
                sketches.add(term.sketch(reversed, tail));
                counts.add(term.count());
            }
            return new Cumulants(sketches, counts);
        }

        double at(double theta) {
            double sum = 0;
            for (int i = 0; i < sketches.size(); i++) {
                sum += counts.get(i) * sketches.get(i).cumulant(theta);
            }
            return sum;
        }

        /**
         * What the discretisation adds to epsilon. The split of a loss {@code L} between {@code l} and {@code u} adds
         * {@code v = (L - l) (u - L)} to the variance and half of that to the mean, so {@code v (1 + theta) / 2} to the cumulant over
         * {@code theta}.
         */
        double addedEpsilon(double tilt, double interval) {
            double sum = 0;
            for (int i = 0; i < sketches.size(); i++) {
                sum += counts.get(i) * sketches.get(i).splitVariance(tilt, interval);
            }
            return 0.5 * (1 + tilt) * sum;
        }

        double deviation() {
            double variance = 0;
            for (int i = 0; i < sketches.size(); i++) {
                variance += counts.get(i) * sketches.get(i).variance();
            }
            return Math.max(Math.sqrt(variance), 1e-12);
        }

        double largest() {
            double sum = 0;
            for (int i = 0; i < sketches.size(); i++) {
                sum += counts.get(i) * sketches.get(i).largest();
            }
            return sum;
        }

        double least() {
            double sum = 0;
            for (int i = 0; i < sketches.size(); i++) {
                sum += counts.get(i) * sketches.get(i).least();
            }
            return sum;
        }

        /** The range of the loss of one release. */
        double widest() {
            return sketches.stream()
                    .mapToDouble(sketch -> sketch.largest() - sketch.least())
                    .max()
                    .orElse(0);
        }

        /** For what rounding up adds. */
        double slack() {
            return 0.05 * deviation();
        }
    }
}
