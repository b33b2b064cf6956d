package io.fedlearn.privacy.accounting;

/**
 * By how much one unit moves all nodes of a binary tree together.
 *
 * <p>A node over {@code 2^j} steps is released when all of them are done, with noise of its own, and moves by as much as one step's
 * sensitivity for each of the unit's steps in it. In each level at most {@code 1 + (2^j - 1) / minSeparation} of them lie in one node,
 * and the squares add up to most when as many as can be lie together. The sum over the levels is thus no less than the squared
 * sensitivity; which steps a unit takes part in must not depend on its data.
 */
final class Tree {
    private Tree() {}

    /** The squared L2 sensitivity, in units of one step's. */
    static double squaredSensitivity(PrivacyEvent.TreeAggregation tree) {
        long participations = Math.min(tree.maxParticipations(), 1 + (tree.steps() - 1) / tree.minSeparation());
        double sum = 0;
        for (int level = 0; level < 63 && 1L << level <= tree.steps(); level++) {
            long size = 1L << level;
            long together = Math.min(participations, 1 + (size - 1) / tree.minSeparation());
            long full = Math.min(participations / together, tree.steps() / size);
            long rest = full < tree.steps() / size ? participations % together : 0;
            sum = Upward.add(sum, (double) full * together * together + (double) rest * rest);
        }
        return sum;
    }
}
