package io.fedlearn.luna16.phantom;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;

/**
 * What a scanner makes of a chest: noise, the kernel's blur or sharpness over both, an offset, whole HU.
 *
 * <p>White noise is the sum of the four 16-bit parts of a random number, which is nearly normal; the kernel (a voxel and
 * its two neighbours, along rows, then along columns) correlates it, as a scanner's does, and makes it more so.
 */
final class Reconstruction {
    private static final int LEAST_HU = -1024;
    private static final int GREATEST_HU = 3071;
    private static final double PART_MEAN = 65535 / 2.0;
    // Of a sum of four uniform whole numbers from 0 to 65535.
    private static final double SUM_DEVIATION = 65536 / Math.sqrt(3);

    private Reconstruction() {}

    /**
     * The scan; uses the canvas up.
     *
     * @param noise standard deviation in HU, as it ends up in the scan
     * @param smoothing the share of a voxel that each neighbour gets; negative sharpens
     * @param offset added, in HU
     * @param flipped whether rows and columns are stored backwards, as the geometry then says
     * @param corner where the chest's first voxel is in the patient
     */
    static Volume of(
            Canvas canvas,
            double noise,
            double smoothing,
            double offset,
            boolean flipped,
            Point corner,
            SeededRandom random) {
        GridSize size = canvas.size();
        float[] values = canvas.values();
        double power = (1 - 2 * smoothing) * (1 - 2 * smoothing) + 2 * smoothing * smoothing;
        float scale = (float) (noise / power / SUM_DEVIATION);
        for (int i = 0; i < values.length; i++) {
            values[i] += scale * white(random.nextLong());
        }
        int slice = size.x() * size.y();
        short[] whole = new short[values.length];
        float[] row = new float[size.x()];
        float[] blurred = new float[slice];
        float side = (float) smoothing;
        float middle = 1 - 2 * side;
        for (int z = 0; z < size.z(); z++) {
            int start = z * slice;
            for (int y = 0; y < size.y(); y++) {
                System.arraycopy(values, start + y * size.x(), row, 0, row.length);
                for (int x = 0; x < row.length; x++) {
                    float left = row[Math.max(0, x - 1)];
                    float right = row[Math.min(row.length - 1, x + 1)];
                    blurred[y * size.x() + x] = middle * row[x] + side * (left + right);
                }
            }
            for (int y = 0; y < size.y(); y++) {
                int here = y * size.x();
                int above = Math.max(0, y - 1) * size.x();
                int below = Math.min(size.y() - 1, y + 1) * size.x();
                for (int x = 0; x < size.x(); x++) {
                    double hu = middle * blurred[here + x] + side * (blurred[above + x] + blurred[below + x]) + offset;
                    int target = flipped ? start + slice - 1 - here - x : start + here + x;
                    whole[target] = (short) Math.max(LEAST_HU, Math.min(GREATEST_HU, Math.round(hu)));
                }
            }
        }
        return Volume.wrap(geometry(canvas, flipped, corner), whole);
    }

    private static float white(long bits) {
        long sum = (bits & 0xffff) + (bits >>> 16 & 0xffff) + (bits >>> 32 & 0xffff) + (bits >>> 48);
        return (float) (sum - 4 * PART_MEAN);
    }

    private static ImageGeometry geometry(Canvas canvas, boolean flipped, Point corner) {
        GridSize size = canvas.size();
        Point spacing = canvas.spacing();
        if (!flipped) {
            return ImageGeometry.of(size, spacing, corner);
        }
        Point last = new Point(
                corner.x() + (size.x() - 1) * spacing.x(), corner.y() + (size.y() - 1) * spacing.y(), corner.z());
        return ImageGeometry.of(size, spacing, last, new Point(-1, 0, 0), new Point(0, -1, 0), new Point(0, 0, 1));
    }
}
