package io.fedlearn.testkit.statistics;

import java.util.function.IntSupplier;

/**
 * Asserts differential privacy on two neighbouring inputs, by histograms. It can only refute: that it passes shows that this many
 * samples over these cells hold no evidence against the claim. So let a mechanism with too little noise fail it too. Stateless.
 */
public final class PrivacyAssertions {
    /** An odd number, so that there is a majority. */
    private static final int VOTES = 5;
    /** Ways of choosing a majority of the votes. */
    private static final int MAJORITIES = 10;

    private PrivacyAssertions() {}

    /**
     * Asserts that for every set {@code S} of cells {@code P(first in S) <= exp(epsilon) P(second in S) + privacyDelta}, and the other
     * way round.
     *
     * <p>Each of five votes draws samples to find the sets that are worst, then as many fresh ones to judge them: it is against if
     * even a lower confidence bound (Chernoff's) of the one probability is above the claim at an upper one of the other. A majority
     * against fails; under the claim that is less probable than {@code falseAlarm}.
     *
     * @param first runs the mechanism on one input and gives the cell in which the output lies, in [0, cells)
     * @param second does so on a neighbour of it
     * @param cells chosen without looking at the outputs
     * @param samples how often each is run, twice in each vote
     * @throws AssertionError if the samples contradict the claim
     */
    public static void assertPrivate(
            IntSupplier first,
            IntSupplier second,
            int cells,
            int samples,
            double epsilon,
            double privacyDelta,
            double falseAlarm) {
        if (!(falseAlarm > 0 && falseAlarm < 1)) {
            throw new IllegalArgumentException("falseAlarm must be in (0, 1), was " + falseAlarm);
        }
        if (cells < 1 || samples < 1) {
            throw new IllegalArgumentException("cells and samples must be >= 1, were " + cells + " and " + samples);
        }
        // Four bounds a vote; three of five votes.
        double logOfBound = -Math.log(Math.cbrt(falseAlarm / MAJORITIES) / 4);
        int against = 0;
        String evidence = "";
        for (int vote = 0; vote < VOTES; vote++) {
            int[][] search = {histogram(first, cells, samples), histogram(second, cells, samples)};
            int[][] trial = {histogram(first, cells, samples), histogram(second, cells, samples)};
            boolean refuted = false;
            for (int one = 0; one < 2; one++) {
                long likely = 0;
                long unlikely = 0;
                for (int cell = 0; cell < cells; cell++) {
                    if (search[one][cell] > Math.exp(epsilon) * search[1 - one][cell]) {
                        likely += trial[one][cell];
                        unlikely += trial[1 - one][cell];
                    }
                }
                double atLeast = bound(likely, samples, logOfBound, false);
                double atMost = bound(unlikely, samples, logOfBound, true);
                if (atLeast > Math.exp(epsilon) * atMost + privacyDelta) {
                    refuted = true;
                    evidence = "a set of cells has a probability of at least " + atLeast + " on one input and at most "
                            + atMost + " on the other";
                }
            }
            against += refuted ? 1 : 0;
        }
        if (against > VOTES / 2) {
            throw new AssertionError("not private at epsilon " + epsilon + " and delta " + privacyDelta + ": in "
                    + against + " of " + VOTES + " votes, in one of which " + evidence);
        }
    }

    private static int[] histogram(IntSupplier mechanism, int cells, int samples) {
        int[] counts = new int[cells];
        for (int i = 0; i < samples; i++) {
            counts[mechanism.getAsInt()]++;
        }
        return counts;
    }

    /** The probability above (or below) which so many successes or fewer (or more) are less probable than {@code exp(-log)}. */
    private static double bound(long successes, long trials, double log, boolean upper) {
        double share = (double) successes / trials;
        double inside = share;
        double outside = upper ? 1 : 0;
        for (int i = 0; i < 60; i++) {
            double middle = (inside + outside) / 2;
            if (trials * divergence(share, middle) > log) {
                outside = middle;
            } else {
                inside = middle;
            }
        }
        return outside;
    }

    private static double divergence(double share, double probability) {
        return (share == 0 ? 0 : share * Math.log(share / probability))
                + (share == 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - probability)));
    }
}
