package io.fedlearn.luna16.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.MetaImage.Compression;
import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MetaImageTest {
    @TempDir
    private Path folder;

    private static byte[] zlib(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream deflater = new DeflaterOutputStream(out)) {
            deflater.write(bytes);
        }
        return out.toByteArray();
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream deflater = new GZIPOutputStream(out)) {
            deflater.write(bytes);
        }
        return out.toByteArray();
    }

    private static byte[] join(byte[]... parts) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.write(part);
        }
        return out.toByteArray();
    }

    /** More voxels than a block holds, with an odd number in a row. */
    private static Volume noise(ImageGeometry geometry) {
        SeededRandom random = SeededRandom.of(3);
        short[] values = new short[(int) geometry.size().voxelCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) (random.nextInt(4096) - 1024);
        }
        return Volume.wrap(geometry, values);
    }

    @ParameterizedTest
    @EnumSource(Compression.class)
    void readsWhatItWrote(Compression compression) throws IOException {
        double angle = Math.toRadians(17);
        Volume volume = noise(ImageGeometry.of(
                new GridSize(101, 77, 31),
                new Point(.7617189884185791, 1.0 / 3, 1e-20),
                new Point(-198.10000600000001, -0.0, 1e30),
                new Point(Math.cos(angle), Math.sin(angle), 0),
                new Point(Math.sin(angle), -Math.cos(angle), 0),
                new Point(0, 0, 1)));
        Path file = folder.resolve("1.2.3.mhd");

        MetaImage.write(file, volume, compression);
        Volume read = MetaImage.read(file);

        assertThat(read.geometry()).isEqualTo(volume.geometry());
        assertThat(read.values()).isEqualTo(volume.values());
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(Path::getFileName).map(Path::toString))
                    .containsExactlyInAnyOrder(
                            "1.2.3.mhd", compression == Compression.ZLIB ? "1.2.3.zraw" : "1.2.3.raw");
        }
    }

    @Test
    void writesHeadersLikeThoseOfTheChallenge() throws IOException {
        Path file = folder.resolve("scan.mhd");
        ImageGeometry geometry = ImageGeometry.of(
                new GridSize(5, 4, 2),
                new Point(.7617189884185791, .7617189884185791, 2.5),
                new Point(-198.10000600000001, -195, -335.209991),
                new Point(-1, 0, 0),
                new Point(0, -1, 0),
                new Point(0, 0, 1));

        MetaImage.write(file, noise(geometry), Compression.NONE);

        assertThat(file).content(StandardCharsets.UTF_8).isEqualTo("""
                ObjectType = Image
                NDims = 3
                BinaryData = True
                BinaryDataByteOrderMSB = False
                CompressedData = False
                TransformMatrix = -1 0 0 0 -1 0 0 0 1
                Offset = -198.100006 -195 -335.209991
                CenterOfRotation = 0 0 0
                AnatomicalOrientation = LPI
                ElementSpacing = 0.7617189884185791 0.7617189884185791 2.5
                DimSize = 5 4 2
                ElementType = MET_SHORT
                ElementDataFile = scan.raw
                """);
    }

    @Test
    void writesHowManyBytesCompressedVoxelsTake() throws IOException {
        Path file = folder.resolve("scan.mhd");
        MetaImage.write(
                file,
                noise(ImageGeometry.of(new GridSize(5, 4, 2), new Point(1, 1, 1), new Point(0, 0, 0))),
                Compression.ZLIB);

        assertThat(MetaImageHeader.read(file).compressedByteCount()).hasValue(Files.size(folder.resolve("scan.zraw")));
    }

    @Test
    void replacesAnImage() throws IOException {
        Path file = new MetaImageFiles().in(folder, new byte[3]);
        Volume volume = noise(ImageGeometry.of(new GridSize(5, 4, 2), new Point(1, 1, 1), new Point(0, 0, 0)));

        MetaImage.write(file, volume, Compression.NONE);

        assertThat(MetaImage.read(file).values()).isEqualTo(volume.values());
    }

    @Test
    void leavesNothingOfAnImageThatCouldNotBeWritten() throws IOException {
        Files.createDirectories(folder.resolve("scan.raw").resolve("in the way"));
        Volume volume = noise(ImageGeometry.of(new GridSize(5, 4, 2), new Point(1, 1, 1), new Point(0, 0, 0)));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> MetaImage.write(folder.resolve("scan.mhd"), volume, Compression.NONE));
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(folder.resolve("scan.raw"));
        }
    }

    @Test
    void writesOnlyWhatIsCalledAHeader() {
        Volume volume = noise(ImageGeometry.of(new GridSize(1, 1, 1), new Point(1, 1, 1), new Point(0, 0, 0)));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> MetaImage.write(folder.resolve("scan.mha"), volume, Compression.NONE))
                .withMessage("header must end in .mhd, was " + folder.resolve("scan.mha"));
    }

    @Test
    void readsBothByteOrders() throws IOException {
        Path file = new MetaImageFiles()
                .with("BinaryDataByteOrderMSB", "True")
                .in(folder, MetaImageFiles.shorts(ByteOrder.BIG_ENDIAN));

        assertThat(MetaImage.read(file).values()).isEqualTo(MetaImageFiles.values());
    }

    @ParameterizedTest
    @EnumSource(ElementType.class)
    void readsEveryType(ElementType type) throws IOException {
        for (ByteOrder order : new ByteOrder[] {ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN}) {
            ByteBuffer bytes =
                    ByteBuffer.allocate(MetaImageFiles.VOXELS * type.byteSize()).order(order);
            boolean signed = !type.name().startsWith("U");
            short[] expected = new short[MetaImageFiles.VOXELS];
            for (int i = 0; i < expected.length; i++) {
                expected[i] = (short) (signed ? 5 * (i - 12) : 10 * i);
                switch (type) {
                    case FLOAT -> bytes.putFloat(expected[i] + .25f);
                    case DOUBLE -> bytes.putDouble(expected[i] - .25);
                    default -> {
                        switch (type.byteSize()) {
                            case 1 -> bytes.put((byte) expected[i]);
                            case 2 -> bytes.putShort(expected[i]);
                            case 4 -> bytes.putInt(expected[i]);
                            default -> bytes.putLong(expected[i]);
                        }
                    }
                }
            }
            for (String name : new String[] {type.toString(), type + "_ARRAY"}) {
                Path file = new MetaImageFiles()
                        .with("ElementType", name)
                        .with("BinaryDataByteOrderMSB", order == ByteOrder.BIG_ENDIAN ? "True" : "False")
                        .in(folder, bytes.array());

                assertThat(MetaImage.read(file).values()).isEqualTo(expected);
            }
        }
    }

    @Test
    void keepsThePaddingBeyondTheFieldOfView() throws IOException {
        short[] values = {-2000, -3024, -32768, 32767};
        ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asShortBuffer().put(values);
        Path file = new MetaImageFiles().with("DimSize", "2 1 2").in(folder, bytes.array());

        assertThat(MetaImage.read(file).values()).isEqualTo(values);
    }

    @Test
    void roundsToTheNearestAndHalvesToTheEvenNumber() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(4 * 8).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asDoubleBuffer().put(new double[] {.5, 1.5, -2.5, 32767.4});
        Path file = new MetaImageFiles()
                .with("DimSize", "2 1 2")
                .with("ElementType", "MET_DOUBLE")
                .in(folder, bytes.array());

        assertThat(MetaImage.read(file).values()).containsExactly(0, 2, -2, 32767);
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, 32768, -32769, 1e300})
    void refusesValuesThatDoNotFit(double value) throws IOException {
        for (ElementType type : new ElementType[] {ElementType.FLOAT, ElementType.DOUBLE}) {
            ByteBuffer bytes =
                    ByteBuffer.allocate(MetaImageFiles.VOXELS * type.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
            int place = (1 * 3 + 2) * 4 + 3;
            if (type == ElementType.FLOAT) {
                bytes.putFloat(4 * place, (float) value);
            } else {
                bytes.putDouble(8 * place, value);
            }
            Path file =
                    new MetaImageFiles().with("ElementType", type.toString()).in(folder, bytes.array());

            assertThatExceptionOfType(VolumeException.class)
                    .isThrownBy(() -> MetaImage.read(file))
                    .withMessage(file + ": voxel (3, 2, 1) must be a number from -32768 to 32767, is not")
                    .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.BAD_VALUE));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ElementType.class,
            names = {"USHORT", "INT", "UINT", "LONG", "ULONG", "LONG_LONG", "ULONG_LONG"})
    void refusesWholeNumbersThatDoNotFit(ElementType type) throws IOException {
        byte[] bytes = new byte[MetaImageFiles.VOXELS * type.byteSize()];
        // The most significant bit of a little-endian number: the most negative one, or a huge one.
        bytes[5 * type.byteSize() - 1] = (byte) 0x80;
        Path file = new MetaImageFiles().with("ElementType", type.toString()).in(folder, bytes);

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImage.read(file))
                .withMessageContaining("voxel (0, 1, 0) must be a number from -32768 to 32767");
    }

    @Test
    void namesTheVoxelThatDoesNotFitInALaterSlice() throws IOException {
        byte[] bytes = new byte[4 * MetaImageFiles.VOXELS];
        bytes[4 * 13 + 3] = 1;
        Path file = new MetaImageFiles().with("ElementType", "MET_INT").in(folder, bytes);

        try (MetaImageReader reader = MetaImage.open(file)) {
            short[] slice = new short[12];
            reader.readSlices(1, slice, 0);
            assertThatExceptionOfType(VolumeException.class)
                    .isThrownBy(() -> reader.readSlices(1, slice, 0))
                    .withMessageContaining("voxel (1, 0, 1) must");
        }
    }

    @Test
    void inflatesZlibAndGzipWhetherTheSizeIsSaidOrNot() throws IOException {
        for (byte[] stored : new byte[][] {zlib(MetaImageFiles.shorts()), gzip(MetaImageFiles.shorts())}) {
            MetaImageFiles files = new MetaImageFiles().with("CompressedData", "True");
            assertThat(MetaImage.read(files.in(folder, stored)).values()).isEqualTo(MetaImageFiles.values());
            assertThat(MetaImage.read(files.with("CompressedDataSize", "0").in(folder, stored))
                            .values())
                    .isEqualTo(MetaImageFiles.values());
            assertThat(MetaImage.read(files.with("CompressedDataSize", "" + stored.length)
                                    .in(folder, stored))
                            .values())
                    .isEqualTo(MetaImageFiles.values());
        }
    }

    @Test
    void readsVoxelsThatFollowTheirHeader() throws IOException {
        for (String local : new String[] {"LOCAL", "Local", "local"}) {
            MetaImageFiles files = new MetaImageFiles().with("ElementDataFile", local);
            Path plain = Files.write(
                    folder.resolve("plain.mha"),
                    join(files.text().getBytes(StandardCharsets.UTF_8), MetaImageFiles.shorts()));
            files.with("CompressedData", "True");
            Path compressed = Files.write(
                    folder.resolve("compressed.mha"),
                    join(files.text().getBytes(StandardCharsets.UTF_8), zlib(MetaImageFiles.shorts())));

            assertThat(MetaImage.read(plain).values()).isEqualTo(MetaImageFiles.values());
            assertThat(MetaImage.read(compressed).values()).isEqualTo(MetaImageFiles.values());
        }
    }

    @Test
    void skipsWhatComesBeforeTheVoxels() throws IOException {
        byte[] bytes = join(new byte[7], MetaImageFiles.shorts());

        for (String size : new String[] {"7", "-1"}) {
            assertThat(MetaImage.read(new MetaImageFiles()
                                    .with("HeaderSize", size)
                                    .in(folder, bytes))
                            .values())
                    .isEqualTo(MetaImageFiles.values());
        }
    }

    @Test
    void refusesToFindTheBeginningOfCompressedVoxelsFromTheEnd() throws IOException {
        Path file = new MetaImageFiles()
                .with("HeaderSize", "-1")
                .with("CompressedData", "True")
                .in(folder, zlib(MetaImageFiles.shorts()));

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImage.read(file))
                .withMessageContaining("HeaderSize = -1")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.UNSUPPORTED));
    }

    @Test
    void readsSlicesFromFilesOfTheirOwn() throws IOException {
        byte[] bytes = MetaImageFiles.shorts();
        byte[] first = Arrays.copyOf(bytes, bytes.length / 2);
        byte[] second = Arrays.copyOfRange(bytes, bytes.length / 2, bytes.length);
        Files.write(folder.resolve("s001.raw"), first);
        Files.write(folder.resolve("s002.raw"), second);
        Files.write(folder.resolve("z1"), zlib(first));
        Files.write(folder.resolve("z2"), gzip(second));

        Path pattern =
                new MetaImageFiles().with("ElementDataFile", "s%03d.raw 1 2 1").in(folder);
        assertThat(MetaImage.read(pattern).values()).isEqualTo(MetaImageFiles.values());

        Path list = Files.writeString(
                folder.resolve("list.mhd"),
                new MetaImageFiles()
                                .with("CompressedData", "True")
                                .with("ElementDataFile", "LIST")
                                .text()
                        + "z1\nz2\n");
        assertThat(MetaImage.read(list).values()).isEqualTo(MetaImageFiles.values());
    }

    @Test
    void takesACompressedFileWhereThePlainOneIsMissing() throws IOException {
        Path file = new MetaImageFiles().in(folder);
        Files.write(folder.resolve("scan.raw.gz"), gzip(MetaImageFiles.shorts()));

        assertThat(MetaImage.read(file).values()).isEqualTo(MetaImageFiles.values());
    }

    @Test
    void readsVoxelsInAFolderBelowTheHeader() throws IOException {
        Files.createDirectory(folder.resolve("voxels"));
        Files.write(folder.resolve("voxels/scan.raw"), MetaImageFiles.shorts());

        for (String name : new String[] {"voxels/scan.raw", "./voxels/../voxels/scan.raw"}) {
            Path file = new MetaImageFiles().with("ElementDataFile", name).in(folder);
            assertThat(MetaImage.read(file).values()).isEqualTo(MetaImageFiles.values());
        }
    }

    @Test
    void readsSliceAfterSlice() throws IOException {
        Volume volume = noise(ImageGeometry.of(new GridSize(301, 299, 5), new Point(1, 1, 1), new Point(0, 0, 0)));
        Path file = folder.resolve("scan.mhd");
        MetaImage.write(file, volume, Compression.ZLIB);
        int slice = 301 * 299;

        try (MetaImageReader reader = MetaImage.open(file)) {
            assertThat(reader.slicesLeft()).isEqualTo(5);
            short[] target = new short[slice * 2 + 3];
            reader.readSlices(1, target, 3);
            assertThat(Arrays.copyOfRange(target, 3, 3 + slice)).isEqualTo(Arrays.copyOf(volume.values(), slice));
            reader.readSlices(0, target, 0);
            reader.readSlices(2, target, 0);
            assertThat(Arrays.copyOf(target, 2 * slice))
                    .isEqualTo(Arrays.copyOfRange(volume.values(), slice, 3 * slice));
            assertThat(reader.slicesLeft()).isEqualTo(2);

            assertThatIllegalArgumentException()
                    .isThrownBy(() -> reader.readSlices(3, target, 0))
                    .withMessage("count must be in [0, 2], was 3");
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> reader.readSlices(2, target, 4));
        }
    }

    @Test
    void readsNothingOnceItIsClosed() throws IOException {
        MetaImageReader reader = MetaImage.open(new MetaImageFiles().in(folder, MetaImageFiles.shorts()));
        reader.readSlices(1, new short[12], 0);
        reader.close();
        reader.close();

        assertThatIllegalStateException()
                .isThrownBy(() -> reader.readSlices(1, new short[12], 0))
                .withMessage("the reader is closed");
    }
}
