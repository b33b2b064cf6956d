package io.fedlearn.luna16.resample;

import java.util.Arrays;

/**
 * The neighbours of equally spaced places along one axis of a scan, and blending by them. For what cuts values out of scans.
 * Immutable.
 */
public final class AxisLine {
    private static final int TWO = 2;
    private static final int THREE = 3;
    private static final int FOUR = 4;

    private final int length;
    private final int most;
    /** Each place has {@code most} neighbours from its first on; those that do not matter have no weight. */
    private final int[] firsts;

    private final int[] counts;
    private final float[] weights;
    private final int low;
    private final int high;

    private AxisLine(AxisTaps taps, double middle, double step, int length) {
        this.length = length;
        this.most = taps.most();
        this.firsts = new int[length];
        this.counts = new int[length];
        this.weights = new float[length * most];
        int least = Integer.MAX_VALUE;
        int greatest = 0;
        for (int i = 0; i < length; i++) {
            taps.place(middle + step * (i - (length - 1) / 2.0));
            counts[i] = taps.count();
            // So near the end that there are not as many behind it, what has no weight lies before it.
            int shift = Math.max(0, taps.first() + most - taps.size());
            firsts[i] = taps.first() - shift;
            for (int t = 0; t < counts[i]; t++) {
                weights[i * most + shift + t] = taps.weight(t);
            }
            if (counts[i] > 0) {
                least = Math.min(least, firsts[i]);
                greatest = Math.max(greatest, firsts[i] + most);
            }
        }
        this.low = Math.min(least, greatest);
        this.high = greatest;
    }

    /**
     * So many places, {@code step} voxels of the scan apart, around a middle that is counted in voxels. A negative step leads
     * against the scan's axis.
     */
    public static AxisLine of(AxisTaps taps, double middle, double step, int length) {
        return new AxisLine(taps, middle, step, length);
    }

    /** How many places there are. */
    public int length() {
        return length;
    }

    /** The first of the scan's voxels that any place needs. */
    public int low() {
        return low;
    }

    /** How many voxels from the first on the places need; 0 if all lie beyond the scan. */
    public int range() {
        return high - low;
    }

    /** How many neighbours a place has, those without weight counted. */
    int most() {
        return most;
    }

    /** Whether a place has any neighbour; others lie beyond the scan. */
    boolean isInside(int place) {
        return counts[place] > 0;
    }

    /** The first neighbour of a place. */
    int first(int place) {
        return firsts[place];
    }

    /** The weight of a neighbour, counted from the first. */
    float weight(int place, int neighbour) {
        return weights[place * most + neighbour];
    }

    /**
     * Blends neighbours within a row of the scan, one value for each place.
     *
     * @param row from voxel {@link #low()} on
     * @param at where in {@code target} the first value goes
     */
    public void blend(float[] row, float[] target, int at) {
        if (range() == 0) {
            Arrays.fill(target, at, at + length, 0);
            return;
        }
        switch (most) {
            case TWO -> blendTwo(row, target, at);
            case THREE -> blendThree(row, target, at);
            case FOUR -> blendFour(row, target, at);
            default -> blendMany(row, target, at);
        }
    }

    // Written out, as loops over so few neighbours cost more than what they do.

    private void blendTwo(float[] row, float[] target, int at) {
        for (int i = 0; i < length; i++) {
            int from = place(i);
            int w = TWO * i;
            target[at + i] = weights[w] * row[from] + weights[w + 1] * row[from + 1];
        }
    }

    private void blendThree(float[] row, float[] target, int at) {
        for (int i = 0; i < length; i++) {
            int from = place(i);
            int w = THREE * i;
            target[at + i] = weights[w] * row[from] + weights[w + 1] * row[from + 1] + weights[w + 2] * row[from + 2];
        }
    }

    private void blendFour(float[] row, float[] target, int at) {
        for (int i = 0; i < length; i++) {
            int from = place(i);
            int w = FOUR * i;
            target[at + i] = weights[w] * row[from]
                    + weights[w + 1] * row[from + 1]
                    + weights[w + 2] * row[from + 2]
                    + weights[w + 3] * row[from + 3];
        }
    }

    private void blendMany(float[] row, float[] target, int at) {
        for (int i = 0; i < length; i++) {
            float sum = 0;
            int from = place(i);
            for (int t = 0; t < most; t++) {
                sum += weights[i * most + t] * row[from + t];
            }
            target[at + i] = sum;
        }
    }

    /** Where in a row from {@link #low()} on the neighbours begin; anywhere, if none has a weight. */
    private int place(int i) {
        return counts[i] == 0 ? 0 : firsts[i] - low;
    }

    /**
     * Blends neighbouring rows, or slices, of so many values each.
     *
     * @param rows from {@link #low()} on
     * @param at where in {@code target} the first blend goes; the others follow
     */
    public void blendRows(float[] rows, int rowLength, float[] target, int at) {
        for (int i = 0; i < length; i++) {
            int to = at + i * rowLength;
            Arrays.fill(target, to, to + rowLength, 0);
            for (int t = 0; t < most && counts[i] > 0; t++) {
                float weight = weights[i * most + t];
                if (weight != 0) {
                    addScaled(rows, (firsts[i] - low + t) * rowLength, weight, target, to, rowLength);
                }
            }
        }
    }

    /** Adds a row, times a weight, to another. */
    static void addScaled(float[] source, int from, float weight, float[] target, int to, int count) {
        for (int i = 0; i < count; i++) {
            target[to + i] += weight * source[from + i];
        }
    }
}
