package io.fedlearn.luna16.image;

import java.util.Objects;

/**
 * Where the voxels of an image lie in the patient, in millimetres of the LPS system (x to the patient's left, y to the back, z to the head).
 *
 * <p>Voxel {@code i = (i_x, i_y, i_z)} has its centre at
 * <pre>
 *   world = origin + i_x spacing_x xAxis + i_y spacing_y yAxis + i_z spacing_z zAxis
 * </pre>
 * where the axes are the rows of a MetaImage's {@code TransformMatrix}, that is, the columns of ITK's direction. Any matrix
 * that has an inverse will do: flipped, oblique. Immutable.
 */
public final class ImageGeometry {
    private static final double LEAST_DETERMINANT = 1e-6;

    private final GridSize size;
    private final Point spacing;
    private final Point origin;
    private final Point xAxis;
    private final Point yAxis;
    private final Point zAxis;
    /** The inverse of the matrix whose columns are the axes, row after row. */
    private final double[] inverse;

    private ImageGeometry(GridSize size, Point spacing, Point origin, Point xAxis, Point yAxis, Point zAxis) {
        this.size = size;
        this.spacing = spacing;
        this.origin = origin;
        this.xAxis = xAxis;
        this.yAxis = yAxis;
        this.zAxis = zAxis;
        this.inverse = invert(xAxis, yAxis, zAxis);
    }

    /**
     * A geometry whose axes are those of the patient.
     *
     * @param spacing between the centres of neighbours, in millimetres, {@code > 0}
     * @param origin the centre of voxel (0, 0, 0)
     */
    public static ImageGeometry of(GridSize size, Point spacing, Point origin) {
        return of(size, spacing, origin, new Point(1, 0, 0), new Point(0, 1, 0), new Point(0, 0, 1));
    }

    /**
     * A geometry with axes of its own.
     *
     * @param spacing between the centres of neighbours, in millimetres, {@code > 0}
     * @param origin the centre of voxel (0, 0, 0)
     * @param xAxis the direction of rising x
     * @param yAxis the direction of rising y
     * @param zAxis the direction of rising z
     * @throws IllegalArgumentException if a spacing is not positive or the axes lie in one plane
     */
    public static ImageGeometry of(GridSize size, Point spacing, Point origin, Point xAxis, Point yAxis, Point zAxis) {
        if (!(spacing.x() > 0 && spacing.y() > 0 && spacing.z() > 0)) {
            throw new IllegalArgumentException("spacing must be > 0, was " + spacing);
        }
        return new ImageGeometry(size, spacing, origin, xAxis, yAxis, zAxis);
    }

    private static double[] invert(Point a, Point b, Point c) {
        double[] cofactors = {
            b.y() * c.z() - c.y() * b.z(), c.x() * b.z() - b.x() * c.z(), b.x() * c.y() - c.x() * b.y(),
            c.y() * a.z() - a.y() * c.z(), a.x() * c.z() - c.x() * a.z(), c.x() * a.y() - a.x() * c.y(),
            a.y() * b.z() - b.y() * a.z(), b.x() * a.z() - a.x() * b.z(), a.x() * b.y() - b.x() * a.y()
        };
        double determinant = a.x() * cofactors[0] + a.y() * cofactors[1] + a.z() * cofactors[2];
        if (!(Math.abs(determinant) >= LEAST_DETERMINANT)) {
            throw new IllegalArgumentException("axes must not lie in one plane, were " + a + ", " + b + ", " + c);
        }
        for (int i = 0; i < cofactors.length; i++) {
            cofactors[i] /= determinant;
        }
        return cofactors;
    }

    /** Where the centre of a voxel, or a place between voxels, lies in the patient. */
    public Point toWorld(double x, double y, double z) {
        double u = x * spacing.x();
        double v = y * spacing.y();
        double w = z * spacing.z();
        return new Point(
                origin.x() + u * xAxis.x() + v * yAxis.x() + w * zAxis.x(),
                origin.y() + u * xAxis.y() + v * yAxis.y() + w * zAxis.y(),
                origin.z() + u * xAxis.z() + v * yAxis.z() + w * zAxis.z());
    }

    /** Between which voxels a place in the patient lies; beyond the volume, too, without a limit. */
    public Point toIndex(Point world) {
        double x = world.x() - origin.x();
        double y = world.y() - origin.y();
        double z = world.z() - origin.z();
        return new Point(
                (inverse[0] * x + inverse[1] * y + inverse[2] * z) / spacing.x(),
                (inverse[3] * x + inverse[4] * y + inverse[5] * z) / spacing.y(),
                (inverse[6] * x + inverse[7] * y + inverse[8] * z) / spacing.z());
    }

    /** Whether a place in the patient is nearer to some voxel of the volume than half a voxel. */
    public boolean contains(Point world) {
        Point index = toIndex(world);
        return index.x() >= -0.5
                && index.y() >= -0.5
                && index.z() >= -0.5
                && index.x() <= size.x() - 0.5
                && index.y() <= size.y() - 0.5
                && index.z() <= size.z() - 0.5;
    }

    /** How many voxels there are. */
    public GridSize size() {
        return size;
    }

    /** Between the centres of neighbours, in millimetres. */
    public Point spacing() {
        return spacing;
    }

    /** The centre of voxel (0, 0, 0), in millimetres. */
    public Point origin() {
        return origin;
    }

    /** The direction of rising x. */
    public Point xAxis() {
        return xAxis;
    }

    /** The direction of rising y. */
    public Point yAxis() {
        return yAxis;
    }

    /** The direction of rising z. */
    public Point zAxis() {
        return zAxis;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ImageGeometry that
                && size.equals(that.size)
                && spacing.equals(that.spacing)
                && origin.equals(that.origin)
                && xAxis.equals(that.xAxis)
                && yAxis.equals(that.yAxis)
                && zAxis.equals(that.zAxis);
    }

    @Override
    public int hashCode() {
        return Objects.hash(size, spacing, origin, xAxis, yAxis, zAxis);
    }

    @Override
    public String toString() {
        return size + " voxels of " + spacing + " mm from " + origin + " along " + xAxis + ", " + yAxis + ", " + zAxis;
    }
}
