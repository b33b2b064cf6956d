package io.fedlearn.luna16.phantom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.luna16.dataset.Nodule;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class GeneratedScanTest {
    private static final Point BOX = new Point(36, 36, 32);

    /** A chest CT as real as a test can have it. */
    private static final Background BACKGROUND = Background.of(phantom(1, 99).volume());

    private static GeneratedScan phantom(int hospital, long seed) {
        return new GeneratedScan(HospitalProfile.of(hospital), Optional.empty(), seed);
    }

    private static double meanAround(Volume scan, Point world) {
        Point index = scan.geometry().toIndex(world);
        double sum = 0;
        for (int y = -1; y <= 1; y++) {
            for (int x = -1; x <= 1; x++) {
                sum += scan.get(
                        (int) Math.round(index.x()) + x, (int) Math.round(index.y()) + y, (int) Math.round(index.z()));
            }
        }
        return sum / 9;
    }

    private static void assertNodulesStandOut(GeneratedScan scan) {
        Volume volume = scan.volume();
        assertThat(scan.nodules()).isNotEmpty();
        for (Nodule nodule : scan.nodules()) {
            assertThat(meanAround(volume, nodule.center()))
                    .isGreaterThan(scan.chest().parenchyma() + 80);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void nodulesStandOutWhereTheyAreAnnotated(int hospital) {
        // Some of the third hospital's scans are stored backwards.
        assertNodulesStandOut(phantom(hospital, 5));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void implantsNodulesIntoTheLungsOfABackground(long seed) {
        GeneratedScan scan = new GeneratedScan(HospitalProfile.of((int) seed % 4), Optional.of(BACKGROUND), seed);

        assertNodulesStandOut(scan);
        for (Finding finding : scan.findings()) {
            assertThat(scan.chest().lungs().at(finding.center())).isLessThan(finding.diameter() / 2);
        }
    }

    @Test
    void keepsFindingsApart() {
        List<Finding> findings = phantom(0, 3).findings();
        for (Finding a : findings) {
            for (Finding b : findings) {
                if (a != b) {
                    assertThat(a.center().distance(b.center())).isGreaterThan(17);
                }
            }
        }
    }

    @Test
    void refusesBackgroundWithoutLungs() {
        ImageGeometry geometry = ImageGeometry.of(new GridSize(60, 60, 30), new Point(2, 2, 2), new Point(0, 0, 0));
        short[] water = new short[60 * 60 * 30];
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Background.of(Volume.wrap(geometry, water)))
                .withMessageContaining("background must show lungs");

        short[] air = new short[60 * 60 * 30];
        Arrays.fill(air, Volume.AIR);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Background.of(Volume.wrap(geometry, air)))
                .withMessageContaining("background must show lungs");
    }

    @Test
    void refusesBackgroundOfOneSlice() {
        ImageGeometry geometry = ImageGeometry.of(new GridSize(60, 60, 1), new Point(2, 2, 2), new Point(0, 0, 0));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Background.of(Volume.wrap(geometry, new short[3600])))
                .withMessageContaining("background must be a chest CT");
    }

    @Test
    void isHarderThanIntensityAndBlobs() {
        DifficultyFloors.Meter meter = DifficultyFloors.meter(BOX);
        for (int i = 0; i < 4; i++) {
            GeneratedScan scan = phantom(i, 40 + i);
            meter.add(scan.volume(), scan.candidates());
        }
        assertFloors(meter.floors());
    }

    private static void assertFloors(DifficultyFloors floors) {
        assertThat(floors.meanIntensityAuc()).isLessThan(0.80);
        assertThat(floors.blobAuc()).isLessThan(0.88);
    }

    @Tag("slow")
    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void isHarderThanIntensityAndBlobsInBoxesOfAllSizes(long seed) {
        for (Optional<Background> behind : List.of(Optional.<Background>empty(), Optional.of(BACKGROUND))) {
            List<DifficultyFloors.Meter> meters = List.of(
                    DifficultyFloors.meter(BOX),
                    DifficultyFloors.meter(new Point(20, 20, 20)),
                    DifficultyFloors.meter(new Point(34, 34, 48)));
            for (int i = 0; i < 20; i++) {
                GeneratedScan scan = new GeneratedScan(HospitalProfile.of(i % 4), behind, 1000 * seed + i);
                Volume volume = scan.volume();
                meters.forEach(meter -> meter.add(volume, scan.candidates()));
            }
            meters.forEach(meter -> assertFloors(meter.floors()));
        }
    }
}
