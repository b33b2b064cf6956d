package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.image.Point;

/**
 * Something that radiologists saw and that is no nodule of the challenge: a mark on it is neither right nor wrong.
 *
 * @param center in millimetres of the patient
 * @param diameterMillimetres {@code >= 0}; {@value #UNMEASURED_MILLIMETRES} where the list says -1, as it does of findings
 *     that nobody measured
 */
public record ExcludedFinding(Point center, double diameterMillimetres) {
    /** The diameter of a finding that was not measured: {@value}. */
    public static final double UNMEASURED_MILLIMETRES = 10;

    /** Validates the diameter. */
    public ExcludedFinding {
        if (!(diameterMillimetres >= 0 && Double.isFinite(diameterMillimetres))) {
            throw new IllegalArgumentException(
                    "diameterMillimetres must be >= 0 and finite, was " + diameterMillimetres);
        }
    }

    /** A finding as the list has it, where a negative diameter says that there is none. */
    static ExcludedFinding listed(Point center, double diameterMillimetres) {
        return new ExcludedFinding(center, diameterMillimetres < 0 ? UNMEASURED_MILLIMETRES : diameterMillimetres);
    }
}
