package io.fedlearn.luna16.patch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Patches against fields whose value is known at every place, for scans that lie in the patient in many ways. */
class PatchExtractorTest {
    private static final PatchSettings SETTINGS = PatchSettings.defaults()
            .withShape(new PatchShape(8, 11, 10))
            .withMargin(1)
            .withSpacing(1.25, 0.7, 0.8);

    private static ImageGeometry along(Point spacing) {
        return ImageGeometry.of(new GridSize(40, 44, 36), spacing, new Point(-30, 12, 200));
    }

    private static ImageGeometry axes(Point spacing, Point x, Point y, Point z) {
        return ImageGeometry.of(new GridSize(40, 44, 36), spacing, new Point(-30, 12, 200), x, y, z);
    }

    /** Axes turned about two of the patient's. */
    private static ImageGeometry oblique(Point spacing) {
        double a = Math.toRadians(25);
        double b = Math.toRadians(-14);
        return axes(
                spacing,
                new Point(Math.cos(a), Math.sin(a), 0),
                new Point(-Math.sin(a) * Math.cos(b), Math.cos(a) * Math.cos(b), Math.sin(b)),
                new Point(Math.sin(a) * Math.sin(b), -Math.cos(a) * Math.sin(b), Math.cos(b)));
    }

    static Stream<ImageGeometry> geometries() {
        Point usual = new Point(0.9, 0.9, 1.5);
        Point fine = new Point(0.5, 0.46, 0.6);
        Point mixed = new Point(0.5, 1.1, 0.45);
        return Stream.of(
                along(usual),
                along(fine),
                along(mixed),
                axes(usual, new Point(-1, 0, 0), new Point(0, -1, 0), new Point(0, 0, 1)),
                axes(fine, new Point(1, 0, 0), new Point(0, 1, 0), new Point(0, 0, -1)),
                // Slices from front to back.
                axes(mixed, new Point(0, 0, -1), new Point(1, 0, 0), new Point(0, 1, 0)),
                oblique(usual),
                oblique(fine),
                // A gantry that was tilted: axes that are not at right angles.
                axes(usual, new Point(1, 0, 0), new Point(0, 1, 0), new Point(0, 0.3, 0.95)));
    }

    /** A scan of a field that rises evenly in the patient. */
    private static double ramp(Point world) {
        return 100 + 3.1 * (world.x() + 12) - 4.7 * (world.y() - 25) + 2.3 * (world.z() - 220);
    }

    private static Volume rampVolume(ImageGeometry geometry) {
        GridSize size = geometry.size();
        short[] values = new short[(int) size.voxelCount()];
        int next = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    values[next++] = (short) Math.round(ramp(geometry.toWorld(x, y, z)));
                }
            }
        }
        return Volume.wrap(geometry, values);
    }

    private static Point middle(ImageGeometry geometry) {
        GridSize size = geometry.size();
        return geometry.toWorld(size.x() / 2.0 + 0.3, size.y() / 2.0 - 0.2, size.z() / 2.0 + 0.4);
    }

    private static Volume noiseVolume(ImageGeometry geometry) {
        SeededRandom random = SeededRandom.of(9);
        short[] values = new short[(int) geometry.size().voxelCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) (random.nextInt(3000) - 2000);
        }
        return Volume.wrap(geometry, values);
    }

    @ParameterizedTest
    @MethodSource("geometries")
    void reproducesWhatRisesEvenlyInThePatient(ImageGeometry geometry) {
        Point center = middle(geometry);
        Patch patch = PatchExtractor.of(rampVolume(geometry), SETTINGS).extract(center);

        PatchShape box = patch.shape();
        assertThat(box).isEqualTo(new PatchShape(10, 13, 12));
        for (int z = 0; z < box.depth(); z++) {
            for (int y = 0; y < box.height(); y++) {
                for (int x = 0; x < box.width(); x++) {
                    Point world = new Point(
                            center.x() + (x - 5.5) * 0.8, center.y() + (y - 6) * 0.7, center.z() + (z - 4.5) * 1.25);
                    // Voxels of the scan were rounded, and the patch's are: half a unit each.
                    assertThat((double) patch.get(z, y, x)).isCloseTo(ramp(world), within(1.001));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("geometries")
    void bothWaysAgree(ImageGeometry geometry) {
        Volume volume = noiseVolume(geometry);
        PatchExtractor fast = PatchExtractor.of(volume, SETTINGS);
        PatchExtractor slow = PatchExtractor.voxelByVoxel(volume, SETTINGS);
        GridSize size = geometry.size();
        for (Point index : new Point[] {
            new Point(20, 22, 18), new Point(0, 3.3, 1), new Point(39.4, 43.4, -0.4), new Point(7.7, 41, 35)
        }) {
            Point center = geometry.toWorld(index.x(), index.y(), index.z());
            short[] one = fast.extract(center).values();
            short[] other = slow.extract(center).values();
            int different = 0;
            for (int i = 0; i < one.length; i++) {
                assertThat(Math.abs(one[i] - other[i]))
                        .as("%s of %s", index, size)
                        .isLessThanOrEqualTo(1);
                different += one[i] == other[i] ? 0 : 1;
            }
            // Sums in another order round the other way now and then.
            assertThat(different).isLessThan(one.length / 200);
        }
    }

    @Test
    void isWorthSomethingAgainstAnotherPlace() {
        // That the fields and tolerances above tell places apart: half a voxel off is seen.
        ImageGeometry geometry = along(new Point(0.9, 0.9, 1.5));
        Point center = middle(geometry);
        PatchExtractor extractor = PatchExtractor.of(rampVolume(geometry), SETTINGS);
        Patch there = extractor.extract(center);
        Patch beside = extractor.extract(new Point(center.x() + 0.45, center.y(), center.z()));
        assertThat(beside.get(5, 5, 5) - there.get(5, 5, 5)).isGreaterThanOrEqualTo(1);
    }

    @Test
    void fillsUpWithAirBeyondTheBorder() {
        ImageGeometry geometry = along(new Point(1, 1, 1));
        short[] values = new short[(int) geometry.size().voxelCount()];
        Volume volume = Volume.wrap(geometry, values);
        PatchSettings settings = PatchSettings.defaults()
                .withShape(new PatchShape(5, 5, 5))
                .withMargin(0)
                .withSpacing(1, 1, 1);
        PatchExtractor extractor = PatchExtractor.of(volume, settings);

        Patch corner = extractor.extract(geometry.toWorld(0, 0, 0));
        assertThat(corner.get(2, 2, 2)).isZero();
        assertThat(corner.get(4, 4, 4)).isZero();
        assertThat(corner.get(1, 2, 2)).isEqualTo(Volume.AIR);
        assertThat(corner.get(2, 2, 1)).isEqualTo(Volume.AIR);
        assertThat(corner.get(4, 0, 4)).isEqualTo(Volume.AIR);
        // A quarter of a voxel outside, three quarters of the last voxel are left.
        Patch outside = extractor.extract(geometry.toWorld(-0.25, 0, 0));
        assertThat(outside.get(2, 2, 2)).isEqualTo((short) -250);
    }

    @Test
    void takesFillingBelowAirForAirBeforeItIsBlended() {
        ImageGeometry geometry = along(new Point(1, 1, 1));
        short[] values = new short[(int) geometry.size().voxelCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) (i % 40 < 20 ? -3024 : 0);
        }
        PatchSettings settings = PatchSettings.defaults()
                .withShape(new PatchShape(1, 1, 1))
                .withMargin(0)
                .withSpacing(1, 1, 1);
        Patch patch = PatchExtractor.of(Volume.wrap(geometry, values), settings).extract(geometry.toWorld(19.5, 9, 9));
        assertThat(patch.get(0, 0, 0)).isEqualTo((short) -500);
    }

    @Test
    void averagesNoiseWhereThePatchIsCoarser() {
        ImageGeometry geometry = along(new Point(0.5, 0.5, 0.5));
        SeededRandom random = SeededRandom.of(3);
        short[] values = new short[(int) geometry.size().voxelCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) Math.round(100 * random.nextGaussian());
        }
        PatchSettings settings =
                PatchSettings.defaults().withShape(new PatchShape(8, 8, 8)).withMargin(0);
        Volume volume = Volume.wrap(geometry, values);
        Point center = middle(geometry);
        double fine = deviation(
                PatchExtractor.of(volume, settings.withSpacing(0.5, 0.5, 0.5)).extract(center));
        double coarse = deviation(
                PatchExtractor.of(volume, settings.withSpacing(1.5, 1.5, 1.5)).extract(center));
        // 27 voxels to one would leave a fifth of the noise, against what interpolation leaves of it.
        assertThat(fine).isBetween(30.0, 70.0);
        assertThat(coarse).isLessThan(fine / 2);
    }

    private static double deviation(Patch patch) {
        double sum = 0;
        double squares = 0;
        for (short value : patch.values()) {
            sum += value;
            squares += (double) value * value;
        }
        double mean = sum / patch.values().length;
        return Math.sqrt(squares / patch.values().length - mean * mean);
    }

    @Test
    void keepsVoxelsAsTheyAreWithoutResampling() {
        ImageGeometry geometry =
                axes(new Point(0.9, 0.6, 1.5), new Point(-1, 0, 0), new Point(0, 1, 0), new Point(0, 0, 1));
        Volume volume = noiseVolume(geometry);
        PatchSettings settings = PatchSettings.defaults()
                .withShape(new PatchShape(4, 5, 6))
                .withMargin(0)
                .withNativeSpacing();
        PatchExtractor extractor = PatchExtractor.of(volume, settings);
        Patch patch = extractor.extract(geometry.toWorld(20.3, 22.2, 18.4));
        Patch slow = PatchExtractor.voxelByVoxel(volume, settings).extract(geometry.toWorld(20.3, 22.2, 18.4));

        assertThat(extractor.spacing()).isEqualTo(new PatchSettings.VoxelSpacing(1.5, 0.6, 0.9));
        assertThat(slow.values()).isEqualTo(patch.values());
        for (int z = 0; z < 4; z++) {
            for (int y = 0; y < 5; y++) {
                for (int x = 0; x < 6; x++) {
                    // The patient's x falls as the scan's rises.
                    short voxel = volume.get(23 - x, 20 + y, 17 + z);
                    assertThat(patch.get(z, y, x)).isEqualTo((short) Math.max(voxel, Volume.AIR));
                }
            }
        }
    }

    @Test
    void keepsVoxelsWhereTheMatrixHasTheSpacing() {
        ImageGeometry geometry =
                axes(new Point(1, 1, 1), new Point(0.6, 0, 0), new Point(0, 0.6, 0), new Point(0, 0, 2.5));
        Volume volume = noiseVolume(geometry);
        PatchSettings settings = PatchSettings.defaults()
                .withShape(new PatchShape(3, 3, 3))
                .withMargin(0)
                .withNativeSpacing();
        PatchExtractor extractor = PatchExtractor.of(volume, settings);
        Patch patch = extractor.extract(geometry.toWorld(20, 22, 18));

        assertThat(extractor.spacing()).isEqualTo(new PatchSettings.VoxelSpacing(2.5, 0.6, 0.6));
        for (int z = 0; z < 3; z++) {
            for (int y = 0; y < 3; y++) {
                for (int x = 0; x < 3; x++) {
                    short voxel = volume.get(19 + x, 21 + y, 17 + z);
                    assertThat(patch.get(z, y, x)).isEqualTo((short) Math.max(voxel, Volume.AIR));
                }
            }
        }
    }

    @Test
    void namesTheSpacingOfAScanThatLiesAskew() {
        Volume volume = noiseVolume(oblique(new Point(0.9, 0.6, 1.5)));
        PatchExtractor extractor = PatchExtractor.of(volume, SETTINGS.withNativeSpacing());
        assertThat(extractor.spacing()).isEqualTo(new PatchSettings.VoxelSpacing(1.5, 0.6, 0.9));
    }

    @Test
    void cutsFromAScanSmallerThanThePatch() {
        ImageGeometry geometry = ImageGeometry.of(new GridSize(1, 2, 3), new Point(1, 1, 1), new Point(0, 0, 0));
        Volume volume = Volume.wrap(geometry, new short[] {1, 2, 3, 4, 5, 6});
        PatchSettings settings = PatchSettings.defaults()
                .withShape(new PatchShape(5, 5, 5))
                .withMargin(2)
                .withSpacing(1, 1, 1);
        Patch patch = PatchExtractor.of(volume, settings).extract(new Point(0, 0, 0));
        assertThat(patch.get(4, 4, 4)).isEqualTo((short) 1);
        assertThat(patch.get(6, 5, 4)).isEqualTo((short) 6);
        assertThat(patch.get(7, 4, 4)).isEqualTo(Volume.AIR);
    }

    @Test
    void isAirWhereTheScanIsAMillionthOfAVoxel() {
        ImageGeometry geometry = ImageGeometry.of(new GridSize(1, 1, 1), new Point(1, 1, 1), new Point(0, 0, 0));
        PatchSettings settings = PatchSettings.defaults()
                .withShape(new PatchShape(2, 2, 2))
                .withMargin(0)
                .withSpacing(100, 100, 100);
        Volume volume = Volume.wrap(geometry, new short[] {50});
        assertThat(PatchExtractor.of(volume, settings)
                        .extract(new Point(0, 0, 0))
                        .values())
                .containsOnly(Volume.AIR);
    }

    @Test
    void refusesACentreOutsideTheScan() {
        PatchExtractor extractor = PatchExtractor.of(noiseVolume(along(new Point(1, 1, 1))), SETTINGS);
        assertThatThrownBy(() -> extractor.extract(new Point(-30.6, 12, 200)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("(-30.6, 12.0, 200.0)")
                .hasMessageContaining("40x44x36");
    }
}
