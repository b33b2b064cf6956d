package io.fedlearn.luna16.resample;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImageReader;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Brings whole scans to another spacing, by the voxels' places in the patient. Immutable.
 *
 * <p><b>Where the new voxels lie.</b> Along the patient's axes, whatever direction the scan's own axes have: x to the left, y
 * to the back, z to the head. Along each axis the first lies at the scan's first voxel, or, if it is larger than that, so that both begin
 * at the same place; and they go on as far as the scan's last one. All lie inside the scan if
 * its axes are along the patient's. {@link #onto} asks for any other grid.
 *
 * <p><b>Their values</b> are those that {@linkplain AxisTaps linear interpolation} along each axis of the scan
 * gives, in any direction of the axes; averaged, along an axis on which the new voxels are coarser than the scan's, over
 * {@code sqrt(r^2 - 1)} voxels, {@code r} of them to a new one, so that noise does not alias; the same as those of a patch
 * that is cut at that place with that spacing. {@link #withoutAveraging} gives plain trilinear interpolation. What lies
 * beyond the scan is air ({@value Volume#AIR} HU), and so is what is below air. Values are blended in single precision: to
 * about 3e-7 of their height above air, which is less than 1e-3 HU for what is found in patients.
 *
 * <p><b>Speed and memory.</b> Where the scan's axes lie along the target's, in whatever order and direction, one axis is
 * done after the other. Slices are then taken from a {@link MetaImageReader} as they are read: beside the result there are
 * two blocks of about {@value #SLAB_BYTES} bytes and a few slices. Otherwise each voxel is interpolated on its own, and the
 * scan is held as a whole. The number of threads never
 * changes the result's bits, nor does reading slice by slice.
 */
public final class Resampler {
    /** How many bytes of slices are read at a time, if a slice is not larger: {@value}. */
    static final int SLAB_BYTES = 1 << 22;

    private static final double MAX_SPACING = 100;
    /** By what part of a voxel the last one may lie beyond the scan: what comes of rounding. */
    private static final double WITHIN = 1e-6;

    private final Point spacing;
    private final Optional<ImageGeometry> grid;
    private final boolean isAveraging;
    private final Workers workers;

    private Resampler(Point spacing, Optional<ImageGeometry> grid, boolean isAveraging, Workers workers) {
        this.spacing = spacing;
        this.grid = grid;
        this.isAveraging = isAveraging;
        this.workers = workers;
    }

    /**
     * To voxels as high as they are wide and deep.
     *
     * @param millimetres in (0, 100]
     */
    public static Resampler toSpacing(double millimetres) {
        if (!(millimetres > 0 && millimetres <= MAX_SPACING)) {
            throw new IllegalArgumentException("spacing must be in (0, " + MAX_SPACING + "] mm, was " + millimetres);
        }
        return toSpacing(new Point(millimetres, millimetres, millimetres));
    }

    /**
     * To other voxels.
     *
     * @param spacing between them along the patient's x, y and z, in millimetres, each in (0, 100]
     */
    public static Resampler toSpacing(Point spacing) {
        if (!(spacing.x() > 0
                && spacing.y() > 0
                && spacing.z() > 0
                && spacing.x() <= MAX_SPACING
                && spacing.y() <= MAX_SPACING
                && spacing.z() <= MAX_SPACING)) {
            throw new IllegalArgumentException("spacing must be in (0, " + MAX_SPACING + "] mm, was " + spacing);
        }
        return new Resampler(spacing, Optional.empty(), true, Workers.caller());
    }

    /** To the voxels of a grid, such as that of another scan. */
    public static Resampler onto(ImageGeometry grid) {
        return new Resampler(grid.spacing(), Optional.of(grid), true, Workers.caller());
    }

    /** This resampler with plain trilinear interpolation, even where the new voxels are coarser than the scan's. */
    public Resampler withoutAveraging() {
        return new Resampler(spacing, grid, false, workers);
    }

    /** This resampler with other threads (default: {@linkplain Workers#caller() the calling one}). */
    public Resampler withWorkers(Workers workers) {
        return new Resampler(spacing, grid, isAveraging, Objects.requireNonNull(workers, "workers"));
    }

    /** Where the voxels will lie to which a scan is brought. */
    public ImageGeometry geometry(ImageGeometry scan) {
        return grid.orElseGet(() -> along(scan));
    }

    private ImageGeometry along(ImageGeometry scan) {
        GridSize size = scan.size();
        double[] low = new double[3];
        double[] high = new double[3];
        Arrays.fill(low, Double.POSITIVE_INFINITY);
        Arrays.fill(high, Double.NEGATIVE_INFINITY);
        for (int corner = 0; corner < 8; corner++) {
            Point world = scan.toWorld(
                    (corner & 1) * (size.x() - 1.0),
                    (corner >> 1 & 1) * (size.y() - 1.0),
                    (corner >> 2) * (size.z() - 1.0));
            double[] at = {world.x(), world.y(), world.z()};
            for (int axis = 0; axis < 3; axis++) {
                low[axis] = Math.min(low[axis], at[axis]);
                high[axis] = Math.max(high[axis], at[axis]);
            }
        }
        double[] step = {spacing.x(), spacing.y(), spacing.z()};
        GridSteps steps = GridSteps.of(scan, patientAxes(), step);
        int[] aligned = steps.alignedAxes(1, 1, 1);
        int[] counts = new int[3];
        for (int axis = 0; axis < 3; axis++) {
            double room = (high[axis] - low[axis]) / step[axis];
            // In new voxels: by how much the first lies behind the scan's first.
            double margin =
                    aligned.length == 0 ? 0 : Math.max(0, 0.5 - 0.5 / Math.abs(steps.along(aligned[axis], axis)));
            margin = Math.min(margin, room / 2);
            low[axis] += margin * step[axis];
            double count = Math.floor(room - 2 * margin + WITHIN) + 1;
            if (count > Volume.MAX_VOXELS) {
                throw tooMany(scan, "more than " + Volume.MAX_VOXELS + " to a row");
            }
            counts[axis] = (int) count;
        }
        return ImageGeometry.of(
                new GridSize(counts[0], counts[1], counts[2]), spacing, new Point(low[0], low[1], low[2]));
    }

    private static List<Point> patientAxes() {
        return List.of(new Point(1, 0, 0), new Point(0, 1, 0), new Point(0, 0, 1));
    }

    private static IllegalArgumentException tooMany(ImageGeometry scan, String voxels) {
        return new IllegalArgumentException("a volume may have at most " + Volume.MAX_VOXELS + " voxels, and that of "
                + scan + " would have " + voxels);
    }

    /**
     * A scan in whole HU, halves rounded upwards.
     *
     * @throws IllegalArgumentException if there would be more than {@value Volume#MAX_VOXELS} voxels
     */
    public Volume resample(Volume scan) {
        ImageGeometry target = checked(scan.geometry());
        short[] values = new short[(int) target.size().voxelCount()];
        run(scan, target, Output.ofHu(values));
        return Volume.wrap(target, values);
    }

    /**
     * A scan in whole HU, as its slices are read.
     *
     * @param scan none of whose slices has been read; all will be, and it stays open
     * @throws io.fedlearn.luna16.image.VolumeException if it cannot be read
     * @throws IllegalArgumentException if slices have been read, or there would be more than {@value Volume#MAX_VOXELS}
     *     voxels
     */
    public Volume resample(MetaImageReader scan) {
        ImageGeometry target = checked(scan.header().geometry());
        short[] values = new short[(int) target.size().voxelCount()];
        run(scan, target, Output.ofHu(values));
        return Volume.wrap(target, values);
    }

    /**
     * What a network sees of a scan.
     *
     * @throws IllegalArgumentException if there would be more than {@value Volume#MAX_VOXELS} voxels
     */
    public FeatureVolume features(Volume scan, HuWindow window) {
        ImageGeometry target = checked(scan.geometry());
        float[] values = new float[(int) target.size().voxelCount()];
        run(scan, target, Output.ofFeatures(window, values));
        return new FeatureVolume(target, window, values);
    }

    /**
     * What a network sees of a scan, as its slices are read.
     *
     * @param scan none of whose slices has been read; all will be, and it stays open
     * @throws io.fedlearn.luna16.image.VolumeException if it cannot be read
     * @throws IllegalArgumentException if slices have been read, or there would be more than {@value Volume#MAX_VOXELS}
     *     voxels
     */
    public FeatureVolume features(MetaImageReader scan, HuWindow window) {
        ImageGeometry target = checked(scan.header().geometry());
        float[] values = new float[(int) target.size().voxelCount()];
        run(scan, target, Output.ofFeatures(window, values));
        return new FeatureVolume(target, window, values);
    }

    private ImageGeometry checked(ImageGeometry scan) {
        ImageGeometry target = geometry(scan);
        GridSize size = target.size();
        if ((double) size.x() * size.y() * size.z() > Volume.MAX_VOXELS) {
            throw tooMany(scan, size.toString());
        }
        return target;
    }

    /** Resamples a volume into an output that has as many places as the target has voxels. */
    void run(Volume scan, ImageGeometry target, Output output) {
        GridSteps steps = steps(scan.geometry(), target);
        int[] axes = alignedAxes(steps, target);
        if (axes.length == 0) {
            askew(scan, target, steps, output);
            return;
        }
        SliceResampling slices = slices(scan.geometry(), target, steps, axes, output);
        workers.run(
                slices.parts(),
                part -> slices.part(
                        part, scan.values(), 0, scan.geometry().size().z()));
    }

    private void run(MetaImageReader scan, ImageGeometry target, Output output) {
        ImageGeometry geometry = scan.header().geometry();
        GridSize size = geometry.size();
        if (scan.slicesLeft() != size.z()) {
            throw new IllegalArgumentException(
                    "no slice may have been read yet, and " + scan.slicesLeft() + " of " + size.z() + " are left");
        }
        GridSteps steps = steps(geometry, target);
        int[] axes = alignedAxes(steps, target);
        if (axes.length == 0) {
            askew(whole(scan), target, steps, output);
            return;
        }
        long sliceVoxels = (long) size.x() * size.y();
        if (sliceVoxels > Volume.MAX_VOXELS) {
            throw new IllegalArgumentException(
                    "a slice may have at most " + Volume.MAX_VOXELS + " voxels, has " + sliceVoxels);
        }
        int slab = (int) Math.max(1, Math.min(size.z(), SLAB_BYTES / (sliceVoxels * Short.BYTES)));
        SliceResampling slices = slices(geometry, target, steps, axes, output);
        stream(scan, slices, slab, (int) sliceVoxels);
    }

    /** Reads some slices while the executor's threads work on those before. */
    private void stream(MetaImageReader scan, SliceResampling slices, int slab, int sliceVoxels) {
        short[] read = new short[slab * sliceVoxels];
        short[] worked = scan.slicesLeft() > slab ? new short[slab * sliceVoxels] : new short[0];
        int count = Math.min(slab, scan.slicesLeft());
        scan.readSlices(count, read, 0);
        while (count > 0) {
            short[] values = read;
            int ready = count;
            Workers.Job job = workers.start(slices.parts(), part -> slices.part(part, values, 0, ready));
            try {
                read = worked;
                worked = values;
                count = Math.min(slab, scan.slicesLeft());
                if (count > 0) {
                    scan.readSlices(count, read, 0);
                }
            } finally {
                // Even if reading fails: nobody may still be at work when this returns.
                job.finish();
            }
        }
    }

    private static Volume whole(MetaImageReader scan) {
        ImageGeometry geometry = scan.header().geometry();
        GridSize size = geometry.size();
        if (size.voxelCount() > Volume.MAX_VOXELS) {
            throw new IllegalArgumentException("a scan askew to the patient's axes may have at most "
                    + Volume.MAX_VOXELS + " voxels, has " + size.voxelCount());
        }
        short[] values = new short[(int) size.voxelCount()];
        scan.readSlices(size.z(), values, 0);
        return Volume.wrap(geometry, values);
    }

    private static GridSteps steps(ImageGeometry scan, ImageGeometry target) {
        Point spacing = target.spacing();
        return GridSteps.of(
                scan, List.of(target.xAxis(), target.yAxis(), target.zAxis()), spacing.x(), spacing.y(), spacing.z());
    }

    private static int[] alignedAxes(GridSteps steps, ImageGeometry target) {
        GridSize size = target.size();
        return steps.alignedAxes(size.x(), size.y(), size.z());
    }

    private AxisTaps taps(ImageGeometry scan, GridSteps steps, int axis) {
        int size = axis == 0
                ? scan.size().x()
                : axis == 1 ? scan.size().y() : scan.size().z();
        return isAveraging ? AxisTaps.averaging(size, steps.between(axis)) : AxisTaps.interpolating(size);
    }

    private SliceResampling slices(
            ImageGeometry scan, ImageGeometry target, GridSteps steps, int[] axes, Output output) {
        GridSize size = target.size();
        int[] lengths = {size.x(), size.y(), size.z()};
        int[] strides = {1, size.x(), size.x() * size.y()};
        Point middle = middle(scan, target);
        double[] middles = {middle.x(), middle.y(), middle.z()};
        AxisLine[] lines = new AxisLine[3];
        int[] lineStrides = new int[3];
        for (int j = 0; j < 3; j++) {
            int axis = axes[j];
            lines[axis] = AxisLine.of(taps(scan, steps, axis), middles[axis], steps.along(axis, j), lengths[j]);
            lineStrides[axis] = strides[j];
        }
        return new SliceResampling(scan.size(), lines, lineStrides, output);
    }

    /** The middle of the target, in voxels of the scan. */
    private static Point middle(ImageGeometry scan, ImageGeometry target) {
        GridSize size = target.size();
        return scan.toIndex(target.toWorld((size.x() - 1) / 2.0, (size.y() - 1) / 2.0, (size.z() - 1) / 2.0));
    }

    /** Resamples voxel by voxel, a slice of the target to a part of the work. */
    void askew(Volume scan, ImageGeometry target, GridSteps steps, Output output) {
        GridSize size = target.size();
        Point middle = middle(scan.geometry(), target);
        workers.run(size.z(), slice -> {
            PointSampler sampler = PointSampler.of(
                    scan,
                    taps(scan.geometry(), steps, 0),
                    taps(scan.geometry(), steps, 1),
                    taps(scan.geometry(), steps, 2));
            float[] row = new float[size.x()];
            double z = slice - (size.z() - 1) / 2.0;
            for (int j = 0; j < size.y(); j++) {
                double y = j - (size.y() - 1) / 2.0;
                double fromX = middle.x() + steps.along(0, 1) * y + steps.along(0, 2) * z;
                double fromY = middle.y() + steps.along(1, 1) * y + steps.along(1, 2) * z;
                double fromZ = middle.z() + steps.along(2, 1) * y + steps.along(2, 2) * z;
                for (int i = 0; i < row.length; i++) {
                    double x = i - (size.x() - 1) / 2.0;
                    row[i] = sampler.aboveAir(
                            fromX + steps.along(0, 0) * x,
                            fromY + steps.along(1, 0) * x,
                            fromZ + steps.along(2, 0) * x);
                }
                output.put(row, row.length, (slice * size.y() + j) * size.x(), 1);
            }
        });
    }
}
