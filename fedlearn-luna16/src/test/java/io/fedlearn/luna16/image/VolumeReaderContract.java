package io.fedlearn.luna16.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@link VolumeReader} promises, for every reader. An implementer says how a volume is written. */
abstract class VolumeReaderContract {
    private static final double COSINE = Math.cos(Math.toRadians(20));
    private static final double SINE = Math.sin(Math.toRadians(20));

    @TempDir
    Path folder;

    /** The reader that is tested. */
    abstract VolumeReader reader() throws IOException;

    /** Writes a volume as this reader is to read it, into a new folder, and says what is then to be named. */
    abstract Path write(Path target, Volume volume) throws IOException;

    private static Volume volume(Point xAxis, Point yAxis, Point zAxis) {
        SeededRandom random = SeededRandom.of(5);
        GridSize size = new GridSize(7, 5, 3);
        short[] values = new short[(int) size.voxelCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (short) (random.nextInt(4096) - 1024);
        }
        values[0] = Short.MIN_VALUE;
        values[values.length - 1] = Short.MAX_VALUE;
        return Volume.wrap(
                ImageGeometry.of(size, new Point(.5, .75, 2.5), new Point(-100.25, 20.5, -300), xAxis, yAxis, zAxis),
                values);
    }

    private static Volume straight() {
        return volume(new Point(1, 0, 0), new Point(0, 1, 0), new Point(0, 0, 1));
    }

    static Stream<Volume> volumes() {
        return Stream.of(
                straight(),
                // Flipped, permuted, oblique.
                volume(new Point(-1, 0, 0), new Point(0, -1, 0), new Point(0, 0, 1)),
                volume(new Point(0, 1, 0), new Point(0, 0, -1), new Point(1, 0, 0)),
                volume(new Point(COSINE, SINE, 0), new Point(-SINE, COSINE, 0), new Point(0, 0, -1)));
    }

    private Path place(String name) throws IOException {
        return Files.createDirectory(folder.resolve(name));
    }

    @Test
    void lacksNothingAndHasAName() throws IOException {
        assertThat(reader().missing()).isEmpty();
        assertThat(reader().name()).isNotBlank();
        assertThat(reader().formats()).isNotBlank();
    }

    @Test
    void acceptsItsOwnFormatAndNoOther() throws IOException {
        assertThat(reader().accepts(write(place("own"), straight()))).isTrue();
        assertThat(reader().accepts(Files.writeString(folder.resolve("letter.txt"), "Dear colleague,\n")))
                .isFalse();
        assertThat(reader().accepts(place("empty"))).isFalse();
    }

    @Test
    void givesValuesAndPlacesAsTheyWereWritten() throws IOException {
        int number = 0;
        for (Volume volume : volumes().toList()) {
            Volume read = reader().read(write(place("volume" + number++), volume));

            assertThat(read.values()).isEqualTo(volume.values());
            assertThat(read.geometry().size()).isEqualTo(volume.geometry().size());
            // Some formats have numbers of 32 bits.
            for (double[] corner : new double[][] {{0, 0, 0}, {6, 0, 0}, {0, 4, 0}, {0, 0, 2}, {6, 4, 2}}) {
                Point expected = volume.geometry().toWorld(corner[0], corner[1], corner[2]);
                assertThat(read.geometry()
                                .toWorld(corner[0], corner[1], corner[2])
                                .distance(expected))
                        .isCloseTo(0, within(1e-4));
            }
        }
    }

    @Test
    void givesEachCallerAVolumeOfItsOwn() throws IOException {
        Path path = write(place("own"), straight());

        assertThat(reader().read(path).values()).isNotSameAs(reader().read(path).values());
    }

    @Test
    void readsOnSeveralThreadsAtOnce() throws IOException, InterruptedException, ExecutionException {
        Path path = write(place("shared"), straight());
        VolumeReader reader = reader();
        ExecutorService executor = Executors.newFixedThreadPool(4);
        try {
            List<Future<Volume>> volumes = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                volumes.add(executor.submit(() -> reader.read(path)));
            }
            for (Future<Volume> volume : volumes) {
                assertThat(volume.get().values()).isEqualTo(straight().values());
            }
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void refusesDamagedFilesByNoOtherException() throws IOException {
        Path path = write(place("damaged"), straight());
        Path home = Files.isDirectory(path) ? path : path.getParent();
        List<Path> files;
        try (Stream<Path> list = Files.list(home)) {
            files = list.sorted().toList();
        }
        SeededRandom random = SeededRandom.of(7);
        for (int i = 0; i < 100; i++) {
            Path file = files.get(random.nextInt(files.size()));
            byte[] whole = Files.readAllBytes(file);
            byte[] damaged = whole.clone();
            int place = random.nextInt(Math.min(damaged.length, 400));
            damaged[place] = (byte) random.nextInt(256);
            Files.write(file, damaged);
            try {
                reader().read(path);
            } catch (VolumeException e) {
                assertThat(e).hasMessageStartingWith(e.file() + ": ");
            }
            Files.write(file, whole);
        }
        assertThat(reader().read(path).values()).isEqualTo(straight().values());
    }
}
