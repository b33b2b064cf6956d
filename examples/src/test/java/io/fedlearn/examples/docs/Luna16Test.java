package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.LearningRateSchedule;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.dl4j.Dl4jBackend;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.luna16.dataset.Candidate;
import io.fedlearn.luna16.dataset.DatasetCheck;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Scan;
import io.fedlearn.luna16.dataset.ScanSplit;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.froc.Froc;
import io.fedlearn.luna16.image.GridSize;
import io.fedlearn.luna16.image.ImageGeometry;
import io.fedlearn.luna16.image.MetaImage;
import io.fedlearn.luna16.image.MetaImage.Compression;
import io.fedlearn.luna16.image.Point;
import io.fedlearn.luna16.image.Volume;
import io.fedlearn.luna16.network.CandidateScores;
import io.fedlearn.luna16.network.FlipAverage;
import io.fedlearn.luna16.network.HardNegatives;
import io.fedlearn.luna16.network.Luna16Client;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.Augmentation;
import io.fedlearn.luna16.patch.CandidateSelection;
import io.fedlearn.luna16.patch.PatchCache;
import io.fedlearn.luna16.patch.PatchExamples;
import io.fedlearn.luna16.patch.PatchExtractor;
import io.fedlearn.luna16.patch.PatchSet;
import io.fedlearn.luna16.patch.PatchSettings;
import io.fedlearn.luna16.patch.PatchShape;
import io.fedlearn.luna16.patch.PreparedPatches;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/luna16.md} and {@code docs/luna16-patches.md}. */
final class Luna16Test {
    private static final int ROUNDS = 2;

    private final int threads = Dl4jBackend.present().threads();

    // tag::agreed[]
    static final PatchSettings PATCHES =
            PatchSettings.defaults().withShape(new PatchShape(16, 24, 24)).withSpacing(1.5, 1.25, 1.25);
    static final LunaNet NETWORK = LunaNet.defaults().withPatch(PATCHES.shape());
    // end::agreed[]

    @TempDir
    Path folder;

    @AfterEach
    void restoreThreads() {
        Dl4jBackend.useThreads(threads);
    }

    // tag::hospital[]
    static Client hospital(Path data, Path cache, LocalModelPool networks) throws InterruptedException {
        DatasetCheck check = DatasetCheck.of(Luna16Dataset.open(data));
        System.out.print(check.text());
        ScanSplit split = ScanSplit.of(check.scans(), 0.25, 1);
        // tag::patches[]
        PreparedPatches prepared =
                PatchCache.at(cache).withThreads(2).prepare(check.scans(), PATCHES, CandidateSelection.defaults(1));
        prepared.failures().forEach(failure -> System.err.println(failure.message()));

        PatchSet patches = prepared.patches();
        PatchExamples training = PatchExamples.of(patches.ofScans(names(split.training())))
                .withNegativesPerPositive(1)
                .withAugmentation(Augmentation.defaults());
        PatchExamples test = PatchExamples.of(patches.ofScans(names(split.test())));
        // end::patches[]
        return Luna16Client.of(networks, training, test);
    }

    static List<String> names(List<Scan> scans) {
        return scans.stream().map(Scan::seriesUid).toList();
    }
    // end::hospital[]

    /** Small scans with a nodule each, a ball, and another candidate with nothing at it. */
    private void writeScans(String hospital) throws IOException {
        Path data = folder.resolve(hospital);
        Files.createDirectories(data.resolve("subset0"));
        List<String> annotations = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,diameter_mm"));
        List<String> candidates = new ArrayList<>(List.of("seriesuid,coordX,coordY,coordZ,class"));
        for (int i = 0; i < 4; i++) {
            String name = hospital + "." + i;
            MetaImage.write(data.resolve("subset0/" + name + ".mhd"), scan(), Compression.ZLIB);
            annotations.add(name + ",40,40,40,12");
            candidates.add(name + ",40,40,40,1");
            candidates.add(name + ",15,20,50,0");
        }
        Files.write(data.resolve("annotations.csv"), annotations);
        Files.write(data.resolve("candidates_V2.csv"), candidates);
    }

    private static Volume scan() {
        int n = 64;
        short[] values = new short[n * n * n];
        for (int i = 0; i < values.length; i++) {
            double distance = Math.hypot(Math.hypot(i % n - 40, i / n % n - 40), i / n / n - 40);
            values[i] = (short) (distance < 6 ? 30 : -850);
        }
        return Volume.wrap(ImageGeometry.of(new GridSize(n, n, n), new Point(1, 1, 1), new Point(0, 0, 0)), values);
    }

    // tag::recipe[]
    static final LunaNet STARTING_AT_PRIOR = NETWORK.withPrior(1.0 / (1 + 3));
    static final HardNegatives FROM_THE_SECOND_ROUND = HardNegatives.from(2);

    /** Three others to each nodule; of the others half in each pass, other ones each time. */
    static PatchExamples byRecipe(PatchSet patches) {
        return PatchExamples.of(patches)
                .withNegativesPerPositive(3)
                .withNegativeShare(0.5)
                .withAugmentation(Augmentation.defaults());
    }
    // end::recipe[]

    @Test
    void trainsByARecipeAndScoresAsTheChallengeDoes() throws Exception {
        writeScans("lyon");
        writeScans("toulouse");
        Map<String, Client> hospitals = new TreeMap<>();
        LocalModelPool networks = LocalModelPool.of(STARTING_AT_PRIOR::create);
        List<Scan> tested = new ArrayList<>();
        for (String name : List.of("lyon", "toulouse")) {
            List<Scan> scans =
                    DatasetCheck.of(Luna16Dataset.open(folder.resolve(name))).scans();
            ScanSplit split = ScanSplit.of(scans, 0.25, 1);
            tested.addAll(split.test());
            PatchSet patches = PatchCache.at(folder.resolve("patches"))
                    .prepare(scans, PATCHES, CandidateSelection.all())
                    .patches();
            hospitals.put(
                    name,
                    Luna16Client.of(
                            networks,
                            byRecipe(patches.ofScans(names(split.training()))),
                            PatchExamples.of(patches.ofScans(names(split.test())))));
        }
        // tag::recipe-run[]
        Run run = Federation.of(hospitals)
                .strategy(FROM_THE_SECOND_ROUND.appliedTo(FedAvg.create()))
                .training(TrainingSettings.defaults().withLearningRate(0.02).withMomentum(0.9))
                .learningRateSchedule(LearningRateSchedule.cosine(ROUNDS))
                .initialModel(STARTING_AT_PRIOR.create().initialModel(1))
                .setting("network", STARTING_AT_PRIOR.toString())
                .rounds(ROUNDS)
                .run();
        // end::recipe-run[]
        // tag::score[]
        LocalModelPool averaging = LocalModelPool.of(() -> {
            Dl4jModel network = NETWORK.create();
            network.load(run.model());
            return FlipAverage.of(network);
        });
        CandidateScores scores = CandidateScores.of(averaging, PATCHES, tested, 2, (done, all) -> {});
        Submission submission = scores.submission();
        submission.write(folder.resolve("submission.csv"));
        double cpm =
                Froc.official().score(ReferenceStandard.of(tested), submission).cpm();
        // end::score[]
        assertThat(run.header().settings().getString("learningRateSchedule")).contains("cosine:2");
        assertThat(scores.size()).isEqualTo(4);
        assertThat(scores.failures()).isEmpty();
        assertThat(cpm).isBetween(0.0, 1.0);
        assertThat(Submission.read(folder.resolve("submission.csv"))).isEqualTo(submission);
    }

    @Test
    void trainsAcrossHospitals() throws Exception {
        writeScans("lyon");
        writeScans("toulouse");
        Path lyon = folder.resolve("lyon");
        Path toulouse = folder.resolve("toulouse");
        Path cache = folder.resolve("patches");
        Path runFolder = folder.resolve("run");
        // tag::run[]
        Dl4jBackend.useThreads(1);
        LocalModelPool networks = LocalModelPool.of(NETWORK::create);
        Run run = Federation.of(Map.of(
                        "lyon", hospital(lyon, cache, networks), "toulouse", hospital(toulouse, cache, networks)))
                .strategy(FedAvg.create())
                .training(TrainingSettings.defaults()
                        .withBatchSize(8)
                        .withLearningRate(0.02)
                        .withMomentum(0.9))
                .initialModel(NETWORK.create().initialModel(1))
                .setting("patches", PATCHES.toString())
                .setting("network", NETWORK.toString())
                .setting("nativeThreads", 1)
                .rounds(ROUNDS)
                .store(FileRunStore.at(runFolder))
                .run();
        // end::run[]

        assertThat(run.records()).hasSize(ROUNDS).allSatisfy(record -> {
            assertThat(record.outcomes())
                    .allSatisfy(site -> assertThat(site.outcome()).isEqualTo("completed"));
            assertThat(record.metrics().get(Evaluation.AUC)).isPresent();
        });

        List<Scan> scans = Luna16Dataset.open(lyon).scans();
        Path scan = scans.get(0).header();
        List<Candidate> candidates = scans.get(0).candidates();
        // tag::rate[]
        Dl4jModel network = NETWORK.create();
        network.load(run.model());

        PatchExtractor extractor = PatchExtractor.of(MetaImage.read(scan), PATCHES.withMargin(0));
        int voxels = PATCHES.shape().voxelCount();
        Batch batch = Batch.of(candidates.size(), voxels, 1);
        for (int i = 0; i < candidates.size(); i++) {
            extractor.extract(candidates.get(i).center()).copyTo(PATCHES.window(), batch.features(), i * voxels);
        }
        batch.resize(candidates.size());
        float[] probabilities = new float[candidates.size()];
        network.evaluate(batch, probabilities);
        // end::rate[]

        assertThat(probabilities).hasSize(2);
        for (float probability : probabilities) {
            assertThat(probability).isBetween(0f, 1f);
        }
    }
}
