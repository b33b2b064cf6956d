package io.fedlearn.luna16.phantom;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A real CT whose lungs were found: by threshold, connection and closing on a lattice of about 2.4 mm. Its axes are
 * those of its array, in millimetres from the first voxel. Immutable.
 */
final class Background {
    private static final double NODE = 2.4;
    private static final double AIR_LIKE = -500;
    private static final double AIRWAY = -968;
    private static final double CLOSING = 7;
    private static final double LEAST_SHARE = 0.15;
    private static final double LEAST_LITRES = 0.2;
    private static final double DEEP = 6;

    private final Volume volume;
    private final int nx;
    private final int ny;
    private final int nz;
    private final Point origin;
    private final Point step;
    private final float[] means;
    private final boolean[] lung;
    private final CoarseField density;
    private final CoarseField distance;
    private final double parenchyma;
    private final List<Point> vesselPoints = new ArrayList<>();

    private Background(Volume volume) {
        this.volume = volume;
        GridSize size = volume.geometry().size();
        Point spacing = volume.geometry().spacing();
        int blockX = block(spacing.x());
        int blockY = block(spacing.y());
        int blockZ = block(spacing.z());
        this.nx = Math.max(2, size.x() / blockX);
        this.ny = Math.max(2, size.y() / blockY);
        this.nz = Math.max(2, size.z() / blockZ);
        if (nx * blockX > size.x() || ny * blockY > size.y() || nz * blockZ > size.z()) {
            throw new IllegalArgumentException(
                    "background must be a chest CT, but has only " + size + " voxels of " + spacing + " mm");
        }
        this.origin = new Point(
                (blockX - 1) / 2.0 * spacing.x(), (blockY - 1) / 2.0 * spacing.y(), (blockZ - 1) / 2.0 * spacing.z());
        this.step = new Point(blockX * spacing.x(), blockY * spacing.y(), blockZ * spacing.z());
        this.means = means(blockX, blockY, blockZ);
        this.lung = closed(lungLike());
        this.density = new CoarseField(nx, ny, nz, origin, step, means);
        float[] signed = DistanceMap.to(lung, true, nx, ny, nz, step.x(), step.y(), step.z());
        float[] inside = DistanceMap.to(lung, false, nx, ny, nz, step.x(), step.y(), step.z());
        for (int i = 0; i < signed.length; i++) {
            signed[i] -= inside[i];
        }
        this.distance = new CoarseField(nx, ny, nz, origin, step, signed);
        this.parenchyma = parenchyma(signed);
        findVessels(signed);
    }

    /**
     * Finds the lungs.
     *
     * @throws IllegalArgumentException if there are none
     */
    static Background of(Volume volume) {
        return new Background(volume);
    }

    private static int block(double spacing) {
        return Math.max(1, (int) Math.round(NODE / spacing));
    }

    private float[] means(int blockX, int blockY, int blockZ) {
        GridSize size = volume.geometry().size();
        short[] values = volume.values();
        float[] means = new float[nx * ny * nz];
        for (int z = 0; z < nz * blockZ; z++) {
            for (int y = 0; y < ny * blockY; y++) {
                int row = (z * size.y() + y) * size.x();
                int node = (z / blockZ * ny + y / blockY) * nx;
                for (int x = 0; x < nx * blockX; x++) {
                    means[node + x / blockX] += values[row + x];
                }
            }
        }
        for (int i = 0; i < means.length; i++) {
            means[i] /= blockX * blockY * blockZ;
        }
        return means;
    }

    /** Air-like nodes that the air around the body does not reach, in parts of the size of a lung. */
    private boolean[] lungLike() {
        boolean[] outside = new boolean[means.length];
        int[] queue = new int[means.length];
        int count = 0;
        for (int i = 0; i < means.length; i++) {
            int x = i % nx;
            int y = i / nx % ny;
            boolean isBorder = x == 0 || y == 0 || x == nx - 1 || y == ny - 1;
            if (isBorder && means[i] < AIR_LIKE) {
                outside[i] = true;
                queue[count++] = i;
            }
        }
        boolean[] open = new boolean[means.length];
        for (int i = 0; i < means.length; i++) {
            open[i] = means[i] < AIR_LIKE;
        }
        flood(queue, count, open, outside);
        for (int i = 0; i < means.length; i++) {
            open[i] = open[i] && !outside[i] && means[i] > AIRWAY;
        }
        return largeParts(open);
    }

    private boolean[] largeParts(boolean[] open) {
        boolean[] seen = new boolean[open.length];
        int[] queue = new int[open.length];
        List<int[]> parts = new ArrayList<>();
        int largest = 0;
        for (int i = 0; i < open.length; i++) {
            if (open[i] && !seen[i]) {
                seen[i] = true;
                queue[0] = i;
                int[] part = Arrays.copyOf(queue, flood(queue, 1, open, seen));
                parts.add(part);
                largest = Math.max(largest, part.length);
            }
        }
        double litres = largest * step.x() * step.y() * step.z() * 1e-6;
        if (litres < LEAST_LITRES) {
            throw new IllegalArgumentException("background must show lungs: the largest air-filled part inside the body"
                    + " must have >= " + LEAST_LITRES + " l, had " + Math.round(litres * 1000) / 1000.0 + " l");
        }
        boolean[] large = new boolean[open.length];
        for (int[] part : parts) {
            if (part.length >= LEAST_SHARE * largest) {
                for (int i : part) {
                    large[i] = true;
                }
            }
        }
        return large;
    }

    /** Marks what can be reached through open nodes; the queue then holds all that was, and its length is returned. */
    private int flood(int[] queue, int start, boolean[] open, boolean[] seen) {
        int[] strides = {1, nx, nx * ny};
        int[] counts = {nx, ny, nz};
        int count = start;
        for (int head = 0; head < count; head++) {
            int node = queue[head];
            for (int axis = 0; axis < 3; axis++) {
                int place = node / strides[axis] % counts[axis];
                for (int way = -1; way <= 1; way += 2) {
                    int next = node + way * strides[axis];
                    boolean exists = place + way >= 0 && place + way < counts[axis];
                    if (exists && open[next] && !seen[next]) {
                        seen[next] = true;
                        queue[count++] = next;
                    }
                }
            }
        }
        return count;
    }

    /** Fills what vessels leave open: grown by some millimetres, then shrunk by as much. */
    private boolean[] closed(boolean[] set) {
        float[] away = DistanceMap.to(set, true, nx, ny, nz, step.x(), step.y(), step.z());
        boolean[] grown = new boolean[set.length];
        for (int i = 0; i < set.length; i++) {
            grown[i] = away[i] <= CLOSING;
        }
        float[] deep = DistanceMap.to(grown, false, nx, ny, nz, step.x(), step.y(), step.z());
        boolean[] closed = new boolean[set.length];
        for (int i = 0; i < set.length; i++) {
            closed[i] = set[i] || deep[i] > CLOSING;
        }
        return closed;
    }

    private double parenchyma(float[] signed) {
        float[] inside = new float[signed.length];
        int count = 0;
        for (int i = 0; i < signed.length; i++) {
            if (signed[i] < -DEEP) {
                inside[count++] = means[i];
            }
        }
        if (count == 0) {
            throw new IllegalArgumentException("background must show lungs more than " + DEEP + " mm deep");
        }
        Arrays.sort(inside, 0, count);
        return inside[count / 2];
    }

    /** Nodes in the lungs that are dense and denser than their neighbours. */
    private void findVessels(float[] signed) {
        for (int z = 1; z < nz - 1; z++) {
            for (int y = 1; y < ny - 1; y++) {
                for (int x = 1; x < nx - 1; x++) {
                    int i = (z * ny + y) * nx + x;
                    boolean isPeak = means[i] > -620
                            && means[i] < 150
                            && means[i] >= means[i - 1]
                            && means[i] >= means[i + 1]
                            && means[i] >= means[i - nx]
                            && means[i] >= means[i + nx];
                    if (signed[i] < -DEEP && isPeak) {
                        vesselPoints.add(place(x, y, z));
                    }
                }
            }
        }
    }

    private Point place(double x, double y, double z) {
        return new Point(origin.x() + x * step.x(), origin.y() + y * step.y(), origin.z() + z * step.z());
    }

    Volume volume() {
        return volume;
    }

    /** The mean HU around a place. */
    CoarseField density() {
        return density;
    }

    /** The distance to the pleura, negative in the lungs. */
    CoarseField distance() {
        return distance;
    }

    /** The usual HU of the lungs. */
    double parenchyma() {
        return parenchyma;
    }

    /** Places on vessels. */
    List<Point> vesselPoints() {
        return vesselPoints;
    }

    /** The least and greatest place of the lungs between two heights, if there is any lung. */
    Point[] lungBox(double fromZ, double toZ) {
        double[] box = {1e9, 1e9, 1e9, -1e9, -1e9, -1e9};
        for (int i = 0; i < lung.length; i++) {
            Point at = place(i % nx, i / nx % ny, i / (nx * ny));
            if (lung[i] && at.z() >= fromZ && at.z() <= toZ) {
                box[0] = Math.min(box[0], at.x());
                box[1] = Math.min(box[1], at.y());
                box[2] = Math.min(box[2], at.z());
                box[3] = Math.max(box[3], at.x());
                box[4] = Math.max(box[4], at.y());
                box[5] = Math.max(box[5], at.z());
            }
        }
        return new Point[] {new Point(box[0], box[1], box[2]), new Point(box[3], box[4], box[5])};
    }

    /** How many nodes between two heights are lung. */
    int lungNodes(double fromZ, double toZ) {
        int count = 0;
        for (int i = 0; i < lung.length; i++) {
            double z = origin.z() + i / (nx * ny) * step.z();
            if (lung[i] && z >= fromZ && z <= toZ) {
                count++;
            }
        }
        return count;
    }
}
