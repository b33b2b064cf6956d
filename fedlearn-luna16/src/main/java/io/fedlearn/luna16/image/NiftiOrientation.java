package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Where the voxels of a NIfTI-1 image lie in the patient. A header may say so twice: by a rotation (qform) and by a matrix
 * (sform). As in ITK, spacing is that of {@code pixdim} in both cases, and
 * <ul>
 *   <li>the sform counts if its axes are at right angles and it is the only one, or is said to be of the scanner
 *       ({@code sform_code = 1}), or agrees with the qform, being the more exact;
 *   <li>else the qform counts, if there is one.
 * </ul>
 *
 * <p>Unlike ITK, which guesses, this refuses an image that says nothing of either, as left could be right; and one whose
 * sform has another spacing than {@code pixdim}. NIfTI's x runs to the right and y to the front (RAS): both are turned round.
 */
final class NiftiOrientation {
    private static final int DIMENSIONS = 3;
    private static final int PIXDIM = 76;
    private static final int QFORM_CODE = 252;
    private static final int SFORM_CODE = 254;
    private static final int QUATERN_B = 256;
    private static final int QOFFSET_X = 268;
    private static final int SROW_X = 280;
    private static final int SCANNER = 1;
    private static final double TOLERANCE = 1e-4;
    private static final double SPACING_TOLERANCE = 1e-3;
    /** Below this square the scalar part of a rotation is rounding, as in the format's reference code. */
    private static final double LEAST_SQUARE = 1e-7;

    private final Path file;
    private final ByteBuffer bytes;

    NiftiOrientation(Path file, ByteBuffer bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    /** Axes of length 1 and the centre of the first voxel, in RAS. */
    private record Frame(Point x, Point y, Point z, Point origin) {
        boolean agreesWith(Frame other) {
            return x.distance(other.x) <= TOLERANCE
                    && y.distance(other.y) <= TOLERANCE
                    && z.distance(other.z) <= TOLERANCE
                    && origin.distance(other.origin) <= TOLERANCE;
        }

        boolean isAtRightAngles() {
            return Math.abs(dot(x, y)) <= TOLERANCE
                    && Math.abs(dot(x, z)) <= TOLERANCE
                    && Math.abs(dot(y, z)) <= TOLERANCE;
        }
    }

    ImageGeometry geometry(GridSize size) {
        Point spacing = spacing();
        Frame frame = frame(spacing);
        try {
            return ImageGeometry.of(
                    size, spacing, toLps(frame.origin()), toLps(frame.x()), toLps(frame.y()), toLps(frame.z()));
        } catch (IllegalArgumentException e) {
            throw new VolumeException(Problem.BAD_HEADER, file, String.valueOf(e.getMessage()), e);
        }
    }

    private Frame frame(Point spacing) {
        boolean hasQform = bytes.getShort(QFORM_CODE) > 0;
        boolean hasSform = bytes.getShort(SFORM_CODE) > 0;
        if (!hasQform && !hasSform) {
            throw new VolumeException(
                    Problem.UNSUPPORTED,
                    file,
                    "does not say how the patient lies (qform_code and sform_code are 0), so left may be right");
        }
        if (!hasSform) {
            return qform();
        }
        Frame sform = sform(spacing);
        boolean rectangular = sform.isAtRightAngles();
        if (rectangular && (!hasQform || bytes.getShort(SFORM_CODE) == SCANNER)) {
            return sform;
        }
        if (!hasQform) {
            throw new VolumeException(
                    Problem.UNSUPPORTED, file, "sform must have axes at right angles, as there is no qform; has not");
        }
        Frame qform = qform();
        return rectangular && sform.agreesWith(qform) ? sform : qform;
    }

    private Point spacing() {
        double[] spacing = numbers("pixdim", PIXDIM + Float.BYTES, DIMENSIONS);
        for (int i = 0; i < DIMENSIONS; i++) {
            if (!(spacing[i] > 0)) {
                throw bad("pixdim[" + (i + 1) + "] must be > 0, was " + spacing[i]);
            }
        }
        return new Point(spacing[0], spacing[1], spacing[2]);
    }

    private Frame sform(Point spacing) {
        double[] rows = numbers("srow", SROW_X, DIMENSIONS * (DIMENSIONS + 1));
        return new Frame(
                axis(rows, 0, spacing.x()),
                axis(rows, 1, spacing.y()),
                axis(rows, 2, spacing.z()),
                new Point(rows[3], rows[7], rows[11]));
    }

    /** A column of the matrix, divided by its length. */
    private Point axis(double[] rows, int column, double spacing) {
        double x = rows[column];
        double y = rows[4 + column];
        double z = rows[8 + column];
        double length = Math.sqrt(x * x + y * y + z * z);
        if (!(Math.abs(length - spacing) <= SPACING_TOLERANCE)) {
            throw bad("sform must have the spacing of pixdim[" + (column + 1) + "], " + spacing + ", has " + length);
        }
        if (length == 0) {
            throw bad("sform must have three axes, number " + (column + 1) + " has length 0");
        }
        return new Point(x / length, y / length, z / length);
    }

    private Frame qform() {
        double[] quaternion = numbers("quatern", QUATERN_B, DIMENSIONS);
        double[] offset = numbers("qoffset", QOFFSET_X, DIMENSIONS);
        double b = quaternion[0];
        double c = quaternion[1];
        double d = quaternion[2];
        double square = b * b + c * c + d * d;
        if (!(square <= 1 + TOLERANCE)) {
            throw bad("quatern_b, _c and _d must be of a rotation (squares that add up to 1 at most), were " + b + ", "
                    + c + ", " + d);
        }
        double a = 0;
        if (1 - square < LEAST_SQUARE) {
            double scale = 1 / Math.sqrt(square);
            b *= scale;
            c *= scale;
            d *= scale;
        } else {
            a = Math.sqrt(1 - square);
        }
        double sign = bytes.getFloat(PIXDIM) < 0 ? -1 : 1;
        return new Frame(
                new Point(a * a + b * b - c * c - d * d, 2 * (b * c + a * d), 2 * (b * d - a * c)),
                new Point(2 * (b * c - a * d), a * a + c * c - b * b - d * d, 2 * (c * d + a * b)),
                new Point(
                        sign * 2 * (b * d + a * c), sign * 2 * (c * d - a * b), sign * (a * a + d * d - b * b - c * c)),
                new Point(offset[0], offset[1], offset[2]));
    }

    private double[] numbers(String name, int place, int count) {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = bytes.getFloat(place + Float.BYTES * i);
            if (!Double.isFinite(numbers[i])) {
                throw bad(name + " must be finite numbers, has " + numbers[i]);
            }
        }
        return numbers;
    }

    private static double dot(Point a, Point b) {
        return a.x() * b.x() + a.y() * b.y() + a.z() * b.z();
    }

    private static Point toLps(Point ras) {
        // Adding 0 makes a negative zero a zero.
        return new Point(0 - ras.x(), 0 - ras.y(), ras.z() + 0.0);
    }

    private VolumeException bad(String reason) {
        return new VolumeException(Problem.BAD_HEADER, file, reason);
    }
}
