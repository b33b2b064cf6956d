package io.fedlearn.luna16.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.luna16.image.VolumeException.Problem;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VolumeReadersTest {
    @TempDir
    private Path folder;

    /** Takes files of one ending. */
    private record Ending(String name, String ending, Optional<String> missing) implements VolumeReader {
        static final Volume ANSWER = Volume.wrap(
                ImageGeometry.of(new GridSize(1, 1, 1), new Point(1, 1, 1), new Point(0, 0, 0)), new short[] {7});

        Ending(String name, String ending) {
            this(name, ending, Optional.empty());
        }

        @Override
        public String formats() {
            return "*" + ending;
        }

        @Override
        public boolean accepts(Path path) {
            return path.toString().endsWith(ending);
        }

        @Override
        public Volume read(Path path) throws IOException {
            if (path.toString().contains("broken")) {
                throw new IOException("the disk is gone");
            }
            return ANSWER;
        }
    }

    private Path file(String name) throws IOException {
        return Files.writeString(folder.resolve(name), "?");
    }

    @Test
    void readsAMetaImage() throws IOException {
        Path file = new MetaImageFiles().in(folder, MetaImageFiles.shorts());

        assertThat(VolumeReaders.installed().read(file).values()).isEqualTo(MetaImageFiles.values());
        assertThat(VolumeReaders.installed().readerOf(file).name()).isEqualTo("MetaImage");
    }

    @Test
    void asksReadersInTheirOrder() throws IOException {
        VolumeReaders readers = VolumeReaders.of(List.of(new Ending("first", ".x"), new Ending("second", "x")));

        assertThat(readers.readerOf(file("a.x")).name()).isEqualTo("first");
        assertThat(readers.readerOf(file("ax")).name()).isEqualTo("second");
        assertThat(readers.with(new Ending("ahead", "x")).readerOf(file("a.x")).name())
                .isEqualTo("ahead");
        assertThat(readers.read(file("a.x"))).isSameAs(Ending.ANSWER);
    }

    @Test
    void findsReadersByName() {
        VolumeReaders readers = VolumeReaders.of(List.of(new Ending("One", ".x"), new Ending("Two", ".y")));

        assertThat(readers.named("two").formats()).isEqualTo("*.y");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> readers.named("three"))
                .withMessage("reader must be one of One, Two, was 'three'");
    }

    @Test
    void passesOverAReaderThatLacksSomethingIfAnotherCanRead() throws IOException {
        VolumeReaders readers = VolumeReaders.of(
                List.of(new Ending("crippled", "x", Optional.of("it lacks a leg")), new Ending("healthy", "x")));

        assertThat(readers.readerOf(file("a.x")).name()).isEqualTo("healthy");
    }

    @Test
    void asksNoReaderAfterTheOneThatTakesTheFile() throws IOException {
        VolumeReader unasked = new VolumeReader() {
            @Override
            public String name() {
                return "unasked";
            }

            @Override
            public String formats() {
                return "nothing";
            }

            @Override
            public boolean accepts(Path path) throws IOException {
                throw new IOException("asked all the same");
            }

            @Override
            public Volume read(Path path) {
                throw new IllegalStateException("asked to read");
            }
        };
        Path file = file("a.x");

        assertThat(VolumeReaders.of(List.of(new Ending("One", "x"), unasked)).read(file))
                .isSameAs(Ending.ANSWER);
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeReaders.of(List.of(unasked)).read(file))
                .withMessage(file + ": cannot be read: java.io.IOException: asked all the same");
    }

    @Test
    void saysWhatAReaderLacks() throws IOException {
        Path file = file("a.x");
        VolumeReaders readers =
                VolumeReaders.of(List.of(new Ending("crippled", "x", Optional.of("a leg must be added"))));

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> readers.read(file))
                .withMessage(
                        file + ": crippled would read it, but a leg must be added; docs/luna16-readers.md has more")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.NO_READER));
    }

    @Test
    void namesTheReadersThatThereAre() throws IOException {
        Path file = file("a.z");

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeReaders.of(List.of(new Ending("One", ".x"), new Ending("Two", ".y")))
                        .read(file))
                .withMessage(file
                        + ": no reader takes it; there are One (*.x), Two (*.y); docs/luna16-readers.md says how to"
                        + " add one")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.NO_READER));
    }

    @Test
    void knowsDicomWhenItSeesIt() throws IOException {
        byte[] bytes = new byte[200];
        System.arraycopy("DICM".getBytes(StandardCharsets.US_ASCII), 0, bytes, 128, 4);
        Path series = Files.createDirectory(folder.resolve("series"));
        Path slice = Files.write(series.resolve("IM0001"), bytes);
        Path named = file("slice.DCM");
        VolumeReaders readers = VolumeReaders.of(List.of(new Ending("One", ".x")));

        for (Path path : new Path[] {series, slice, named}) {
            assertThatExceptionOfType(VolumeException.class)
                    .isThrownBy(() -> readers.read(path))
                    .withMessageStartingWith(path + ": is DICOM, for which no reader is installed; there are One");
        }
        Files.write(slice, Arrays.copyOf(bytes, 131));
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> readers.read(series))
                .withMessageStartingWith(series + ": no reader takes it");
    }

    @Test
    void refusesWhatIsNotThere() {
        Path absent = folder.resolve("absent.mhd");

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeReaders.installed().read(absent))
                .withMessage(absent + ": there is no such file")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.UNREADABLE));
    }

    @Test
    void tellsOfAReadersFailureLikeOfItsOwn() throws IOException {
        Path file = file("broken.x");

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(
                        () -> VolumeReaders.of(List.of(new Ending("One", ".x"))).read(file))
                .withMessage(file + ": cannot be read: java.io.IOException: the disk is gone")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.UNREADABLE));
    }

    @Test
    void goesOnWithoutAPlugInThatCannotBeLoaded() throws IOException {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        Files.writeString(services.resolve(VolumeReader.class.getName()), "no.such.Reader\n");
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {folder.toUri().toURL()}, before)) {
            Thread.currentThread().setContextClassLoader(loader);
            VolumeReaders readers = VolumeReaders.installed();

            assertThat(readers.failures()).singleElement().asString().contains("no.such.Reader");
            assertThat(readers.readers()).extracting(VolumeReader::name).contains("MetaImage");
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }
}
