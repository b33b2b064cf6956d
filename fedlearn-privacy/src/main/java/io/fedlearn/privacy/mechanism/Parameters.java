package io.fedlearn.privacy.mechanism;

import io.fedlearn.privacy.accounting.NeighboringRelation;
import java.util.Optional;
import java.util.OptionalDouble;

/** What builders ask of their settings. */
final class Parameters {
    /** Sensitivities, scales and thresholds whose grid is far from a {@code double}'s limits. */
    private static final double LARGEST = 0x1p500;

    private Parameters() {}

    static double positive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be > 0 and finite, was " + value);
        }
        return value;
    }

    /** Positive, and such that a grid can be laid beside it. */
    static double magnitude(String name, double value) {
        if (!(value >= 1 / LARGEST && value <= LARGEST)) {
            throw new IllegalArgumentException(
                    name + " must be > 0 and finite, between 2^-500 and 2^500, was " + value);
        }
        return value;
    }

    static double privacyDelta(double value) {
        if (!(value > 0 && value < 1)) {
            throw new IllegalArgumentException("privacyDelta must be in (0, 1), was " + value);
        }
        return value;
    }

    static double required(String name, OptionalDouble value) {
        return value.orElseThrow(() -> new IllegalArgumentException(name + " must be set"));
    }

    static NeighboringRelation required(Optional<NeighboringRelation> relation) {
        return relation.orElseThrow(() -> new IllegalArgumentException("relation must be set"));
    }

    /** A double that is at least {@code value} was before it was rounded. */
    static double up(double value) {
        return Math.nextUp(value);
    }
}
