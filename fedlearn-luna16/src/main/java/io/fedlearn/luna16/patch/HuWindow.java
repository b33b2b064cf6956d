package io.fedlearn.luna16.patch;

/**
 * The range of Hounsfield units that a network is to see: {@code low} and what is below becomes 0, {@code high} and what is
 * above 1, and what is between lies on the line.
 *
 * @param low in HU
 * @param high in HU, {@code > low}
 */
public record HuWindow(int low, int high) {
    /** The usual window for lungs, from air to soft bone: [-1000, 400]. */
    public static final HuWindow LUNG = new HuWindow(-1000, 400);

    /** Validates the range. */
    public HuWindow {
        if (low < Short.MIN_VALUE || high > Short.MAX_VALUE || low >= high) {
            throw new IllegalArgumentException("a window must go up within [" + Short.MIN_VALUE + ", " + Short.MAX_VALUE
                    + "] HU, was " + low + " to " + high);
        }
    }

    /** What a network sees of a value, in [0, 1]. */
    public float apply(float hu) {
        float share = (hu - low) * (1f / (high - low));
        return Math.min(Math.max(share, 0), 1);
    }

    /** As in run records: {@code -1000..400}. */
    @Override
    public String toString() {
        return low + ".." + high;
    }
}
