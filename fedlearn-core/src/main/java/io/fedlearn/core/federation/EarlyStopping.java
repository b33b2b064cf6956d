package io.fedlearn.core.federation;

/**
 * Ends a run when its goal has not been bettered for a while.
 *
 * @param patience how many evaluated rounds without a gain end the run, at least 1
 * @param minimumGain what counts as a gain, {@code >= 0}
 */
public record EarlyStopping(int patience, double minimumGain) {
    /** Validates the ranges. */
    public EarlyStopping {
        if (patience < 1) {
            throw new IllegalArgumentException("patience must be >= 1, was " + patience);
        }
        if (!(minimumGain >= 0) || Double.isInfinite(minimumGain)) {
            throw new IllegalArgumentException("minimumGain must be >= 0 and finite, was " + minimumGain);
        }
    }
}
