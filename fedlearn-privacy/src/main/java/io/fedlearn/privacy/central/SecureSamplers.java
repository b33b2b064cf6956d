package io.fedlearn.privacy.central;

import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;

/** The noise of production: a cryptographic stream and the exact sampler of rounded Gaussian variables. */
final class SecureSamplers implements NoiseSamplers {
    @Override
    public NoiseSource source() {
        return NoiseSource.secure();
    }

    @Override
    public GridSampler gaussian(double standardDeviation) {
        return GridSampler.roundedGaussian(standardDeviation);
    }
}
