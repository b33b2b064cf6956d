package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.image.Point;

/**
 * A place in a scan that a system calls a nodule.
 *
 * @param center in millimetres of the patient
 * @param probability how sure the system is, finite; only the order of probabilities counts, so any score will do
 */
public record Mark(Point center, double probability) {
    /** Validates the probability. */
    public Mark {
        if (!Double.isFinite(probability)) {
            throw new IllegalArgumentException("probability must be finite, was " + probability);
        }
    }
}
