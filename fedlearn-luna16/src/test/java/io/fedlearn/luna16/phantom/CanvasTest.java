package io.fedlearn.luna16.phantom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CanvasTest {
    private static Canvas air(GridSize size, Point spacing) {
        Canvas canvas = new Canvas(size, spacing, Math.max(0.8, spacing.x()));
        Arrays.fill(canvas.values(), -1000);
        return canvas;
    }

    private static double filled(Canvas canvas, double hu) {
        double sum = 0;
        for (float value : canvas.values()) {
            sum += (value + 1000) / (hu + 1000);
        }
        Point spacing = canvas.spacing();
        return sum * spacing.x() * spacing.y() * spacing.z();
    }

    @ParameterizedTest
    @CsvSource({"0.6, 1.0", "0.7, 2.5", "0.9, 1.5"})
    void paintsBallOfItsVolumeWhateverTheSpacing(double inPlane, double slice) {
        Canvas canvas = air(
                new GridSize((int) (30 / inPlane), (int) (30 / inPlane), (int) (30 / slice)),
                new Point(inPlane, inPlane, slice));
        double radius = 5;

        canvas.cover(Blob.at(
                        new Point(14.8, 15.1, 14.3),
                        new Point(1, 0, 0),
                        new Point(0, 1, 0),
                        new Point(radius, radius, radius),
                        200)
                .build());

        double volume = 4.0 / 3 * Math.PI * radius * radius * radius;
        assertThat(filled(canvas, 200)).isEqualTo(volume, within(0.03 * volume));
    }

    @Test
    void paintsJointsOfTubesOnce() {
        Point spacing = new Point(0.7, 0.7, 1);
        GridSize size = new GridSize(60, 60, 40);
        Canvas whole = air(size, spacing);
        Canvas jointed = air(size, spacing);
        whole.brighten(Tube.of(List.of(new Point(10, 12, 8), new Point(30, 28, 30)), new double[] {3, 3}, 40), -1000);
        jointed.brighten(
                Tube.of(
                        List.of(
                                new Point(10, 12, 8),
                                new Point(15, 16, 13.5),
                                new Point(20, 20, 19),
                                new Point(30, 28, 30)),
                        new double[] {3, 3, 3, 3},
                        40),
                -1000);

        for (int i = 0; i < whole.values().length; i++) {
            assertThat(jointed.values()[i]).isEqualTo(whole.values()[i], within(1e-2f));
        }
    }

    @Test
    void brightensOnlyWhatIsDarker() {
        Canvas canvas = air(new GridSize(20, 20, 20), new Point(1, 1, 1));
        Arrays.fill(canvas.values(), 60);
        canvas.brighten(Tube.of(List.of(new Point(5, 10, 10), new Point(15, 10, 10)), new double[] {3, 3}, -500), -860);

        assertThat(canvas.values()).containsOnly(60);
    }

    @Test
    void keepsTheNoiseOfWhatItIsPaintedInto() {
        Canvas canvas = air(new GridSize(20, 20, 20), new Point(1, 1, 1));
        Arrays.fill(canvas.values(), -860);
        canvas.values()[(10 * 20 + 10) * 20 + 10] = -830;
        canvas.brighten(
                Blob.at(new Point(10, 10, 10), new Point(1, 0, 0), new Point(0, 1, 0), new Point(5, 5, 5), -500)
                        .build(),
                -860);

        assertThat(canvas.values()[(10 * 20 + 10) * 20 + 10]).isEqualTo(-470, within(1e-3f));
        assertThat(canvas.values()[(10 * 20 + 10) * 20 + 11]).isEqualTo(-500, within(1e-3f));
    }

    @ParameterizedTest
    @CsvSource({"20, -0.06", "13, 0.2", "25, 0"})
    void reconstructionHasTheNoiseThatWasAskedFor(double noise, double smoothing) {
        Canvas canvas = air(new GridSize(80, 80, 20), new Point(1, 1, 1));
        Arrays.fill(canvas.values(), 40);
        Volume scan = Reconstruction.of(canvas, noise, smoothing, 7, false, new Point(0, 0, 0), SeededRandom.of(3));

        double sum = 0;
        double squares = 0;
        for (short value : scan.values()) {
            sum += value;
            squares += (double) value * value;
        }
        double mean = sum / scan.values().length;
        double deviation = Math.sqrt(squares / scan.values().length - mean * mean);
        // 128,000 voxels, correlated over about 9: five standard errors are less than 1 and 4 percent.
        assertThat(mean).isEqualTo(47, within(1.0));
        assertThat(deviation).isEqualTo(noise, within(0.04 * noise));
    }

    @Test
    void storedBackwardsItShowsTheSamePatient() {
        GridSize size = new GridSize(7, 5, 3);
        Volume[] scans = new Volume[2];
        for (int i = 0; i < 2; i++) {
            Canvas canvas = air(size, new Point(0.7, 0.7, 2));
            for (int j = 0; j < canvas.values().length; j++) {
                canvas.values()[j] = 3 * j;
            }
            scans[i] = Reconstruction.of(canvas, 0, 0, 0, i == 1, new Point(-10, 20, 30), SeededRandom.of(1));
        }

        assertThat(scans[1].geometry().xAxis()).isEqualTo(new Point(-1, 0, 0));
        for (int z = 0; z < 3; z++) {
            for (int y = 0; y < 5; y++) {
                for (int x = 0; x < 7; x++) {
                    Point other =
                            scans[1].geometry().toIndex(scans[0].geometry().toWorld(x, y, z));
                    assertThat(scans[1].get((int) Math.round(other.x()), (int) Math.round(other.y()), (int)
                                    Math.round(other.z())))
                            .isEqualTo(scans[0].get(x, y, z));
                }
            }
        }
    }
}
