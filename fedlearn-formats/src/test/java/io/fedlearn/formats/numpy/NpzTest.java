package io.fedlearn.formats.numpy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import io.fedlearn.formats.numpy.Npz.Compression;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.TimeZone;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpzTest {
    private static final int MUTATIONS = 3000;

    @TempDir
    private Path folder;

    private static Model read(byte[] bytes) throws IOException {
        return Npz.read(new ByteArrayInputStream(bytes), "s", ReadLimits.defaults());
    }

    private static byte[] write(Model model, Compression compression) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Npz.write(model, compression, out);
        return out.toByteArray();
    }

    private static Model model() {
        return Model.builder()
                .trainable(
                        "layer/weight",
                        Tensor.rounded(TensorType.FLOAT32, Shape.of(2, 3), new double[] {0, 1, 2, 3, 4, 5}))
                .counter("steps", Tensor.scalar(7L))
                .buffer("mask", Tensor.ofIntegers(TensorType.BOOL, Shape.of(2), new long[] {1, 0}))
                .build();
    }

    /** A zip archive with these entries, each an array of one zero. */
    private static byte[] archive(String... names) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            for (String name : names) {
                zip.putNextEntry(new ZipEntry(name));
                zip.write(Npy.encode(Tensor.scalar(0f)));
            }
        }
        return out.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"stored.npz", "deflated.npz"})
    void readsWhatNumpyWrote(String file) throws IOException {
        Path path = Files.write(folder.resolve(file), GoldenFiles.bytes(file));

        assertThat(Npz.read(path)).isEqualTo(model());
        assertThat(read(GoldenFiles.bytes(file))).isEqualTo(model());
    }

    @Test
    void readsAnArchiveWithoutArrays() throws IOException {
        assertThat(read(GoldenFiles.bytes("none.npz"))).isEqualTo(Model.empty());
        assertThat(read(write(Model.empty(), Compression.STORED))).isEqualTo(Model.empty());
    }

    @ParameterizedTest
    @EnumSource
    void readsBackEveryTypeNumpyHas(Compression compression) throws IOException {
        Model.Builder model = Model.builder();
        for (TensorType type : TensorType.values()) {
            if (type != TensorType.BFLOAT16) {
                Tensor tensor = Tensor.rounded(type, Shape.of(2, 1), new double[] {1, 0});
                TensorRole role = type == TensorType.BOOL
                        ? TensorRole.BUFFER
                        : type.isFloating() ? TensorRole.TRAINABLE : TensorRole.COUNTER;
                model.add(type + " \u00e9.npy", tensor, role);
            }
        }
        for (int i = 0; i < 120; i++) {
            model.trainable("../" + i, Tensor.copyOf(new double[i % 3]));
        }
        Model built = model.trainable("nan", Tensor.scalar(Float.intBitsToFloat(0x7fa01234)))
                .trainable("large", Tensor.copyOf(new float[300_000]))
                .build();

        assertThat(read(write(built, compression))).isEqualTo(built);
    }

    @ParameterizedTest
    @EnumSource
    void writesTheSameBytesWhereverAndWhenever(Compression compression) throws IOException {
        TimeZone zone = TimeZone.getDefault();
        try {
            TimeZone.setDefault(TimeZone.getTimeZone("Asia/Tokyo"));
            byte[] east = write(model(), compression);
            TimeZone.setDefault(TimeZone.getTimeZone("America/Los_Angeles"));
            byte[] west = write(model(), compression);
            Path path = folder.resolve("model.npz");
            Npz.write(model(), compression, path);

            assertThat(west).isEqualTo(east);
            assertThat(path).hasBinaryContent(east);
        } finally {
            TimeZone.setDefault(zone);
        }
    }

    @Test
    void takesNamesThatLookLikePathsAsNames() throws IOException {
        Model model = read(archive("../../etc/passwd.npy", "/srv/x.npy", "a\\b.npy", ".npy.npy"));

        assertThat(model.spec().tensors())
                .extracting(tensor -> tensor.name())
                .containsExactly("../../etc/passwd", "/srv/x", "a\\b", ".npy");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"readme.txt", "folder/", "array.NPY", "npy", ".npy", "a\u0007.npy"})
    void refusesEntriesThatAreNoArrays(String name) throws IOException {
        byte[] bytes = archive("good.npy", name);

        assertThatThrownBy(() -> read(bytes))
                .isInstanceOf(FormatException.class)
                .hasMessageStartingWith("s: ");
    }

    @Test
    void refusesNamesThatOccurTwice() throws IOException {
        byte[] bytes = archive("a.npy", "b.npy");
        String twice = new String(bytes, StandardCharsets.ISO_8859_1).replace("b.npy", "a.npy");

        assertThatThrownBy(() -> read(twice.getBytes(StandardCharsets.ISO_8859_1)))
                .isInstanceOfSatisfying(FormatException.class, e -> {
                    assertThat(e.tensor()).contains("a");
                    assertThat(e.reason()).isEqualTo("is in the archive twice");
                });
    }

    @Test
    void refusesBytesAfterAnArrayInsideTheArchive() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry("a.npy"));
            zip.write(Npy.encode(Tensor.scalar(0f)));
            zip.write(0);
        }

        assertThatThrownBy(() -> read(out.toByteArray()))
                .hasMessage("s: tensor 'a': has bytes after the end of its content");
    }

    @Test
    void refusesMoreThanTheLimits() throws IOException {
        byte[] bytes = write(model(), Compression.STORED);

        assertThatThrownBy(() -> Npz.read(
                        new ByteArrayInputStream(bytes),
                        "s",
                        ReadLimits.defaults().withMaxTensors(2)))
                .hasMessage("s: must have <= 2 tensors");
        assertThatThrownBy(() -> Npz.read(
                        new ByteArrayInputStream(bytes),
                        "s",
                        ReadLimits.defaults().withMaxHeapBytes(30)))
                .hasMessageStartingWith("s: tensor 'steps': its values must take <= ");
    }

    @Test
    void refusesArchivesThatExpandWithoutMeasure() throws IOException {
        Model zeros = Model.builder()
                .trainable("z", Tensor.zeros(TensorType.FLOAT32, Shape.of(20 << 20)))
                .build();
        byte[] bytes = write(zeros, Compression.DEFLATED);

        assertThat(bytes).hasSizeLessThan(1 << 20);
        assertThatThrownBy(() -> read(bytes))
                .isInstanceOf(FormatException.class)
                .hasMessage("s: expands to more than 100 times its compressed size");
        assertThat(Npz.read(
                        new ByteArrayInputStream(bytes),
                        "s",
                        ReadLimits.defaults().withMaxExpansion(1100)))
                .isEqualTo(zeros);
    }

    @ParameterizedTest
    @EnumSource
    void noticesEveryTruncation(Compression compression) throws IOException {
        byte[] bytes = write(model(), compression);
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> read(cut)).as("%s bytes", length).isInstanceOf(FormatException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void noticesADamagedValue(Compression compression) throws IOException {
        byte[] bytes = write(
                Model.builder().trainable("w", Tensor.copyOf(new float[1000])).build(), compression);
        bytes[compression == Compression.STORED ? 1000 : 60] ^= 4;

        assertThatThrownBy(() -> read(bytes)).isInstanceOf(FormatException.class);
    }

    @Test
    void refusesFilesThatAreNoArchives() {
        assertThatThrownBy(() -> read("name,age\n".repeat(20).getBytes(StandardCharsets.US_ASCII)))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("is not a zip archive");
    }

    @Test
    void refusesToWriteBfloat16BeforeWritingAnything() {
        Model model = Model.builder()
                .trainable("a", Tensor.scalar(1f))
                .trainable("b", Tensor.zeros(TensorType.BFLOAT16, Shape.of(1)))
                .build();
        ByteArrayOutputStream out = new ByteArrayOutputStream();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Npz.write(model, Compression.STORED, out))
                .withMessageContaining("no bfloat16");
        assertThat(out.size()).isZero();
    }

    @Test
    void survivesMutations() throws IOException {
        byte[][] originals = {
            write(model(), Compression.STORED),
            write(model(), Compression.DEFLATED),
            GoldenFiles.bytes("stored.npz"),
            GoldenFiles.bytes("deflated.npz")
        };
        int refused = 0;
        for (int seed = 0; seed < MUTATIONS; seed++) {
            Random random = new Random(seed);
            byte[] bytes = originals[seed % originals.length].clone();
            for (int i = 0; i <= random.nextInt(3); i++) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            try {
                read(bytes).digest();
            } catch (FormatException expected) {
                refused++;
            } catch (Throwable e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertThat(refused).isBetween(MUTATIONS / 2, MUTATIONS - 1);
    }
}
