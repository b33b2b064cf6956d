package io.fedlearn.privacy.accounting;

/**
 * The privacy loss of one release on its worst pair of neighbours: with output distributions {@code P} and {@code Q}, the random variable
 * {@code L = ln(P(o) / Q(o))} for {@code o ~ P}. The pair <i>dominates</i> the mechanism: for every two neighbours and every
 * {@code alpha > 0}, the hockey-stick divergence is at most that of {@code (P, Q)} one way round or of {@code (Q, P)}. Then so it is for
 * compositions (Zhu, Dong, Wang 2022, arXiv:2106.08567, Theorem 10), each direction by itself. Immutable.
 */
interface PrivacyLoss {
    /** The largest value that the loss can take; infinite if there is none. */
    double largest();

    /** The largest value of {@code ln(Q / P)}; infinite if there is none. */
    double largestReversed();

    /** Whether the loss of {@code (Q, P)} has the same distribution. */
    boolean symmetric();

    /** A number of which every value of the loss is a multiple, or 0 if there is none. */
    double lattice();

    /**
     * Values and probabilities that stand for the distribution where a plan is made; nothing that is reported rests on it.
     *
     * @param tail a probability that may be left out at each end
     */
    LossSketch sketch(double tail);

    /**
     * The loss rounded up onto the multiples of the interval.
     *
     * @param tail a probability that may be made an infinite loss, {@code > 0}; a mechanism of bounded loss does not use it
     */
    PrivacyLossDistribution discretize(double interval, double tail);
}
