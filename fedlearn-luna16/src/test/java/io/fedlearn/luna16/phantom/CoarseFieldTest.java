package io.fedlearn.luna16.phantom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.Point;
import org.junit.jupiter.api.Test;

final class CoarseFieldTest {
    private static final Point EXTENT = new Point(30, 24, 18);

    /** Linear in each axis, so that the interpolation is exact. */
    private static double quantity(double x, double y, double z) {
        return 2 * x - 3 * y + 0.5 * z + 0.1 * x * y;
    }

    private final CoarseField field = CoarseField.sample(EXTENT, 3, CoarseFieldTest::quantity);

    @Test
    void interpolatesBetweenNodes() {
        assertThat(field.at(7.3, 11.9, 4.4)).isEqualTo(quantity(7.3, 11.9, 4.4), within(1e-4));
    }

    @Test
    void goesOnBeyondItsEnds() {
        assertThat(field.at(-5, 30, 4)).isEqualTo(quantity(0, 24, 4), within(1e-4));
    }

    @Test
    void givesRowsAsItGivesPlaces() {
        float[] row = new float[50];
        field.row(10.1, 6.6, 0.71, 50, new float[field.rowNodes()], row);

        for (int x = 0; x < 50; x++) {
            assertThat(row[x]).isEqualTo((float) field.at(0.71 * x, 10.1, 6.6), within(1e-3f));
        }
    }

    @Test
    void isSeenFromElsewhereMirroredAndScaled() {
        Point part = new Point(12, 24, 9);
        CoarseField seen =
                field.seenFrom(new Point(6, 0, 3)).mirrored(true, true, part).scaled(1.1, true);

        Point place = new Point(1.1 * (12 - 4.5), 1.1 * 7, 1.1 * (9 - 2.2));
        assertThat(seen.at(place)).isEqualTo(1.1 * quantity(6 + 4.5, 7, 3 + 2.2), within(1e-3));
    }

    @Test
    void distanceMapIsThatOfTryingAllNodes() {
        int nx = 9;
        int ny = 7;
        int nz = 5;
        boolean[] set = new boolean[nx * ny * nz];
        SeededRandom random = SeededRandom.of(4);
        for (int i = 0; i < 6; i++) {
            set[random.nextInt(set.length)] = true;
        }
        float[] distances = DistanceMap.to(set, true, nx, ny, nz, 2.4, 2.1, 3);

        for (int i = 0; i < set.length; i++) {
            double nearest = Double.POSITIVE_INFINITY;
            for (int j = 0; j < set.length; j++) {
                if (set[j]) {
                    nearest = Math.min(nearest, place(i, nx, ny).distance(place(j, nx, ny)));
                }
            }
            assertThat(distances[i]).isEqualTo((float) nearest, within(1e-4f));
        }
    }

    private static Point place(int i, int nx, int ny) {
        return new Point(2.4 * (i % nx), 2.1 * (i / nx % ny), 3.0 * (i / (nx * ny)));
    }
}
