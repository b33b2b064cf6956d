package io.fedlearn.pg.data;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** Finds what is put in where columns are missing, out of the rows in which they are not, by passing over them. */
final class Imputation {
    /** Most different numbers of a column whose most frequent one is wanted. */
    static final int MAX_DIFFERENT = 1 << 16;

    private final RowStore rows;
    private int[] places = {};
    private float[] values = {};

    Imputation(RowStore rows) {
        this.rows = rows;
    }

    Loading.Imputed imputed() {
        return new Loading.Imputed(places, values);
    }

    void add(Column column, MissingValues policy) {
        float[] found = new float[column.width()];
        switch (policy.kind()) {
            case CONSTANT:
                Arrays.fill(found, (float) policy.constant());
                break;
            case CATEGORY:
                ((Column.Category) column)
                        .put(column.vocabulary().orElseThrow().categories().indexOf(policy.category()), found, 0);
                break;
            case MEAN:
                found = column.isOfKinds() ? mostFrequent(column) : mean(column);
                break;
            case MEDIAN:
                found = column.isOfKinds() ? mostFrequent(column) : median(column);
                break;
            case MOST_FREQUENT:
                found = mostFrequent(column);
                break;
            default:
                throw new IllegalArgumentException(policy + " puts nothing in");
        }
        int from = places.length;
        places = Arrays.copyOf(places, from + found.length);
        values = Arrays.copyOf(values, from + found.length);
        for (int i = 0; i < found.length; i++) {
            places[from + i] = column.place + i;
            values[from + i] = found[i];
        }
    }

    private static PgDatasetException nothing(Column column) {
        return new PgDatasetException(
                "column '" + column.name() + "' is missing in all rows, so there is nothing to impute from",
                column.name());
    }

    private float[] mean(Column column) {
        int width = column.width();
        double[] sums = new double[width];
        long[] counts = new long[width];
        float[] row = new float[width];
        for (int i = 0; i < rows.rowCount(); i++) {
            rows.copy(i, column.place, row, width);
            for (int j = 0; j < width; j++) {
                if (!Float.isNaN(row[j])) {
                    sums[j] += row[j];
                    counts[j]++;
                }
            }
        }
        float[] means = new float[width];
        for (int j = 0; j < width; j++) {
            if (counts[j] == 0) {
                throw nothing(column);
            }
            means[j] = (float) (sums[j] / counts[j]);
        }
        return means;
    }

    private float[] median(Column column) {
        float[] medians = new float[column.width()];
        for (int j = 0; j < medians.length; j++) {
            medians[j] = median(column, column.place + j);
        }
        return medians;
    }

    /** In two passes and constant memory: the upper halves of the bits first, then the lower ones of those that are alike. */
    private float median(Column column, int place) {
        long[] upper = new long[1 << 16];
        float[] one = new float[1];
        long count = 0;
        for (int i = 0; i < rows.rowCount(); i++) {
            rows.copy(i, place, one, 1);
            if (!Float.isNaN(one[0])) {
                upper[sortable(one[0]) >>> 16]++;
                count++;
            }
        }
        if (count == 0) {
            throw nothing(column);
        }
        float low = ranked(place, upper, (count - 1) / 2);
        float high = count % 2 == 1 ? low : ranked(place, upper, count / 2);
        return (float) (((double) low + high) / 2);
    }

    private float ranked(int place, long[] upper, long rank) {
        long left = rank;
        int bucket = 0;
        while (left >= upper[bucket]) {
            left -= upper[bucket++];
        }
        long[] lower = new long[1 << 16];
        float[] one = new float[1];
        for (int i = 0; i < rows.rowCount(); i++) {
            rows.copy(i, place, one, 1);
            if (!Float.isNaN(one[0]) && sortable(one[0]) >>> 16 == bucket) {
                lower[sortable(one[0]) & 0xffff]++;
            }
        }
        int rest = 0;
        while (left >= lower[rest]) {
            left -= lower[rest++];
        }
        int bits = bucket << 16 | rest;
        return Float.intBitsToFloat(bits < 0 ? bits ^ Integer.MIN_VALUE : ~bits);
    }

    /** Bits whose order, taken as unsigned numbers, is that of the floats. */
    private static int sortable(float value) {
        int bits = Float.floatToRawIntBits(value);
        return bits < 0 ? ~bits : bits ^ Integer.MIN_VALUE;
    }

    private float[] mostFrequent(Column column) {
        if (column instanceof Column.Category category && !category.isIndex()) {
            return mostFrequentCategory(category);
        }
        float[] found = new float[column.width()];
        float[] one = new float[1];
        for (int j = 0; j < found.length; j++) {
            Map<Float, Long> counts = new TreeMap<>();
            for (int i = 0; i < rows.rowCount(); i++) {
                rows.copy(i, column.place + j, one, 1);
                // Zeros of both signs are one number.
                if (!Float.isNaN(one[0])
                        && counts.merge(one[0] + 0.0f, 1L, Long::sum) == 1
                        && counts.size() > MAX_DIFFERENT) {
                    throw new PgDatasetException(
                            "column '" + column.name() + "' has more than " + MAX_DIFFERENT
                                    + " different values, too many to impute the most frequent; impute the median or the mean",
                            column.name());
                }
            }
            found[j] = counts.entrySet().stream()
                    .reduce((best, next) -> next.getValue() > best.getValue() ? next : best)
                    .orElseThrow(() -> nothing(column))
                    .getKey();
        }
        return found;
    }

    private float[] mostFrequentCategory(Column.Category column) {
        long[] counts = new long[column.width()];
        float[] row = new float[column.width()];
        for (int i = 0; i < rows.rowCount(); i++) {
            rows.copy(i, column.place, row, row.length);
            for (int j = 0; j < row.length; j++) {
                if (row[j] == 1) {
                    counts[j]++;
                }
            }
        }
        int best = 0;
        for (int j = 1; j < counts.length; j++) {
            best = counts[j] > counts[best] ? j : best;
        }
        if (counts[best] == 0) {
            throw nothing(column);
        }
        float[] found = new float[column.width()];
        column.put(best, found, 0);
        return found;
    }
}
