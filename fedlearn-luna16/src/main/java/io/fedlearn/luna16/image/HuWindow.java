package io.fedlearn.luna16.image;

/**
 * The range of Hounsfield units that a network is to see: {@code low} and what is below becomes {@value #LEAST_FEATURE},
 * {@code high} and what is above {@value #GREATEST_FEATURE}, and what is between lies on the line. Around a candidate in a lung
 * the mean and the standard deviation of the window's share are near a quarter each, so features come out near 0 and 1, from
 * which networks without normalisation layers learn many times faster than from shares.
 *
 * @param low in HU
 * @param high in HU, {@code > low}
 */
public record HuWindow(int low, int high) {
    /** What a network sees of the window's low end: {@value}. */
    public static final float LEAST_FEATURE = -1;

    /** What a network sees of the window's high end: {@value}. */
    public static final float GREATEST_FEATURE = 3;

    private static final float FEATURE_SCALE = GREATEST_FEATURE - LEAST_FEATURE;

    /** The usual window for lungs, from air to soft bone: [-1000, 400]. */
    public static final HuWindow LUNG = new HuWindow(-1000, 400);

    /** Validates the range. */
    public HuWindow {
        if (low < Short.MIN_VALUE || high > Short.MAX_VALUE || low >= high) {
            throw new IllegalArgumentException("a window must go up within [" + Short.MIN_VALUE + ", " + Short.MAX_VALUE
                    + "] HU, was " + low + " to " + high);
        }
    }

    /** What a network sees of a value: {@code 4 share(hu) - 1}, in [{@value #LEAST_FEATURE}, {@value #GREATEST_FEATURE}]. */
    public float feature(float hu) {
        return FEATURE_SCALE * share(hu) + LEAST_FEATURE;
    }

    /** How far up the window a value lies, in [0, 1]. */
    public float share(float hu) {
        float share = (hu - low) * (1f / (high - low));
        return Math.min(Math.max(share, 0), 1);
    }

    /** As in run records: {@code -1000..400}. */
    @Override
    public String toString() {
        return low + ".." + high;
    }
}
