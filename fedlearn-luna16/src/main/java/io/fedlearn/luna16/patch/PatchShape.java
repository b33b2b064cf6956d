package io.fedlearn.luna16.patch;

/**
 * How many voxels a patch has along each axis, in the order of tensors.
 *
 * @param depth along z, at least 1
 * @param height along y, at least 1
 * @param width along x, at least 1
 */
public record PatchShape(int depth, int height, int width) {
    /** Validates the counts. */
    public PatchShape {
        if (depth < 1 || height < 1 || width < 1 || (long) depth * height * width > 1 << 24) {
            throw new IllegalArgumentException(
                    "a patch must have >= 1 voxels along each axis and at most 2^24 in all, had " + depth + ", "
                            + height + ", " + width);
        }
    }

    /** The number of voxels. */
    public int voxelCount() {
        return depth * height * width;
    }

    /** As on the command line: {@code 32x48x48}. */
    @Override
    public String toString() {
        return depth + "x" + height + "x" + width;
    }
}
