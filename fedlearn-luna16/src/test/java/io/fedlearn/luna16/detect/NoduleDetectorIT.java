package io.fedlearn.luna16.detect;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.luna16.dataset.DatasetCheck;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.dataset.Nodule;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.network.Luna16Client;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.patch.PatchCache;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.luna16.phantom.PhantomDataset;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From scans to findings: a tiny network learns from phantoms, and looks at one that it has not seen. */
final class NoduleDetectorIT {
    private static final PatchSettings PATCHES = PatchSettings.defaults()
            .withShape(new PatchShape(8, 12, 12))
            .withSpacing(3, 2.5, 2.5)
            .withMargin(0);
    private static final LunaNet NETWORK = LunaNet.of(PATCHES.shape(), List.of(4, 8));

    @TempDir
    private Path folder;

    private Model trained(List<Scan> scans) throws InterruptedException {
        PatchExamples examples = PatchExamples.of(PatchCache.at(folder.resolve("patches"))
                        .prepare(scans, PATCHES, CandidateSelection.defaults(1))
                        .patches())
                .withNegativesPerPositive(1);
        LocalModelPool models = LocalModelPool.of(NETWORK::create);
        return Federation.of(Map.of("hospital", Luna16Client.of(models, examples, examples)))
                .strategy(FedAvg.create())
                .initialModel(NETWORK.create().initialModel(1))
                .training(TrainingSettings.defaults()
                        .withBatchSize(8)
                        .withLearningRate(0.02)
                        .withMomentum(0.9))
                .rounds(5)
                .evaluateEvery(0)
                .run()
                .model();
    }

    private static boolean isHit(Nodule nodule, List<Detection> detections) {
        return detections.stream()
                .anyMatch(detection -> detection.center().distance(nodule.center()) < nodule.diameterMillimetres() / 2);
    }

    @Test
    void findsMostNodulesOfAPhantomAmongItsMostProbableCandidates() throws Exception {
        PhantomDataset.builder(folder.resolve("data"))
                .scans(4)
                .hospitals(1)
                .seed(3)
                .build()
                .write((done, total) -> {});
        List<Scan> scans =
                DatasetCheck.of(Luna16Dataset.open(folder.resolve("data"))).scans();
        Scan unseen = scans.get(3);
        Model model = trained(scans.subList(0, 3));
        int[] candidates = {0};
        DetectionListener counting = new DetectionListener() {
            @Override
            public void candidatesScored(int done, int total) {
                candidates[0] = total;
            }
        };

        List<Detection> detections = NoduleDetector.builder(NETWORK, PATCHES)
                .model(model)
                .leastProbability(0)
                .mostFindings(1000)
                .listener(counting)
                .build()
                .detect(MetaImage.read(unseen.header()));

        assertThat(unseen.nodules()).hasSizeGreaterThanOrEqualTo(4);
        long found = unseen.nodules().stream()
                .filter(nodule -> isHit(nodule, detections))
                .count();
        long early = unseen.nodules().stream()
                .filter(nodule -> isHit(nodule, detections.subList(0, detections.size() / 4)))
                .count();
        assertThat(candidates[0]).isBetween(100, BlobFinder.DEFAULT_MOST);
        assertThat(found).isGreaterThanOrEqualTo(unseen.nodules().size() - 1);
        // Were they in no order, a quarter would be.
        assertThat(early).isGreaterThan(unseen.nodules().size() / 2);
    }
}
