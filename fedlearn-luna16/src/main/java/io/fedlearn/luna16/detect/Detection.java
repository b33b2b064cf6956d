package io.fedlearn.luna16.detect;

import io.fedlearn.luna16.image.Point;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * A place in a CT that may be a nodule.
 *
 * @param center in millimetres of the patient
 * @param probability that it is one, as the network says, in [0, 1]
 * @param diameterMillimetres about how wide it is, {@code > 0}; empty where nothing denser than lung with lung around it is
 *     seen
 * @param candidates how many candidates were merged into it, at least 1
 */
public record Detection(Point center, double probability, OptionalDouble diameterMillimetres, int candidates) {
    /** Validates the numbers. */
    public Detection {
        Objects.requireNonNull(center, "center");
        if (!(probability >= 0 && probability <= 1)) {
            throw new IllegalArgumentException("probability must be in [0, 1], was " + probability);
        }
        if (diameterMillimetres.isPresent()
                && !(diameterMillimetres.getAsDouble() > 0 && Double.isFinite(diameterMillimetres.getAsDouble()))) {
            throw new IllegalArgumentException(
                    "diameterMillimetres must be > 0 and finite, was " + diameterMillimetres.getAsDouble());
        }
        if (candidates < 1) {
            throw new IllegalArgumentException("candidates must be >= 1, were " + candidates);
        }
    }
}
