package io.fedlearn.privacy.internal;

/**
 * Draws whole numbers from a distribution around 0, in units of a grid. Immutable and thread-safe; the source of its bits is the
 * caller's.
 *
 * <p>The samplers made here are exact: no number is more or less likely than the formula says by as much as a bit, given
 * independent uniform bits. {@link StripSampler} has the argument.
 */
public interface GridSampler {
    /** The least standard deviation or scale that is supported. */
    double MIN_SCALE = 0x1p-10;

    /** The greatest standard deviation or scale that is supported. */
    double MAX_SCALE = 0x1p50;

    /**
     * {@code floor(Z)} of a continuous {@code Z ~ N(0, sigma^2)}. With a whole number {@code m} from the data,
     * {@code m + floor(Z) = floor(m + Z)}: what is released is a function of the continuous mechanism's release and of nothing
     * else, so that whatever is proven of that holds of this, in any dimension and under any composition and sampling. The mean
     * is -1/2.
     *
     * @param sigma in grid units, in [{@link #MIN_SCALE}, {@link #MAX_SCALE}]
     */
    static GridSampler roundedGaussian(double sigma) {
        return StripSampler.of(StripSampler.Curve.GAUSSIAN, false, sigma);
    }

    /**
     * {@code floor(Z)} of a continuous Laplace variable, {@code P(|Z| > z) = exp(-z / scale)}; see {@link #roundedGaussian}.
     *
     * @param scale in grid units, in [{@link #MIN_SCALE}, {@link #MAX_SCALE}]
     */
    static GridSampler roundedLaplace(double scale) {
        return StripSampler.of(StripSampler.Curve.LAPLACE, false, scale);
    }

    /**
     * The discrete Gaussian, {@code P(n)} proportional to {@code exp(-n^2 / (2 sigma^2))}.
     *
     * @param sigma in [{@link #MIN_SCALE}, {@link #MAX_SCALE}]
     */
    static GridSampler discreteGaussian(double sigma) {
        return StripSampler.of(StripSampler.Curve.GAUSSIAN, true, sigma);
    }

    /**
     * The discrete Laplace, {@code P(n)} proportional to {@code exp(-|n| / scale)}.
     *
     * @param scale in [{@link #MIN_SCALE}, {@link #MAX_SCALE}]
     */
    static GridSampler discreteLaplace(double scale) {
        return StripSampler.of(StripSampler.Curve.LAPLACE, true, scale);
    }

    /** One number. */
    long sample(NoiseSource source);

    /** Fills {@code count} places of an array with independent numbers. */
    default void fill(NoiseSource source, long[] target, int from, int count) {
        for (int i = 0; i < count; i++) {
            target[from + i] = sample(source);
        }
    }
}
