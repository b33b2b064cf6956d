package io.fedlearn.luna16.patch;

import io.fedlearn.luna16.image.HuWindow;
import java.util.Objects;
import java.util.Optional;

/**
 * How patches are cut out of scans and what a network sees of them. Immutable.
 *
 * <p><b>Settings</b> (default, range):
 * <ul>
 *   <li>shape: what the network takes in ({@value #DEFAULT_DEPTH} x {@value #DEFAULT_HEIGHT} x {@value #DEFAULT_WIDTH} voxels);
 *   <li>spacing: between the patch's voxels, in millimetres, the same for every scan ({@value #DEFAULT_SPACING_Z} along z,
 *       {@value #DEFAULT_SPACING_Y} along y, {@value #DEFAULT_SPACING_X} along x; {@code (0, 100]}), or each scan's own;
 *   <li>window: which HU the network tells apart ({@link HuWindow#LUNG});
 *   <li>margin: how many voxels more than the shape are cut out and cached on each side, which {@link Augmentation} shifts
 *       and turns into view ({@value #DEFAULT_MARGIN}; {@code [0, 64]}).
 * </ul>
 *
 * <p>The default spacing makes the default shape 40 x 34 x 34 mm, which holds LUNA16's largest nodule (32 mm), and is what
 * scans of the challenge have on average, so that little is lost by resampling. One spacing for all is the default because
 * hospitals' scanners differ: what is 8 mm wide has as many voxels everywhere.
 */
public final class PatchSettings {
    /** Default voxels along z: {@value}. */
    public static final int DEFAULT_DEPTH = 32;

    /** Default voxels along y: {@value}. */
    public static final int DEFAULT_HEIGHT = 48;

    /** Default voxels along x: {@value}. */
    public static final int DEFAULT_WIDTH = 48;

    /** Default millimetres between voxels along z: {@value}. */
    public static final double DEFAULT_SPACING_Z = 1.25;

    /** Default millimetres between voxels along y: {@value}. */
    public static final double DEFAULT_SPACING_Y = 0.7;

    /** Default millimetres between voxels along x: {@value}. */
    public static final double DEFAULT_SPACING_X = 0.7;

    /** Default voxels beyond the shape, on each side: {@value}. */
    public static final int DEFAULT_MARGIN = 3;

    private static final double MAX_SPACING = 100;
    private static final int MAX_MARGIN = 64;
    private static final PatchSettings DEFAULTS = new PatchSettings(
            new PatchShape(DEFAULT_DEPTH, DEFAULT_HEIGHT, DEFAULT_WIDTH),
            Optional.of(new VoxelSpacing(DEFAULT_SPACING_Z, DEFAULT_SPACING_Y, DEFAULT_SPACING_X)),
            HuWindow.LUNG,
            DEFAULT_MARGIN);

    private final PatchShape shape;
    private final Optional<VoxelSpacing> spacing;
    private final HuWindow window;
    private final int margin;
    private final PatchShape boxShape;

    private PatchSettings(PatchShape shape, Optional<VoxelSpacing> spacing, HuWindow window, int margin) {
        if (margin < 0 || margin > MAX_MARGIN) {
            throw new IllegalArgumentException("margin must be in [0, " + MAX_MARGIN + "] voxels, was " + margin);
        }
        this.shape = shape;
        this.spacing = spacing;
        this.window = window;
        this.margin = margin;
        this.boxShape =
                new PatchShape(shape.depth() + 2 * margin, shape.height() + 2 * margin, shape.width() + 2 * margin);
    }

    /**
     * Between the voxels of a patch, in millimetres, in the order of tensors.
     *
     * @param z {@code > 0}
     * @param y {@code > 0}
     * @param x {@code > 0}
     */
    public record VoxelSpacing(double z, double y, double x) {
        /** Validates the distances. */
        public VoxelSpacing {
            if (!(z > 0 && y > 0 && x > 0 && z <= MAX_SPACING && y <= MAX_SPACING && x <= MAX_SPACING)) {
                throw new IllegalArgumentException(
                        "spacing must be in (0, " + MAX_SPACING + "] mm, was " + z + ", " + y + ", " + x);
            }
        }

        /** As in run records: {@code 1.25x0.7x0.7}. */
        @Override
        public String toString() {
            return z + "x" + y + "x" + x;
        }
    }

    /** The defaults. */
    public static PatchSettings defaults() {
        return DEFAULTS;
    }

    /** These settings with another shape. */
    public PatchSettings withShape(PatchShape shape) {
        return new PatchSettings(shape, spacing, window, margin);
    }

    /** These settings with another spacing, in millimetres, each in (0, 100]. */
    public PatchSettings withSpacing(double z, double y, double x) {
        return new PatchSettings(shape, Optional.of(new VoxelSpacing(z, y, x)), window, margin);
    }

    /**
     * These settings without resampling: each scan's own voxels. The patch's centre is then the voxel, or the place between
     * two, that is nearest to the candidate. (Where a scan's axes are not along the patient's there are no such voxels: there
     * they are interpolated, at the scan's spacing.)
     */
    public PatchSettings withNativeSpacing() {
        return new PatchSettings(shape, Optional.empty(), window, margin);
    }

    /** These settings with another window. */
    public PatchSettings withWindow(HuWindow window) {
        return new PatchSettings(shape, spacing, window, margin);
    }

    /** These settings with another margin. */
    public PatchSettings withMargin(int voxels) {
        return new PatchSettings(shape, spacing, window, voxels);
    }

    /** What the network takes in. */
    public PatchShape shape() {
        return shape;
    }

    /** Between the patch's voxels; absent if each scan keeps its own. */
    public Optional<VoxelSpacing> spacing() {
        return spacing;
    }

    /** Which HU the network tells apart. */
    public HuWindow window() {
        return window;
    }

    /** How many voxels more than the shape are cut out on each side. */
    public int margin() {
        return margin;
    }

    /** What is cut out: the shape with the margin all around. */
    public PatchShape boxShape() {
        return boxShape;
    }

    /** What decides which values are cut out: box and spacing, and not what is done with them later. */
    String cutText() {
        return "box=" + boxShape + ",spacing=" + spacingText();
    }

    private String spacingText() {
        return spacing.map(VoxelSpacing::toString).orElse("native");
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PatchSettings that
                && shape.equals(that.shape)
                && spacing.equals(that.spacing)
                && window.equals(that.window)
                && margin == that.margin;
    }

    @Override
    public int hashCode() {
        return Objects.hash(shape, spacing, window, margin);
    }

    /**
     * All settings as a text that equal settings share, for run records:
     * {@code shape=32x48x48,spacing=1.25x0.7x0.7,window=-1000..400,margin=3}; the spacing may be {@code native}.
     */
    @Override
    public String toString() {
        return "shape=" + shape + ",spacing=" + spacingText() + ",window=" + window + ",margin=" + margin;
    }
}
