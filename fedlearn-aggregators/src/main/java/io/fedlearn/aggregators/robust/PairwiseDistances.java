package io.fedlearn.aggregators.robust;

import java.util.Arrays;

/** The squared distances between all pairs of updates. Confined to one thread at a time. */
final class PairwiseDistances {
    /** So many pieces of all updates stay in the cache while every pair is compared. */
    private static final int PIECES_AT_ONCE = 4;

    private final TrainableBlocks blocks = new TrainableBlocks();
    private final double[] sums = new double[TrainableBlocks.PIECE];
    private double[][] squared = {};

    /**
     * The squares {@code ||w_i - w_j||^2} over the trainables, at [i][j]; valid until the next call. Infinite where they
     * leave the range of {@code double}.
     */
    double[][] squared(Cohort cohort) {
        if (squared.length != cohort.size()) {
            squared = new double[cohort.size()][cohort.size()];
        }
        for (double[] row : squared) {
            Arrays.fill(row, 0);
        }
        blocks.forEach(cohort, (pieces, count) -> {
            for (int from = 0; from < count; from += PIECES_AT_ONCE) {
                addTo(squared, pieces, from, Math.min(count, from + PIECES_AT_ONCE));
            }
        });
        for (int i = 0; i < squared.length; i++) {
            for (int j = 0; j < i; j++) {
                squared[j][i] = squared[i][j];
            }
        }
        return squared;
    }

    private void addTo(double[][] target, double[][][] pieces, int from, int to) {
        for (int i = 0; i < target.length; i++) {
            for (int j = 0; j < i; j++) {
                Arrays.fill(sums, 0);
                for (int p = from; p < to; p++) {
                    TrainableBlocks.addSquares(pieces[p][i], pieces[p][j], sums);
                }
                target[i][j] += TrainableBlocks.total(sums);
            }
        }
    }
}
