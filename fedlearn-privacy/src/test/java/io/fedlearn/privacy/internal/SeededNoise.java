package io.fedlearn.privacy.internal;

import io.fedlearn.core.random.SeededRandom;

/** A source that repeats itself, for tests. */
public final class SeededNoise extends NoiseSource {
    private final SeededRandom random;

    private SeededNoise(long seed) {
        random = SeededRandom.of(seed);
    }

    /** The source of this seed. */
    public static NoiseSource of(long seed) {
        return new SeededNoise(seed);
    }

    @Override
    public long nextLong() {
        return random.nextLong();
    }
}
