package io.fedlearn.luna16.image;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.nio.file.Path;

/** What all readers do with the voxels of a whole volume. */
final class Voxels {
    private Voxels() {}

    /**
     * Room for all voxels of a scan.
     *
     * @throws VolumeException if they are more than a volume has, or than memory holds
     */
    static short[] allocate(Path file, GridSize size) {
        if (size.voxelCount() > Volume.MAX_VOXELS) {
            throw new VolumeException(
                    Problem.UNSUPPORTED,
                    file,
                    "a volume may have at most " + Volume.MAX_VOXELS + " voxels, has " + size.voxelCount());
        }
        try {
            return new short[(int) size.voxelCount()];
        } catch (OutOfMemoryError e) {
            // One array that is not there leaves everything else as it was.
            throw new VolumeException(
                    Problem.NO_MEMORY,
                    file,
                    size + " voxels take " + (Short.BYTES * size.voxelCount() >> 20) + " MiB of heap, which has "
                            + (Runtime.getRuntime().maxMemory() >> 20) + " MiB at most: give Java more (-Xmx)",
                    e);
        }
    }

    /** Why a voxel is refused, counted in the order of the file; without its value. */
    static String misfit(GridSize size, long voxel) {
        long row = voxel / size.x();
        return "voxel (" + voxel % size.x() + ", " + row % size.y() + ", " + row / size.y()
                + ") must be a number from -32768 to 32767, is not";
    }
}
