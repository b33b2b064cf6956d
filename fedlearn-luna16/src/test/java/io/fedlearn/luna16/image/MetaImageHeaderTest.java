package io.fedlearn.luna16.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MetaImageHeaderTest {
    @TempDir
    private Path folder;

    @Test
    void readsWhatIsInAHeader() throws IOException {
        MetaImageHeader header = MetaImageHeader.read(new MetaImageFiles()
                .with("Offset", "-198.10000600000001 -195 -3.35e2")
                .in(folder));

        assertThat(header.geometry())
                .isEqualTo(ImageGeometry.of(
                        new GridSize(4, 3, 2), new Point(.5, .5, 2), new Point(-198.10000600000001, -195, -335)));
        assertThat(header.elementType()).isEqualTo(ElementType.SHORT);
        assertThat(header.byteOrder()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
        assertThat(header.isCompressed()).isFalse();
        assertThat(header.compressedByteCount()).isEmpty();
        assertThat(header.headerSize()).isZero();
        assertThat(header.voxelFiles()).containsExactly("scan.raw");
        assertThat(header.fields().keySet())
                .startsWith("ObjectType")
                .endsWith("ElementDataFile")
                .hasSize(13);
    }

    @Test
    void acceptsColonsBlankLinesCarriageReturnsAndKeysNobodyKnows() throws IOException {
        Path file = folder.resolve("scan.mhd");
        Files.writeString(
                file,
                "NDims:3\r\n\r\n Scanner : A = B: C \r\nDimSize = 4\t3  2\r\nElementType=MET_SHORT\r\n"
                        + "ElementDataFile = scan with spaces.raw\r\nthis is no line any more");

        MetaImageHeader header = MetaImageHeader.read(file);

        assertThat(header.fields()).containsEntry("Scanner", "A = B: C");
        assertThat(header.voxelFiles()).containsExactly("scan with spaces.raw");
        assertThat(header.geometry())
                .isEqualTo(ImageGeometry.of(new GridSize(4, 3, 2), new Point(1, 1, 1), new Point(0, 0, 0)));
    }

    @ParameterizedTest
    @CsvSource({"True,true", "true,true", "T,true", "1,true", "False,false", "yes,false", "0,false", "'',false"})
    void takesAsTrueWhatBeginsLikeTrueOrOne(String value, boolean expected) throws IOException {
        assertThat(MetaImageHeader.read(new MetaImageFiles()
                                .with("CompressedData", value)
                                .in(folder))
                        .isCompressed())
                .isEqualTo(expected);
    }

    @Test
    void prefersTheNewerOfTwoKeysForTheByteOrder() throws IOException {
        MetaImageFiles files = new MetaImageFiles().with("ElementByteOrderMSB", "True");

        assertThat(MetaImageHeader.read(files.in(folder)).byteOrder()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
        assertThat(MetaImageHeader.read(files.without("BinaryDataByteOrderMSB").in(folder))
                        .byteOrder())
                .isEqualTo(ByteOrder.BIG_ENDIAN);
    }

    @Test
    void prefersKeysForTheOriginInTheirOrder() throws IOException {
        MetaImageFiles files = new MetaImageFiles();
        for (String key : new String[] {"Position", "Origin", "ImagePosition"}) {
            double x = files.text().length();
            files.with(key, x + " 0 0");
            assertThat(MetaImageHeader.read(files.in(folder)).geometry().origin())
                    .isEqualTo(new Point(x, 0, 0));
        }
        files.with("ElementOrigin", "7 7 7");
        assertThat(MetaImageHeader.read(files.in(folder)).geometry().origin().x())
                .isNotEqualTo(7);
        files.with("FileFormatVersion", "1");
        assertThat(MetaImageHeader.read(files.in(folder)).geometry().origin().x())
                .isEqualTo(7);
    }

    @Test
    void prefersKeysForTheAxesInTheirOrder() throws IOException {
        MetaImageFiles files = new MetaImageFiles().without("TransformMatrix");
        assertThat(MetaImageHeader.read(files.in(folder)).geometry().xAxis()).isEqualTo(new Point(1, 0, 0));
        files.with("Orientation", "0 1 0 1 0 0 0 0 1");
        assertThat(MetaImageHeader.read(files.in(folder)).geometry().xAxis()).isEqualTo(new Point(0, 1, 0));
        files.with("Rotation", "0 0 1 0 1 0 1 0 0");
        assertThat(MetaImageHeader.read(files.in(folder)).geometry().xAxis()).isEqualTo(new Point(0, 0, 1));
        files.with("TransformMatrix", "0 -1 0 0 0 1 1 0 0");
        ImageGeometry geometry = MetaImageHeader.read(files.in(folder)).geometry();
        assertThat(geometry.xAxis()).isEqualTo(new Point(0, -1, 0));
        assertThat(geometry.yAxis()).isEqualTo(new Point(0, 0, 1));
        assertThat(geometry.zAxis()).isEqualTo(new Point(1, 0, 0));
    }

    @Test
    void takesTheSizeOfAnElementWhereThereIsNoSpacing() throws IOException {
        MetaImageFiles files = new MetaImageFiles().with("ElementSize", "3 4 5");
        assertThat(MetaImageHeader.read(files.in(folder)).geometry().spacing()).isEqualTo(new Point(.5, .5, 2));
        files.without("ElementSpacing");
        assertThat(MetaImageHeader.read(files.in(folder)).geometry().spacing()).isEqualTo(new Point(3, 4, 5));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "NDims | 2 | NDims must be 3, was 2 | UNSUPPORTED",
                "NDims | 4 | NDims must be 3, was 4 | UNSUPPORTED",
                "NDims | three | NDims must be a finite number, was 'three' | BAD_HEADER",
                "ObjectType | Tube | ObjectType must be Image, was 'Tube' | UNSUPPORTED",
                "ElementType | MET_STRING | ElementType must be MET_SHORT or another number, was 'MET_STRING' | UNSUPPORTED",
                "ElementType | short | ElementType must be MET_SHORT or another number, was 'short' | UNSUPPORTED",
                "ElementNumberOfChannels | 3 | ElementNumberOfChannels must be 1, was 3 | UNSUPPORTED",
                "FileFormatVersion | 2 | FileFormatVersion must be 0 or 1, was 2 | UNSUPPORTED",
                "DistanceUnits | cm | DistanceUnits must be mm, was 'cm' | UNSUPPORTED",
                "DimSize | 4 3 | DimSize must be 3 numbers, was '4 3' | BAD_HEADER",
                "DimSize | 4 3 0 | DimSize must be three whole numbers >= 1, was '4 3 0' | BAD_HEADER",
                "DimSize | 4 3 -2 | DimSize must be three whole numbers >= 1, was '4 3 -2' | BAD_HEADER",
                "DimSize | 4 3 1.5 | DimSize must be three whole numbers >= 1, was '4 3 1.5' | BAD_HEADER",
                "DimSize | 9e8 9e8 9e8 | DimSize '9e8 9e8 9e8' is more than can be counted | UNSUPPORTED",
                "DimSize | 99999 99999 1 | a slice may have at most 1073741824 voxels, DimSize was '99999 99999 1' | UNSUPPORTED",
                "ElementSpacing | 1 0 1 | spacing must be > 0, was (1.0, 0.0, 1.0) | BAD_HEADER",
                "ElementSpacing | 1 NaN 1 | ElementSpacing must be a finite number, was 'NaN' | BAD_HEADER",
                "Offset | 1 1e999 1 | Offset must be a finite number, was '1e999' | BAD_HEADER",
                "Offset | 1 0x1p3 1 | Offset must be a finite number, was '0x1p3' | BAD_HEADER",
                "TransformMatrix | 1 0 0 0 1 0 | TransformMatrix must be 9 numbers, was '1 0 0 0 1 0' | BAD_HEADER",
                "HeaderSize | -2 | HeaderSize must be >= -1, was -2 | BAD_HEADER",
                "HeaderSize | 1.5 | HeaderSize must be a whole number, was '1.5' | BAD_HEADER",
                "ElementDataFile | '' | ElementDataFile names no file | BAD_HEADER"
            })
    void refusesWhatItCannotRead(String key, String value, String reason, Problem problem) throws IOException {
        Path file = new MetaImageFiles().with(key, value).in(folder);

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(file))
                .withMessage(file + ": " + reason)
                .satisfies(e -> assertThat(e.file()).isEqualTo(file))
                .satisfies(e -> assertThat(e.reason()).isEqualTo(reason))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(problem));
    }

    @Test
    void refusesTextThatIsCompressedOrCountedFromTheEnd() throws IOException {
        MetaImageFiles files = new MetaImageFiles().with("BinaryData", "False");
        assertThat(MetaImageHeader.read(files.in(folder)).isText()).isTrue();

        Path ending = files.with("HeaderSize", "-1").in(folder);
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(ending))
                .withMessage(ending
                        + ": HeaderSize = -1 (the voxels are the end of the file) does not go with voxels as text");

        Path compressed = files.with("CompressedData", "True").in(folder);
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(compressed))
                .withMessage(compressed + ": BinaryData = False (voxels as text) contradicts CompressedData = True");
    }

    @Test
    void refusesAxesInOnePlane() throws IOException {
        Path file = new MetaImageFiles()
                .with("TransformMatrix", "1 0 0 1 0 0 0 0 1")
                .in(folder);

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(file))
                .withMessageStartingWith(file + ": axes must not lie in one plane");
    }

    @Test
    void refusesDirectionsOfVersionOneThatMayBeRowsOrColumns() throws IOException {
        MetaImageFiles files = new MetaImageFiles().with("FileFormatVersion", "1");

        Path flipped = files.with("ElementDirection", "-1 0 0 0 -1 0 0 0 1").in(folder);
        assertThat(MetaImageHeader.read(flipped).geometry().xAxis()).isEqualTo(new Point(-1, 0, 0));

        Path turned = files.with("ElementDirection", "0 1 0 0 0 1 1 0 0").in(folder);
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(turned))
                .withMessageStartingWith(turned + ": ElementDirection must be symmetric");
    }

    @ParameterizedTest
    @ValueSource(strings = {"NDims", "DimSize", "ElementType", "ElementDataFile"})
    void refusesHeaderWithoutAnEssentialLine(String key) throws IOException {
        Path file = new MetaImageFiles().without(key).in(folder);

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(file))
                .withMessage(file + ": the line " + key + " is missing");
    }

    @Test
    void refusesTwoValuesForOneKey() throws IOException {
        Path file = Files.writeString(folder.resolve("scan.mhd"), "NDims = 3\nNDims = 3\nNDims = 2\n");

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(file))
                .withMessage(file + ": 'NDims' has two values, '3' and '2'");
    }

    @Test
    void refusesHeaderThatIsNotThere() {
        Path file = folder.resolve("absent.mhd");

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(file))
                .withMessage(file + ": there is no such file")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.UNREADABLE));
    }

    @Test
    void refusesWhatIsNoHeader() throws IOException {
        Path empty = Files.createFile(folder.resolve("empty.mhd"));
        Path binary = Files.write(folder.resolve("binary.mhd"), new byte[MetaImageHeader.MAX_BYTES + 1]);
        Path text = Files.writeString(folder.resolve("text.mhd"), "Dear colleague,\n");

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(empty))
                .withMessage(empty + ": is empty, not a MetaImage header");
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(binary))
                .withMessage(binary + ": is no MetaImage header: it does not end within 1048576 bytes");
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(text))
                .withMessage(text + ": is no MetaImage header: a line must be 'key = value', was 'Dear colleague,'");
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(folder))
                .withMessage(folder + ": is a folder, not a MetaImage header");
    }

    @Test
    void namesTheFilesOfAList() throws IOException {
        Path file = Files.writeString(
                folder.resolve("scan.mhd"),
                new MetaImageFiles().with("ElementDataFile", "LIST").text() + "a b.raw\n\nc.raw\n");

        assertThat(MetaImageHeader.read(file).voxelFiles()).containsExactly("a b.raw", "c.raw");
    }

    @ParameterizedTest
    @CsvSource({"LIST 1,6", "LIST 2,2", "LIST 3,1"})
    void asksForAsManyFilesAsTheListHasDimensionsLeft(String value, int count) throws IOException {
        Path file = Files.writeString(
                folder.resolve("scan.mhd"),
                new MetaImageFiles().with("ElementDataFile", value).text() + "x.raw\n".repeat(count));
        assertThat(MetaImageHeader.read(file).voxelFiles()).hasSize(count);

        Files.writeString(
                file, new MetaImageFiles().with("ElementDataFile", value).text() + "x.raw\n".repeat(count - 1));
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(file))
                .withMessage(file + ": the list of files must name " + count + ", names " + (count - 1));
    }

    @ParameterizedTest
    @CsvSource({
        "s%d.raw,s1.raw,s2.raw",
        "s%03d.raw,s001.raw,s002.raw",
        "s%03d.raw 7,s007.raw,s008.raw",
        "s%03d.raw 7 9,s007.raw,s009.raw",
        "s%3d.raw 5 9 4,s  5.raw,s  9.raw",
        "s%02i.raw 0 3 2,s00.raw,s02.raw"
    })
    void namesTheFilesThatAPatternStandsFor(String value, String first, String second) throws IOException {
        assertThat(MetaImageHeader.read(new MetaImageFiles()
                                .with("ElementDataFile", value)
                                .in(folder))
                        .voxelFiles())
                .containsExactly(first, second);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"s%s.raw", "s%.raw", "s%d%d.raw", "s%99999d.raw", "s%%.raw", "s%d.raw 1 2 3 4", "s%n%d.raw"})
    void refusesPatternWithoutOneNumber(String value) throws IOException {
        Path file = new MetaImageFiles().with("ElementDataFile", value).in(folder);

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(file))
                .withMessage(
                        file + ": ElementDataFile must have one number such as %03d, and then first, last and step,"
                                + " was '" + value + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"s%d.raw 1 9 1", "s%d.raw 2 1 1", "s%d.raw 1 2 0", "s%d.raw 1 2 -1", "s%d.raw -1 0 1"})
    void refusesPatternThatGivesAnotherNumberOfFiles(String value) throws IOException {
        Path file = new MetaImageFiles().with("ElementDataFile", value).in(folder);

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(file))
                .withMessage(file + ": ElementDataFile must give 2 files, one for each slice, was '" + value + "'");
    }

    @Test
    void refusesPatternForMoreFilesThanAnyScanHasSlices() throws IOException {
        Path file = new MetaImageFiles()
                .with("DimSize", "4 3 20000")
                .with("ElementDataFile", "s%d.raw")
                .in(folder);

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> MetaImageHeader.read(file))
                .withMessage(file + ": at most 16384 files of a slice each are read, DimSize asks for 20000");
    }
}
