package io.fedlearn.privacy.mechanism;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;

/**
 * Chooses one of several candidates by their scores:
 * <pre>
 *   P(i) proportional to exp(epsilon score_i / (2 sensitivity))
 * </pre>
 * Drawn by rejection: a candidate at random, taken with probability {@code exp(epsilon (score_i - best) / (2 sensitivity))}, else
 * another. Scores are rounded to a grid of at most 2^-28 of the sensitivity, which makes up for it; the coins are of Canonne, Kamath
 * and Steinke and in whole numbers throughout, so that the distribution is exact.
 *
 * <p><b>Guarantee.</b> {@code epsilon}, with delta 0, whatever the number of candidates, which must not depend on the data.
 *
 * <p><b>Relation.</b> Every score moves by at most {@code sensitivity} between neighbours of {@code relation}. The caller vouches for
 * that. Randomness and refusals as in {@link GaussianMechanism}. A call takes as long as it takes to find a candidate, which depends
 * on the scores: do not let others measure it.
 *
 * <p><b>Reference.</b> McSherry and Talwar, "Mechanism Design via Differential Privacy", FOCS 2007. {@link PermuteAndFlip} chooses
 * better at the same epsilon. Immutable and thread-safe.
 */
public final class ExponentialMechanism {
    private final NeighboringRelation relation;
    private final double sensitivity;
    private final double epsilon;

    private ExponentialMechanism(NeighboringRelation relation, double sensitivity, double epsilon) {
        this.relation = relation;
        this.sensitivity = sensitivity;
        this.epsilon = epsilon;
    }

    /**
     * The mechanism.
     *
     * @param relation which data sets are neighbours
     * @param sensitivity by how much any score moves at most between neighbours, {@code > 0}
     * @param epsilon of one choice, {@code > 0}
     */
    public static ExponentialMechanism of(NeighboringRelation relation, double sensitivity, double epsilon) {
        return new ExponentialMechanism(
                relation, Parameters.magnitude("sensitivity", sensitivity), Parameters.magnitude("epsilon", epsilon));
    }

    /** The index of the candidate that is chosen; large scores are good. */
    public int choose(double[] scores) {
        return choose(NoiseSource.secure(), scores);
    }

    int choose(NoiseSource source, double[] scores) {
        Scores candidates = Scores.of(scores, sensitivity, epsilon);
        while (true) {
            int candidate = source.nextInt(candidates.count());
            if (candidates.nextCoin(source, candidate)) {
                return candidate;
            }
        }
    }

    /** What one choice costs. */
    public PrivacyEvent event() {
        return new PrivacyEvent.PureLoss(epsilon);
    }

    /** Under which relation the sensitivity holds. */
    public NeighboringRelation relation() {
        return relation;
    }

    /** By how much any score moves at most between neighbours. */
    public double sensitivity() {
        return sensitivity;
    }

    /** The privacy loss of one choice. */
    public double epsilon() {
        return epsilon;
    }

    @Override
    public String toString() {
        return "exponential(relation=" + relation + ", sensitivity=" + sensitivity + ", epsilon=" + epsilon + ")";
    }
}
