package io.fedlearn.luna16.image;

/**
 * A CT: one Hounsfield unit (HU) per voxel, and where the voxels lie. Immutable by convention: whoever asks for
 * {@link #values()} must not write to them.
 */
public final class Volume {
    /** The HU of air, with which what lies beyond a scan is filled up: {@value}. */
    public static final short AIR = -1000;

    /** The most voxels of one volume that is read: {@value}, which take 2 GiB. */
    public static final int MAX_VOXELS = 1 << 30;

    private final ImageGeometry geometry;
    private final short[] values;

    private Volume(ImageGeometry geometry, short[] values) {
        this.geometry = geometry;
        this.values = values;
    }

    /**
     * Takes over the values, slice after slice, row after row.
     *
     * @throws IllegalArgumentException if there are not as many values as voxels
     */
    public static Volume wrap(ImageGeometry geometry, short[] values) {
        if (geometry.size().voxelCount() != values.length) {
            throw new IllegalArgumentException("a volume of " + geometry.size() + " voxels needs "
                    + geometry.size().voxelCount() + " values, got " + values.length);
        }
        return new Volume(geometry, values);
    }

    /** Where the voxels lie. */
    public ImageGeometry geometry() {
        return geometry;
    }

    /** The HU of a voxel. */
    public short get(int x, int y, int z) {
        return values[(z * geometry.size().y() + y) * geometry.size().x() + x];
    }

    /** All HU: voxel (x, y, z) is at {@code (z * sizeY + y) * sizeX + x}. The volume's own array, not to be written. */
    public short[] values() {
        return values;
    }
}
