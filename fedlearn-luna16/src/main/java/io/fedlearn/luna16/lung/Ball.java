package io.fedlearn.luna16.lung;

import io.fedlearn.luna16.resample.Workers;
import java.util.Arrays;

/**
 * Growing and shrinking by a ball: exact, as far as the ball reaches, by squared distances taken along one axis after the
 * other.
 */
final class Ball {
    private static final int FAR = 1 << 20;

    private final int reach;
    private final int square;
    private final Workers workers;

    /** A ball of so many voxels' radius, not necessarily a whole number. */
    Ball(double radius, Workers workers) {
        this.reach = (int) radius;
        this.square = (int) (radius * radius + 1e-9);
        this.workers = workers;
    }

    int reach() {
        return reach;
    }

    /**
     * The square of how far each voxel is from the nearest one that is set, where that is not beyond the ball's radius;
     * else something greater.
     */
    int[] squares(boolean[] set, int sizeX, int sizeY, int sizeZ) {
        int slice = sizeX * sizeY;
        int[] first = new int[set.length];
        int[] second = new int[set.length];
        workers.run(sizeZ, z -> {
            for (int y = 0; y < sizeY; y++) {
                alongRow(set, first, z * slice + y * sizeX, sizeX);
            }
            for (int y = 0; y < sizeY; y++) {
                int to = z * slice + y * sizeX;
                Arrays.fill(second, to, to + sizeX, FAR);
                for (int d = -reach; d <= reach; d++) {
                    if (y + d >= 0 && y + d < sizeY) {
                        lower(first, to + d * sizeX, d * d, second, to, sizeX);
                    }
                }
            }
        });
        workers.run(sizeZ, z -> {
            int to = z * slice;
            Arrays.fill(first, to, to + slice, FAR);
            for (int d = -reach; d <= reach; d++) {
                if (z + d >= 0 && z + d < sizeZ) {
                    lower(second, to + d * slice, d * d, first, to, slice);
                }
            }
        });
        return first;
    }

    private void alongRow(boolean[] set, int[] squares, int from, int sizeX) {
        int since = reach + 1;
        for (int x = 0; x < sizeX; x++) {
            since = set[from + x] ? 0 : since + 1;
            squares[from + x] = since > reach ? FAR : since * since;
        }
        since = reach + 1;
        for (int x = sizeX - 1; x >= 0; x--) {
            since = set[from + x] ? 0 : since + 1;
            if (since <= reach) {
                squares[from + x] = Math.min(squares[from + x], since * since);
            }
        }
    }

    private static void lower(int[] source, int from, int more, int[] target, int to, int count) {
        for (int i = 0; i < count; i++) {
            target[to + i] = Math.min(target[to + i], source[from + i] + more);
        }
    }

    boolean reaches(int square) {
        return square <= this.square;
    }

    /** Sets all voxels within the ball's radius of one that is set. */
    boolean[] grown(boolean[] set, int sizeX, int sizeY, int sizeZ) {
        int[] squares = squares(set, sizeX, sizeY, sizeZ);
        boolean[] grown = new boolean[set.length];
        for (int i = 0; i < grown.length; i++) {
            grown[i] = squares[i] <= square;
        }
        return grown;
    }

    /** Keeps voxels around which a ball has room. What lies beyond the box is not set, and takes no room. */
    boolean[] shrunk(boolean[] set, int sizeX, int sizeY, int sizeZ) {
        boolean[] unset = new boolean[set.length];
        for (int i = 0; i < unset.length; i++) {
            unset[i] = !set[i];
        }
        boolean[] shrunk = grown(unset, sizeX, sizeY, sizeZ);
        for (int i = 0; i < shrunk.length; i++) {
            shrunk[i] = !shrunk[i];
        }
        return shrunk;
    }
}
