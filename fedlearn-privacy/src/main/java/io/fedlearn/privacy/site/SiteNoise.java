package io.fedlearn.privacy.site;

import io.fedlearn.privacy.internal.GridSampler;

/** Noise of at least the standard deviation, or scale, that is accounted for. */
final class SiteNoise {
    private SiteNoise() {}

    /** Gaussian noise for a sum in grid units that one unit moves by at most so much in the L2 norm. */
    static GridSampler gaussian(double noiseMultiplier, double sensitivity) {
        return GridSampler.roundedGaussian(scale(noiseMultiplier, sensitivity));
    }

    /** Laplace noise for a sum in grid units that one unit moves by at most so much in the L1 norm. */
    static GridSampler laplace(double noiseMultiplier, double sensitivity) {
        return GridSampler.roundedLaplace(scale(noiseMultiplier, sensitivity));
    }

    /** Rounded up, so that nothing is taken from what is accounted for. */
    private static double scale(double noiseMultiplier, double sensitivity) {
        double scale = Math.nextUp(noiseMultiplier * sensitivity);
        if (!(scale >= GridSampler.MIN_SCALE && scale <= GridSampler.MAX_SCALE)) {
            throw new IllegalArgumentException("noiseMultiplier must be in ["
                    + GridSampler.MIN_SCALE / sensitivity + ", " + GridSampler.MAX_SCALE / sensitivity + "], was "
                    + noiseMultiplier);
        }
        return scale;
    }
}
