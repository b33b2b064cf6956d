package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.dl4j.Dl4jModelFile;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.formats.numpy.Npy;
import io.fedlearn.formats.safetensors.Safetensors;
import io.fedlearn.luna16.image.HuWindow;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

final class Luna16CommandTest {
    private static final PatchShape PATCH = new PatchShape(16, 16, 16);

    @TempDir
    private static Path shared;

    private static ScanFolder scans;
    private static Outcome generated;
    private static Outcome two;

    @TempDir
    private Path folder;

    /** One run over generated scans and one of two rounds over tiny ones, for all tests to look at. */
    @BeforeAll
    static void runTwice() throws IOException {
        scans = ScanFolder.write(shared.resolve("scans"), 8);
        generated = Outcome.of(
                "luna16",
                "--scans",
                4,
                "--hospitals",
                2,
                "--rounds",
                1,
                "--patch",
                "16x16x16",
                "--out",
                generatedRun());
        two = luna16(shared.resolve("two"), "--rounds", 2);
    }

    private static Path generatedRun() {
        return shared.resolve("generated");
    }

    private static Outcome luna16(Path out, Object... more) {
        return Outcome.of(Stream.of(
                        Stream.of("luna16", "--data", scans.folder(), "--hospitals", 2, "--out", out),
                        ScanFolder.OPTIONS.stream(),
                        Stream.of(more))
                .flatMap(part -> part)
                .toArray());
    }

    private Path out() {
        return folder.resolve("run");
    }

    private static JsonNode json(Path file) throws IOException {
        return new ObjectMapper().readTree(file.toFile());
    }

    private static LunaNet network() {
        return LunaNet.of(PATCH, LunaNet.DEFAULT_CHANNELS);
    }

    @Test
    void leavesHistoryModelsAuditLogPictureAndReport() throws IOException {
        JsonNode rounds = json(generatedRun().resolve("history.json")).get("rounds");
        assertThat(rounds).hasSize(1);
        assertThat(rounds.get(0).get("metrics").get("auc").asDouble()).isBetween(0.0, 1.0);
        assertThat(rounds.get(0).get("metrics").get("sensitivityAt90").asDouble())
                .isBetween(0.0, 1.0);
        Model model =
                Safetensors.read(generatedRun().resolve("model.safetensors")).model();
        assertThat(model.digest()).isEqualTo(generated.done().digest());
        assertThat(model.spec()).isEqualTo(network().create().spec());
        assertThat(generatedRun().resolve("best.safetensors")).exists();
        assertThat(AuditVerifier.verify(generatedRun().resolve("audit.jsonl")).isWhole())
                .isTrue();
        assertThat(ImageIO.read(generatedRun().resolve("montage.png").toFile()).getWidth())
                .isGreaterThan(100);
        try (Stream<Path> files = Files.list(generatedRun())) {
            assertThat(files.map(path -> path.getFileName().toString()))
                    .noneMatch(name -> name.endsWith(".tmp") || name.endsWith(".part"));
        }
    }

    @Test
    void reportShowsThePictureAndSaysThatScansAreGenerated() throws IOException {
        String page = Files.readString(generatedRun().resolve("report.html"));
        // Of letters at random, as a picture's are, anything may be made.
        assertThat(page.replaceAll("base64,[A-Za-z0-9+/=]*", "base64,"))
                .startsWith("<!DOCTYPE html>")
                .contains(
                        "<svg",
                        "src=\"data:image/png;base64,",
                        "generated, not real",
                        "Test patches and their scores",
                        "Digests",
                        "How to read this")
                .doesNotContain("http:", "https:", "<link", "@import", "NaN");
        assertThat(Files.readString(shared.resolve("two").resolve("report.html")))
                .doesNotContain("generated, not real");
    }

    @Test
    void printsWhatItFoundAndATableOfRounds() {
        assertThat(generated.out())
                .contains("Backend: ND4J", "GENERATED", "LUNA16 data in ", "Making scans", "Cutting out patches")
                .containsPattern("round +loss +auc +sensitivityAt90 +clients +seconds")
                .containsPattern("(?m)^ *1/1 +0\\.\\d+ +[01]\\.\\d+ +[01]\\.\\d+ +2/2 +\\d")
                .containsPattern("hospital +scans +training patches +nodules +share +test patches +nodules")
                .containsPattern("hospital +scans +test patches +nodules +AUC +sensitivity +loss")
                .containsPattern("(?m)^all together +4 ")
                .contains("lunanet.zip", "montage.png", "report.html");
        assertThat(two.done().out())
                .contains("hospital-1", "hospital-2", "2/2")
                .doesNotContain("GENERATED")
                .doesNotContain("Warning: ");
    }

    @Test
    void dl4jReadsItsModelAndScoresAlike() throws IOException {
        Path run = shared.resolve("two");
        Dl4jModel ours = network().create();
        assertThat(Dl4jModelFile.read(run.resolve("lunanet.zip"), ours).digest())
                .isEqualTo(two.digest());

        Path patches = Files.createDirectory(folder.resolve("patches"));
        List<float[]> features = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            float[] hu = new float[PATCH.voxelCount()];
            float[] shares = new float[hu.length];
            for (int j = 0; j < hu.length; j++) {
                hu[j] = Math.floorMod(j * 31 * (i + 1), 900) - 950;
                shares[j] = HuWindow.LUNG.feature(hu[j]);
            }
            features.add(shares);
            Npy.write(Tensor.wrap(hu, 16, 16, 16), patches.resolve("patch-" + i + ".npy"));
        }
        MultiLayerNetwork theirs = ModelSerializer.restoreMultiLayerNetwork(
                run.resolve("lunanet.zip").toFile(), false);
        List<Float> scores = new ArrayList<>();
        for (float[] patch : features) {
            scores.add(
                    theirs.output(Nd4j.create(patch).reshape(1, 1, 16, 16, 16)).getFloat(0));
        }
        theirs.close();
        for (String model : List.of("lunanet.zip", "model.safetensors")) {
            Path csv = folder.resolve("scores/of/" + model + ".csv");
            Outcome outcome = Outcome.of(
                            "luna16-score", "--model", run.resolve(model), "--patches", patches, "--out", csv)
                    .done();
            List<String> lines = Files.readAllLines(csv);
            assertThat(lines).hasSize(4).startsWith("file,score");
            for (int i = 0; i < 3; i++) {
                String[] row = lines.get(i + 1).split(",");
                assertThat(row[0]).isEqualTo("patch-" + i + ".npy");
                assertThat(Float.parseFloat(row[1])).isCloseTo(scores.get(i), within(1e-6f));
            }
            assertThat(outcome.out())
                    .containsPattern("patch-2\\.npy +0\\.\\d{4}")
                    .contains("Scores: " + csv);
        }
    }

    @Test
    void sameCommandAndAnyNumberOfThreadsGiveTheSameModel() {
        assertThat(luna16(out(), "--rounds", 2, "--threads", 1).done().digest()).isEqualTo(two.digest());
        assertThat(luna16(folder.resolve("three"), "--rounds", 2, "--threads", 3)
                        .done()
                        .digest())
                .isEqualTo(two.digest());
    }

    @Test
    void otherSeedGivesAnotherModel() {
        assertThat(luna16(out(), "--rounds", 1, "--seed", 1).done().digest())
                .isNotEqualTo(
                        luna16(folder.resolve("zero"), "--rounds", 1).done().digest());
    }

    @Test
    void resumedRunEndsAsAnUndisturbedOne() {
        luna16(out(), "--rounds", 1).done();
        Outcome refused = luna16(out(), "--rounds", 2);
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).contains("--resume");

        Outcome resumed = luna16(out(), "--rounds", 2, "--resume").done();

        assertThat(resumed.digest()).isEqualTo(two.digest());
        assertThat(resumed.out()).contains("after round 1 of 2").contains("2/2");
    }

    @Test
    void resumeWithOtherPatchesOrScansIsRefusedByName() throws IOException {
        luna16(out(), "--rounds", 1).done();
        Outcome spacing = luna16(out(), "--rounds", 2, "--resume", "--negatives-per-positive", 2);
        assertThat(spacing.exitCode()).isEqualTo(2);
        assertThat(spacing.err()).contains("negativesPerPositive was 1.0, is now 2.0");
        Outcome data = luna16(out(), "--rounds", 2, "--resume", "--negatives-per-scan", 1);
        assertThat(data.exitCode()).isEqualTo(2);
        assertThat(data.err()).contains("data was ");
    }

    @Test
    void privateRunTrainsTheLastLayerForPatients() throws IOException {
        Outcome outcome = luna16(out(), "--rounds", 1, "--dp-epsilon", 8, "--dp-last-layer")
                .done();
        assertThat(outcome.out()).contains("PRIVATE: protects each patient with one scan", "privacy spent: epsilon");
        JsonNode round = json(out().resolve("history.json")).get("rounds").get(0);
        for (JsonNode client : round.get("outcomes")) {
            assertThat(client.get("metrics").get("siteEpsilon").asDouble()).isBetween(7.9, 8.0);
            assertThat(client.get("metrics").has("loss")).isFalse();
        }
        // Apart from the last layer the network is that of the start.
        Model trained = Safetensors.read(out().resolve("model.safetensors")).model();
        Model start = network().create().initialModel(0);
        int tensors = start.spec().size();
        for (int i = 0; i < tensors; i++) {
            String name = start.spec().tensors().get(i).name();
            boolean isLast = i >= tensors - 2;
            assertThat(trained.tensor(name).equals(start.tensor(name))).as(name).isEqualTo(!isLast);
        }
    }

    @Test
    void patchesAreCutOnceAndMayBeShared() {
        Path cache = folder.resolve("cache");
        luna16(out(), "--rounds", 1, "--cache", cache).done();
        luna16(folder.resolve("other"), "--rounds", 1, "--cache", cache).done();
        assertThat(cache).isDirectoryNotContaining("glob:**.part");
        assertThat(cache).isDirectoryContaining("glob:**.patches");
        assertThat(folder.resolve("other/patches")).doesNotExist();
    }

    @Test
    void fileSaysWhichHospitalHasWhichScan() throws IOException {
        List<String> rows = new ArrayList<>(List.of("scan,machine"));
        IntStream.range(0, 7).forEach(i -> rows.add(ScanFolder.name(i) + "," + (i < 4 ? "Lyon" : "Toulouse")));
        rows.add("9.9.9,Lyon");
        Path sites = Files.write(folder.resolve("sites.csv"), rows);

        Outcome outcome =
                luna16(out(), "--rounds", 1, "--sites", sites + ":scan:machine").done();

        assertThat(outcome.out())
                .containsPattern("(?m)^Lyon +4 ")
                .containsPattern("(?m)^Toulouse +3 ")
                .contains("series " + ScanFolder.name(7) + ": has no site in sites.csv")
                .contains("sites.csv names 1 series that are not among the scans");
        assertThat(json(out().resolve("run.json")).get("settings").get("sites").asText())
                .isEqualTo("Lyon=4 Toulouse=3");
    }

    @Test
    void ruleDistributesScansAtRandom() throws IOException {
        luna16(out(), "--rounds", 1, "--partition", "iid").done();
        assertThat(json(out().resolve("run.json")).get("settings").get("sites").asText())
                .isEqualTo("hospital-1=4 hospital-2=4");
    }

    @Test
    void comparisonShowsTheThreeSideBySideAndConcludes() throws IOException {
        Outcome outcome = luna16(out(), "--rounds", 2, "--compare").done();
        assertThat(outcome.digest()).isEqualTo(two.digest());
        assertThat(outcome.out())
                .containsPattern("AUC, tested at +federated +alone +pooled")
                .contains("hospital-1 alone", "Over all test candidates: ");
        assertThat(out().resolve("report.html")).content().contains("Federated, alone, pooled");
        assertThat(luna16(out(), "--rounds", 2, "--resume").done().out()).contains("not repeated");
    }

    @Test
    void fedProxPullsTowardsTheGlobalModel() {
        assertThat(luna16(out(), "--rounds", 2, "--strategy", "fedprox", "--set", "mu=1")
                        .done()
                        .digest())
                .isNotEqualTo(two.digest());
    }

    @Test
    void helpTeaches() {
        assertThat(Outcome.of("luna16", "--help").done().out())
                .contains("Usage: fedlearn luna16", "--data=DIR", "--sites=FILE", "rounds[].metrics.auc", "Examples:")
                .doesNotContain("${");
        assertThat(Outcome.of("luna16-score", "--help").done().out())
                .contains("Usage: fedlearn luna16-score", "--model=FILE", "--patches=DIR", "Examples:")
                .doesNotContain("${");
    }
}
