package io.fedlearn.models.idx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class IdxImagesTest {
    /** Four images of 2 x 3 pixels; pixel {@code p} of image {@code i} is {@code 60 i + 15 p}. */
    private static final byte[] IMAGES = images();

    private static final byte[] LABELS = idx(new int[] {4}, 7, 0, 255, 7);

    @TempDir
    private Path directory;

    private static byte[] images() {
        int[] pixels = new int[24];
        for (int i = 0; i < 24; i++) {
            pixels[i] = i / 6 * 60 + i % 6 * 15;
        }
        return idx(new int[] {4, 2, 3}, pixels);
    }

    private static byte[] idx(int[] lengths, int... values) {
        ByteBuffer buffer = ByteBuffer.allocate(4 + 4 * lengths.length + values.length);
        buffer.put(new byte[] {0, 0, 8, (byte) lengths.length});
        for (int length : lengths) {
            buffer.putInt(length);
        }
        for (int value : values) {
            buffer.put((byte) value);
        }
        return buffer.array();
    }

    private IdxImages read(byte[] images, byte[] labels) throws IOException {
        return IdxImages.read(
                Files.write(directory.resolve("images"), images), Files.write(directory.resolve("labels"), labels));
    }

    private static Batch all(IdxImages source, ExampleOrder order) {
        Batch batch = Batch.of((int) source.exampleCount(), source);
        try (BatchReader reader = source.open(order)) {
            assertThat(reader.read(batch)).isTrue();
        }
        return batch;
    }

    @Test
    void pixelsAreScaledToTheUnitInterval() throws IOException {
        IdxImages source = read(IMAGES, LABELS);
        assertThat(source.exampleCount()).isEqualTo(4);
        assertThat(source.featureShape()).isEqualTo(Shape.of(2, 3));
        assertThat(source.classes()).containsExactly(7, 0, 255, 7);
        Batch batch = all(source, ExampleOrder.sequential());
        assertThat(batch.targets()).containsExactly(7, 0, 255, 7);
        assertThat(Arrays.copyOfRange(batch.features(), 18, 24))
                .containsExactly(180 / 255f, 195 / 255f, 210 / 255f, 225 / 255f, 240 / 255f, 1f);
        assertThat(batch.features()[0]).isZero();
    }

    @Test
    void subsetKeepsImagesWithTheirLabels() throws IOException {
        IdxImages part = read(IMAGES, LABELS).subset(3, 1, 2).subset(2, 0);
        assertThat(part.classes()).containsExactly(255, 7);
        Batch batch = all(part, ExampleOrder.sequential());
        assertThat(batch.features()[0]).isEqualTo(120 / 255f);
        assertThat(batch.features()[6]).isEqualTo(180 / 255f);
    }

    @Test
    void shuffledOrderIsSeededAndKeepsImagesWithTheirLabels() throws IOException {
        IdxImages source = read(IMAGES, LABELS);
        Batch batch = all(source, ExampleOrder.shuffled(3));
        for (int i = 0; i < 4; i++) {
            int image = Math.round(batch.features()[6 * i] * 255) / 60;
            assertThat(batch.targets()[i]).isEqualTo(source.classes()[image]);
        }
        assertThat(all(source, ExampleOrder.shuffled(3)).features()).containsExactly(batch.features());
        assertThat(all(source, ExampleOrder.poissonSampled(1, 1, 1)).size()).isEqualTo(4);
    }

    @Test
    void skippingLeadsWhereReadingWouldHaveLed() throws IOException {
        IdxImages source = read(IMAGES, LABELS);
        Batch batch = Batch.of(1, source);
        try (BatchReader reader = source.open(ExampleOrder.sequential())) {
            reader.skip(2, batch);
            assertThat(reader.read(batch)).isTrue();
            assertThat(batch.targets()[0]).isEqualTo(255);
        }
    }

    @Test
    void readsGzipByItsSuffix() throws IOException {
        Path images = gzip("images.gz", IMAGES);
        Path labels = gzip("labels.gz", LABELS);
        assertThat(IdxImages.read(images, labels).classes()).containsExactly(7, 0, 255, 7);
        byte[] bytes = Files.readAllBytes(images);
        Files.write(images, Arrays.copyOf(bytes, bytes.length - 10));
        assertThatThrownBy(() -> IdxImages.read(images, labels))
                .isInstanceOf(IdxException.class)
                .hasMessage(images + ": the file is not a whole gzip file");
        Files.write(labels, LABELS);
        assertThatThrownBy(() -> IdxImages.read(gzip("images.gz", IMAGES), labels))
                .isInstanceOf(IdxException.class)
                .hasMessage(labels + ": the file is not a whole gzip file");
    }

    private Path gzip(String name, byte[] bytes) throws IOException {
        Path file = directory.resolve(name);
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(bytes);
        }
        return file;
    }

    @Test
    void sourceWithoutImagesIsEmpty() throws IOException {
        IdxImages source = read(idx(new int[] {0, 28, 28}), idx(new int[] {0}));
        assertThat(source.exampleCount()).isZero();
        assertThat(source.classes()).isEmpty();
    }

    static Stream<Arguments> badImages() {
        return Stream.of(
                Arguments.of(new byte[0], "not an idx file"),
                Arguments.of("no idx file at all".getBytes(StandardCharsets.US_ASCII), "not an idx file"),
                Arguments.of(LABELS, "in 3 dimensions, holds type 8 in 1"),
                Arguments.of(new byte[] {0, 0, 13, 3}, "holds type 13"),
                Arguments.of(Arrays.copyOf(IMAGES, 15), "ends within its header"),
                Arguments.of(Arrays.copyOf(IMAGES, IMAGES.length - 1), "24 values were expected, 23 are there"),
                Arguments.of(Arrays.copyOf(IMAGES, IMAGES.length + 1), "goes on after its 24 values"),
                Arguments.of(idx(new int[] {4, -2, 3}), "negative or too large"),
                Arguments.of(idx(new int[] {Integer.MAX_VALUE, 65536, 65536}), "negative or too large"),
                Arguments.of(idx(new int[] {1 << 20, 32, 32}), "cut off"),
                Arguments.of(idx(new int[] {4, 0, 3}), "no pixels"),
                Arguments.of(idx(new int[] {1, 1, 1}, 9), "4 labels for the 1 images"));
    }

    @ParameterizedTest
    @MethodSource("badImages")
    void refusesWhatIsNoSuchFileByName(byte[] images, String reason) {
        assertThatExceptionOfType(IdxException.class)
                .isThrownBy(() -> read(images, LABELS))
                .withMessageContaining(reason)
                .satisfies(e -> assertThat(e.getMessage()).startsWith(e.file() + ": "));
    }

    @Test
    void refusesAbsentFiles() throws IOException {
        Path images = Files.write(directory.resolve("images"), IMAGES);
        Path labels = directory.resolve("absent");
        assertThatThrownBy(() -> IdxImages.read(images, labels))
                .isInstanceOf(IdxException.class)
                .hasMessage(labels + ": the file does not exist");
        assertThatThrownBy(() -> IdxImages.read(directory, labels))
                .isInstanceOf(IdxException.class)
                .hasMessageContaining("cannot be read");
    }
}
