package io.fedlearn.privacy.central;

import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.privacy.internal.SeededNoise;
import java.util.ArrayList;
import java.util.List;

/** Noise of a strength that a test chooses and of a fixed seed, which remembers what it was asked for. */
final class KnownNoise implements NoiseSamplers {
    private final double strength;
    private final List<Double> deviations = new ArrayList<>();
    private final NoiseSource source = SeededNoise.of(20);

    private KnownNoise(double strength) {
        this.strength = strength;
    }

    /** No noise at all. */
    static KnownNoise none() {
        return new KnownNoise(0);
    }

    /** So many times the noise that there should be. */
    static KnownNoise times(double strength) {
        return new KnownNoise(strength);
    }

    /** The standard deviations asked for, in order. */
    List<Double> deviations() {
        return deviations;
    }

    @Override
    public NoiseSource source() {
        return source;
    }

    @Override
    public GridSampler gaussian(double standardDeviation) {
        deviations.add(standardDeviation);
        return strength == 0 ? source -> 0 : GridSampler.roundedGaussian(strength * standardDeviation);
    }
}
