package io.fedlearn.aggregators.robust;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SortingNetworkTest {
    /** A network that sorts all zeros and ones sorts everything (Knuth, volume 3, theorem 5.3.4Z). */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void putsEveryWantedPlaceRight(int rows) {
        int columns = 1 << rows;
        for (int from = 0; from < rows; from++) {
            for (int to = from + 1; to <= rows; to++) {
                float[][] values = new float[rows][columns];
                for (int row = 0; row < rows; row++) {
                    for (int column = 0; column < columns; column++) {
                        values[row][column] = column >> row & 1;
                    }
                }

                SortingNetwork.of(rows, from, to).sort(values, 0, columns);

                for (int place = from; place < to; place++) {
                    for (int column = 0; column < columns; column++) {
                        int zeros = rows - Integer.bitCount(column);
                        assertThat(values[place][column]).isEqualTo(place < zeros ? 0 : 1);
                    }
                }
            }
        }
    }

    @Test
    void leavesOutWhatTheMedianDoesNotNeed() {
        assertThat(SortingNetwork.of(50, 24, 26).size())
                .isPositive()
                .isLessThan(SortingNetwork.of(50, 0, 50).size());
    }

    @Test
    void sortsEachTypeAndOnlyTheColumnsGiven() {
        int rows = 37;
        Random random = new Random(1);
        float[][] floats = new float[rows][3];
        double[][] doubles = new double[rows][3];
        long[][] longs = new long[rows][3];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < 3; column++) {
                floats[row][column] = (float) random.nextGaussian();
                doubles[row][column] = random.nextGaussian();
                longs[row][column] = random.nextLong();
            }
        }
        SortingNetwork network = SortingNetwork.of(rows, 0, rows);
        double[] first = column(doubles, 0);
        double[] floatsSorted = column(floats, 1);
        double[] doublesSorted = column(doubles, 1);
        long[] longsSorted =
                Arrays.stream(longs).mapToLong(row -> row[1]).sorted().toArray();
        Arrays.sort(floatsSorted);
        Arrays.sort(doublesSorted);

        network.sort(floats, 1, 2);
        network.sort(doubles, 1, 2);
        network.sort(longs, 1, 2);

        assertThat(column(floats, 1)).containsExactly(floatsSorted);
        assertThat(column(doubles, 1)).containsExactly(doublesSorted);
        assertThat(Arrays.stream(longs).mapToLong(row -> row[1])).containsExactly(box(longsSorted));
        assertThat(column(doubles, 0)).containsExactly(first);
    }

    @Test
    void putsMinusZeroBeforeZero() {
        float[][] floats = {{0f}, {-0f}, {0f}, {-0f}};

        SortingNetwork.of(4, 0, 4).sort(floats, 0, 1);

        assertThat(Arrays.stream(floats).map(row -> Float.floatToRawIntBits(row[0]) != 0))
                .containsExactly(true, true, false, false);
    }

    private static Long[] box(long[] values) {
        return Arrays.stream(values).boxed().toArray(Long[]::new);
    }

    private static double[] column(float[][] rows, int column) {
        return Arrays.stream(rows).mapToDouble(row -> row[column]).toArray();
    }

    private static double[] column(double[][] rows, int column) {
        return Arrays.stream(rows).mapToDouble(row -> row[column]).toArray();
    }
}
