package io.fedlearn.privacy.accounting;

import java.util.List;

/**
 * A quick upper bound of delta, from the moment generating function of coarsely discretised losses: where it already shows that one
 * direction costs less than the other, nothing needs to be transformed. (It is the conversion of Canonne, Kamath, Steinke 2020,
 * arXiv:2004.00010, Proposition 12, at one order.)
 */
final class ChernoffBound {
    /** How many grid points a loss has. */
    private static final int SIZE = 1 << 13;

    private ChernoffBound() {}

    static double delta(List<LossTerm> terms, boolean reversed, PldSettings settings, double epsilon) {
        if (!Double.isFinite(epsilon)) {
            return 1;
        }
        LossPlan.Chernoff plan = LossPlan.Chernoff.of(terms, reversed, settings, epsilon);
        double tilt = plan.tilt();
        double exponent = -tilt * epsilon + tilt * Math.log(tilt) - (1 + tilt) * Math.log1p(tilt);
        double cutOff = 0;
        for (LossTerm term : terms) {
            LossSketch sketch = term.loss().sketch(plan.tail());
            double interval = Math.max((sketch.largest() - sketch.least()) / SIZE, 0x1p-60);
            PrivacyLossDistribution pld = term.loss().discretize(interval, plan.tail());
            double estimate = (reversed ? sketch.reversed() : sketch).cumulant(tilt);
            exponent += term.count() * (pld.cumulantBound(reversed, tilt, estimate) + (1 + tilt) * pld.lossError());
            cutOff += term.count() * pld.infinityMass();
        }
        return (Math.exp(exponent) + cutOff) * (1 + 1e-9);
    }
}
