package io.fedlearn.core.budget;

/**
 * How much privacy has been spent so far: an upper bound.
 *
 * @param epsilon the privacy loss, {@code >= 0}
 * @param privacyDelta the probability with which the loss may be larger, in [0, 1)
 */
public record PrivacySpent(double epsilon, double privacyDelta) {
    /** Validates the ranges. */
    public PrivacySpent {
        if (!(epsilon >= 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be >= 0 and finite, was " + epsilon);
        }
        if (!(privacyDelta >= 0 && privacyDelta < 1)) {
            throw new IllegalArgumentException("privacyDelta must be in [0, 1), was " + privacyDelta);
        }
    }
}
