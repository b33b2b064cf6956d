package io.fedlearn.luna16.lung;

import io.fedlearn.luna16.image.GridSize;
import java.util.Arrays;

/** A box of voxels as arrays have them, with a way to visit what hangs together. */
final class Grid {
    private final int sizeX;
    private final int sizeY;
    private final int sizeZ;

    Grid(GridSize size) {
        this.sizeX = size.x();
        this.sizeY = size.y();
        this.sizeZ = size.z();
    }

    int sizeX() {
        return sizeX;
    }

    int sizeY() {
        return sizeY;
    }

    int sizeZ() {
        return sizeZ;
    }

    int slice() {
        return sizeX * sizeY;
    }

    int count() {
        return sizeX * sizeY * sizeZ;
    }

    int x(int at) {
        return at % sizeX;
    }

    int y(int at) {
        return at / sizeX % sizeY;
    }

    int z(int at) {
        return at / slice();
    }

    /** Which voxels may be visited. */
    @FunctionalInterface
    interface Choice {
        /** Whether a voxel belongs, and was not visited; after that it was. */
        boolean take(int at);
    }

    /** Voxels in the order in which they were found. */
    static final class Found {
        private int[] places = new int[1 << 12];
        private int count;

        int count() {
            return count;
        }

        int get(int i) {
            return places[i];
        }

        void add(int at) {
            if (count == places.length) {
                places = Arrays.copyOf(places, 2 * count);
            }
            places[count++] = at;
        }

        void clear() {
            count = 0;
        }
    }

    /**
     * Takes all voxels that hang together, by their faces, with those found already, and adds them.
     *
     * @param inSlice whether to stay in the slice
     * @param most after how many to stop
     */
    void spread(Found found, boolean inSlice, int most, Choice choice) {
        for (int i = 0; i < found.count() && found.count() <= most; i++) {
            visitNeighbours(found, found.get(i), inSlice, choice);
        }
    }

    /** Takes the neighbours of those found that are numbered {@code from} to {@code to}, and gives {@code to}. */
    int step(Found found, int from, int to, Choice choice) {
        for (int i = from; i < to; i++) {
            visitNeighbours(found, found.get(i), false, choice);
        }
        return to;
    }

    private void visitNeighbours(Found found, int at, boolean inSlice, Choice choice) {
        int x = at % sizeX;
        int rest = at / sizeX;
        int y = rest % sizeY;
        int z = rest / sizeY;
        visit(found, x > 0, at - 1, choice);
        visit(found, x < sizeX - 1, at + 1, choice);
        visit(found, y > 0, at - sizeX, choice);
        visit(found, y < sizeY - 1, at + sizeX, choice);
        if (!inSlice) {
            visit(found, z > 0, at - slice(), choice);
            visit(found, z < sizeZ - 1, at + slice(), choice);
        }
    }

    private static void visit(Found found, boolean exists, int at, Choice choice) {
        if (exists && choice.take(at)) {
            found.add(at);
        }
    }
}
