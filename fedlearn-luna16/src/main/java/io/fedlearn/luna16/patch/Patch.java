package io.fedlearn.luna16.patch;

import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.Volume;
import java.util.Arrays;

/**
 * A box of voxels in HU; axes are those of the patient: z up to the head, y to the back, x to the left. Immutable by
 * convention, as {@link Volume} is: whoever asks for {@link #values()} must not write to them.
 */
public final class Patch {
    private final PatchShape shape;
    private final short[] values;

    private Patch(PatchShape shape, short[] values) {
        this.shape = shape;
        this.values = values;
    }

    /**
     * Takes over the values, slice after slice, row after row.
     *
     * @throws IllegalArgumentException if there are not as many values as voxels
     */
    public static Patch wrap(PatchShape shape, short[] values) {
        if (values.length != shape.voxelCount()) {
            throw new IllegalArgumentException(
                    "a patch of " + shape + " needs " + shape.voxelCount() + " values, got " + values.length);
        }
        return new Patch(shape, values);
    }

    /** How many voxels there are along each axis. */
    public PatchShape shape() {
        return shape;
    }

    /** The HU of a voxel. */
    public short get(int z, int y, int x) {
        return values[(z * shape.height() + y) * shape.width() + x];
    }

    /** All HU: voxel (z, y, x) is at {@code (z * height + y) * width + x}. The patch's own array, not to be written. */
    public short[] values() {
        return values;
    }

    /**
     * Writes what a network sees: {@link HuWindow#feature} of each voxel.
     *
     * @param target where to
     * @param at of the first voxel
     */
    public void copyTo(HuWindow window, float[] target, int at) {
        for (int i = 0; i < values.length; i++) {
            target[at + i] = window.feature(values[i]);
        }
    }

    /**
     * The patch in another shape with the same centre: cut off where it is larger, filled up with air
     * ({@value Volume#AIR} HU) where it is smaller. Where the numbers of voxels differ by an odd number, what is cut off or
     * filled up at the end is one voxel more.
     */
    public Patch centered(PatchShape other) {
        if (other.equals(shape)) {
            return this;
        }
        short[] result = new short[other.voxelCount()];
        Arrays.fill(result, Volume.AIR);
        int fromZ = (shape.depth() - other.depth()) / 2;
        int fromY = (shape.height() - other.height()) / 2;
        int fromX = (shape.width() - other.width()) / 2;
        int firstX = Math.max(0, -fromX);
        int count = Math.min(other.width(), shape.width() - fromX) - firstX;
        for (int z = Math.max(0, -fromZ); z < Math.min(other.depth(), shape.depth() - fromZ); z++) {
            for (int y = Math.max(0, -fromY); y < Math.min(other.height(), shape.height() - fromY); y++) {
                System.arraycopy(
                        values,
                        ((z + fromZ) * shape.height() + y + fromY) * shape.width() + firstX + fromX,
                        result,
                        (z * other.height() + y) * other.width() + firstX,
                        count);
            }
        }
        return new Patch(other, result);
    }
}
