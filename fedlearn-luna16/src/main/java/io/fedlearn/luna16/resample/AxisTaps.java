package io.fedlearn.luna16.resample;

/**
 * Which neighbours along one axis of a scan make up a value between them, and with which weights: linear interpolation,
 * averaged over a footprint where what is asked for is coarser than the scan. For what cuts values out of scans.
 *
 * <p>A neighbour's weight is the mean of the hat function {@code max(0, 1 - |t|)} over the footprint. Over a footprint of
 * width 0 that is linear interpolation, and over any other it keeps what interpolation has: a linear course comes out
 * unchanged, wherever the value lies between the voxels. Neighbours beyond the scan's border are left out, so weights may
 * add up to less than 1; the rest is air's. Confined to one thread at a time.
 */
public final class AxisTaps {
    /** Footprints below this width differ from none by less than rounding does. */
    private static final double LEAST_FOOTPRINT = 1e-3;

    private final int size;
    private final double footprint;
    private final float[] weights;
    private int first;
    private int count;

    private AxisTaps(int size, double footprint) {
        this.size = size;
        this.footprint = footprint;
        this.weights = new float[(int) Math.min(size, Math.ceil(footprint) + 2)];
    }

    /**
     * For an axis of so many voxels, {@code step} of which lie between two values.
     *
     * <p>Interpolation blurs by about one voxel of the scan by itself. The footprint is what is missing from there to
     * {@code step} voxels, where widths add up as those of blurs do, by their squares: {@code sqrt(step^2 - 1)}.
     */
    public static AxisTaps averaging(int size, double step) {
        double missing = Math.sqrt(Math.max(0, step * step - 1));
        return new AxisTaps(size, missing < LEAST_FOOTPRINT ? 0 : missing);
    }

    /** Linear interpolation between two neighbours, for an axis of so many voxels. */
    public static AxisTaps interpolating(int size) {
        return new AxisTaps(size, 0);
    }

    /** How many voxels the axis has. */
    int size() {
        return size;
    }

    /** Whether values are averages of more than two neighbours. */
    boolean isAveraging() {
        return footprint > 0;
    }

    /** Finds the neighbours of a place, counted in voxels. */
    public void place(double center) {
        double reach = 1 + footprint / 2;
        double from = Math.max(0, Math.floor(center - reach) + 1);
        double to = Math.min(size - 1, Math.ceil(center + reach) - 1);
        if (!(from <= to)) {
            first = 0;
            count = 0;
            return;
        }
        first = (int) from;
        count = (int) to - first + 1;
        for (int i = 0; i < count; i++) {
            double distance = center - (first + i);
            weights[i] = (float)
                    (footprint == 0
                            ? 1 - Math.abs(distance)
                            : (hatIntegral(distance + footprint / 2) - hatIntegral(distance - footprint / 2))
                                    / footprint);
        }
    }

    private static double hatIntegral(double t) {
        if (t <= -1) {
            return 0;
        }
        if (t >= 1) {
            return 1;
        }
        return t < 0 ? (1 + t) * (1 + t) / 2 : 1 - (1 - t) * (1 - t) / 2;
    }

    /** The most neighbours that a place may have. */
    public int most() {
        return weights.length;
    }

    /** The first neighbour of the place last looked for. */
    public int first() {
        return first;
    }

    /** How many neighbours there are; 0 if the place lies beyond the border. */
    public int count() {
        return count;
    }

    /** The weight of a neighbour, counted from the first. */
    public float weight(int neighbour) {
        return weights[neighbour];
    }
}
