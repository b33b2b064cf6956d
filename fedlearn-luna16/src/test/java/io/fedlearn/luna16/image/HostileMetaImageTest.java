package io.fedlearn.luna16.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are cut off, grown, damaged, or made to do harm. */
class HostileMetaImageTest {
    @TempDir
    private Path folder;

    private static byte[] deflated(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream deflater = new DeflaterOutputStream(out)) {
            deflater.write(bytes);
        }
        return out.toByteArray();
    }

    private void assertRefused(Path header, Path blamed, Problem problem, String reason) {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImage.read(header))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(problem))
                .satisfies(e -> assertThat(e.file()).isEqualTo(blamed))
                .withMessage(blamed + ": " + reason);
    }

    private Path real(String name) throws IOException {
        return folder.toRealPath().resolve(name);
    }

    @Test
    void refusesVoxelsThatAreMissing() throws IOException {
        assertRefused(
                new MetaImageFiles().in(folder),
                real("scan.raw"),
                Problem.MISSING_VOXELS,
                "there is no such file, which is to have the voxels of scan.mhd");
    }

    @Test
    void refusesVoxelsThatAreCutOff() throws IOException {
        assertRefused(
                new MetaImageFiles().in(folder, new byte[47]),
                real("scan.raw"),
                Problem.TOO_SHORT,
                "must have 48 bytes of voxels, has 47");
    }

    @Test
    void refusesVoxelsWithMoreAfterThem() throws IOException {
        assertRefused(
                new MetaImageFiles().in(folder, new byte[49]),
                real("scan.raw"),
                Problem.TOO_LONG,
                "must have 48 bytes of voxels, has 49");
    }

    @Test
    void countsFromTheEndOfWhatIsSkipped() throws IOException {
        assertRefused(
                new MetaImageFiles().with("HeaderSize", "10").in(folder, new byte[48]),
                real("scan.raw"),
                Problem.TOO_SHORT,
                "must have 48 bytes of voxels from byte 10 on, has 38");
        assertRefused(
                new MetaImageFiles().with("HeaderSize", "1000000").in(folder, new byte[48]),
                real("scan.raw"),
                Problem.TOO_SHORT,
                "must have 48 bytes of voxels from byte 1000000 on, has 0");
        assertRefused(
                new MetaImageFiles().with("HeaderSize", "-1").in(folder, new byte[47]),
                real("scan.raw"),
                Problem.TOO_SHORT,
                "must have 48 bytes of voxels, has 47");
    }

    @Test
    void refusesShortVoxelsThatFollowTheirHeader() throws IOException {
        String text = new MetaImageFiles().with("ElementDataFile", "LOCAL").text();
        Path file = Files.writeString(folder.resolve("scan.mha"), text + "x");

        assertRefused(
                file,
                file,
                Problem.TOO_SHORT,
                "must have 48 bytes of voxels from byte " + text.length() + " on, has 1");
    }

    @Test
    void refusesOneShortFileOfMany() throws IOException {
        Files.write(folder.resolve("s1.raw"), new byte[24]);
        Files.write(folder.resolve("s2.raw"), new byte[23]);

        assertRefused(
                new MetaImageFiles().with("ElementDataFile", "s%d.raw").in(folder),
                real("s2.raw"),
                Problem.TOO_SHORT,
                "must have 24 bytes of voxels, has 23");
    }

    @Test
    void refusesCompressedVoxelsOfAnotherSizeThanTheHeaderSays() throws IOException {
        byte[] stored = deflated(MetaImageFiles.shorts());
        MetaImageFiles files =
                new MetaImageFiles().with("CompressedData", "True").with("CompressedDataSize", "1000");

        assertRefused(
                files.in(folder, stored),
                real("scan.raw"),
                Problem.TOO_SHORT,
                "must have 1000 compressed bytes of voxels, has " + stored.length);
    }

    @Test
    void refusesCompressedVoxelsThatEndEarly() throws IOException {
        byte[] stored = deflated(Arrays.copyOf(MetaImageFiles.shorts(), 40));

        assertRefused(
                new MetaImageFiles().with("CompressedData", "True").in(folder, stored),
                real("scan.raw"),
                Problem.TOO_SHORT,
                "must have 48 bytes of voxels, expands to 40");
    }

    @Test
    void refusesCompressedVoxelsThatAreCutOff() throws IOException {
        byte[] stored = deflated(MetaImageFiles.shorts());

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImage.read(new MetaImageFiles()
                        .with("CompressedData", "True")
                        .in(folder, Arrays.copyOf(stored, stored.length - 10))))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.TOO_SHORT));
    }

    @Test
    void refusesTextThatEndsEarly() throws IOException {
        MetaImageFiles files = new MetaImageFiles().with("BinaryData", "False");

        assertRefused(
                files.in(folder, "1 2 3".getBytes(StandardCharsets.US_ASCII)),
                real("scan.raw"),
                Problem.TOO_SHORT,
                "must have 24 numbers, which take 47 characters at least, has 5");
        assertRefused(
                files.in(folder, "12345 ".repeat(23).getBytes(StandardCharsets.US_ASCII)),
                real("scan.raw"),
                Problem.TOO_SHORT,
                "must have 24 numbers, has 23");
        assertRefused(
                files.in(folder, "1 ".repeat(25).getBytes(StandardCharsets.US_ASCII)),
                real("scan.raw"),
                Problem.TOO_LONG,
                "must have 24 numbers, has more");
    }

    @Test
    void looksForNoCompressedFileInPlaceOfText() throws IOException {
        Files.write(folder.resolve("scan.raw.gz"), new byte[100]);

        assertRefused(
                new MetaImageFiles().with("BinaryData", "False").in(folder),
                real("scan.raw"),
                Problem.MISSING_VOXELS,
                "there is no such file, which is to have the voxels of scan.mhd");
    }

    @ParameterizedTest
    @ValueSource(strings = {"one", "NaN", "0x1p3", "1f", "--1", "1.5", "32768", "-32769", "1e999", "1,2", "\0"})
    void refusesTextThatIsNoNumberOfItsType(String word) throws IOException {
        Path file = new MetaImageFiles()
                .with("BinaryData", "False")
                .in(folder, ("1 ".repeat(23) + word).getBytes(StandardCharsets.US_ASCII));

        assertRefused(file, file, Problem.BAD_VALUE, "voxel (3, 2, 1) must be a number from -32768 to 32767, is not");
    }

    @Test
    void refusesWordsWithoutAnEnd() throws IOException {
        Path file = new MetaImageFiles()
                .with("BinaryData", "False")
                .in(folder, "1".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII));

        assertRefused(file, file, Problem.BAD_VALUE, "voxel (0, 0, 0) must be a number from -32768 to 32767, is not");
    }

    @Test
    void stopsInflatingAfterWhatTheHeaderPromises() throws IOException {
        assertRefused(
                new MetaImageFiles().with("CompressedData", "True").in(folder, deflated(new byte[1 << 24])),
                real("scan.raw"),
                Problem.TOO_LONG,
                "must have 48 bytes of voxels, has more");
    }

    /** A file that is full of holes, and takes no room on the disk. */
    @Test
    void refusesVoxelsThatTheHeapCannotHold() throws IOException {
        long voxels = Runtime.getRuntime().maxMemory() / Short.BYTES;
        assumeTrue(voxels < Volume.MAX_VOXELS, "the heap holds any volume");
        long rows = voxels / (1 << 15) + 1;
        Path raw = folder.resolve("scan.raw");
        Path file = new MetaImageFiles()
                .with("DimSize", (1 << 15) + " " + rows + " 1")
                .in(folder);
        try (RandomAccessFile holes = new RandomAccessFile(raw.toFile(), "rw")) {
            holes.setLength(rows << 16);
        }

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImage.read(file))
                .withMessageStartingWith(file + ": 32768x" + rows + "x1 voxels take ")
                .withMessageEndingWith("give Java more (-Xmx)")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.NO_MEMORY));
    }

    @Test
    void allocatesNothingForVoxelsThatCannotBeThere() throws IOException {
        assertRefused(
                new MetaImageFiles()
                        .with("DimSize", "1000 1000 1000")
                        .with("CompressedData", "True")
                        .in(folder, deflated(new byte[100])),
                real("scan.raw"),
                Problem.TOO_SHORT,
                Files.size(folder.resolve("scan.raw"))
                        + " compressed bytes cannot expand to the 2000000000 bytes of voxels that there must be");
        assertRefused(
                new MetaImageFiles().with("DimSize", "2000000 1 2000000").in(folder, new byte[100]),
                real("scan.raw"),
                Problem.TOO_SHORT,
                "must have 8000000000000 bytes of voxels, has 100");
    }

    @Test
    void refusesWhatIsNotCompressedAtAll() throws IOException {
        assertRefused(
                new MetaImageFiles().with("CompressedData", "True").in(folder, MetaImageFiles.shorts()),
                real("scan.raw"),
                Problem.BAD_COMPRESSION,
                "compressed voxels must be in zlib or gzip form, are in neither");
        assertRefused(
                new MetaImageFiles().with("CompressedData", "True").in(folder, new byte[1]),
                real("scan.raw"),
                Problem.BAD_COMPRESSION,
                "compressed voxels must be in zlib or gzip form, are in neither");
    }

    @Test
    void refusesCompressedVoxelsThatAreDamaged() throws IOException {
        byte[] stored = deflated(MetaImageFiles.shorts());
        stored[stored.length - 1] ^= 1;

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImage.read(
                        new MetaImageFiles().with("CompressedData", "True").in(folder, stored)))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.BAD_COMPRESSION));
    }

    @ParameterizedTest
    @ValueSource(strings = {"../scan.raw", "a/../../scan.raw", "/etc/hostname", "..", "a/../../header/../scan.raw"})
    void refusesPathsOutOfTheFolder(String name) throws IOException {
        Path inner = Files.createDirectory(folder.resolve("header"));
        Files.write(folder.resolve("scan.raw"), MetaImageFiles.shorts());
        Path file = new MetaImageFiles().with("ElementDataFile", name).in(inner);

        assertRefused(
                file,
                file,
                Problem.OUTSIDE_FOLDER,
                "voxels must lie in the header's folder, ElementDataFile was '" + name + "'");
    }

    @Test
    void refusesPathsOutOfTheFolderInLists() throws IOException {
        Path inner = Files.createDirectory(folder.resolve("header"));
        Files.write(inner.resolve("a.raw"), new byte[24]);
        Files.write(folder.resolve("b.raw"), new byte[24]);
        Path list = Files.writeString(
                inner.resolve("list.mhd"),
                new MetaImageFiles().with("ElementDataFile", "LIST").text() + "a.raw\n../b.raw\n");
        Path pattern =
                new MetaImageFiles().with("ElementDataFile", "../s%d.raw").in(inner);

        for (Path file : new Path[] {list, pattern}) {
            assertThatExceptionOfType(VolumeException.class)
                    .isThrownBy(() -> MetaImage.read(file))
                    .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.OUTSIDE_FOLDER));
        }
    }

    @Test
    void refusesLinksOutOfTheFolder() throws IOException {
        Path inner = Files.createDirectory(folder.resolve("header"));
        Path outside = Files.write(folder.resolve("secret"), MetaImageFiles.shorts());
        Files.createSymbolicLink(inner.resolve("scan.raw"), outside);
        Path file = new MetaImageFiles().in(inner);

        assertRefused(
                file,
                file,
                Problem.OUTSIDE_FOLDER,
                "voxels must lie in the header's folder, ElementDataFile 'scan.raw' is a link out of it");
    }

    @Test
    void followsLinksWithinTheFolderAndToTheFolder() throws IOException {
        Path inner = Files.createDirectory(folder.resolve("header"));
        Files.write(inner.resolve("voxels"), MetaImageFiles.shorts());
        Files.createSymbolicLink(inner.resolve("scan.raw"), Path.of("voxels"));
        new MetaImageFiles().in(inner);
        Path link = Files.createSymbolicLink(folder.resolve("link"), inner);

        assertThat(MetaImage.read(link.resolve("scan.mhd")).values()).isEqualTo(MetaImageFiles.values());
    }

    @ParameterizedTest
    @ValueSource(strings = {".", "folder", "\0"})
    void refusesWhatIsNoFile(String name) throws IOException {
        Files.createDirectory(folder.resolve("folder"));
        Path file = new MetaImageFiles().with("ElementDataFile", name).in(folder);

        assertThatExceptionOfType(VolumeException.class).isThrownBy(() -> MetaImage.read(file));
    }

    /** Whatever is done to a header, it is read as some image or refused as what it is. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void refusesDamagedHeadersByNoOtherException(long seed) throws IOException {
        SeededRandom random = SeededRandom.of(seed);
        byte[] voxels = deflated(MetaImageFiles.shorts());
        Files.write(folder.resolve("scan.raw"), voxels);
        Files.write(folder.resolve("s1.raw"), voxels);
        String[] headers = {
            new MetaImageFiles().with("HeaderSize", "0").text(),
            new MetaImageFiles().with("CompressedData", "True").text(),
            new MetaImageFiles().with("ElementDataFile", "LOCAL").text() + "0123456789".repeat(6),
            new MetaImageFiles()
                            .with("BinaryData", "False")
                            .with("ElementDataFile", "LOCAL")
                            .text()
                    + "1 22 -3\n4 5.5 6 ".repeat(4),
            new MetaImageFiles().with("ElementDataFile", "LIST").text() + "s1.raw\nscan.raw\n",
            new MetaImageFiles().with("ElementDataFile", "s%03d.raw 1 2 1").text()
        };
        String[] spice = {
            "-", "9", "e9", ".", " ", "\n", "=", "%", "/", "LIST", "LOCAL", "1e18", "True", "\u0000", "MET_"
        };
        Path file = folder.resolve("scan.mhd");
        int read = 0;
        int refused = 0;
        for (int i = 0; i < 500; i++) {
            StringBuilder text = new StringBuilder(headers[random.nextInt(headers.length)]);
            for (int edits = 1 + random.nextInt(4); edits > 0; edits--) {
                int place = random.nextInt(text.length());
                switch (random.nextInt(4)) {
                    case 0 -> text.setCharAt(place, (char) random.nextInt(256));
                    case 1 -> text.insert(place, spice[random.nextInt(spice.length)]);
                    case 2 -> text.delete(place, Math.min(text.length() - 1, place + 1 + random.nextInt(8)));
                    default -> text.append(text.charAt(place));
                }
            }
            Files.write(file, text.toString().getBytes(StandardCharsets.ISO_8859_1));
            try {
                MetaImage.read(file);
                read++;
            } catch (VolumeException e) {
                assertThat(e).hasMessageStartingWith(e.file() + ": ");
                refused++;
            }
        }
        assertThat(read).isPositive();
        assertThat(refused).isPositive();
    }
}
