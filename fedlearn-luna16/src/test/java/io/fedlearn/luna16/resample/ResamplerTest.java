package io.fedlearn.luna16.resample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.MetaImageReader;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.image.VolumeException;
import io.fedlearn.luna16.patch.PatchExtractor;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Resampling against a slow reference and against fields whose value is known at every place. */
class ResamplerTest {
    private static final GridSize SIZE = new GridSize(23, 19, 17);
    private static final Point ORIGIN = new Point(-30, 12, 200);
    private static final Point USUAL = new Point(0.9, 0.8, 1.5);
    private static final Point FINE = new Point(0.5, 0.46, 0.6);

    @TempDir
    Path folder;

    private static ImageGeometry along(Point spacing) {
        return ImageGeometry.of(SIZE, spacing, ORIGIN);
    }

    private static ImageGeometry axes(Point spacing, Point x, Point y, Point z) {
        return ImageGeometry.of(SIZE, spacing, ORIGIN, x, y, z);
    }

    private static ImageGeometry oblique(Point spacing) {
        double a = Math.toRadians(25);
        double b = Math.toRadians(-14);
        return axes(
                spacing,
                new Point(Math.cos(a), Math.sin(a), 0),
                new Point(-Math.sin(a) * Math.cos(b), Math.cos(a) * Math.cos(b), Math.sin(b)),
                new Point(Math.sin(a) * Math.sin(b), -Math.cos(a) * Math.sin(b), Math.cos(b)));
    }

    static Stream<ImageGeometry> alignedGeometries() {
        return Stream.of(
                along(USUAL),
                along(FINE),
                axes(USUAL, new Point(-1, 0, 0), new Point(0, -1, 0), new Point(0, 0, 1)),
                axes(FINE, new Point(1, 0, 0), new Point(0, 1, 0), new Point(0, 0, -1)),
                // Slices from front to back, and from side to side.
                axes(USUAL, new Point(1, 0, 0), new Point(0, 0, -1), new Point(0, 1, 0)),
                axes(FINE, new Point(0, 0, 1), new Point(1, 0, 0), new Point(0, -1, 0)));
    }

    static Stream<ImageGeometry> geometries() {
        return Stream.concat(
                alignedGeometries(),
                Stream.of(
                        oblique(USUAL),
                        oblique(FINE),
                        // A gantry that was tilted: axes that are not at right angles.
                        axes(USUAL, new Point(1, 0, 0), new Point(0, 1, 0), new Point(0, 0.3, 0.95))));
    }

    private static Volume noise(ImageGeometry geometry) {
        SeededRandom random = SeededRandom.of(9);
        short[] values = new short[(int) geometry.size().voxelCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) (random.nextInt(5000) - 1500);
        }
        return Volume.wrap(geometry, values);
    }

    /** Trilinear interpolation at each voxel's place, through the matrix, in double precision. */
    private static double[] reference(Volume volume, ImageGeometry target) {
        GridSize size = target.size();
        double[] values = new double[(int) size.voxelCount()];
        int next = 0;
        for (int z = 0; z < size.z(); z++) {
            for (int y = 0; y < size.y(); y++) {
                for (int x = 0; x < size.x(); x++) {
                    Point index = volume.geometry().toIndex(target.toWorld(x, y, z));
                    double sum = 0;
                    for (int corner = 0; corner < 8; corner++) {
                        double i = Math.floor(index.x()) + (corner & 1);
                        double j = Math.floor(index.y()) + (corner >> 1 & 1);
                        double k = Math.floor(index.z()) + (corner >> 2);
                        double weight = (1 - Math.abs(index.x() - i))
                                * (1 - Math.abs(index.y() - j))
                                * (1 - Math.abs(index.z() - k));
                        sum += weight * hu(volume, (int) i, (int) j, (int) k);
                    }
                    values[next++] = sum;
                }
            }
        }
        return values;
    }

    private static double hu(Volume volume, int x, int y, int z) {
        GridSize size = volume.geometry().size();
        boolean inside = x >= 0 && y >= 0 && z >= 0 && x < size.x() && y < size.y() && z < size.z();
        return inside ? Math.max(volume.get(x, y, z), Volume.AIR) : Volume.AIR;
    }

    private static float[] exact(Resampler resampler, Volume volume) {
        ImageGeometry target = resampler.geometry(volume.geometry());
        float[] values = new float[(int) target.size().voxelCount()];
        resampler.run(volume, target, Output.ofExact(values));
        return values;
    }

    @ParameterizedTest
    @MethodSource("geometries")
    void agreesWithASlowReferenceBeforeRounding(ImageGeometry geometry) {
        Volume volume = noise(geometry);
        for (Resampler resampler : new Resampler[] {
            Resampler.toSpacing(new Point(0.7, 1.1, 0.9)), Resampler.onto(oblique(new Point(1.1, 0.7, 0.8)))
        }) {
            Resampler trilinear = resampler.withoutAveraging();
            double[] expected = reference(volume, trilinear.geometry(geometry));
            float[] found = exact(trilinear, volume);
            double worst = 0;
            for (int i = 0; i < expected.length; i++) {
                worst = Math.max(worst, Math.abs(found[i] - expected[i]));
            }
            assertThat(worst).isLessThan(1e-3);

            short[] whole = trilinear.resample(volume).values();
            double worstWhole = 0;
            for (int i = 0; i < expected.length; i++) {
                worstWhole = Math.max(worstWhole, Math.abs(whole[i] - expected[i]));
            }
            assertThat(worstWhole).isLessThan(0.501);
        }
    }

    @Test
    void toleratesNoOtherPlace() {
        // That the comparison above tells places apart: a hundredth of a voxel off is seen.
        Volume volume = noise(along(USUAL));
        Resampler resampler = Resampler.toSpacing(0.8).withoutAveraging();
        ImageGeometry target = resampler.geometry(volume.geometry());
        Point origin = target.origin();
        ImageGeometry beside = ImageGeometry.of(
                target.size(), target.spacing(), new Point(origin.x() + 0.008, origin.y(), origin.z()));
        double[] expected = reference(volume, beside);
        float[] found = exact(resampler, volume);
        assertThat(Math.abs(found[2000] - expected[2000])).isGreaterThan(0.01);
    }

    @ParameterizedTest
    @MethodSource("geometries")
    void leavesItsOwnGridAsItIs(ImageGeometry geometry) {
        Volume volume = noise(geometry);
        short[] expected = volume.values().clone();
        for (int i = 0; i < expected.length; i++) {
            expected[i] = (short) Math.max(expected[i], Volume.AIR);
        }
        assertThat(Resampler.onto(geometry).resample(volume).values()).isEqualTo(expected);
    }

    @Test
    void leavesAScanAlongThePatientAsItIs() {
        Volume volume = noise(along(USUAL));
        Resampler resampler = Resampler.toSpacing(USUAL);
        assertThat(resampler.geometry(volume.geometry())).isEqualTo(volume.geometry());
    }

    private static double ramp(Point world) {
        return 100 + 3.1 * (world.x() + 12) - 4.7 * (world.y() - 25) + 2.3 * (world.z() - 210);
    }

    @ParameterizedTest
    @MethodSource("geometries")
    void reproducesWhatRisesEvenlyInThePatient(ImageGeometry geometry) {
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
        Volume volume = Volume.wrap(geometry, values);
        for (Resampler resampler : new Resampler[] {
            Resampler.toSpacing(0.65),
            Resampler.toSpacing(1.3),
            Resampler.toSpacing(2).withoutAveraging()
        }) {
            Volume resampled = resampler.resample(volume);
            ImageGeometry target = resampled.geometry();
            int compared = 0;
            double worst = 0;
            for (int z = 0; z < target.size().z(); z++) {
                for (int y = 0; y < target.size().y(); y++) {
                    for (int x = 0; x < target.size().x(); x++) {
                        Point world = target.toWorld(x, y, z);
                        Point index = geometry.toIndex(world);
                        double inside = Math.min(
                                Math.min(Math.min(index.x(), size.x() - 1 - index.x()), index.z()),
                                Math.min(Math.min(index.y(), size.y() - 1 - index.y()), size.z() - 1 - index.z()));
                        // Nearer to the border, averages have air in them.
                        if (inside >= 2.5) {
                            compared++;
                            worst = Math.max(worst, Math.abs(resampled.get(x, y, z) - ramp(world)));
                        }
                    }
                }
            }
            // Voxels of the scan were rounded, and those of the target are: half a unit each.
            assertThat(worst).isLessThan(1.001);
            assertThat(compared).isGreaterThan(20);
        }
    }

    /** The same field in the patient, with its voxels stored the other way round. */
    private static Volume flipped(Volume volume) {
        ImageGeometry geometry = volume.geometry();
        GridSize size = geometry.size();
        short[] values = new short[volume.values().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = volume.values()[values.length - 1 - i];
        }
        Point x = geometry.xAxis();
        Point y = geometry.yAxis();
        Point z = geometry.zAxis();
        return Volume.wrap(
                ImageGeometry.of(
                        size,
                        geometry.spacing(),
                        geometry.toWorld(size.x() - 1, size.y() - 1, size.z() - 1),
                        new Point(-x.x(), -x.y(), -x.z()),
                        new Point(-y.x(), -y.y(), -y.z()),
                        new Point(-z.x(), -z.y(), -z.z())),
                values);
    }

    @ParameterizedTest
    @MethodSource("geometries")
    void givesTheSameForAFlippedScan(ImageGeometry geometry) {
        Volume volume = noise(geometry);
        Volume flipped = flipped(volume);
        Resampler resampler = Resampler.toSpacing(new Point(0.7, 1.2, 1));
        ImageGeometry target = resampler.geometry(geometry);
        ImageGeometry other = resampler.geometry(flipped.geometry());
        assertThat(other.size()).isEqualTo(target.size());
        assertThat(other.origin().distance(target.origin())).isLessThan(1e-9);
        float[] expected = exact(resampler, volume);
        float[] found = exact(resampler, flipped);
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            worst = Math.max(worst, Math.abs(found[i] - expected[i]));
        }
        assertThat(worst).isLessThan(2e-3);
    }

    @ParameterizedTest
    @MethodSource("geometries")
    void givesWhatAPatchAtThatPlaceHas(ImageGeometry geometry) {
        Volume volume = noise(geometry);
        Volume resampled = Resampler.toSpacing(new Point(0.7, 0.8, 1.25)).resample(volume);
        ImageGeometry target = resampled.geometry();
        PatchSettings settings = PatchSettings.defaults()
                .withShape(new PatchShape(3, 5, 7))
                .withMargin(0)
                .withSpacing(1.25, 0.8, 0.7);
        GridSize size = target.size();
        int x = size.x() / 2;
        int y = size.y() / 2;
        int z = size.z() / 2;
        var patch = PatchExtractor.of(volume, settings).extract(target.toWorld(x, y, z));
        for (int k = 0; k < 3; k++) {
            for (int j = 0; j < 5; j++) {
                for (int i = 0; i < 7; i++) {
                    assertThat(Math.abs(patch.get(k, j, i) - resampled.get(x + i - 3, y + j - 2, z + k - 1)))
                            .isLessThanOrEqualTo(1);
                }
            }
        }
    }

    @Test
    void beginsWhereTheScanDoesAndEndsWithinIt() {
        ImageGeometry scan = ImageGeometry.of(new GridSize(512, 512, 300), new Point(0.7, 0.7, 1.25), ORIGIN);
        ImageGeometry one = Resampler.toSpacing(1).geometry(scan);
        assertThat(one.size()).isEqualTo(new GridSize(358, 358, 374));
        assertThat(one.xAxis()).isEqualTo(new Point(1, 0, 0));
        // A voxel of 1 mm begins where one of 0.7 mm does; one between larger ones has its place within them.
        assertThat(one.origin().x()).isCloseTo(-30 + 0.15, within(1e-9));
        assertThat(one.origin().z()).isEqualTo(200);
        assertThat(Resampler.toSpacing(100).geometry(along(FINE)).size()).isEqualTo(new GridSize(1, 1, 1));
        Point only = Resampler.toSpacing(100).geometry(along(FINE)).origin();
        assertThat(along(FINE).toIndex(only).x()).isCloseTo(11, within(1e-9));
    }

    @ParameterizedTest
    @EnumSource(MetaImage.Compression.class)
    void givesTheSameBitsFromSlicesAsTheyAreReadOnAnyNumberOfThreads(MetaImage.Compression compression)
            throws IOException {
        // Three blocks of slices.
        GridSize size = new GridSize(256, 200, 90);
        assertThat(size.voxelCount() * Short.BYTES).isGreaterThan(2L * Resampler.SLAB_BYTES);
        ImageGeometry geometry =
                ImageGeometry.of(size, FINE, ORIGIN, new Point(-1, 0, 0), new Point(0, 1, 0), new Point(0, 0, -1));
        Volume volume = noise(geometry);
        Path file = folder.resolve("scan.mhd");
        MetaImage.write(file, volume, compression);
        Resampler resampler = Resampler.toSpacing(new Point(0.9, 0.8, 1.1));
        short[] expected = resampler.resample(volume).values();
        ExecutorService executor = Executors.newFixedThreadPool(2);
        try {
            Resampler threaded = resampler.withWorkers(Workers.of(3, executor));
            assertThat(threaded.resample(volume).values()).isEqualTo(expected);
            try (MetaImageReader reader = MetaImage.open(file)) {
                assertThat(threaded.resample(reader).values()).isEqualTo(expected);
                assertThat(reader.slicesLeft()).isZero();
            }
            try (MetaImageReader reader = MetaImage.open(file)) {
                assertThat(resampler.resample(reader).values()).isEqualTo(expected);
            }
            try (MetaImageReader reader = MetaImage.open(file)) {
                assertThat(threaded.features(reader, HuWindow.LUNG).values())
                        .isEqualTo(resampler.features(volume, HuWindow.LUNG).values());
            }
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void givesTheSameFromSlicesOfAnObliqueScan() throws IOException {
        Volume volume = noise(oblique(USUAL));
        Path file = folder.resolve("scan.mhd");
        MetaImage.write(file, volume, MetaImage.Compression.ZLIB);
        try (MetaImageReader reader = MetaImage.open(file)) {
            assertThat(Resampler.toSpacing(1).resample(reader).values())
                    .isEqualTo(Resampler.toSpacing(1).resample(volume).values());
        }
    }

    @Test
    void showsWhatTheWindowDoes() {
        Volume volume = noise(along(USUAL));
        Resampler resampler = Resampler.toSpacing(1.1);
        HuWindow window = new HuWindow(-900, 500);
        FeatureVolume features = resampler.features(volume, window);
        float[] hu = exact(resampler, volume);
        assertThat(features.geometry()).isEqualTo(resampler.geometry(volume.geometry()));
        assertThat(features.window()).isEqualTo(window);
        double worst = 0;
        for (int i = 0; i < hu.length; i++) {
            worst = Math.max(worst, Math.abs(features.values()[i] - window.feature(hu[i])));
        }
        assertThat(worst).isLessThan(1e-5);
        assertThat(features.get(2, 1, 3))
                .isEqualTo(features.values()[
                        (3 * features.geometry().size().y() + 1)
                                        * features.geometry().size().x()
                                + 2]);
    }

    @Test
    void isAirBeyondTheScan() {
        ImageGeometry geometry = along(new Point(1, 1, 1));
        Volume volume = Volume.wrap(geometry, new short[(int) geometry.size().voxelCount()]);
        ImageGeometry wider = ImageGeometry.of(new GridSize(30, 30, 30), new Point(1, 1, 1), new Point(-33, 9, 197));
        Volume resampled = Resampler.onto(wider).resample(volume);
        assertThat(resampled.get(3, 3, 3)).isZero();
        assertThat(resampled.get(25, 21, 19)).isZero();
        assertThat(resampled.get(2, 3, 3)).isEqualTo(Volume.AIR);
        assertThat(resampled.get(3, 2, 3)).isEqualTo(Volume.AIR);
        assertThat(resampled.get(3, 3, 2)).isEqualTo(Volume.AIR);
        assertThat(resampled.get(26, 21, 19)).isEqualTo(Volume.AIR);
        assertThat(resampled.get(25, 22, 19)).isEqualTo(Volume.AIR);
        assertThat(resampled.get(25, 21, 20)).isEqualTo(Volume.AIR);

        ImageGeometry elsewhere = ImageGeometry.of(new GridSize(3, 3, 3), new Point(1, 1, 1), new Point(500, 0, 0));
        assertThat(Resampler.onto(elsewhere).resample(volume).values()).containsOnly(Volume.AIR);
    }

    @Test
    void averagesNoiseWhereVoxelsAreCoarser() {
        Volume volume = noise(along(FINE));
        double averaged = deviation(Resampler.toSpacing(1.5).resample(volume));
        double interpolated =
                deviation(Resampler.toSpacing(1.5).withoutAveraging().resample(volume));
        assertThat(averaged).isLessThan(interpolated / 2);
    }

    private static double deviation(Volume volume) {
        double sum = 0;
        double squares = 0;
        for (short value : volume.values()) {
            sum += value;
            squares += (double) value * value;
        }
        double mean = sum / volume.values().length;
        return Math.sqrt(squares / volume.values().length - mean * mean);
    }

    @Test
    void saysWhatIsWrongWithAScanThatIsCutOff() throws IOException {
        GridSize size = new GridSize(256, 200, 90);
        Path file = folder.resolve("scan.mhd");
        MetaImage.write(file, noise(ImageGeometry.of(size, FINE, ORIGIN)), MetaImage.Compression.ZLIB);
        Path voxels = folder.resolve("scan.zraw");
        byte[] bytes = Files.readAllBytes(voxels);
        Arrays.fill(bytes, bytes.length / 2, bytes.length, (byte) 0xff);
        Files.write(voxels, bytes);
        ExecutorService executor = Executors.newFixedThreadPool(2);
        try (MetaImageReader reader = MetaImage.open(file)) {
            Resampler resampler = Resampler.toSpacing(1).withWorkers(Workers.of(2, executor));
            assertThatThrownBy(() -> resampler.resample(reader))
                    .isInstanceOf(VolumeException.class)
                    .hasMessageContaining("scan.zraw");
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void refusesAReaderThatHasBegun() throws IOException {
        Path file = folder.resolve("scan.mhd");
        MetaImage.write(file, noise(along(USUAL)), MetaImage.Compression.NONE);
        try (MetaImageReader reader = MetaImage.open(file)) {
            reader.readSlices(1, new short[23 * 19], 0);
            assertThatThrownBy(() -> Resampler.toSpacing(1).resample(reader))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("16 of 17");
        }
    }

    @Test
    void refusesSpacingsThatAreNone() {
        assertThatThrownBy(() -> Resampler.toSpacing(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("(0, 100.0] mm, was 0.0");
        assertThatThrownBy(() -> Resampler.toSpacing(new Point(1, 101, 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("101");
        assertThatThrownBy(() -> Resampler.toSpacing(Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesMoreVoxelsThanAVolumeMayHave() {
        Volume volume = noise(along(USUAL));
        assertThatThrownBy(() -> Resampler.toSpacing(0.01).resample(volume))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most 1073741824 voxels")
                .hasMessageContaining("23x19x17");
        assertThatThrownBy(() -> Resampler.toSpacing(1e-12).resample(volume))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most 1073741824 voxels");
    }
}
