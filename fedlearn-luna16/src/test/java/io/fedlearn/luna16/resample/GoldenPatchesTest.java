package io.fedlearn.luna16.resample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.patch.Patch;
import io.fedlearn.luna16.patch.PatchExtractor;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Patches and resampled volumes against what a program of its own gives: {@code golden.py} wrote {@code golden.csv}. */
class GoldenPatchesTest {
    private static final GridSize SIZE = new GridSize(9, 8, 7);
    private static final PatchShape SHAPE = new PatchShape(3, 4, 5);
    private static final Point ORIGIN = new Point(-20, 35, 110);

    record Golden(String name, double[] numbers) {
        private Point point(int at) {
            return new Point(numbers[at], numbers[at + 1], numbers[at + 2]);
        }

        Volume scan() {
            ImageGeometry geometry = ImageGeometry.of(SIZE, point(9), ORIGIN, point(0), point(3), point(6));
            short[] values = new short[(int) SIZE.voxelCount()];
            int next = 0;
            for (int z = 0; z < SIZE.z(); z++) {
                for (int y = 0; y < SIZE.y(); y++) {
                    for (int x = 0; x < SIZE.x(); x++) {
                        values[next++] = (short) ((37 * x + 101 * y + 59 * z + 7 * x * y * z) % 1500 - 1100);
                    }
                }
            }
            return Volume.wrap(geometry, values);
        }

        Point center() {
            return point(12);
        }

        Point step() {
            return point(15);
        }

        double[] values() {
            return Arrays.copyOfRange(numbers, 18, numbers.length);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Golden> golden() throws IOException {
        try (InputStream in = GoldenPatchesTest.class.getResourceAsStream("golden.csv")) {
            byte[] bytes = Objects.requireNonNull(in, "golden.csv").readAllBytes();
            return new String(bytes, StandardCharsets.US_ASCII).lines().map(GoldenPatchesTest::golden);
        }
    }

    private static Golden golden(String line) {
        String[] fields = line.split(",");
        return new Golden(
                fields[0],
                Arrays.stream(fields).skip(1).mapToDouble(Double::parseDouble).toArray());
    }

    @ParameterizedTest
    @MethodSource("golden")
    void cutsWhatAnotherProgramCuts(Golden golden) {
        Point step = golden.step();
        PatchSettings settings =
                PatchSettings.defaults().withShape(SHAPE).withMargin(0).withSpacing(step.z(), step.y(), step.x());
        Patch patch = PatchExtractor.of(golden.scan(), settings).extract(golden.center());
        double[] expected = golden.values();
        assertThat(patch.values()).hasSize(expected.length);
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) patch.values()[i]).isCloseTo(expected[i], within(0.501));
        }
    }

    @ParameterizedTest
    @MethodSource("golden")
    void resamplesToWhatAnotherProgramGives(Golden golden) {
        Point step = golden.step();
        Point center = golden.center();
        ImageGeometry target = ImageGeometry.of(
                new GridSize(SHAPE.width(), SHAPE.height(), SHAPE.depth()),
                step,
                new Point(center.x() - 2 * step.x(), center.y() - 1.5 * step.y(), center.z() - step.z()));
        float[] values = new float[SHAPE.voxelCount()];
        Resampler.onto(target).run(golden.scan(), target, Output.ofExact(values));
        double[] expected = golden.values();
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) values[i]).isCloseTo(expected[i], within(1e-3));
        }
    }
}
