package io.fedlearn.luna16.patch;

/**
 * Which neighbours along one axis of a scan make up a value between them, and with which weights: linear interpolation,
 * averaged over a footprint where the patch is coarser than the scan.
 *
 * <p>A neighbour's weight is the mean of the hat function {@code max(0, 1 - |t|)} over the footprint. Over a footprint of
 * width 0 that is linear interpolation, and over any other it keeps what interpolation has: a linear course comes out
 * unchanged, wherever the value lies between the voxels. Neighbours beyond the scan's border are left out, so weights may
 * add up to less than 1; the rest is air's. Confined to one thread at a time.
 */
final class AxisTaps {
    /** Footprints below this width differ from none by less than rounding does. */
    private static final double LEAST_FOOTPRINT = 1e-3;

    private final int size;
    private final double footprint;
    private final float[] weights;
    private int first;
    private int count;

    /**
     * For an axis of so many voxels, {@code step} of which lie between two of the patch.
     *
     * <p>Interpolation blurs by about one voxel of the scan by itself. The footprint is what is missing from there to one
     * voxel of the patch, where widths add up as those of blurs do, by their squares.
     */
    AxisTaps(int size, double step) {
        double missing = Math.sqrt(Math.max(0, step * step - 1));
        this.size = size;
        this.footprint = missing < LEAST_FOOTPRINT ? 0 : missing;
        this.weights = new float[(int) Math.min(size, Math.ceil(footprint) + 2)];
    }

    /** Finds the neighbours of a place, counted in voxels. */
    void place(double center) {
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
    int most() {
        return weights.length;
    }

    /** The first neighbour of the place last looked for. */
    int first() {
        return first;
    }

    /** How many neighbours there are; 0 if the place lies beyond the border. */
    int count() {
        return count;
    }

    /** The weight of a neighbour, counted from the first. */
    float weight(int neighbour) {
        return weights[neighbour];
    }
}
