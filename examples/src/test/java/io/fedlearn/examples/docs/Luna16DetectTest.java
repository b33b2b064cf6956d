package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.luna16.detect.Detection;
import io.fedlearn.luna16.detect.Findings;
import io.fedlearn.luna16.detect.NoduleDetector;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.image.VolumeReaders;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.luna16.resample.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/luna16-detect.md}. */
final class Luna16DetectTest {
    private static final PatchSettings PATCHES =
            PatchSettings.defaults().withShape(new PatchShape(4, 4, 4)).withSpacing(1.5, 1.25, 1.25);
    private static final LunaNet NETWORK = LunaNet.of(PATCHES.shape(), List.of(2, 2));

    @TempDir
    private Path folder;

    // tag::detect[]
    static List<Detection> find(Path ct, List<Model> models, ExecutorService executor, Path out)
            throws IOException, InterruptedException {
        Volume scan = VolumeReaders.installed().read(ct);
        NoduleDetector detector = NoduleDetector.builder(NETWORK, PATCHES)
                .models(models) // one, or several of which the mean counts
                .leastProbability(0.1)
                .workers(Workers.of(2, executor))
                .build();
        List<Detection> findings = detector.detect(scan);
        Findings.of("1.2.840.1", scan.geometry(), findings).write(out, scan, 10);
        return findings;
    }
    // end::detect[]

    /** A body of flesh with two lungs, and a ball in one of them. */
    private static Volume chest() {
        GridSize size = new GridSize(80, 60, 60);
        ImageGeometry geometry = ImageGeometry.of(size, new Point(4, 4, 4), new Point(-158, -118, -118));
        short[] values = new short[(int) size.voxelCount()];
        for (int i = 0; i < values.length; i++) {
            Point place = geometry.toWorld(i % size.x(), i / size.x() % size.y(), i / (size.x() * size.y()));
            boolean isBody = Math.hypot(place.x() / 145, place.y() / 105) < 1;
            boolean isLung = place.distance(new Point(65, 0, 0)) < 55 || place.distance(new Point(-65, 0, 0)) < 55;
            boolean isBall = place.distance(new Point(65, 10, 0)) < 9;
            values[i] = (isBall ? 40 : isLung ? -850 : isBody ? 40 : Volume.AIR);
        }
        return Volume.wrap(geometry, values);
    }

    @Test
    void findsNodules() throws Exception {
        Path ct = folder.resolve("chest.mhd");
        MetaImage.write(ct, chest(), MetaImage.Compression.NONE);
        Path out = folder.resolve("findings");
        ExecutorService executor = Executors.newSingleThreadExecutor();
        try {
            List<Detection> findings = find(ct, List.of(NETWORK.create().initialModel(1)), executor, out);

            assertThat(findings).anyMatch(finding -> finding.center().distance(new Point(65, 10, 0)) < 4);
            assertThat(out.resolve(Findings.JSON)).exists();
            assertThat(out.resolve("finding-001.png")).exists();
        } finally {
            executor.shutdownNow();
        }
    }
}
