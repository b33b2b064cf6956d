package io.fedlearn.luna16.lung;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.MetaImageReader;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.LungException.Problem;
import io.fedlearn.luna16.resample.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LungMaskTest {
    private static final Volume CHEST = Bodies.chest().volume();
    private static final LungMask MASK = LungMask.of(CHEST);

    @TempDir
    Path folder;

    @Test
    void tellsTheLungsFromEachOtherAndFromTheRest() {
        assertThat(MASK.lungAt(Bodies.LEFT)).contains(Lung.LEFT);
        assertThat(MASK.lungAt(Bodies.RIGHT)).contains(Lung.RIGHT);
        assertThat(MASK.lungAt(new Point(0, 0, 0))).isEmpty();
        assertThat(MASK.lungAt(new Point(-143, 0, 0))).isEmpty();
        assertThat(MASK.contains(new Point(62, 0, 76))).isTrue();
        assertThat(MASK.contains(new Point(62, 0, 84))).isFalse();
        assertThat(MASK.contains(new Point(5000, 0, 0))).isFalse();
        assertThat(MASK.contains(new Point(62, 0, 5000))).isFalse();
    }

    @Test
    void measuresTheLungs() {
        double expected = Bodies.millilitres(Bodies.RADII);
        assertThat(MASK.millilitres(Lung.LEFT)).isCloseTo(expected, Percentage.withPercentage(2));
        assertThat(MASK.millilitres(Lung.RIGHT)).isCloseTo(expected, Percentage.withPercentage(2));
        assertThat(MASK.millilitres()).isEqualTo(MASK.millilitres(Lung.LEFT) + MASK.millilitres(Lung.RIGHT));
        assertThat(MASK.warnings()).isEmpty();
        assertThat(MASK)
                .hasToString(String.format(
                        "lungs of %.0f ml (left) and %.0f ml",
                        MASK.millilitres(Lung.LEFT), MASK.millilitres(Lung.RIGHT)));
    }

    @Test
    void boxesTheLungs() {
        PatientBox box = MASK.boundingBox();
        assertThat(box.low().x()).isCloseTo(-110, within(3.0));
        assertThat(box.high().x()).isCloseTo(110, within(3.0));
        assertThat(box.low().y()).isCloseTo(-60, within(3.0));
        assertThat(box.high().z()).isCloseTo(80, within(3.0));
        PatientBox left = MASK.boundingBox(Lung.LEFT).orElseThrow();
        assertThat(left.low().x()).isCloseTo(14, within(3.0));
        assertThat(left.contains(Bodies.LEFT)).isTrue();
        assertThat(left.contains(Bodies.RIGHT)).isFalse();
        assertThat(box.contains(Bodies.RIGHT)).isTrue();
    }

    @Test
    void takesTheTracheaForAnAirway() {
        Point trachea = new Point(0, 10, 90);
        assertThat(MASK.isAirway(trachea)).isTrue();
        assertThat(MASK.contains(trachea)).isFalse();
        assertThat(MASK.isAirway(Bodies.LEFT)).isFalse();
        assertThat(MASK.isAirway(new Point(5000, 0, 0))).isFalse();
    }

    @Test
    void takesAnAirwayOutOfTheLungsIntoWhichItLeads() {
        // From the trachea's end a bronchus runs into each lung.
        Bodies bodies = Bodies.chest().with(new Point(0, 10, 32), new Point(30, 7, 7), -995);
        LungMask mask = LungMask.of(bodies.volume());
        assertThat(mask.isAirway(new Point(0, 10, 32))).isTrue();
        assertThat(mask.lungAt(Bodies.LEFT)).contains(Lung.LEFT);
        assertThat(mask.lungAt(Bodies.RIGHT)).contains(Lung.RIGHT);
        assertThat(mask.millilitres()).isCloseTo(MASK.millilitres(), Percentage.withPercentage(2));
    }

    @Test
    void hasNodulesInsideAndThoseAtThePleura() {
        Point inside = new Point(70, 10, 20);
        Point atPleura = new Point(-62, -56, 0);
        Bodies bodies = Bodies.chest().with(inside, new Point(14, 14, 14), 40).with(atPleura, new Point(8, 8, 8), 40);
        LungMask mask = LungMask.of(bodies.volume());
        assertThat(mask.contains(inside)).isTrue();
        assertThat(mask.contains(new Point(-62, -53, 0))).isTrue();
        LungMask open = LungFinder.defaults().withClosing(0).find(bodies.volume());
        assertThat(open.contains(new Point(-62, -53, 0))).isFalse();
        assertThat(open.contains(inside)).as("what lung surrounds is lung").isTrue();
    }

    @Test
    void separatesLungsThatTouch() {
        Bodies bodies = Bodies.chest().with(new Point(0, -30, 0), new Point(30, 4, 20), -860);
        LungMask mask = LungMask.of(bodies.volume());
        assertThat(mask.lungAt(Bodies.LEFT)).contains(Lung.LEFT);
        assertThat(mask.lungAt(Bodies.RIGHT)).contains(Lung.RIGHT);
        assertThat(mask.lungAt(new Point(20, -30, 0))).contains(Lung.LEFT);
        assertThat(mask.lungAt(new Point(-20, -30, 0))).contains(Lung.RIGHT);
        assertThat(mask.millilitres(Lung.LEFT)).isCloseTo(mask.millilitres(Lung.RIGHT), Percentage.withPercentage(3));
    }

    @Test
    void cutsInTheMiddleWhatCannotBeSeparated() {
        Bodies bodies = Bodies.body().with(new Point(0, 0, 0), new Point(110, 60, 80), -860);
        LungMask mask = LungMask.of(bodies.volume());
        assertThat(mask.lungAt(new Point(50, 0, 0))).contains(Lung.LEFT);
        assertThat(mask.lungAt(new Point(-50, 0, 0))).contains(Lung.RIGHT);
    }

    @Test
    void warnsOfOneLung() {
        LungMask mask =
                LungMask.of(Bodies.body().with(Bodies.RIGHT, Bodies.RADII, -860).volume());
        assertThat(mask.lungAt(Bodies.RIGHT)).contains(Lung.RIGHT);
        assertThat(mask.millilitres(Lung.LEFT)).isZero();
        assertThat(mask.boundingBox(Lung.LEFT)).isEmpty();
        assertThat(mask.boundingBox()).isEqualTo(mask.boundingBox(Lung.RIGHT).orElseThrow());
        assertThat(mask.warnings()).hasSize(2);
        assertThat(mask.warnings().get(0)).contains("less than the usual 1500");
        assertThat(mask.warnings().get(1)).contains("left 0 ml");
    }

    @Test
    void leavesOutGasInTheBowel() {
        Bodies bodies = Bodies.chest().with(new Point(40, -50, -92), new Point(60, 25, 12), -1000);
        LungMask mask = LungMask.of(bodies.volume());
        assertThat(mask.contains(new Point(40, -50, -92))).isFalse();
        assertThat(mask.millilitres()).isCloseTo(MASK.millilitres(), Percentage.withPercentage(2));
    }

    @Test
    void takesNoGasForALung() {
        Bodies abdomen = Bodies.body().with(new Point(40, -40, 0), new Point(60, 30, 30), -1000);
        assertThatThrownBy(() -> LungMask.of(abdomen.volume()))
                .isInstanceOfSatisfying(
                        LungException.class, e -> assertThat(e.problem()).isEqualTo(Problem.NO_LUNG));
    }

    @Test
    void findsTheSameInAScanThatIsStoredInAnotherOrder() {
        Point x = Bodies.ORIGIN;
        GridSize size = new GridSize(Bodies.SIZE.z(), Bodies.SIZE.x(), Bodies.SIZE.y());
        ImageGeometry other = ImageGeometry.of(
                size,
                Bodies.SPACING,
                new Point(x.x() + 115 * 2.5, x.y(), x.z() + 77 * 2.5),
                new Point(0, 0, -1),
                new Point(-1, 0, 0),
                new Point(0, 1, 0));
        LungMask mask = LungMask.of(Bodies.chest().volume(other));
        assertThat(mask.lungAt(Bodies.LEFT)).contains(Lung.LEFT);
        assertThat(mask.lungAt(Bodies.RIGHT)).contains(Lung.RIGHT);
        assertThat(mask.millilitres()).isCloseTo(MASK.millilitres(), Percentage.withPercentage(0.5));
    }

    @Test
    void findsTheSameBitsOnAnyNumberOfThreadsAndFromSlicesAsTheyAreRead() throws IOException {
        Path file = folder.resolve("chest.mhd");
        MetaImage.write(file, CHEST, MetaImage.Compression.ZLIB);
        ExecutorService executor = Executors.newFixedThreadPool(2);
        try (MetaImageReader reader = MetaImage.open(file)) {
            LungMask mask =
                    LungFinder.defaults().withWorkers(Workers.of(3, executor)).find(reader);
            assertThat(mask.toVolume().values()).isEqualTo(MASK.toVolume().values());
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void growsByMillimetres() {
        LungMask grown = MASK.dilated(10);
        Point radii = new Point(58, 70, 90);
        assertThat(grown.millilitres(Lung.LEFT)).isCloseTo(Bodies.millilitres(radii), Percentage.withPercentage(3));
        Point beside = new Point(62, 0, 86);
        assertThat(MASK.contains(beside)).isFalse();
        assertThat(grown.lungAt(beside)).contains(Lung.LEFT);
        assertThat(grown.contains(new Point(62, 0, 94))).isFalse();
        // Where the two meet, each has its half.
        LungMask meeting = MASK.dilated(20);
        assertThat(meeting.lungAt(new Point(3, 0, 0))).contains(Lung.LEFT);
        assertThat(meeting.lungAt(new Point(-3, 0, 0))).contains(Lung.RIGHT);
        assertThat(MASK.dilated(0).toVolume().values())
                .isEqualTo(MASK.toVolume().values());
        assertThatThrownBy(() -> MASK.dilated(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("millimetres must be in [0, 100.0], was -1.0");
    }

    @Test
    void isWrittenAndReadAgain() throws IOException {
        Path file = folder.resolve("lungs.mhd");
        MASK.write(file);
        LungMask read = LungMask.read(file);
        assertThat(read.geometry()).isEqualTo(MASK.geometry());
        assertThat(read.toVolume().values()).isEqualTo(MASK.toVolume().values());
        assertThat(folder.resolve("lungs.zraw")).exists();
    }

    @Test
    void isWrittenOnTheScansGridAndReadAgain() throws IOException {
        Path file = folder.resolve("lungs.mhd");
        MASK.write(file, CHEST.geometry());
        LungMask read = LungMask.read(file, CHEST.geometry());
        assertThat(read.lungAt(Bodies.LEFT)).contains(Lung.LEFT);
        assertThat(read.millilitres()).isCloseTo(MASK.millilitres(), Percentage.withPercentage(1));
        assertThat(read.isAirway(new Point(0, 10, 90))).isTrue();
    }

    @Test
    void knowsTheLeftLungByItsPlace() throws IOException {
        Volume labels = MASK.toVolume();
        short[] swapped = labels.values().clone();
        for (int i = 0; i < swapped.length; i++) {
            swapped[i] = swapped[i] == 3 ? 4 : swapped[i] == 4 ? 3 : swapped[i];
        }
        Path file = folder.resolve("lungs.mhd");
        MetaImage.write(file, Volume.wrap(labels.geometry(), swapped), MetaImage.Compression.ZLIB);
        assertThat(LungMask.read(file).toVolume().values()).isEqualTo(labels.values());
    }

    @Test
    void refusesAMaskOfAnotherScan() throws IOException {
        Path file = folder.resolve("lungs.mhd");
        MASK.write(file, CHEST.geometry());
        ImageGeometry moved = ImageGeometry.of(Bodies.SIZE, Bodies.SPACING, new Point(-144, -99, -97.9));
        assertThatThrownBy(() -> LungMask.read(file, moved))
                .isInstanceOfSatisfying(
                        LungException.class, e -> assertThat(e.problem()).isEqualTo(Problem.OTHER_GEOMETRY))
                .hasMessageContaining("lungs.mhd")
                .hasMessageContaining("-97.9");
        ImageGeometry other = ImageGeometry.of(new GridSize(116, 80, 77), Bodies.SPACING, Bodies.ORIGIN);
        assertThatThrownBy(() -> LungMask.read(file, other)).hasMessageContaining("116x80x77");
    }

    @Test
    void refusesAFileThatIsNoMask() throws IOException {
        Path file = folder.resolve("chest.mhd");
        MetaImage.write(file, CHEST, MetaImage.Compression.ZLIB);
        assertThatThrownBy(() -> LungMask.read(file, CHEST.geometry()))
                .isInstanceOfSatisfying(
                        LungException.class, e -> assertThat(e.problem()).isEqualTo(Problem.NO_MASK))
                .hasMessageContaining("chest.mhd: a mask of lungs must have voxels of 3 or 4, has none");
    }

    @Test
    void saysThatThereAreNoLungs() {
        Bodies bodies = Bodies.body().with(Bodies.LEFT, new Point(15, 15, 15), -860);
        assertThatThrownBy(() -> LungMask.of(bodies.volume()))
                .isInstanceOfSatisfying(
                        LungException.class, e -> assertThat(e.problem()).isEqualTo(Problem.NO_LUNG))
                .hasMessageContaining("no lungs were found")
                .hasMessageMatching(".* has 1[345] ml, and at least 40 are expected; .*");
        assertThatThrownBy(() -> LungMask.of(Bodies.body().volume()))
                .isInstanceOfSatisfying(
                        LungException.class, e -> assertThat(e.problem()).isEqualTo(Problem.NO_LUNG));
    }

    @Test
    void saysThatThereIsNoBody() {
        assertThatThrownBy(() -> LungMask.of(new Bodies().volume()))
                .isInstanceOfSatisfying(
                        LungException.class, e -> assertThat(e.problem()).isEqualTo(Problem.NO_BODY))
                .hasMessage("no body was found: all voxels are below -400 HU; is the scan in HU?");
    }

    @Test
    void refusesSettingsThatAreNone() {
        assertThatThrownBy(() -> LungFinder.defaults().withThreshold(-50))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("threshold must be in [-900, -100] HU, was -50");
        assertThatThrownBy(() -> LungFinder.defaults().withClosing(51))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("closing must be in [0, 50.0] mm, was 51.0");
        assertThatThrownBy(() -> new PatientBox(new Point(1, 0, 0), new Point(0, 0, 0)))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
