package io.fedlearn.privacy.mechanism;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;

/**
 * Report-noisy-max with exponential noise, drawn exactly: goes through the candidates in random order and takes the first for which
 * a coin of probability {@code exp(epsilon (score_i - best) / (2 sensitivity))} falls right; for the best it always does. The scores'
 * grid and the coins are those of {@link ExponentialMechanism}, over which it is never worse in expectation.
 *
 * <p><b>Guarantee.</b> {@code epsilon}, with delta 0, whatever the number of candidates, which must not depend on the data.
 *
 * <p><b>Relation.</b> Every score moves by at most {@code sensitivity} between neighbours of {@code relation}. The caller vouches for
 * that. Randomness and refusals as in {@link GaussianMechanism}. A call takes as long as it takes to find a candidate, which depends
 * on the scores: do not let others measure it.
 *
 * <p><b>Reference.</b> McKenna and Sheldon, "Permute-and-Flip: A new mechanism for differentially private selection", NeurIPS 2020,
 * arXiv:2010.12603; Ding et al., "The Permute-and-Flip Mechanism is Identical to Report-Noisy-Max with Exponential Noise",
 * arXiv:2105.07260. Immutable and thread-safe.
 */
public final class PermuteAndFlip {
    private final NeighboringRelation relation;
    private final double sensitivity;
    private final double epsilon;

    private PermuteAndFlip(NeighboringRelation relation, double sensitivity, double epsilon) {
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
    public static PermuteAndFlip of(NeighboringRelation relation, double sensitivity, double epsilon) {
        return new PermuteAndFlip(
                relation, Parameters.magnitude("sensitivity", sensitivity), Parameters.magnitude("epsilon", epsilon));
    }

    /** The index of the candidate that is chosen; large scores are good. */
    public int choose(double[] scores) {
        return choose(NoiseSource.secure(), scores);
    }

    int choose(NoiseSource source, double[] scores) {
        Scores candidates = Scores.of(scores, sensitivity, epsilon);
        int[] order = new int[candidates.count()];
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        for (int left = order.length; left > 0; left--) {
            int place = source.nextInt(left);
            int candidate = order[place];
            order[place] = order[left - 1];
            if (candidates.nextCoin(source, candidate)) {
                return candidate;
            }
        }
        throw new AssertionError("the best candidate was not taken");
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
        return "permute-and-flip(relation=" + relation + ", sensitivity=" + sensitivity + ", epsilon=" + epsilon + ")";
    }
}
