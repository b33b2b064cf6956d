package io.fedlearn.luna16.lung;

import io.fedlearn.luna16.image.Point;

/**
 * A box along the patient's axes, in millimetres.
 *
 * @param low the corner with the least x, y and z
 * @param high the corner with the greatest, none less than that of {@code low}
 */
public record PatientBox(Point low, Point high) {
    /** Validates the corners. */
    public PatientBox {
        if (!(low.x() <= high.x() && low.y() <= high.y() && low.z() <= high.z())) {
            throw new IllegalArgumentException("a box must go up from low to high, was " + low + " to " + high);
        }
    }

    /** Whether a place lies in the box or on its border. */
    public boolean contains(Point place) {
        return place.x() >= low.x()
                && place.x() <= high.x()
                && place.y() >= low.y()
                && place.y() <= high.y()
                && place.z() >= low.z()
                && place.z() <= high.z();
    }

    /** The smallest box that has both in it. */
    PatientBox with(PatientBox other) {
        return new PatientBox(
                new Point(
                        Math.min(low.x(), other.low.x()),
                        Math.min(low.y(), other.low.y()),
                        Math.min(low.z(), other.low.z())),
                new Point(
                        Math.max(high.x(), other.high.x()),
                        Math.max(high.y(), other.high.y()),
                        Math.max(high.z(), other.high.z())));
    }
}
