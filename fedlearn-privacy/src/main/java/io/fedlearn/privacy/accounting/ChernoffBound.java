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

    private static final double LEAST_INTERVAL = 0x1p-60;

    private ChernoffBound() {}

    /** Whether this epsilon is shown to belong to this delta; if not, it may all the same. */
    static boolean shows(
            List<LossTerm> terms, boolean reversed, PldSettings settings, double epsilon, double privacyDelta) {
        if (!Double.isFinite(epsilon) || privacyDelta <= 0) {
            return false;
        }
        // The tilt for the delta: that for an epsilon far above its own would be none.
        LossPlan plan = LossPlan.forDelta(terms, reversed, settings, privacyDelta);
        double widest = LEAST_INTERVAL;
        for (LossTerm term : terms) {
            widest = Math.max(widest, interval(term.sketch(reversed, plan.tail())));
        }
        // Any tilt will do, but for one that is beyond a double's range.
        double tilt = Math.min(plan.tilt(), LossPlan.LARGEST_STEP / widest);
        double exponent = -tilt * epsilon + tilt * Math.log(tilt) - (1 + tilt) * Math.log1p(tilt);
        double cutOff = 0;
        for (LossTerm term : terms) {
            LossSketch sketch = term.sketch(reversed, plan.tail());
            PrivacyLossDistribution pld = term.loss().discretize(interval(sketch), plan.tail());
            double estimate = sketch.cumulant(tilt);
            exponent += term.count()
                    * (pld.cumulantBound(term.isReversed(reversed), tilt, estimate) + (1 + tilt) * pld.lossError());
            cutOff += term.count() * pld.infinityMass();
        }
        // Not what is no number.
        return (Math.exp(exponent) + cutOff) * (1 + 1e-9) <= privacyDelta;
    }

    private static double interval(LossSketch sketch) {
        return Math.max((sketch.largest() - sketch.least()) / SIZE, LEAST_INTERVAL);
    }
}
