package io.fedlearn.luna16.dataset;

import io.fedlearn.luna16.image.Point;

/**
 * A place in a scan that may be a nodule.
 *
 * @param center in millimetres of the patient
 * @param isNodule whether it is one; several candidates may be the same nodule
 */
public record Candidate(Point center, boolean isNodule) {}
