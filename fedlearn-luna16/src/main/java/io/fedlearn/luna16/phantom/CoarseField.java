package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.Point;

/**
 * A smooth quantity in space, known at the nodes of a coarse lattice and interpolated linearly between them: what is
 * costly to compute is computed there, not once for each voxel. Beyond the lattice the nearest values go on. Immutable.
 */
final class CoarseField {
    private final int nx;
    private final int ny;
    private final int nz;
    private final Point origin;
    private final Point step;
    private final float[] values;

    /** Takes over the values, x fastest. */
    CoarseField(int nx, int ny, int nz, Point origin, Point step, float[] values) {
        if (nx < 2 || ny < 2 || nz < 2 || values.length != nx * ny * nz) {
            throw new IllegalArgumentException("a field needs at least 2 nodes along each axis and a value for each,"
                    + " had " + nx + ", " + ny + ", " + nz + " and " + values.length);
        }
        this.nx = nx;
        this.ny = ny;
        this.nz = nz;
        this.origin = origin;
        this.step = step;
        this.values = values;
    }

    /** A quantity at a place. */
    @FunctionalInterface
    interface Quantity {
        double at(double x, double y, double z);
    }

    /** Samples a quantity from the origin to this extent. */
    static CoarseField sample(Point extent, double step, Quantity quantity) {
        int nx = nodes(extent.x(), step);
        int ny = nodes(extent.y(), step);
        int nz = nodes(extent.z(), step);
        float[] values = new float[nx * ny * nz];
        int i = 0;
        for (int z = 0; z < nz; z++) {
            for (int y = 0; y < ny; y++) {
                for (int x = 0; x < nx; x++) {
                    values[i++] = (float) quantity.at(x * step, y * step, z * step);
                }
            }
        }
        return new CoarseField(nx, ny, nz, new Point(0, 0, 0), new Point(step, step, step), values);
    }

    /** Random hills and valleys about this wide, with mean 0 and, at the nodes, standard deviation 1. */
    static CoarseField noise(Point extent, double width, Draw draw) {
        return sample(extent, width, (x, y, z) -> draw.gaussian());
    }

    private static int nodes(double extent, double step) {
        return Math.max(2, (int) Math.ceil(extent / step) + 1);
    }

    double at(Point point) {
        return at(point.x(), point.y(), point.z());
    }

    double at(double x, double y, double z) {
        double fx = place(x, origin.x(), step.x(), nx);
        double fy = place(y, origin.y(), step.y(), ny);
        double fz = place(z, origin.z(), step.z(), nz);
        int ix = Math.min((int) fx, nx - 2);
        int iy = Math.min((int) fy, ny - 2);
        int iz = Math.min((int) fz, nz - 2);
        double u = fx - ix;
        int i = (iz * ny + iy) * nx + ix;
        double low = mix(line(i, u), line(i + nx, u), fy - iy);
        double high = mix(line(i + nx * ny, u), line(i + nx * ny + nx, u), fy - iy);
        return mix(low, high, fz - iz);
    }

    private double line(int i, double share) {
        return mix(values[i], values[i + 1], share);
    }

    private static double mix(double a, double b, double share) {
        return a + share * (b - a);
    }

    private static double place(double x, double origin, double step, int nodes) {
        return Math.max(0, Math.min(nodes - 1, (x - origin) / step));
    }

    /** The values along a row of voxels that starts at x = 0. */
    void row(double y, double z, double spacing, int count, float[] scratch, float[] target) {
        double fy = place(y, origin.y(), step.y(), ny);
        double fz = place(z, origin.z(), step.z(), nz);
        int iy = Math.min((int) fy, ny - 2);
        int iz = Math.min((int) fz, nz - 2);
        float v = (float) (fy - iy);
        float w = (float) (fz - iz);
        int i = (iz * ny + iy) * nx;
        int above = i + nx * ny;
        for (int x = 0; x < nx; x++) {
            float low = values[i + x] + v * (values[i + nx + x] - values[i + x]);
            float high = values[above + x] + v * (values[above + nx + x] - values[above + x]);
            scratch[x] = low + w * (high - low);
        }
        double last = nx - 1;
        for (int x = 0; x < count; x++) {
            double fx = Math.max(0, Math.min(last, (x * spacing - origin.x()) / step.x()));
            int ix = Math.min((int) fx, nx - 2);
            target[x] = (float) (scratch[ix] + (fx - ix) * (scratch[ix + 1] - scratch[ix]));
        }
    }

    /** How many values {@link #row} needs as scratch. */
    int rowNodes() {
        return nx;
    }

    /** The direction in which the quantity rises. */
    Point rise(Point at) {
        double h = Math.max(step.x(), Math.max(step.y(), step.z()));
        Point gradient = new Point(
                at(at.x() + h, at.y(), at.z()) - at(at.x() - h, at.y(), at.z()),
                at(at.x(), at.y() + h, at.z()) - at(at.x(), at.y() - h, at.z()),
                at(at.x(), at.y(), at.z() + h) - at(at.x(), at.y(), at.z() - h));
        double length = Vectors.length(gradient);
        return length < 1e-9 ? new Point(1, 0, 0) : Vectors.times(gradient, 1 / length);
    }

    /** The field as seen from a place that is the origin then. */
    CoarseField seenFrom(Point place) {
        return new CoarseField(nx, ny, nz, Vectors.minus(origin, place), step, values);
    }

    /** The field of a body that is larger by a factor; a quantity that is a length grows with it. */
    CoarseField scaled(double factor, boolean isLength) {
        float[] scaled = values.clone();
        for (int i = 0; isLength && i < values.length; i++) {
            scaled[i] = (float) (values[i] * factor);
        }
        return new CoarseField(nx, ny, nz, Vectors.times(origin, factor), Vectors.times(step, factor), scaled);
    }

    /** The field in a mirror: a place at x, or z, is then at the extent less x, or z. */
    CoarseField mirrored(boolean inX, boolean inZ, Point extent) {
        float[] mirrored = new float[values.length];
        int i = 0;
        for (int z = 0; z < nz; z++) {
            for (int y = 0; y < ny; y++) {
                int row = ((inZ ? nz - 1 - z : z) * ny + y) * nx;
                for (int x = 0; x < nx; x++) {
                    mirrored[i++] = values[row + (inX ? nx - 1 - x : x)];
                }
            }
        }
        return new CoarseField(
                nx,
                ny,
                nz,
                new Point(
                        inX ? extent.x() - origin.x() - (nx - 1) * step.x() : origin.x(),
                        origin.y(),
                        inZ ? extent.z() - origin.z() - (nz - 1) * step.z() : origin.z()),
                step,
                mirrored);
    }
}
