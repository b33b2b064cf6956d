package io.fedlearn.privacy.central;

import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Noise of running sums by a binary tree: every node, a sum over a power of two of consecutive rounds, has noise of its own, and a
 * running sum is put together from the nodes that lie wholly in it. A round gets the noise by which the running sum's grows. After
 * a given number of rounds a new tree starts where the last one ended.
 *
 * <p>A node's sum is known twice, from the node and from its two children, and the two are combined by the inverse of their
 * variances (Honaker, "Efficient Use of Differentially Private Binary Trees", 2015, from the bottom up): with the noise
 * {@code x} of the node and the combined noise {@code c} of both children, what is left is
 * <pre>
 *   c + rint(a (x - c)),   a = 2^l / (2^(l+1) - 1) on level l, counted from 0 at the leaves
 * </pre>
 * of variance {@code a} times that of one node. The true sum is the same in both and cancels in {@code x - c}, so what is released
 * is a function of the noisy nodes alone, to the last bit.
 *
 * <p>Keeps one {@code double} per parameter and level, in memory only: noise is never stored. Confined to one thread at a time.
 */
final class TreeNoise implements NoiseRule {
    private static final int BLOCK = 1024;

    private final int steps;
    private final List<List<double[]>> levels = new ArrayList<>();
    private final long[] noise = new long[BLOCK];
    private final double[] node = new double[BLOCK];
    private int leaves;

    /**
     * No tree yet.
     *
     * @param steps how many rounds a tree has, at least 1
     */
    TreeNoise(int steps) {
        this.steps = steps;
    }

    /** A tree is paid for as a whole, before its first round. */
    @Override
    public boolean isCharged() {
        return leaves == 0 || leaves == steps;
    }

    @Override
    public void addTo(ClippedSum sum, GridSampler sampler, NoiseSource source) {
        if (leaves == steps) {
            leaves = 0;
        }
        // The leaf completes as many nodes above it as there are ones at the end of the number of leaves before.
        int completed = Integer.numberOfTrailingZeros(~leaves);
        while (levels.size() <= completed) {
            levels.add(sum.values().stream()
                    .map(values -> new double[values.length])
                    .toList());
        }
        for (int t = 0; t < sum.values().size(); t++) {
            double[] values = sum.values().get(t);
            int length = sum.isSummed(t) ? values.length : 0;
            for (int from = 0; from < length; from += BLOCK) {
                int count = Math.min(BLOCK, length - from);
                addBlock(values, t, from, count, completed, sampler, source);
            }
        }
        Arrays.fill(noise, 0);
        Arrays.fill(node, 0);
        leaves++;
    }

    private void addBlock(
            double[] values, int tensor, int from, int count, int completed, GridSampler sampler, NoiseSource source) {
        sampler.fill(source, noise, 0, count);
        for (int i = 0; i < count; i++) {
            node[i] = noise[i];
        }
        for (int level = 0; level < completed; level++) {
            double[] left = levels.get(level).get(tensor);
            double nodes = Math.scalb(1.0, level + 1);
            double share = nodes / (2 * nodes - 1);
            sampler.fill(source, noise, 0, count);
            for (int i = 0; i < count; i++) {
                double children = left[from + i] + node[i];
                // The node on the left made up the running sum so far; the one above it takes its place.
                values[from + i] -= left[from + i];
                left[from + i] = 0;
                node[i] = children + Math.rint(share * (noise[i] - children));
            }
        }
        double[] kept = levels.get(completed).get(tensor);
        for (int i = 0; i < count; i++) {
            kept[from + i] = node[i];
            values[from + i] += node[i];
        }
    }

    @Override
    public void forget() {
        leaves = 0;
        levels.clear();
    }
}
