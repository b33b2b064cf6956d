package io.fedlearn.benchmarks;

/** Reads arrays and does next to nothing with them: the most that memory gives to plain Java loops. */
final class PlainRead {
    private PlainRead() {}

    /** The largest bits of all values: a loop that the compiler vectorises. */
    static int largestBits(float[] values) {
        int largest = 0;
        for (int i = 0; i < values.length; i++) {
            largest = Math.max(largest, Float.floatToRawIntBits(values[i]));
        }
        return largest;
    }

    /** The sum in eight lanes, which do not wait for each other. */
    static float sum(float[] values) {
        return sum(values, 0, values.length);
    }

    /** As {@link #sum(float[])}, of the values from {@code from} to {@code to - 1}. */
    static float sum(float[] values, int from, int to) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        float e = 0;
        float f = 0;
        float g = 0;
        float h = 0;
        int end = from + (to - from & ~7);
        for (int i = from; i < end; i += 8) {
            a += values[i];
            b += values[i + 1];
            c += values[i + 2];
            d += values[i + 3];
            e += values[i + 4];
            f += values[i + 5];
            g += values[i + 6];
            h += values[i + 7];
        }
        for (int i = end; i < to; i++) {
            a += values[i];
        }
        return ((a + b) + (c + d)) + ((e + f) + (g + h));
    }
}
