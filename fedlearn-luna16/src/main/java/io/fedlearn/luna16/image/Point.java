package io.fedlearn.luna16.image;

/**
 * Three numbers along the axes x, y and z: a place in the patient or a length in millimetres, or a place between voxels.
 *
 * @param x finite
 * @param y finite
 * @param z finite
 */
public record Point(double x, double y, double z) {
    /** Validates the numbers. */
    public Point {
        if (!Double.isFinite(x) || !Double.isFinite(y) || !Double.isFinite(z)) {
            throw new IllegalArgumentException("a point must be finite, was " + x + ", " + y + ", " + z);
        }
    }

    /** How far another point is, in the unit of both. */
    public double distance(Point other) {
        double dx = x - other.x;
        double dy = y - other.y;
        double dz = z - other.z;
        return Math.sqrt(dx * dx + dy * dy + dz * dz);
    }

    @Override
    public String toString() {
        return "(" + x + ", " + y + ", " + z + ")";
    }
}
