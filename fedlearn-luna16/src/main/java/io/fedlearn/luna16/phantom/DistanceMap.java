package io.fedlearn.luna16.phantom;

import java.util.Arrays;

/**
 * How far each node of a lattice is from the nearest node of a set, exactly.
 *
 * <p><b>Reference.</b> Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8
 * (2012).
 */
final class DistanceMap {
    private static final float FAR = 1e12f;

    private DistanceMap() {}

    /** The distances to the nodes that are in the set (or, of {@code wanted} false, that are not). */
    static float[] to(boolean[] set, boolean wanted, int nx, int ny, int nz, double stepX, double stepY, double stepZ) {
        float[] squares = new float[set.length];
        for (int i = 0; i < set.length; i++) {
            squares[i] = set[i] == wanted ? 0 : FAR;
        }
        for (int z = 0; z < nz; z++) {
            for (int y = 0; y < ny; y++) {
                line(squares, (z * ny + y) * nx, 1, nx, stepX);
            }
            for (int x = 0; x < nx; x++) {
                line(squares, z * ny * nx + x, nx, ny, stepY);
            }
        }
        for (int y = 0; y < ny; y++) {
            for (int x = 0; x < nx; x++) {
                line(squares, y * nx + x, nx * ny, nz, stepZ);
            }
        }
        for (int i = 0; i < squares.length; i++) {
            squares[i] = (float) Math.sqrt(squares[i]);
        }
        return squares;
    }

    /** The lower envelope of the parabolas that stand on the nodes of a line. */
    private static void line(float[] squares, int start, int stride, int count, double step) {
        double[] heights = new double[count];
        for (int i = 0; i < count; i++) {
            heights[i] = squares[start + i * stride];
        }
        int[] roots = new int[count];
        double[] from = new double[count + 1];
        Arrays.fill(from, Double.POSITIVE_INFINITY);
        from[0] = Double.NEGATIVE_INFINITY;
        int last = 0;
        double square = step * step;
        for (int i = 1; i < count; i++) {
            double meet = meet(heights, roots[last], i, square);
            while (meet <= from[last]) {
                last--;
                meet = meet(heights, roots[last], i, square);
            }
            last++;
            roots[last] = i;
            from[last] = meet;
            from[last + 1] = Double.POSITIVE_INFINITY;
        }
        int k = 0;
        for (int i = 0; i < count; i++) {
            while (from[k + 1] < i) {
                k++;
            }
            double away = (i - roots[k]) * step;
            squares[start + i * stride] = (float) Math.min(FAR, away * away + heights[roots[k]]);
        }
    }

    private static double meet(double[] heights, int left, int right, double square) {
        return ((heights[right] + square * right * right) - (heights[left] + square * left * left))
                / (2 * square * (right - left));
    }
}
