package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.image.Point;

/**
 * A nodule that radiologists agreed on.
 *
 * @param center in millimetres of the patient
 * @param diameterMillimetres {@code > 0}
 */
public record Nodule(Point center, double diameterMillimetres) {
    /** Validates the diameter. */
    public Nodule {
        if (!(diameterMillimetres > 0 && Double.isFinite(diameterMillimetres))) {
            throw new IllegalArgumentException(
                    "diameterMillimetres must be > 0 and finite, was " + diameterMillimetres);
        }
    }
}
