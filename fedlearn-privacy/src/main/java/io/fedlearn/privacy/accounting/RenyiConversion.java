package io.fedlearn.privacy.accounting;

/** From a Renyi divergence of one order to epsilon and delta. */
final class RenyiConversion {
    /** Of the terms' sizes: what a handful of operations may be wrong by. */
    private static final double ROUNDING = 1e-15;

    private RenyiConversion() {}

    /** Canonne, Kamath, Steinke 2020, Proposition 12. */
    static double epsilon(double order, double divergence, double privacyDelta) {
        if (divergence == 0 || -StrictMath.expm1(-divergence) * (1 + 4 * ROUNDING) <= privacyDelta * privacyDelta) {
            // delta >= sqrt(1 - e^-KL), which is no less than the total variation (Bretagnolle and Huber).
            return 0;
        }
        if (privacyDelta == 0) {
            return Double.POSITIVE_INFINITY;
        }
        double share = StrictMath.log1p(-1 / order);
        double tail = (StrictMath.log(privacyDelta) + StrictMath.log(order)) / (order - 1);
        double size = divergence + Math.abs(share) + Math.abs(StrictMath.log(privacyDelta)) / (order - 1);
        return Math.max(0, divergence + share - tail + ROUNDING * size);
    }

    /** Mironov 2017, Proposition 3. */
    static double epsilonByMironov(double order, double divergence, double privacyDelta) {
        if (divergence == 0) {
            return 0;
        }
        if (privacyDelta == 0) {
            return Double.POSITIVE_INFINITY;
        }
        return Upward.raise(divergence - StrictMath.log(privacyDelta) / (order - 1), ROUNDING);
    }

    /** The same propositions, turned round. */
    static double privacyDelta(double order, double divergence, double epsilon) {
        if (divergence == 0) {
            return 0;
        }
        double tail = StrictMath.exp(Math.min(0, logTail(order, divergence, epsilon)));
        return Math.min(1, Upward.raise(Math.min(closeness(divergence), tail), 1e-14));
    }

    /** The logarithm of the bound that falls with epsilon. */
    static double logTail(double order, double divergence, double epsilon) {
        double exponent = (order - 1) * (divergence - epsilon + StrictMath.log1p(-1 / order)) - StrictMath.log(order);
        return exponent + ROUNDING * order * (divergence + epsilon + 1);
    }

    /** The bound of the total variation, which holds for every epsilon. */
    static double closeness(double divergence) {
        return Math.sqrt(-StrictMath.expm1(-divergence));
    }
}
