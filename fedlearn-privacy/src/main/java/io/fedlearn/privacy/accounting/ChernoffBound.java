package io.fedlearn.privacy.accounting;

import java.util.List;

/**
 * A quick look whether an epsilon belongs to a delta, from the moment generating function of coarsely discretised losses: where it already shows that one
 * direction costs less than the other, nothing needs to be transformed. (It is the conversion of Canonne, Kamath, Steinke 2020,
 * arXiv:2004.00010, Proposition 12, at one order.)
 */
final class ChernoffBound {
    /** How many grid points a loss has. */
    private static final int SIZE = 1 << 13;

    private ChernoffBound() {}

    /** Whether this epsilon is shown to belong to this delta; if not, it may all the same. */
    static boolean shows(
            List<LossTerm> terms, boolean reversed, PldSettings settings, double epsilon, double privacyDelta) {
        if (!Double.isFinite(epsilon) || privacyDelta <= 0) {
            return false;
        }
        LossPlan.Chernoff plan = LossPlan.Chernoff.of(terms, reversed, settings, epsilon);
        double widest = 0x1p-60;
        for (LossTerm term : terms) {
            widest = Math.max(widest, interval(term.loss().sketch(plan.tail())));
        }
        // Any tilt will do, but for one that is beyond a double's range.
        double tilt = Math.min(plan.tilt(), LossPlan.LARGEST_STEP / widest);
        double exponent = -tilt * epsilon + tilt * Math.log(tilt) - (1 + tilt) * Math.log1p(tilt);
        double cutOff = 0;
        for (LossTerm term : terms) {
            LossSketch sketch = term.loss().sketch(plan.tail());
            PrivacyLossDistribution pld = term.loss().discretize(interval(sketch), plan.tail());
            double estimate = (reversed ? sketch.reversed() : sketch).cumulant(tilt);
            exponent += term.count() * (pld.cumulantBound(reversed, tilt, estimate) + (1 + tilt) * pld.lossError());
            cutOff += term.count() * pld.infinityMass();
        }
        double delta = (Math.exp(exponent) + cutOff) * (1 + 1e-9);
        return delta < 1 ? delta : 1;
    }

    private static double interval(LossSketch sketch) {
        return Math.max((sketch.largest() - sketch.least()) / SIZE, 0x1p-60);
    }
}
