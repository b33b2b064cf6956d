package io.fedlearn.luna16.image;

/**
 * How many voxels there are along each axis.
 *
 * @param x at least 1; neighbours along x lie next to each other in memory
 * @param y at least 1
 * @param z at least 1; the number of slices
 */
public record GridSize(int x, int y, int z) {
    /** Validates the counts. */
    public GridSize {
        if (x < 1 || y < 1 || z < 1) {
            throw new IllegalArgumentException("sizes must be >= 1, were " + x + ", " + y + ", " + z);
        }
    }

    /** The number of voxels. */
    public long voxelCount() {
        // Three ints may overflow a long, but no volume that is ever read comes near it.
        return Math.multiplyExact(Math.multiplyExact((long) x, y), (long) z);
    }

    @Override
    public String toString() {
        return x + "x" + y + "x" + z;
    }
}
