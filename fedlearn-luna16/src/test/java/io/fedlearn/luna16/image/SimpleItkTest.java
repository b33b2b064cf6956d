package io.fedlearn.luna16.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a stand-in with SimpleITK's class and method names. */
class SimpleItkTest {
    private static final String DIRECTION = "0 0 1 -1 0 0 0 -1 0";

    @TempDir
    private static Path stock;

    private static SimpleItk reader = SimpleItk.of(Path.of(""));

    @TempDir
    private Path folder;

    @BeforeAll
    static void makeTheJar() throws IOException {
        reader = SimpleItk.of(StandInSimpleItk.jar(stock));
    }

    private Path image(String name, String... lines) throws IOException {
        return Files.write(folder.resolve(name), List.of(lines));
    }

    private Path image(String type, String values) throws IOException {
        return image("scan.nrrd", "1", type, "3 1 2", "0.5 0.75 2.5", "-10 20 -30.5", DIRECTION, values);
    }

    @Test
    void lacksNothing() {
        assertThat(reader.missing()).isEmpty();
    }

    @Test
    void readsGeometryWithAxesInColumns() throws IOException {
        ImageGeometry geometry = reader.read(image("sitkInt16", "1 2 3 4 5 6")).geometry();

        assertThat(geometry)
                .isEqualTo(ImageGeometry.of(
                        new GridSize(3, 1, 2),
                        new Point(.5, .75, 2.5),
                        new Point(-10, 20, -30.5),
                        new Point(0, -1, 0),
                        new Point(0, 0, -1),
                        new Point(1, 0, 0)));
    }

    @ParameterizedTest
    @CsvSource({
        "sitkInt8,-128 -1 0 1 2 127",
        "sitkUInt8,0 1 2 3 128 255",
        "sitkInt16,-32768 -1000 -1 0 1 32767",
        "sitkUInt16,0 1 2 256 4095 32767",
        "sitkInt32,-32768 -1000 -1 0 1 32767",
        "sitkUInt32,0 1 2 256 4095 32767",
        "sitkInt64,-32768 -1000 -1 0 1 32767",
        "sitkUInt64,0 1 2 256 4095 32767",
        "sitkFloat32,-1024 -1 0 1 400 3071",
        "sitkFloat64,-1024 -1 0 1 400 3071"
    })
    void readsVoxelsInTheOrderOfTheMachine(String type, String values) throws IOException {
        String[] words = values.split(" ");
        short[] expected = new short[words.length];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = Short.parseShort(words[i]);
        }

        // The image's memory is wiped by now: these are copies.
        assertThat(reader.read(image(type, values)).values()).isEqualTo(expected);
    }

    @Test
    void refusesValuesThatDoNotFit() throws IOException {
        Path file = image("sitkFloat32", "0 0 0 0 40000 0");

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> reader.read(file))
                .withMessage(file + ": voxel (1, 0, 1) must be a number from -32768 to 32767, is not")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.BAD_VALUE));
    }

    @Test
    void refusesWhatIsNoScan() throws IOException {
        Path flat = image("flat.nrrd", "1", "sitkInt16", "3 2", "1 1", "0 0", "1 0 0 1", "1 2 3 4 5 6");
        Path colour = image("colour.nrrd", "3", "sitkUInt8", "1 1 1", "1 1 1", "0 0 0", DIRECTION, "1 2 3");
        Path complex = image("complex.nrrd", "1", "sitkComplexFloat", "1 1 1", "1 1 1", "0 0 0", DIRECTION, "1");
        Path crushed = image("crushed.nrrd", "1", "sitkInt8", "1 1 1", "0 1 1", "0 0 0", DIRECTION, "1");
        Path short_ = image("short.nrrd", "1", "sitkInt16", "2 1 1", "1 1 1", "0 0 0", DIRECTION, "1");

        assertRefused(flat, Problem.UNSUPPORTED, "must have three dimensions, has 2");
        assertRefused(colour, Problem.UNSUPPORTED, "must have one number per voxel, has 3");
        assertRefused(complex, Problem.UNSUPPORTED, "voxels must be numbers, are sitkComplexFloat");
        assertRefused(crushed, Problem.BAD_HEADER, "spacing must be > 0, was (0.0, 1.0, 1.0)");
        assertRefused(short_, Problem.UNSUPPORTED, "SimpleITK must hand over 4 bytes of voxels, hands over 2");
    }

    private void assertRefused(Path path, Problem problem, String reason) {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> reader.read(path))
                .withMessage(path + ": " + reason)
                .satisfies(e -> assertThat(e.problem()).isEqualTo(problem));
    }

    @Test
    void passesOnInOneLineWhatItkSays() {
        assertRefused(
                folder.resolve("absent.nrrd"),
                Problem.UNREADABLE,
                "SimpleITK cannot read it: Exception thrown in SimpleITK ImageFileReader_Execute: sitk::ERROR: Unable"
                        + " to determine ImageIO reader");
    }

    private void slice(String name, String values) throws IOException {
        image(name, "1", "sitkInt16", "2 1 1", "1 1 3", "0 0 -9", DIRECTION, values);
    }

    @Test
    void readsAFolderWithOneSeriesInTheOrderOfItsSlices() throws IOException {
        slice("a_2.dcm", "3 4");
        slice("a_1.dcm", "1 2");

        assertThat(reader.accepts(folder)).isTrue();
        Volume volume = reader.read(folder);
        assertThat(volume.geometry().size()).isEqualTo(new GridSize(2, 1, 2));
        assertThat(volume.values()).containsExactly(1, 2, 3, 4);
    }

    @Test
    void refusesAFolderWithoutOrWithSeveralSeries() throws IOException {
        assertThat(reader.accepts(folder)).isFalse();
        assertRefused(folder, Problem.BAD_HEADER, "a folder must have one DICOM series, has 0");
        slice("a_1.dcm", "1 2");
        slice("b_1.dcm", "1 2");
        assertRefused(folder, Problem.UNSUPPORTED, "a folder must have one DICOM series, has 2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.nrrd", "a.NHDR", "a.gipl.gz", "a.vtk", "a.dcm", "a.hdr", "a.nii.gz"})
    void acceptsFormatsOfItkByName(String name) throws IOException {
        assertThat(reader.accepts(Files.createFile(folder.resolve(name)))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.csv", "nrrd", "a.txt"})
    void leavesOtherFilesAlone(String name) throws IOException {
        assertThat(reader.accepts(Files.createFile(folder.resolve(name)))).isFalse();
    }

    @Test
    void comesAfterTheReadersOfThisModule() throws IOException {
        VolumeReaders readers = VolumeReaders.of(List.of(new MetaImageVolumes(), new NiftiVolumes(), reader));

        assertThat(readers.readerOf(new MetaImageFiles().in(folder)).name()).isEqualTo("MetaImage");
        assertThat(readers.read(image("sitkInt16", "1 2 3 4 5 6")).values()).containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void saysHowToAddTheJar() throws IOException {
        assumeTrue(System.getProperty(SimpleItk.JAR_PROPERTY) == null, "SimpleITK is here");
        Path file = image("sitkInt16", "1 2 3 4 5 6");

        assertThat(SimpleItk.installed().missing())
                .hasValue(
                        "SimpleITK's Java binding is not here: name its jar by -Dfedlearn.simpleitk.jar=FILE, the native"
                                + " library " + System.mapLibraryName("SimpleITKJava") + " beside it");
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeReaders.installed().read(file))
                .withMessageStartingWith(
                        file + ": SimpleITK would read it, but SimpleITK's Java binding is not here: name its jar")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.NO_READER));
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> SimpleItk.installed().read(file))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.NO_READER));
    }

    @Test
    void saysThatTheNamedJarIsNotThereOrAnother() throws IOException {
        Path absent = folder.resolve("simpleitk.jar");
        assertThat(SimpleItk.of(absent).missing())
                .hasValue("SimpleITK's Java binding is not here: fedlearn.simpleitk.jar names " + absent
                        + ", which is no file");
        Files.write(absent, new byte[22]);
        assertThat(SimpleItk.of(absent).missing())
                .hasValue("SimpleITK's Java binding is not in " + absent + ", which fedlearn.simpleitk.jar names");
    }

    @Test
    void saysThatTheNativeLibraryIsMissing() throws IOException {
        Path jar = StandInSimpleItk.jarWithNativeLibrary(folder);
        SimpleItk crippled = SimpleItk.of(jar);

        assertThat(crippled.missing())
                .hasValueSatisfying(missing -> assertThat(missing)
                        .startsWith("SimpleITK's jar is there (" + jar
                                + "), its native library is not or cannot be loaded: put "
                                + System.mapLibraryName("SimpleITKJava") + " of the same version beside the jar (")
                        .contains("SimpleITKJava"));
        // Asked again, it gives the same answer, not that of a class that failed before.
        assertThat(crippled.missing()).isEqualTo(crippled.missing());
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> crippled.read(image("sitkInt16", "1 2 3 4 5 6")))
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.NO_READER));
    }

    @Test
    void loadsTheNativeLibraryBesideTheJar() throws IOException {
        Path jar = StandInSimpleItk.jarWithNativeLibrary(folder);
        // Any library will do that Java can load.
        Path library = Path.of(System.getProperty("java.home"), "lib", System.mapLibraryName("prefs"));
        assumeTrue(Files.exists(library), "this Java has no library " + library);
        Files.copy(library, folder.resolve(System.mapLibraryName("SimpleITKJava")));

        SimpleItk whole = SimpleItk.of(jar);
        assertThat(whole.missing()).isEmpty();
        assertThat(whole.read(image("sitkInt16", "1 2 3 4 5 6")).values()).containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void saysThatTheVersionIsTooOld() throws IOException {
        Path jar = StandInSimpleItk.jarOfOldVersion(folder);

        assertThat(SimpleItk.of(jar).missing())
                .hasValueSatisfying(missing -> assertThat(missing)
                        .startsWith(
                                "SimpleITK's Java binding in " + jar + " is of another version than 2.1 and later: ")
                        .contains("getBufferAsByteBuffer"));
    }
}
