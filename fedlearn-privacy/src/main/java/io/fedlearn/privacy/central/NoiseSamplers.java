package io.fedlearn.privacy.central;

import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;

/** Where noise comes from: in production from one place, in tests from where they want it. Immutable and thread-safe. */
interface NoiseSamplers {
    /** A source of bits for one round. */
    NoiseSource source();

    /**
     * Whole numbers that are a Gaussian variable, rounded.
     *
     * @param standardDeviation in steps of the grid
     */
    GridSampler gaussian(double standardDeviation);
}
