package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.luna16.dataset.Luna16Dataset;
import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Submission;
import io.fedlearn.luna16.froc.Froc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The parts of the training recipe, the challenge's score and its folds, from the command line. */
final class Luna16RecipeTest {
    private static final List<Object> RECIPE = List.of(
            "--negative-share",
            "0.5",
            "--negatives-per-positive",
            "2",
            "--prior",
            "auto",
            "--augmentation",
            "turns",
            "--hard-negatives",
            "2",
            "--learning-rate-schedule",
            "cosine:2",
            "--dropout",
            "0.2");

    @TempDir
    private static Path shared;

    private static ScanFolder scans;
    private static Outcome whole;

    @TempDir
    private Path folder;

    @BeforeAll
    static void runOnce() throws IOException {
        scans = ScanFolder.write(shared.resolve("scans"), 6);
        whole = recipe(shared.resolve("whole"), "--rounds", 2, "--flips");
    }

    private static Outcome luna16(Object... more) {
        List<Object> arguments = new ArrayList<>(
                List.of("luna16", "--data", scans.folder(), "--hospitals", 2, "--cache", shared.resolve("cache")));
        arguments.addAll(ScanFolder.OPTIONS);
        arguments.addAll(Arrays.asList(more));
        return Outcome.of(arguments.toArray());
    }

    private static Outcome recipe(Path out, Object... more) {
        List<Object> arguments = new ArrayList<>(RECIPE);
        arguments.addAll(List.of("--out", out));
        arguments.addAll(Arrays.asList(more));
        return luna16(arguments.toArray());
    }

    private static JsonNode json(Path file) throws IOException {
        return new ObjectMapper().readTree(file.toFile());
    }

    @Test
    void recordsTheRecipe() throws IOException {
        whole.done();
        JsonNode settings = json(shared.resolve("whole/run.json")).get("settings");
        assertThat(settings.get("negativeShare").asDouble()).isEqualTo(0.5);
        assertThat(settings.get("augmentation").asText()).contains("QUARTER_TURNS,shift=0");
        assertThat(settings.get("network").asText()).contains("dropout 0.2, prior 0.333");
        assertThat(settings.get("learningRateSchedule").asText()).isEqualTo("cosine:2");
        assertThat(settings.get("client.hardNegatives.round").asInt()).isEqualTo(2);
        JsonNode rounds = json(shared.resolve("whole/history.json")).get("rounds");
        assertThat(rounds.get(1).get("clientConfig").get("learningRate").asDouble())
                .isCloseTo(rounds.get(0).get("clientConfig").get("learningRate").asDouble() / 2, within(1e-12));
    }

    @Test
    void runThatIsResumedOnAnyThreadsEndsWithTheSameModel() {
        recipe(folder.resolve("run"), "--rounds", 1).done();
        Outcome resumed = recipe(folder.resolve("run"), "--rounds", 2, "--threads", 1, "--resume")
                .done();
        assertThat(resumed.digest()).isEqualTo(whole.digest());
    }

    @Test
    void scoresAllCandidatesOfTheTestScansAsTheChallengeDoes() throws IOException {
        JsonNode file = json(shared.resolve("whole/scores.json"));
        Submission submission = Submission.read(shared.resolve("whole/submission.csv"));
        ReferenceStandard reference =
                ReferenceStandard.of(Luna16Dataset.open(scans.folder())).restrictedTo(submission.series());
        assertThat(submission.size()).isEqualTo(3 * submission.series().size());
        double cpm = Froc.official().score(reference, submission).cpm();

        assertThat(file.get("model").asText()).isEqualTo(whole.digest());
        assertThat(file.get("scans").asInt()).isEqualTo(submission.series().size());
        assertThat(file.get("candidates").asInt()).isEqualTo(submission.size());
        assertThat(file.get("scores")).hasSize(2);
        assertThat(file.get("scores").get(0).get("mirrorImages").asInt()).isEqualTo(1);
        assertThat(file.get("scores").get(1).get("cpm").asDouble()).isEqualTo(cpm);
        assertThat(whole.out())
                .contains("As the challenge scores it, over all " + submission.size() + " candidates in ")
                .containsPattern("false positives per scan +1/8 +1/4 +1/2 +1 +2 +4 +8 +CPM");
        assertThat(Files.readString(shared.resolve("whole/report.html"))).contains("As the challenge scores it");
    }

    @Test
    void comparisonHasTheScoreToo() {
        Outcome outcome = luna16("--out", folder.resolve("run"), "--rounds", 1, "--compare")
                .done();
        assertThat(outcome.out())
                .containsPattern("CPM, tested at +federated +alone +pooled")
                .containsPattern("AUC, tested at +federated +alone +pooled");
    }

    @Test
    void foldsAreDoneOneAfterTheOtherAndScoredTogether() throws IOException {
        Path out = folder.resolve("folds");
        Object[] line = {"--cross-validate", "--rounds", 1, "--out", out};
        // As if it had been killed after the first fold.
        Path first = out.resolve("fold-0");
        Outcome fold = luna16("--rounds", 1, "--out", first, "--fold", 0).done();
        assertThat(Submission.read(first.resolve("submission.csv")).series())
                .containsExactly(ScanFolder.name(0), ScanFolder.name(2), ScanFolder.name(4));

        Outcome done = luna16(line).done();

        assertThat(done.out()).contains("Fold 0 (1 of 2): done before.", "Fold 1 (2 of 2): ");
        assertThat(done.out()).containsPattern("(?m)^0 +3 +9 +3 +").containsPattern("(?m)^1 +3 +9 +3 +");
        Submission all = Submission.read(out.resolve("submission.csv"));
        assertThat(all.series()).hasSize(6);
        double cpm = Froc.official()
                .score(ReferenceStandard.of(Luna16Dataset.open(scans.folder())), all)
                .cpm();
        assertThat(done.out()).contains(String.format(Locale.ROOT, "%.4f", cpm));
        assertThat(json(first.resolve("run.json")).get("settings").get("fold").asInt())
                .isZero();
        assertThat(json(first.resolve("scores.json")).get("model").asText()).isEqualTo(fold.digest());

        assertThat(luna16(line).done().out()).contains("Fold 1 (2 of 2): done before.");
        Outcome other = luna16("--cross-validate", "--rounds", 2, "--out", out);
        assertThat(other.exitCode()).isEqualTo(2);
        assertThat(other.err()).contains(out + " holds runs with other options");
    }

    @Test
    void refusesFoldsThatCannotBe() {
        Path out = folder.resolve("run");
        Outcome missing = luna16("--out", out, "--fold", 7);
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err())
                .contains("--fold: fold 7 needs scans in subset7 to test on and scans in another to train on; there are"
                        + " scans in subset0, subset1");
        assertThat(luna16("--out", out, "--fold", 10).err()).contains("--fold must be from 0 to 9, was 10");
        assertThat(luna16("--out", out, "--fold", 1, "--test-share", 0.3).err())
                .contains("--test-share goes without it");
        assertThat(luna16("--out", out, "--cross-validate", "--fold", 1).err())
                .contains("pass it without --fold, --compare and --distributed");
    }

    @Test
    void refusesPartsOfARecipeThatCannotBe() {
        assertThat(luna16("--hard-negatives", "soon").err())
                .contains("--hard-negatives: a number cannot be read, was 'soon'");
        assertThat(luna16("--hard-negatives", "3:2:1").err()).contains("kept must be in (0, 1], was 2.0");
        assertThat(luna16("--hard-negatives", "3:0.5").err())
                .contains("--hard-negatives must be none, R or R:KEPT:SHOWN");
        assertThat(luna16("--hard-negatives", "2", "--dp-epsilon", 1).err()).contains("pass one of the two");
        assertThat(luna16("--negative-share", 0).err()).contains("--negative-share must be > 0 and <= 1, was 0.0");
        assertThat(luna16("--augmentation", "much").err())
                .contains("--augmentation must be one of none, flips, turns, full, was 'much'");
        assertThat(luna16("--prior", "maybe").err()).contains("--prior must be none, auto or a probability");
        assertThat(luna16("--prior", "1").err()).contains("--prior must be between 0 and 1, was 1");
        assertThat(luna16("--dropout", "1").err()).contains("--dropout must be >= 0 and < 1, was 1.0");
        assertThat(luna16("--learning-rate-schedule", "linear").err())
                .contains("--learning-rate-schedule: learning-rate schedule must be one of constant, cosine");
    }

    @Test
    void ablationIsGoneOnWithRowByRow() throws IOException {
        Path out = folder.resolve("ablation");
        List<Object> line = new ArrayList<>(List.of(
                "luna16-ablation",
                "--out",
                out,
                "--seeds",
                5,
                "--row",
                "slow=--learning-rate 0.001",
                "--rows",
                "baseline,slow",
                "--",
                "--data",
                scans.folder(),
                "--rounds",
                1));
        line.addAll(ScanFolder.OPTIONS);

        Outcome done = Outcome.of(line.toArray()).done();
        assertThat(done.out())
                .contains("Run 2 of 2: slow-5", "| flips | `baseline`, scored with `--flips` |", "1 of 1 |");
        List<String> csv = Files.readAllLines(out.resolve("ablation.csv"));
        assertThat(csv).hasSize(4);
        assertThat(csv.get(3)).startsWith("slow,5,1,");

        Files.delete(out.resolve("slow-5/scores.json"));
        Outcome again = Outcome.of(line.toArray()).done();
        assertThat(again.out()).contains("Run 1 of 2: baseline-5, done before").doesNotContain("slow-5, done");
        assertThat(Files.readAllLines(out.resolve("ablation.csv"))).hasSize(4);
        assertThat(Files.readAllLines(out.resolve("ablation.csv")).get(3))
                .endsWith(csv.get(3).split(",")[10]);
    }

    @Test
    void ablationRefusesWhatItCannotUse() {
        Path out = folder.resolve("ablation");
        assertThat(ablation(out, "--rows", "baseline,magic").err())
                .contains("--rows knows no row 'magic', only baseline, ");
        assertThat(ablation(out, "--row", "Bad name=--flips").err()).contains("--row must be NAME=OPTIONS");
        assertThat(ablation(out, "--seeds", "1,1").err()).contains("--seeds must be one or more different numbers");
        Outcome outcome = Outcome.of("luna16-ablation", "--out", out, "--", "--seed", 4);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("--seed is not for all runs of an ablation");
        assertThat(Outcome.of("luna16-ablation", "--out", out, "--", "--data", scans.folder(), "--rounds", 0)
                        .err())
                .contains("--rounds must be >= 1, was 0");
    }

    private static Outcome ablation(Path out, Object... more) {
        List<Object> line = new ArrayList<>(List.of("luna16-ablation", "--out", out));
        line.addAll(Arrays.asList(more));
        line.addAll(List.of("--", "--data", scans.folder()));
        return Outcome.of(line.toArray());
    }

    @Test
    void helpTeaches() {
        assertThat(Outcome.of("luna16", "--help").done().out())
                .contains(
                        "--fold=K", "--cross-validate", "--hard-negatives=R[:K:S]", "--negative-share=X", "scores.json")
                .doesNotContain("${");
        assertThat(Outcome.of("luna16-ablation", "--help").done().out())
                .contains("Usage: fedlearn luna16-ablation", "half-redrawn", "ablation.md", "Examples:")
                .doesNotContain("${");
    }
}
