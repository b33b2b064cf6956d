package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.image.VolumeException;
import io.fedlearn.luna16.image.VolumeException.Problem;
import io.fedlearn.luna16.image.VolumeReader;
import io.fedlearn.luna16.image.VolumeReaders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/luna16-readers.md}, and the plug-in that it shows. */
final class ReadersTest {
    @TempDir
    Path folder;

    private void slice(String name, double height, String stored) throws IOException {
        Files.writeString(folder.resolve(name), """
                series=1.2.3
                rows=2
                columns=3
                spacing=0.5 0.75
                position=-10 -20 %s
                orientation=1 0 0 0 1 0
                scale=2 -1024
                stored=%s
                """.formatted(height, stored));
    }

    private void series() throws IOException {
        slice("IM1.slice", 7.5, "6 7 8 9 10 11");
        slice("IM2.slice", 5, "0 1 2 3 4 5");
        slice("IM3.slice", 10, "12 13 14 15 16 17");
    }

    @Test
    void readsWhateverAReaderTakes() throws IOException {
        Path path = folder.resolve("scan.mhd");
        Volume written = Volume.wrap(
                ImageGeometry.of(new GridSize(2, 1, 1), new Point(1, 1, 1), new Point(0, 0, 0)),
                new short[] {-1000, 40});
        MetaImage.write(path, written, MetaImage.Compression.ZLIB);

        // tag::read[]
        VolumeReaders readers = VolumeReaders.installed();
        Volume scan = readers.read(path);
        System.out.println(readers.readerOf(path).name() + ": " + scan.geometry());
        // end::read[]
        assertThat(scan.values()).isEqualTo(written.values());

        // tag::named[]
        Volume again = readers.named("MetaImage").read(path);
        // end::named[]
        assertThat(again.geometry()).isEqualTo(scan.geometry());
    }

    @Test
    void findsThePlugInByItself() throws IOException {
        series();

        Volume volume = VolumeReaders.installed().read(folder);

        assertThat(VolumeReaders.installed().readers())
                .first()
                .extracting(VolumeReader::name)
                .isEqualTo("slices");
        assertThat(volume.geometry())
                .isEqualTo(ImageGeometry.of(new GridSize(3, 2, 3), new Point(.5, .75, 2.5), new Point(-10, -20, 5)));
        for (int i = 0; i < 18; i++) {
            assertThat(volume.values()[i]).isEqualTo((short) (2 * i - 1024));
        }
    }

    @Test
    void plugInRefusesASeriesWithAHole() throws IOException {
        series();
        slice("IM4.slice", 15, "0 0 0 0 0 0");

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeReaders.installed().read(folder))
                .withMessageContaining("must follow its neighbour by")
                .satisfies(e -> assertThat(e.problem()).isEqualTo(Problem.BAD_HEADER));
    }

    @Test
    void plugInRefusesTwoSeriesInOneFolder() throws IOException {
        series();
        Path other = folder.resolve("IM3.slice");
        Files.writeString(other, Files.readString(other).replace("1.2.3", "1.2.4"));

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeReaders.installed().read(folder))
                .withMessageContaining("is of another series or size than others");
    }

    @Test
    void plugInRefusesASliceThatIsNone() throws IOException {
        Files.writeString(folder.resolve("IM1.slice"), "rows=many\n");

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeReaders.installed().read(folder))
                .withMessageContaining("is no slice");
    }
}
