package io.fedlearn.privacy.accounting;

import java.util.Arrays;
import java.util.List;

/**
 * The distribution of a sum of privacy losses around one epsilon, tilted, with everything that must be added to it. Immutable.
 *
 * <p>With discretised losses of {@code n_e} releases of kind {@code e}, {@code M_e = E exp(theta L_e)} and
 * {@code M = prod_e M_e^(n_e)}, the tilted loss has {@code P_theta(x) = P(x) exp(theta x) / M_e}, and for the sum {@code X}
 * <pre>
 *   delta(epsilon) = E max(0, 1 - exp(epsilon - X)) = M sum_x P_theta(X = x) exp(-theta x) max(0, 1 - exp(epsilon - x))
 * </pre>
 * {@code theta} is such that the tilted sum lies around epsilon. So the transform works on probabilities near 1, however small delta is, and
 * its round-off is a small share of delta rather than of 1.
 *
 * <p><b>What is added.</b>
 * <ul>
 *   <li>Tails of the single losses: each release may have been infinite, {@code sum n_e tail_e}.
 *   <li>What lies above the window: at most {@code E exp(phi X) exp(-phi B)} for its end {@code B} and any {@code phi > 0} (Chernoff);
 *       the tilt and one more are tried.
 *       What wraps around, from above or below, adds to probabilities within the window and so can only raise delta.
 *   <li>Round-off of the masses: relative errors {@code r_e} of the tilted masses give {@code sum n_e r_e} in the logarithm of delta.
 *   <li>Round-off of the transform: a frequency {@code z_e} is wrong by at most {@code D} ({@link Fft#errorBound()}, as tilted masses
 *       sum to 1), its power by at most
 *       {@code prod (|z_e| + D)^(n_e) min(2, sum n_e (D / |z_e| + sqrt(5) u))}, and a probability after the inverse by at most the mean of
 *       that over all frequencies plus {@code D} times the mean of the powers. This is added to every probability in the window.
 *   <li>Round-off of the losses: {@code sum n_e k_e} is added to epsilon.
 * </ul>
 */
final class LossComposition {
    private static final double UNIT = 0x1p-53;
    /** For each grid point a positive number is added, and a factor multiplied. */
    private static final double SWEEP_ERROR = 8 * UNIT;

    private final LossPlan plan;
    /** Tilted probabilities, upper bounds, from the window's least grid point. */
    private final double[] probabilities;

    private final long first;
    private final double tilt;
    /** The natural logarithm of the factor that takes tilts back, at the plan's epsilon. */
    private final double logFactor;
    /** Added to delta. */
    private final double added;
    /** Added to epsilon. */
    private final double shift;

    private LossComposition(
            LossPlan plan,
            double[] probabilities,
            long first,
            double tilt,
            double logFactor,
            double added,
            double shift) {
        this.plan = plan;
        this.probabilities = probabilities;
        this.first = first;
        this.tilt = tilt;
        this.logFactor = logFactor;
        // A plan too steep for a double's range shows nothing.
        boolean isKnown = Double.isFinite(logFactor)
                && Double.isFinite(shift)
                && Arrays.stream(probabilities).allMatch(Double::isFinite);
        // Weights that underflow lose less than the smallest normal number each.
        double underflown = probabilities.length * Double.MIN_NORMAL * Math.exp(logFactor);
        this.added = isKnown ? added + underflown : Double.POSITIVE_INFINITY;
        this.shift = shift;
    }

    /** Composes by this plan. */
    static LossComposition of(List<LossTerm> terms, boolean reversed, LossPlan plan) {
        return terms.size() == 1 && terms.get(0).count() == 1
                ? single(terms.get(0).loss(), terms.get(0).isReversed(reversed), plan)
                : transformed(terms, reversed, plan);
    }

    private static LossComposition single(PrivacyLoss loss, boolean reversed, LossPlan plan) {
        PrivacyLossDistribution pld = loss.discretize(plan.interval(), plan.tail());
        double[] masses = pld.tilted(reversed, 0, 0);
        return new LossComposition(
                plan,
                masses,
                pld.first(reversed),
                0,
                pld.tiltedError(0) + SWEEP_ERROR * masses.length,
                pld.infinityMass(),
                pld.lossError());
    }

    private static LossComposition transformed(List<LossTerm> terms, boolean reversed, LossPlan plan) {
        double tilt = plan.tilt();
        int size = plan.size();
        SpectrumPower power = new SpectrumPower(size);
        double logFactor = -tilt * plan.epsilon();
        double logTail = 0;
        double last = 0;
        double added = 0;
        double shift = 0;
        for (LossTerm term : terms) {
            PrivacyLossDistribution pld = term.loss().discretize(plan.interval(), plan.tail());
            long count = term.count();
            boolean isReversed = term.isReversed(reversed);
            LossSketch directed = term.sketch(reversed, plan.tail());
            double estimate = directed.cumulant(tilt);
            double[] tilted = pld.tilted(isReversed, tilt, estimate);
            double sum = 0;
            for (double mass : tilted) {
                sum += mass;
            }
            power.multiply(tilted, sum, pld.first(isReversed), count);
            // The estimate and the sum are numbers by which all was divided: nothing else hangs on them.
            logFactor += count
                    * (estimate
                            + Math.log(sum)
                            + pld.tiltedError(tilt)
                            + 4 * UNIT * (1 + Math.abs(estimate) + Math.abs(Math.log(sum))));
            logTail += count * pld.cumulantBound(isReversed, plan.upperTilt(), directed.cumulant(plan.upperTilt()));
            last += (double) count * pld.last(isReversed);
            added += count * pld.infinityMass();
            shift += count * pld.lossError();
        }
        double end = plan.first() + size;
        if (last >= end) {
            double logAll = logFactor + tilt * plan.epsilon();
            double top = end * plan.interval();
            added += Math.exp(Math.min(0, Math.min(logTail - plan.upperTilt() * top, logAll - tilt * top)));
        }
        double[] probabilities = power.probabilities(plan.first());
        logFactor += SWEEP_ERROR * size;
        return new LossComposition(plan, probabilities, plan.first(), tilt, logFactor, added * (1 + 1e-9), shift);
    }

    LossPlan plan() {
        return plan;
    }

    /** The least epsilon that is shown to belong to this delta; infinite if none is, and the window's lower end if it is below. */
    double epsilon(double delta) {
        double target = delta - added;
        if (!(target > 0) || Double.isNaN(logFactor)) {
            return Double.POSITIVE_INFINITY;
        }
        double scaled = Math.exp(Math.log(target) - logFactor);
        if (Double.isInfinite(scaled)) {
            return Double.POSITIVE_INFINITY;
        }
        Sweep sweep = new Sweep();
        while (sweep.place > 0) {
            double before = sweep.delta;
            double next = sweep.step();
            // Also if it is no number.
            if (!(sweep.delta <= scaled)) {
                // Within the cell delta is straight in exp(epsilon).
                double share = Math.max(0, (scaled - before) / next);
                return Math.max(0, sweep.loss + plan.interval() + Math.log1p(-share) + shift) * (1 + 0x1p-50);
            }
            if (sweep.loss + shift < 0) {
                return 0;
            }
        }
        return Math.max(0, sweep.loss + shift);
    }

    /** The least delta that is shown to belong to this epsilon. */
    double delta(double epsilon) {
        if (!(added < 1)) {
            return 1;
        }
        double at = epsilon - shift;
        Sweep sweep = new Sweep();
        double scaled = 0;
        while (sweep.place > 0) {
            double before = sweep.delta;
            double next = sweep.step();
            if (sweep.loss <= at) {
                scaled = before + next * -Math.expm1(Math.min(0, at - sweep.loss - plan.interval()));
                double delta = scaled * Math.exp(logFactor) + added;
                return delta < 1 ? delta : 1;
            }
        }
        return 1;
    }

    /**
     * Goes down the grid. With weights {@code w_j}, {@code delta_(i-1) = delta_i + U_i (1 - exp(-h))} where
     * {@code U_i = sum_(j >= i) w_j exp(x_i - x_j)}: positive terms only.
     */
    private final class Sweep {
        private final double fall = Math.exp(-plan.interval());
        private final double rise = -Math.expm1(-plan.interval());
        private int place = probabilities.length;
        private double weight;
        private double delta;
        private double loss = (first + place) * plan.interval();

        /** Goes to the next grid point below; answers {@code U} at the one above it. */
        double step() {
            if (place < probabilities.length) {
                double probability = probabilities[place];
                weight += probability * (tilt == 0 ? 1 : Math.exp(-tilt * (loss - plan.epsilon())));
            }
            double above = weight;
            delta += above * rise;
            weight = above * fall;
            place--;
            loss = (first + place) * plan.interval();
            return above;
        }
    }
}
