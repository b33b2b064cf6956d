package io.fedlearn.privacy.site;

import io.fedlearn.privacy.internal.GridSampler;

/** Noise of at least the standard deviation, or scale, that is accounted for. */
final class SiteNoise {
    private SiteNoise() {}

    /** Gaussian noise for a sum in grid units that one unit moves by at most so much in the L2 norm. */
    static GridSampler gaussian(double noiseMultiplier, double sensitivity) {
        // Up, so that rounding never takes from what is accounted for.
        return GridSampler.roundedGaussian(Math.nextUp(noiseMultiplier * sensitivity));
    }
}
