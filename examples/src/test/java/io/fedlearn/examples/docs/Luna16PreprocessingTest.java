package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.MetaImageHeader;
import io.fedlearn.luna16.image.MetaImageReader;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.lung.Lung;
import io.fedlearn.luna16.lung.LungFinder;
import io.fedlearn.luna16.lung.LungMask;
import io.fedlearn.luna16.resample.FeatureVolume;
import io.fedlearn.luna16.resample.Resampler;
import io.fedlearn.luna16.resample.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/luna16-preprocessing.md}. */
final class Luna16PreprocessingTest {
    @TempDir
    Path folder;

    private static final ImageGeometry GEOMETRY =
            ImageGeometry.of(new GridSize(64, 48, 40), new Point(4, 4, 4), new Point(-128, -96, -80));

    private Path scan() throws IOException {
        short[] values = new short[(int) GEOMETRY.size().voxelCount()];
        for (int i = 0; i < values.length; i++) {
            Point place = GEOMETRY.toWorld(i % 64, i / 64 % 48, i / 64 / 48);
            double inBody = Math.hypot(place.x() / 120, place.y() / 88);
            double inLung = Math.hypot(Math.hypot((Math.abs(place.x()) - 55) / 40, place.y() / 55), place.z() / 65);
            values[i] = (short) (inLung < 1 ? -850 : inBody < 1 ? 40 : -1000);
        }
        Path file = folder.resolve("scan.mhd");
        MetaImage.write(file, Volume.wrap(GEOMETRY, values), MetaImage.Compression.ZLIB);
        return file;
    }

    @Test
    void resamplesAndWindows() throws IOException {
        Path file = scan();
        Path masks = Files.createDirectory(folder.resolve("masks"));
        ExecutorService executor = Executors.newFixedThreadPool(2);
        // tag::resample[]
        Resampler resampler = Resampler.toSpacing(1).withWorkers(Workers.of(2, executor));
        try (MetaImageReader reader = MetaImage.open(file)) {
            FeatureVolume features = resampler.features(reader, HuWindow.LUNG);
            System.out.println(features.geometry());
        }
        // end::resample[]
        // tag::lungs[]
        LungFinder finder = LungFinder.defaults().withWorkers(Workers.of(2, executor));
        LungMask lungs;
        try (MetaImageReader reader = MetaImage.open(file)) {
            lungs = finder.find(reader);
        }
        lungs.warnings().forEach(System.err::println);
        System.out.printf("left %.0f ml, right %.0f ml%n", lungs.millilitres(Lung.LEFT), lungs.millilitres(Lung.RIGHT));

        LungMask search = lungs.dilated(5);
        boolean isCandidate = search.contains(new Point(-41.2, 17.5, -12.25));
        lungs.write(masks.resolve("scan.mhd"), MetaImageHeader.read(file).geometry());
        // end::lungs[]
        executor.shutdownNow();
        assertThat(isCandidate).isTrue();
        // tag::read[]
        LungMask given = LungMask.read(
                masks.resolve("scan.mhd"), MetaImageHeader.read(file).geometry());
        // end::read[]
        assertThat(given.lungAt(new Point(55, 0, 0))).contains(Lung.LEFT);
    }
}
