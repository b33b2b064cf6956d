package io.fedlearn.privacy.internal;

/**
 * Draws whole numbers from a distribution around 0, in units of a grid. Immutable and thread-safe; the source of its bits is the
 * caller's.
 */
public interface GridSampler {
    /** One number. */
    long sample(NoiseSource source);

    /** Fills {@code count} places of an array with independent numbers. */
    default void fill(NoiseSource source, long[] target, int from, int count) {
        for (int i = 0; i < count; i++) {
            target[from + i] = sample(source);
        }
    }
}
