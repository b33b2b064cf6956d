package io.fedlearn.examples.protection;

/**
 * What a private run promises.
 *
 * @param unit whom it protects
 * @param epsilon of the whole run
 * @param privacyDelta of the whole run
 * @param clippingNorm of one unit's contribution
 */
public record PrivacyTarget(PrivacyUnit unit, double epsilon, double privacyDelta, double clippingNorm) {
    /** Validates the ranges. */
    public PrivacyTarget {
        if (!(epsilon > 0) || Double.isInfinite(epsilon)) {
            throw new IllegalArgumentException("epsilon must be > 0 and finite, was " + epsilon);
        }
        if (!(privacyDelta > 0 && privacyDelta < 1)) {
            throw new IllegalArgumentException("delta must be in (0, 1), was " + privacyDelta);
        }
        if (!(clippingNorm > 0) || Double.isInfinite(clippingNorm)) {
            throw new IllegalArgumentException("clip must be > 0 and finite, was " + clippingNorm);
        }
    }

    /** The guarantee in numbers. */
    public String guarantee() {
        return "epsilon " + epsilon + " at delta " + privacyDelta;
    }
}
