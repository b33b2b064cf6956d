package io.fedlearn.privacy.accounting;

/**
 * The privacy loss between a mixture and its base: with base loss {@code y = ln(P / Q)} and sampling rate {@code q}, that of
 * {@code (1 - q) Q + q P} against {@code Q},
 * <pre>
 *   L = ln(1 - q + q exp(y))
 * </pre>
 * which increases in {@code y}. Poisson sampling turns a dominating pair {@code (P, Q)} into this one where the unit is there, and
 * into the same pair the other way round where it is not (Zhu, Dong, Wang 2022, arXiv:2106.08567, Theorem 11). With {@code q = 1}, the base.
 */
final class SampledLoss {
    /** From here on {@code 1 - q} is lost beside {@code q exp(y)}, or {@code exp} would soon be infinite. */
    private static final double LARGE = 600;

    private final double rate;
    private final double logRate;

    SampledLoss(double rate) {
        this.rate = rate;
        logRate = Math.log(rate);
    }

    double rate() {
        return rate;
    }

    /** The loss at this base loss, right to a few units in the last place. */
    double loss(double base) {
        if (rate == 1) {
            return base;
        }
        if (base > LARGE) {
            return logRate + base + Math.log1p((1 - rate) * Math.exp(-base - logRate));
        }
        double change = rate * Math.expm1(base);
        // Near 0 the first form keeps all digits, far from it the second.
        return Math.abs(change) < 0.5 ? Math.log1p(change) : Math.log((1 - rate) + rate * Math.exp(base));
    }

    /** The base loss at this loss; {@code -infinity} where even that is too much. */
    double base(double loss) {
        if (rate == 1) {
            return loss;
        }
        if (loss > 30) {
            return loss - logRate + Math.log1p(-(1 - rate) * Math.exp(-loss));
        }
        double change = Math.expm1(loss) / rate;
        return change <= -1 ? Double.NEGATIVE_INFINITY : Math.log1p(change);
    }
}
