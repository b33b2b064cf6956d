package io.fedlearn.aggregators.robust;

import io.fedlearn.core.update.InvalidUpdateException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Ranks updates by how near their nearest neighbours are: the score of an update is the sum of its smallest squared
 * distances to others. Of two equal scores that of the smaller client id counts as lower.
 */
final class KrumScores {
    private final double[][] squared;
    // Each update's others, the nearest first.
    private final int[][] neighbours;

    KrumScores(double[][] squared) {
        this.squared = squared;
        this.neighbours = new int[squared.length][];
        for (int i = 0; i < squared.length; i++) {
            double[] mine = squared[i];
            int self = i;
            neighbours[i] = IntStream.range(0, squared.length)
                    .filter(j -> j != self)
                    .boxed()
                    .sorted(Comparator.comparingDouble(j -> mine[j]))
                    .mapToInt(Integer::intValue)
                    .toArray();
        }
    }

    /**
     * The updates with the lowest scores.
     *
     * @param count how many
     * @param bad {@code f}: the score sums {@code n - f - 2} distances
     * @return their places, in rising order
     */
    int[] lowest(int count, int bad) {
        boolean[] isInPool = new boolean[squared.length];
        Arrays.fill(isInPool, true);
        double[] scores = new double[squared.length];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = score(i, isInPool, squared.length - bad - 2);
        }
        int[] places = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> scores[i]))
                .limit(count)
                .mapToInt(Integer::intValue)
                .toArray();
        requireFinite(scores[places[count - 1]]);
        Arrays.sort(places);
        return places;
    }

    /**
     * The updates that Krum picks one after the other, each from those that are left, where the score sums
     * {@code max(1, left - f - 2)} distances.
     *
     * @param count how many
     * @param bad {@code f}
     * @return their places, in rising order
     */
    int[] picked(int count, int bad) {
        boolean[] isInPool = new boolean[squared.length];
        Arrays.fill(isInPool, true);
        int[] places = new int[count];
        for (int pick = 0; pick < count; pick++) {
            int left = squared.length - pick;
            int best = -1;
            double least = Double.POSITIVE_INFINITY;
            for (int i = 0; i < squared.length; i++) {
                if (isInPool[i]) {
                    double score = score(i, isInPool, Math.max(1, left - bad - 2));
                    if (score < least) {
                        least = score;
                        best = i;
                    }
                }
            }
            requireFinite(least);
            isInPool[best] = false;
            places[pick] = best;
        }
        Arrays.sort(places);
        return places;
    }

    /** Summed from the smallest on, over those of the nearest that are in the pool. */
    private double score(int i, boolean[] isInPool, int count) {
        double sum = 0;
        int taken = 0;
        for (int j : neighbours[i]) {
            if (taken == count) {
                break;
            }
            if (isInPool[j]) {
                sum += squared[i][j];
                taken++;
            }
        }
        return sum;
    }

    private static void requireFinite(double score) {
        if (Double.isInfinite(score)) {
            throw InvalidUpdateException.of("the distances between too many updates leave the range of float64");
        }
    }
}
