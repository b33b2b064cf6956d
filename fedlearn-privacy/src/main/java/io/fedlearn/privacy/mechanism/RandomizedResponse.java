package io.fedlearn.privacy.mechanism;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.internal.NoiseSource;

/**
 * Randomised response over {@code k} categories, for one person's answer: with probability {@code p} one of the categories, each as
 * likely, else the truth.
 *
 * <p><b>Guarantee.</b> Any two answers are hard to tell apart, whatever else is known:
 * {@code epsilon = log(1 + k (1 - p) / p)}, with delta 0. The relation is therefore {@link NeighboringRelation#REPLACE_ONE}: a person
 * gives another answer; that the person answered is public. Only whole numbers and comparisons of every bit of {@code p} are
 * involved. Randomness as in {@link GaussianMechanism}; the time of a call does not depend on the truth.
 *
 * <p><b>Reference.</b> Warner, "Randomized Response", JASA 60 (1965); Kairouz, Oh and Viswanath, "Extremal Mechanisms for Local
 * Differential Privacy", JMLR 17 (2016). Immutable and thread-safe.
 */
public final class RandomizedResponse {
    private final double randomProbability;
    private final int categories;

    private RandomizedResponse(double randomProbability, int categories) {
        if (categories < 2) {
            throw new IllegalArgumentException("categories must be >= 2, were " + categories);
        }
        if (!(randomProbability > 0 && randomProbability <= 1)) {
            throw new IllegalArgumentException("randomProbability must be in (0, 1], was " + randomProbability);
        }
        this.randomProbability = randomProbability;
        this.categories = categories;
    }

    /**
     * The response with this probability of a random answer.
     *
     * @param randomProbability in (0, 1]
     * @param categories at least 2
     */
    public static RandomizedResponse withRandomProbability(double randomProbability, int categories) {
        return new RandomizedResponse(randomProbability, categories);
    }

    /**
     * The response that is truthful as often as this epsilon allows.
     *
     * @param epsilon {@code > 0}
     * @param categories at least 2
     */
    public static RandomizedResponse withEpsilon(double epsilon, int categories) {
        Parameters.positive("epsilon", epsilon);
        // The margin is more than what this is rounded by, and what epsilon() adds.
        double probability = categories / (categories + StrictMath.expm1(epsilon)) * (1 + 0x1p-47 * (1 + epsilon));
        return new RandomizedResponse(Math.min(1, probability), categories);
    }

    /**
     * An answer in [0, categories).
     *
     * @param truth in [0, categories)
     */
    public int respond(int truth) {
        return respond(NoiseSource.secure(), truth);
    }

    int respond(NoiseSource source, int truth) {
        if (truth < 0 || truth >= categories) {
            // Without the value, which is data.
            throw new IllegalArgumentException("truth must be in [0, " + categories + "), was not");
        }
        boolean random = source.nextBernoulli(randomProbability);
        int other = source.nextInt(categories);
        return random ? other : truth;
    }

    /**
     * How often each category was the truth, as an estimate without bias from how often each was answered; may be below 0. Costs no
     * privacy.
     *
     * @param answers by category
     */
    public double[] estimate(long[] answers) {
        if (answers.length != categories) {
            throw new IllegalArgumentException(
                    "answers must be of " + categories + " categories, were of " + answers.length);
        }
        if (randomProbability == 1) {
            throw new IllegalStateException("answers that are all random hold nothing to estimate");
        }
        double total = 0;
        for (long count : answers) {
            total += count;
        }
        double[] estimate = new double[categories];
        for (int i = 0; i < categories; i++) {
            estimate[i] = (answers[i] - total * randomProbability / categories) / (1 - randomProbability);
        }
        return estimate;
    }

    /** What one answer costs the person who gives it. */
    public PrivacyEvent event() {
        return new PrivacyEvent.RandomizedResponse(randomProbability, categories);
    }

    /** An answer may be replaced by another. */
    public NeighboringRelation relation() {
        return NeighboringRelation.REPLACE_ONE;
    }

    /** An upper bound of the privacy loss. */
    public double epsilon() {
        return StrictMath.log1p(categories * (1 - randomProbability) / randomProbability) * (1 + 0x1p-48);
    }

    /** How often an answer is random. */
    public double randomProbability() {
        return randomProbability;
    }

    /** How many answers there are. */
    public int categories() {
        return categories;
    }

    @Override
    public String toString() {
        return "randomized-response(relation=" + relation() + ", randomProbability=" + randomProbability
                + ", categories=" + categories + ")";
    }
}
