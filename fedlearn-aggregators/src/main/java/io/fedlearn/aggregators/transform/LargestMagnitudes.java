package io.fedlearn.aggregators.transform;

import java.util.Arrays;

/**
 * The {@code k} values of largest magnitude in an array; of equal ones those that come first. Found without sorting: the leading 12
 * bits of all magnitudes are counted, then the following ones of those that may still be in question. Confined to one thread.
 */
final class LargestMagnitudes {
    private static final int MAGNITUDE = Integer.MAX_VALUE;
    // Which bits each pass counts by; together all 31 of a magnitude.
    private static final int FIRST_SHIFT = 19;
    private static final int SECOND_SHIFT = 7;
    private static final int BINS = 1 << 12;

    private final int[] counts = new int[BINS];
    private int wanted;

    /** Forgets the values counted. */
    void clear() {
        Arrays.fill(counts, 0);
    }

    /** Counts some of the values. */
    void count(float[] values, int from, int count) {
        for (int i = from; i < from + count; i++) {
            counts[(Float.floatToRawIntBits(values[i]) & MAGNITUDE) >>> FIRST_SHIFT]++;
        }
    }

    /**
     * The places of the largest, in rising order, after all values were counted.
     *
     * @param k 0 to the number of values
     */
    int[] places(float[] values, int k) {
        if (k == 0) {
            return new int[0];
        }
        wanted = k;
        int prefix = bin();
        int candidates = k - wanted + counts[prefix];
        int[] places = above(values, prefix << FIRST_SHIFT, candidates);
        int[] magnitudes = new int[candidates];
        for (int i = 0; i < candidates; i++) {
            magnitudes[i] = Float.floatToRawIntBits(values[places[i]]) & MAGNITUDE;
        }
        prefix = refine(magnitudes, prefix, FIRST_SHIFT, SECOND_SHIFT);
        int threshold = refine(magnitudes, prefix, SECOND_SHIFT, 0);
        int kept = 0;
        for (int i = 0; i < candidates; i++) {
            // Larger ones are all taken, and so many as are wanted of those that are equal.
            if (magnitudes[i] > threshold || magnitudes[i] == threshold && wanted-- > 0) {
                places[kept++] = places[i];
            }
        }
        return Arrays.copyOf(places, kept);
    }

    /** The bin in which the last of the wanted lies; then so many are wanted of it. */
    private int bin() {
        int bin = BINS - 1;
        while (counts[bin] < wanted) {
            wanted -= counts[bin--];
        }
        return bin;
    }

    private static int[] above(float[] values, int least, int count) {
        // One place more, for the place after the last that is taken.
        int[] places = new int[count + 1];
        int next = 0;
        for (int i = 0; i < values.length; i++) {
            // Written in any case: a branch that none can foretell would cost more.
            places[next] = i;
            next += (least - 1 - (Float.floatToRawIntBits(values[i]) & MAGNITUDE)) >>> 31;
        }
        return places;
    }

    private int refine(int[] magnitudes, int prefix, int fromShift, int toShift) {
        clear();
        int mask = (1 << (fromShift - toShift)) - 1;
        for (int magnitude : magnitudes) {
            if (magnitude >>> fromShift == prefix) {
                counts[magnitude >>> toShift & mask]++;
            }
        }
        return prefix << (fromShift - toShift) | bin();
    }
}
