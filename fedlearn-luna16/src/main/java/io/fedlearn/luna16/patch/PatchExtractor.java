package io.fedlearn.luna16.patch;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.Arrays;

/**
 * Cuts patches out of one scan: boxes along the patient's axes, centred on places in the patient, with each voxel's value
 * interpolated at its physical place. Confined to one thread at a time.
 *
 * <p>Voxel {@code (z, y, x)} of a box of {@code depth x height x width} voxels lies at
 * <pre>
 *   world = center + ((x - (width-1)/2) spacing_x, (y - (height-1)/2) spacing_y, (z - (depth-1)/2) spacing_z)
 * </pre>
 * so the centre is that of the box, whatever direction the scan's own axes have. The value is interpolated linearly along
 * each axis of the scan. Along an axis on which the patch is coarser than the scan it is averaged, so that what is finer than
 * the patch does not show as noise: over {@code sqrt(r^2 - 1)} voxels of the scan, with {@code r} of them to a voxel of the
 * patch, which together with interpolation's own blur is a voxel of the patch.
 *
 * <p>What lies beyond the scan is air ({@value Volume#AIR} HU), and voxels below that, with which scanners fill what they
 * did not see, count as air before they are averaged with others. Values are rounded to whole HU.
 *
 * <p>Where the scan's axes lie along the patient's, in whatever order and direction, one axis is done after the other, which
 * takes about a millisecond for 38 x 54 x 54 voxels; otherwise some ten times that.
 */
public final class PatchExtractor {
    /** By how many voxels a patch may be askew to the scan's axes and still count as along them. */
    private static final double ALIGNED_WITHIN = 1e-6;

    private final Volume volume;
    private final PatchSettings settings;
    private final int[] sizes;
    private final int[] strides;
    /** The lengths of the box along z, y and x: the order of all that concerns the patch. */
    private final int[] lengths;
    /** How many voxels along the scan's axis (x, y, z) a step along the patch's axis (z, y, x) leads. */
    private final double[][] steps;

    private final AxisTaps[] taps;
    /** The scan's axis along each of the patch's; empty if they are askew. */
    private final int[] alignedAxes;

    private final boolean snapped;

    private PatchExtractor(Volume volume, PatchSettings settings, boolean separable) {
        ImageGeometry geometry = volume.geometry();
        GridSize size = geometry.size();
        this.volume = volume;
        this.settings = settings;
        this.sizes = new int[] {size.x(), size.y(), size.z()};
        this.strides = new int[] {1, size.x(), size.x() * size.y()};
        PatchShape box = settings.boxShape();
        this.lengths = new int[] {box.depth(), box.height(), box.width()};
        this.steps = steps(geometry, spacing(geometry, settings));
        int[] axes = alignedAxes(steps, lengths);
        this.snapped = axes.length > 0 && settings.spacing().isEmpty();
        if (snapped) {
            for (int j = 0; j < 3; j++) {
                steps[axes[j]][j] = Math.rint(steps[axes[j]][j]);
            }
        }
        this.alignedAxes = separable ? axes : new int[0];
        this.taps = new AxisTaps[3];
        for (int axis = 0; axis < 3; axis++) {
            double[] step = steps[axis];
            taps[axis] =
                    new AxisTaps(sizes[axis], Math.sqrt(step[0] * step[0] + step[1] * step[1] + step[2] * step[2]));
        }
    }

    /** Cuts out of a scan what settings say, the margin included. */
    public static PatchExtractor of(Volume volume, PatchSettings settings) {
        return new PatchExtractor(volume, settings, true);
    }

    /** Never takes the way of aligned axes: what that is tested against. */
    static PatchExtractor voxelByVoxel(Volume volume, PatchSettings settings) {
        return new PatchExtractor(volume, settings, false);
    }

    /** The millimetres between the patch's voxels along z, y and x. */
    private static double[] spacing(ImageGeometry geometry, PatchSettings settings) {
        if (settings.spacing().isPresent()) {
            PatchSettings.VoxelSpacing spacing = settings.spacing().get();
            return new double[] {spacing.z(), spacing.y(), spacing.x()};
        }
        Point x = geometry.xAxis();
        Point y = geometry.yAxis();
        Point z = geometry.zAxis();
        return new double[] {
            ofNearest(geometry, Math.abs(x.z()), Math.abs(y.z()), Math.abs(z.z())),
            ofNearest(geometry, Math.abs(x.y()), Math.abs(y.y()), Math.abs(z.y())),
            ofNearest(geometry, Math.abs(x.x()), Math.abs(y.x()), Math.abs(z.x()))
        };
    }

    /** How far apart voxels are along that axis of the scan that lies most along an axis of the patient. */
    private static double ofNearest(ImageGeometry geometry, double x, double y, double z) {
        Point spacing = geometry.spacing();
        if (z >= x && z >= y) {
            return spacing.z() * length(geometry.zAxis());
        }
        return y >= x ? spacing.y() * length(geometry.yAxis()) : spacing.x() * length(geometry.xAxis());
    }

    /** 1 for most scans; some headers have the spacing, or a part of it, in the matrix. */
    private static double length(Point axis) {
        double length = Math.sqrt(axis.x() * axis.x() + axis.y() * axis.y() + axis.z() * axis.z());
        return Math.abs(length - 1) < ALIGNED_WITHIN ? 1 : length;
    }

    private static double[][] steps(ImageGeometry geometry, double[] spacing) {
        Point zero = geometry.toIndex(geometry.origin());
        double[][] steps = new double[3][3];
        for (int j = 0; j < 3; j++) {
            Point origin = geometry.origin();
            Point index = geometry.toIndex(new Point(
                    origin.x() + (j == 2 ? 1 : 0), origin.y() + (j == 1 ? 1 : 0), origin.z() + (j == 0 ? 1 : 0)));
            steps[0][j] = (index.x() - zero.x()) * spacing[j];
            steps[1][j] = (index.y() - zero.y()) * spacing[j];
            steps[2][j] = (index.z() - zero.z()) * spacing[j];
        }
        return steps;
    }

    private static int[] alignedAxes(double[][] steps, int[] lengths) {
        int[] axes = new int[3];
        boolean[] taken = new boolean[3];
        for (int j = 0; j < 3; j++) {
            int main = 0;
            for (int axis = 1; axis < 3; axis++) {
                if (Math.abs(steps[axis][j]) > Math.abs(steps[main][j])) {
                    main = axis;
                }
            }
            for (int axis = 0; axis < 3; axis++) {
                if (axis != main && Math.abs(steps[axis][j]) * lengths[j] > ALIGNED_WITHIN) {
                    return new int[0];
                }
            }
            if (taken[main]) {
                return new int[0];
            }
            taken[main] = true;
            axes[j] = main;
        }
        return axes;
    }

    /** The shape of what is cut out: the patch with its margin. */
    public PatchShape boxShape() {
        return settings.boxShape();
    }

    /** The millimetres between the voxels of what is cut out. */
    public PatchSettings.VoxelSpacing spacing() {
        double[] spacing = spacing(volume.geometry(), settings);
        return new PatchSettings.VoxelSpacing(spacing[0], spacing[1], spacing[2]);
    }

    /**
     * The box around a place in the patient.
     *
     * @throws IllegalArgumentException if the place lies outside the scan
     */
    public Patch extract(Point center) {
        short[] values = new short[settings.boxShape().voxelCount()];
        extract(center, values);
        return Patch.wrap(settings.boxShape(), values);
    }

    /** As {@link #extract(Point)}, into an array that has as many places as the box has voxels. */
    void extract(Point center, short[] target) {
        if (!volume.geometry().contains(center)) {
            throw new IllegalArgumentException(
                    "a patch's centre must lie in the scan (" + volume.geometry() + "), was " + center);
        }
        Point index = volume.geometry().toIndex(center);
        double[] middle = {index.x(), index.y(), index.z()};
        if (snapped) {
            snap(middle);
        }
        if (alignedAxes.length > 0) {
            extractAligned(middle, target);
        } else {
            extractAskew(middle, target);
        }
    }

    /** Moves the middle so that the box's voxels are the scan's. */
    private void snap(double[] middle) {
        int[] axes = alignedAxes.length > 0 ? alignedAxes : alignedAxes(steps, lengths);
        for (int j = 0; j < 3; j++) {
            double half = (lengths[j] - 1) / 2.0;
            middle[axes[j]] = Math.rint(middle[axes[j]] - half) + half;
        }
    }

    private void extractAligned(double[] middle, short[] target) {
        Line alongZ = new Line(0, middle);
        Line alongY = new Line(1, middle);
        Line alongX = new Line(2, middle);
        short[] source = volume.values();
        int width = lengths[2];
        int height = lengths[1];
        float[] row = new float[alongX.range()];
        float[] rows = new float[alongY.range() * width];
        float[] slices = new float[alongZ.range() * height * width];
        for (int z = 0; z < alongZ.range(); z++) {
            for (int y = 0; y < alongY.range(); y++) {
                int at = (alongZ.low + z) * alongZ.stride
                        + (alongY.low + y) * alongY.stride
                        + alongX.low * alongX.stride;
                for (int x = 0; x < row.length; x++) {
                    row[x] = Math.max(source[at + x * alongX.stride] - Volume.AIR, 0);
                }
                alongX.blend(row, rows, y * width);
            }
            alongY.blendRows(rows, width, slices, z * height * width);
        }
        float[] sums = new float[lengths[0] * height * width];
        alongZ.blendRows(slices, height * width, sums, 0);
        for (int i = 0; i < sums.length; i++) {
            target[i] = rounded(sums[i]);
        }
    }

    private void extractAskew(double[] middle, short[] target) {
        short[] source = volume.values();
        AxisTaps alongX = taps[0];
        AxisTaps alongY = taps[1];
        AxisTaps alongZ = taps[2];
        int next = 0;
        for (int z = 0; z < lengths[0]; z++) {
            double dz = z - (lengths[0] - 1) / 2.0;
            for (int y = 0; y < lengths[1]; y++) {
                double dy = y - (lengths[1] - 1) / 2.0;
                for (int x = 0; x < lengths[2]; x++) {
                    double dx = x - (lengths[2] - 1) / 2.0;
                    alongX.place(middle[0] + steps[0][0] * dz + steps[0][1] * dy + steps[0][2] * dx);
                    alongY.place(middle[1] + steps[1][0] * dz + steps[1][1] * dy + steps[1][2] * dx);
                    alongZ.place(middle[2] + steps[2][0] * dz + steps[2][1] * dy + steps[2][2] * dx);
                    target[next++] = rounded(weighted(source, alongX, alongY, alongZ));
                }
            }
        }
    }

    private float weighted(short[] source, AxisTaps alongX, AxisTaps alongY, AxisTaps alongZ) {
        float sum = 0;
        for (int z = 0; z < alongZ.count(); z++) {
            float slice = 0;
            for (int y = 0; y < alongY.count(); y++) {
                int at = (alongZ.first() + z) * strides[2] + (alongY.first() + y) * strides[1] + alongX.first();
                float row = 0;
                for (int x = 0; x < alongX.count(); x++) {
                    row += alongX.weight(x) * Math.max(source[at + x] - Volume.AIR, 0);
                }
                slice += alongY.weight(y) * row;
            }
            sum += alongZ.weight(z) * slice;
        }
        return sum;
    }

    /** From HU above air, {@code >= 0}, to whole HU. */
    private static short rounded(float aboveAir) {
        return (short) Math.min((int) (aboveAir + 0.5f) + Volume.AIR, Short.MAX_VALUE);
    }

    /** The neighbours of all the box's voxels along one of its axes. */
    private final class Line {
        private final int[] firsts;
        private final int[] counts;
        private final float[] weights;
        private final int most;
        private final int stride;
        /** The first of the scan's voxels that any voxel of the box needs, and the one after the last. */
        private final int low;

        private final int high;

        Line(int boxAxis, double[] middle) {
            int axis = alignedAxes[boxAxis];
            int length = lengths[boxAxis];
            AxisTaps axisTaps = taps[axis];
            this.most = axisTaps.most();
            this.stride = strides[axis];
            this.firsts = new int[length];
            this.counts = new int[length];
            this.weights = new float[length * most];
            int least = sizes[axis];
            int greatest = 0;
            for (int i = 0; i < length; i++) {
                axisTaps.place(middle[axis] + steps[axis][boxAxis] * (i - (length - 1) / 2.0));
                firsts[i] = axisTaps.first();
                counts[i] = axisTaps.count();
                for (int t = 0; t < counts[i]; t++) {
                    weights[i * most + t] = axisTaps.weight(t);
                }
                if (counts[i] > 0) {
                    least = Math.min(least, firsts[i]);
                    greatest = Math.max(greatest, firsts[i] + counts[i]);
                }
            }
            this.low = Math.min(least, greatest);
            this.high = greatest;
        }

        int range() {
            return high - low;
        }

        /** Blends neighbours within a row of the scan. */
        void blend(float[] row, float[] target, int at) {
            for (int i = 0; i < firsts.length; i++) {
                float sum = 0;
                int from = firsts[i] - low;
                for (int t = 0; t < counts[i]; t++) {
                    sum += weights[i * most + t] * row[from + t];
                }
                target[at + i] = sum;
            }
        }

        /** Blends neighbouring rows, or slices, of so many values each. */
        void blendRows(float[] rows, int rowLength, float[] target, int at) {
            for (int i = 0; i < firsts.length; i++) {
                int to = at + i * rowLength;
                Arrays.fill(target, to, to + rowLength, 0);
                for (int t = 0; t < counts[i]; t++) {
                    addScaled(rows, (firsts[i] - low + t) * rowLength, weights[i * most + t], target, to, rowLength);
                }
            }
        }

        private static void addScaled(float[] source, int from, float weight, float[] target, int to, int count) {
            for (int i = 0; i < count; i++) {
                target[to + i] += weight * source[from + i];
            }
        }
    }
}
