package io.fedlearn.luna16.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Images that {@code golden.py} beside them wrote, and what is wrong with others. */
class NiftiTest {
    private static final VolumeReader READER = new NiftiVolumes();
    private static final int VOXELS = 24;

    @TempDir
    private Path folder;

    private static byte[] golden(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(NiftiTest.class.getResourceAsStream("nifti/" + name), name)) {
            return in.readAllBytes();
        }
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        }
        return out.toByteArray();
    }

    private Path copy(String name) throws IOException {
        return Files.write(folder.resolve(name), golden(name));
    }

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("scan.nii"), bytes);
    }

    /** A little-endian image of 16-bit numbers with an sform of the scanner, to be changed. */
    private static ByteBuffer little() throws IOException {
        return ByteBuffer.wrap(golden("little.nii")).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static double[] numbers(String text) {
        return Arrays.stream(text.split(" ")).mapToDouble(Double::parseDouble).toArray();
    }

    static Stream<String> goldenImages() throws IOException {
        return new String(golden("expected.csv"), StandardCharsets.UTF_8).lines();
    }

    @ParameterizedTest
    @MethodSource("goldenImages")
    void readsWhatAnotherProgramWrote(String line) throws IOException {
        String[] expected = line.split(",");
        Path file = copy(expected[0]);
        if (expected[0].startsWith("pair")) {
            copy("pair.hdr");
            copy("pair.img");
        } else if (expected[0].startsWith("packed")) {
            copy("packed.hdr.gz");
            copy("packed.img.gz");
        }

        assertThat(VolumeReaders.builtIn().readerOf(file).name()).isEqualTo("NIfTI-1");
        Volume volume = VolumeReaders.builtIn().read(file);

        ImageGeometry geometry = volume.geometry();
        double[] size = numbers(expected[1]);
        assertThat(geometry.size()).isEqualTo(new GridSize((int) size[0], (int) size[1], (int) size[2]));
        assertPoint(geometry.spacing(), numbers(expected[2]), 0);
        assertPoint(geometry.origin(), numbers(expected[3]), 0);
        assertPoint(geometry.xAxis(), numbers(expected[4]), 0);
        assertPoint(geometry.yAxis(), numbers(expected[4]), 3);
        assertPoint(geometry.zAxis(), numbers(expected[4]), 6);
        short[] values = volume.values();
        double[] found = new double[values.length];
        for (int i = 0; i < found.length; i++) {
            found[i] = values[i];
        }
        assertThat(found).isEqualTo(numbers(expected[5]));
    }

    private static void assertPoint(Point point, double[] expected, int from) {
        // Headers have numbers of 32 bits.
        assertThat(point.x()).isCloseTo(expected[from], within(1e-6));
        assertThat(point.y()).isCloseTo(expected[from + 1], within(1e-6));
        assertThat(point.z()).isCloseTo(expected[from + 2], within(1e-6));
    }

    @Test
    void givesAxesOfThePatientExactly() throws IOException {
        assertThat(READER.read(copy("little.nii")).geometry())
                .isEqualTo(ImageGeometry.of(
                        new GridSize(3, 4, 2), new Point(.75, .5, 2.5), new Point(120.25, -33.5, 1024.125)));
    }

    @Test
    void takesTheMatrixWhereBothAgree() throws IOException {
        ByteBuffer bytes = little();
        // An atlas's matrix, and a rotation by half a turn about z, which is the same.
        bytes.putShort(254, (short) 4).putShort(252, (short) 1).putFloat(264, 1);
        for (int i = 0; i < 3; i++) {
            bytes.putFloat(268 + 4 * i, bytes.getFloat(280 + 12 + 16 * i));
        }
        bytes.putFloat(268, bytes.getFloat(268) + 5e-5f);

        assertThat(READER.read(file(bytes.array())).geometry().origin()).isEqualTo(new Point(120.25, -33.5, 1024.125));
        bytes.putFloat(268, bytes.getFloat(268) + 1);
        assertThat(READER.read(file(bytes.array())).geometry().origin().x()).isCloseTo(119.25, within(1e-3));
    }

    @ParameterizedTest
    @ValueSource(strings = {"scan.nii", "scan.nii.gz", "SCAN.NII", "Scan.Nii.Gz"})
    void knowsASingleFileByItsName(String name) throws IOException {
        Path file = Files.createFile(folder.resolve(name));

        assertThat(READER.accepts(file)).isTrue();
    }

    @Test
    void knowsAPairByItsHeader() throws IOException {
        Path header = copy("pair.hdr");
        Path voxels = copy("pair.img");
        assertThat(READER.accepts(header)).isTrue();
        assertThat(READER.accepts(voxels)).isTrue();

        Files.writeString(header, "ENVI\nsamples = 3\n");
        assertThat(READER.accepts(header)).isFalse();
        assertThat(READER.accepts(voxels)).isFalse();
        byte[] analyze = golden("pair.hdr");
        Arrays.fill(analyze, 344, 348, (byte) 0);
        Files.write(header, analyze);
        assertThat(READER.accepts(header)).isFalse();
        Files.delete(header);
        assertThat(READER.accepts(voxels)).isFalse();
        assertThat(READER.accepts(Files.createFile(folder.resolve("scan.mhd")))).isFalse();
    }

    @Test
    void goesByTheBytesWhetherAFileIsCompressed() throws IOException {
        Path packed = file(gzip(golden("little.nii")));
        Path plain = Files.write(folder.resolve("scan.nii.gz"), golden("little.nii"));

        assertThat(READER.read(packed).values()).isEqualTo(READER.read(plain).values());
    }

    @Test
    void findsFilesOfAPairInCapitals() throws IOException {
        Path header = Files.write(folder.resolve("SCAN.HDR"), golden("pair.hdr"));
        Files.write(folder.resolve("SCAN.IMG"), golden("pair.img"));

        assertThat(READER.read(header).get(0, 0, 0)).isEqualTo((short) -1000);
    }

    private void assertRefused(Path file, Path blamed, Problem problem, String reason) {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeReaders.builtIn().read(file))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(problem))
                .satisfies(e -> assertThat(e.file()).isEqualTo(blamed))
                .satisfies(e -> assertThat(e.reason()).isEqualTo(reason));
    }

    /** Bytes in hexadecimal, at a place in the header. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 | 5d010000 | BAD_HEADER | is no NIfTI-1 header: it must begin with its size, 348",
                "0 | 1c020000 | UNSUPPORTED | is NIfTI-2, of which nothing is read: write it as NIfTI-1",
                "344 | 00000000 | UNSUPPORTED | magic must be 'n+1' or 'ni1', was ''; without one it is ANALYZE 7.5, which does not say left from right",
                "344 | 6e693100 | BAD_HEADER | magic 'ni1' (voxels in an .img) does not go with this name",
                "40 | 0000 | BAD_HEADER | dim[0] must be in [1, 7], was 0",
                "40 | 0800 | BAD_HEADER | dim[0] must be in [1, 7], was 8",
                "40 | 0200 | UNSUPPORTED | dim[0], the number of dimensions, must be 3, was 2",
                "42 | 0000 | BAD_HEADER | dim[1] must be >= 1, was 0",
                "46 | ffff | BAD_HEADER | dim[3] must be >= 1, was -1",
                "40 | 04000300040002000200 | UNSUPPORTED | dim[4] must be 1 in an image of three dimensions, was 2",
                "70 | 0000 | BAD_HEADER | datatype must be one of NIfTI-1, was 0",
                "70 | 8000 | UNSUPPORTED | datatype must be of one number of 8 to 64 bits, was 128 (RGB)",
                "70 | 2000 | UNSUPPORTED | datatype must be of one number of 8 to 64 bits, was 32 (complex)",
                "70 | 0100 | UNSUPPORTED | datatype must be of one number of 8 to 64 bits, was 1 (bits)",
                "70 | 0006 | UNSUPPORTED | datatype must be of one number of 8 to 64 bits, was 1536 (128-bit floating-point)",
                "70 | 0009 | UNSUPPORTED | datatype must be of one number of 8 to 64 bits, was 2304 (RGBA)",
                "72 | 0800 | BAD_HEADER | bitpix must be 16 for datatype 4, was 8",
                "80 | 00000000 | BAD_HEADER | pixdim[1] must be > 0, was 0.0",
                "84 | 000080bf | BAD_HEADER | pixdim[2] must be > 0, was -1.0",
                "88 | 0000c07f | BAD_HEADER | pixdim must be finite numbers, has NaN",
                "88 | 00004040 | BAD_HEADER | sform must have the spacing of pixdim[3], 3.0, has 2.5",
                "108 | 00000000 | BAD_HEADER | vox_offset must be a whole number >= 352, was 0.0",
                "108 | 0040b043 | BAD_HEADER | vox_offset must be a whole number >= 352, was 352.5",
                "108 | 0000c07f | BAD_HEADER | vox_offset must be a whole number >= 352, was NaN",
                "112 | 0000807f | BAD_HEADER | scl_slope and scl_inter must be finite, were Infinity and 0.0",
                "112 | 0000803f0000c07f | BAD_HEADER | scl_slope and scl_inter must be finite, were 1.0 and NaN",
                "123 | 03 | UNSUPPORTED | xyzt_units must be millimetres (2), was 3",
                "254 | 0000 | UNSUPPORTED | does not say how the patient lies (qform_code and sform_code are 0), so left may be right",
                "284 | cdcccc3e | UNSUPPORTED | sform must have axes at right angles, as there is no qform; has not",
                "292 | 0000807f | BAD_HEADER | srow must be finite numbers, has Infinity",
                "252 | 010001000000803f0000803f | BAD_HEADER | quatern_b, _c and _d must be of a rotation (squares that add up to 1 at most), were 1.0, 1.0, 0.0"
            })
    void refusesHeaderThatIsNotOfAScan(int place, String hex, Problem problem, String reason) throws IOException {
        ByteBuffer bytes = little();
        if (place == 252) {
            // So that the qform counts.
            bytes.putShort(254, (short) 0);
            bytes.put(252, HexFormat.of().parseHex(hex), 0, 2);
            bytes.put(256, HexFormat.of().parseHex(hex), 4, 8);
        } else if (place == 284) {
            // The second axis leans over to the first, and keeps its length.
            bytes.putFloat(284, .4f).putFloat(300, .3f);
        } else {
            bytes.put(place, HexFormat.of().parseHex(hex));
        }
        Path file = file(bytes.array());

        assertRefused(file, file, problem, reason);
    }

    @Test
    void refusesHeaderThatIsCutOff() throws IOException {
        Path file = file(Arrays.copyOf(golden("little.nii"), 347));

        assertRefused(file, file, Problem.TOO_SHORT, "a header must have 348 bytes, has 347");
        Files.write(file, new byte[0]);
        assertRefused(file, file, Problem.BAD_HEADER, "is no NIfTI-1 header: it must begin with its size, 348");
    }

    @Test
    void refusesVoxelsThatAreCutOffOrHaveMoreAfterThem() throws IOException {
        byte[] whole = golden("little.nii");
        Path file = file(Arrays.copyOf(whole, whole.length - 1));
        assertRefused(file, file, Problem.TOO_SHORT, "must have 48 bytes of voxels from byte 352 on, has 47");
        Files.write(file, Arrays.copyOf(whole, whole.length + 1));
        assertRefused(file, file, Problem.TOO_LONG, "must have 48 bytes of voxels from byte 352 on, has 49");

        Files.write(file, gzip(Arrays.copyOf(whole, whole.length - 1)));
        assertRefused(file, file, Problem.TOO_SHORT, "must have 48 bytes of voxels, expands to 47");
        Files.write(file, gzip(Arrays.copyOf(whole, whole.length + 1)));
        assertRefused(file, file, Problem.TOO_LONG, "must have 48 bytes of voxels, has more");
        Files.write(file, gzip(Arrays.copyOf(whole, 350)));
        assertRefused(file, file, Problem.TOO_SHORT, "ends before its voxels, which begin at byte 352");
    }

    @Test
    void refusesADamagedCompressedFile() throws IOException {
        byte[] stored = gzip(golden("little.nii"));
        stored[stored.length - 5] ^= 1;
        Path file = file(stored);
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> READER.read(file))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.BAD_COMPRESSION));

        Files.write(file, Arrays.copyOf(stored, 30));
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> READER.read(file))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.BAD_COMPRESSION));
    }

    @Test
    void allocatesNothingForVoxelsThatCannotBeThere() throws IOException {
        ByteBuffer bytes = little();
        bytes.putShort(42, (short) 1000).putShort(44, (short) 1000).putShort(46, (short) 1000);
        byte[] stored = gzip(bytes.array());
        Path file = file(stored);

        assertRefused(
                file,
                file,
                Problem.TOO_SHORT,
                stored.length + " compressed bytes cannot expand to the 2000000352 bytes of voxels that there must be");
    }

    @Test
    void refusesValuesThatDoNotFit() throws IOException {
        ByteBuffer bytes = little();
        bytes.putFloat(112, 1).putFloat(116, 31468);
        Path file = file(bytes.array());
        // The last of all, 1300, comes to 32768.
        assertRefused(file, file, Problem.BAD_VALUE, "voxel (2, 3, 1) must be a number from -32768 to 32767, is not");

        bytes.putFloat(112, 0).putShort(70, (short) 512).putShort(352 + 2 * 5, (short) -1);
        for (int i = 0; i < VOXELS; i++) {
            bytes.putShort(352 + 2 * i, (short) (i == 5 ? -1 : 1));
        }
        Files.write(file, bytes.array());
        assertRefused(file, file, Problem.BAD_VALUE, "voxel (2, 1, 0) must be a number from -32768 to 32767, is not");
    }

    @Test
    void takesUnsignedValuesThatAScaleBringsIntoReach() throws IOException {
        ByteBuffer bytes = little();
        bytes.putFloat(112, 1).putFloat(116, -32768).putShort(70, (short) 512);
        for (int i = 0; i < VOXELS; i++) {
            bytes.putShort(352 + 2 * i, (short) 0xffff);
        }

        assertThat(READER.read(file(bytes.array())).values()).containsOnly(32767);
    }

    @Test
    void refusesOneFileOfAPair() throws IOException {
        Path header = copy("pair.hdr");
        assertRefused(
                header,
                folder.resolve("pair.img"),
                Problem.MISSING_VOXELS,
                "there is no such file, which is to go with pair.hdr");

        Path outside = Files.write(folder.resolve("secret"), golden("pair.img"));
        Path inner = Files.createDirectory(folder.resolve("inner"));
        Path linked = Files.write(inner.resolve("pair.hdr"), golden("pair.hdr"));
        Files.createSymbolicLink(inner.resolve("pair.img"), outside);
        assertRefused(
                linked,
                linked,
                Problem.OUTSIDE_FOLDER,
                "header and voxels must lie in one folder, pair.img is a link out of it");
    }

    @Test
    void refusesASingleFileInTheNameOfAHeader() throws IOException {
        Path header = Files.write(folder.resolve("scan.hdr"), golden("little.nii"));
        Files.write(folder.resolve("scan.img"), golden("pair.img"));

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> READER.read(header))
                .withMessage(header + ": magic 'n+1' (voxels follow the header) does not go with this name");
    }

    /** Whatever is done to an image, it is read as some other or refused as what it is. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void refusesDamagedImagesByNoOtherException(long seed) throws IOException {
        SeededRandom random = SeededRandom.of(seed);
        byte[][] images = {
            golden("little.nii"),
            golden("qform_flipped.nii"),
            golden("halves.nii"),
            golden("extension.nii.gz"),
            inflate(golden("scaled_1280_big.nii.gz"))
        };
        Path file = folder.resolve("scan.nii");
        int read = 0;
        int refused = 0;
        for (int i = 0; i < 300; i++) {
            byte[] image = images[random.nextInt(images.length)].clone();
            for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
                // Most of a header is of no concern: what is, is hit more often.
                int place = random.nextInt(2) == 0 ? 40 + random.nextInt(84) : random.nextInt(image.length);
                image[Math.min(place, image.length - 1)] = (byte) random.nextInt(256);
            }
            if (random.nextInt(10) == 0) {
                image = Arrays.copyOf(image, random.nextInt(image.length + 20));
            }
            Files.write(file, random.nextInt(4) == 0 ? gzip(image) : image);
            try {
                assertThat(READER.read(file).values()).isNotEmpty();
                read++;
            } catch (VolumeException e) {
                assertThat(e).hasMessageStartingWith(e.file() + ": ");
                refused++;
            }
        }
        assertThat(read).isPositive();
        assertThat(refused).isPositive();
    }

    private static byte[] inflate(byte[] stored) {
        try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(stored))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
