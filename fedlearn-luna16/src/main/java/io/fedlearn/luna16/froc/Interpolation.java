package io.fedlearn.luna16.froc;

/** Values between points that are joined by straight lines, where several points may lie above each other. */
final class Interpolation {
    private Interpolation() {}

    /** The last point at or before {@code x}; the first {@code size} entries of {@code xs} rise and start at most there. */
    static int lastAtMost(double[] xs, int size, double x) {
        int low = 0;
        int high = size - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (xs[middle] <= x) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** The value at {@code x}, at or after point {@code last} and before the one that follows. */
    static double between(double[] xs, double[] ys, int size, int last, double x) {
        if (last == size - 1 || xs[last] == x) {
            return ys[last];
        }
        double slope = (ys[last + 1] - ys[last]) / (xs[last + 1] - xs[last]);
        return slope * (x - xs[last]) + ys[last];
    }
}
