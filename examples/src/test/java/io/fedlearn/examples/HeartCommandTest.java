package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.formats.safetensors.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class HeartCommandTest {
    @TempDir
    private Path folder;

    private Path out() {
        return folder.resolve("run");
    }

    private Outcome heart(Object... more) {
        return Outcome.of(Stream.concat(Stream.of("heart", "--rounds", 3, "--out", out()), Stream.of(more))
                .toArray());
    }

    @Test
    void leavesHistoryModelsAuditLogAndReport() throws IOException {
        Outcome outcome = heart().done();

        JsonNode history =
                new ObjectMapper().readTree(out().resolve("history.json").toFile());
        assertThat(history.get("rounds")).hasSize(3);
        assertThat(history.get("rounds").get(2).get("metrics").get("auc").asDouble())
                .isBetween(0.75, 1.0);
        Model model = Safetensors.read(out().resolve("model.safetensors")).model();
        assertThat(model.digest()).isEqualTo(outcome.digest());
        assertThat(out().resolve("best.safetensors")).exists();
        assertThat(AuditVerifier.verify(out().resolve("audit.jsonl")).isWhole()).isTrue();
        assertThat(outcome.out())
                .contains("GENERATED")
                .contains("cleveland", "hungarian", "switzerland", "va", "all together")
                .contains("3/3")
                .contains("report.html");
    }

    @Test
    void reportNeedsNothingButItself() throws IOException {
        heart("--compare").done();
        String page = Files.readString(out().resolve("report.html"));
        assertThat(page)
                .startsWith("<!DOCTYPE html>")
                .contains(
                        "<svg",
                        "<style>",
                        "generated, not real",
                        "Federated, alone, pooled",
                        "Digests",
                        "How to read this")
                .doesNotContain("http:", "https:", "src=", "<link", "@import", "NaN");
        try (Stream<Path> files = Files.list(out())) {
            assertThat(files.map(path -> path.getFileName().toString())).noneMatch(name -> name.endsWith(".tmp"));
        }
    }

    @Test
    void comparisonShowsTheThreeSideBySideAndConcludes() {
        assertThat(heart("--compare").done().out())
                .containsPattern("AUC, tested at +federated +alone +pooled")
                .contains("switzerland alone", "mean over the hospitals' own models", "training alone was better for: ")
                .containsPattern(
                        "Over all test patients: 0\\.\\d+ federated, 0\\.\\d+ alone on average, 0\\.\\d+ pooled");
    }

    @Test
    void defaultsReachPooledTraining() {
        String conclusion = Outcome.of("heart", "--compare", "--out", out())
                .done()
                .out()
                .lines()
                .filter(line -> line.startsWith("Over all test patients"))
                .findFirst()
                .orElseThrow();
        String[] words = conclusion.split(" ");
        double federated = Double.parseDouble(words[4]);
        double alone = Double.parseDouble(words[6]);
        double pooled = Double.parseDouble(words[10]);
        assertThat(federated)
                .isGreaterThan(pooled - 0.01)
                .isGreaterThan(alone + 0.02)
                .isBetween(0.82, 0.93);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fedavg", "fedavgm", "fedprox", "fedadagrad", "fedadam", "fedyogi"})
    void trainsWithEveryStrategy(String strategy) throws IOException {
        heart("--strategy", strategy).done();
        assertThat(new ObjectMapper()
                        .readTree(out().resolve("run.json").toFile())
                        .get("strategy")
                        .asText())
                .isEqualToIgnoringCase(strategy);
    }

    @Test
    void trainsAMultilayerPerceptron() throws IOException {
        heart("--model", "mlp").done();
        assertThat(Safetensors.read(out().resolve("model.safetensors")).model().spec().tensors().stream()
                        .map(tensor -> tensor.name()))
                .contains("layer2.weight");
    }

    @Test
    void sameCommandAndAnyNumberOfThreadsGiveTheSameModel() {
        String digest = heart("--threads", 1).done().digest();
        for (int threads : List.of(1, 2, 8)) {
            Path other = folder.resolve("threads" + threads);
            Outcome outcome = Outcome.of("heart", "--rounds", 3, "--threads", threads, "--out", other);
            assertThat(outcome.done().digest()).isEqualTo(digest);
        }
    }

    @Test
    void otherSeedGivesAnotherModel() {
        String digest = heart().done().digest();
        Outcome other = Outcome.of("heart", "--rounds", 3, "--seed", 1, "--out", folder.resolve("other"));
        assertThat(other.done().digest()).isNotEqualTo(digest);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fedadam", "scaffold", "feddyn --set alpha=0.1", "krum --set badClients=0"})
    void resumedRunEndsAsAnUndisturbedOne(String strategy) {
        String[] options = ("--strategy " + strategy).split(" ");
        Path whole = folder.resolve("whole");
        String digest = Outcome.of(Stream.concat(Stream.of("heart", "--rounds", 5, "--out", whole), Stream.of(options))
                        .toArray())
                .done()
                .digest();
        heart((Object[]) options).done();
        Outcome resumed = Outcome.of(
                Stream.concat(Stream.of("heart", "--rounds", 5, "--out", out(), "--resume"), Stream.of(options))
                        .toArray());
        assertThat(resumed.done().digest()).isEqualTo(digest);
        assertThat(resumed.out()).contains("after round 3 of 5").contains("5/5");
    }

    @Test
    void resumeOfAFinishedRunCanStillCompare() {
        String digest = heart().done().digest();
        Outcome again = heart("--resume", "--compare").done();
        assertThat(again.digest()).isEqualTo(digest);
        assertThat(again.out()).contains("pooled").doesNotContain("not repeated");
        assertThat(heart("--resume").done().out()).contains("the report had a comparison, which is not repeated");
        assertThat(heart("--resume").done().out()).doesNotContain("not repeated");
    }

    @Test
    void resumeAsksForNoStatisticsAndMayHaveAnotherDeadline() {
        heart().done();
        Outcome resumed = Outcome.of(
                "heart", "--rounds", 4, "--out", out(), "--resume", "--client-deadline", "1h", "--quorum", 1);
        assertThat(resumed.done().out()).contains("4/4").doesNotContain("gave no statistics");
    }

    @Test
    void clientDeadlineDoesNotDecideByWhoseStatisticsInputsAreScaled() throws IOException {
        heart().done();
        Path hasty = folder.resolve("hasty");
        Outcome outcome = Outcome.of("heart", "--rounds", 1, "--out", hasty, "--client-deadline", "1ms");
        assertThat(outcome.out()).doesNotContain("gave no statistics");
        assertThat(start(hasty)).isEqualTo(start(out()));
    }

    private static String start(Path run) throws IOException {
        return new ObjectMapper()
                .readTree(run.resolve("run.json").toFile())
                .get("initialDigest")
                .asText();
    }

    @Test
    void resumeOfALongerRunSaysHowLongItIs() {
        String digest = heart().done().digest();
        Outcome resumed = Outcome.of("heart", "--rounds", 2, "--out", out(), "--resume");
        assertThat(resumed.done().out()).contains("has 3 rounds already, of 2 wanted");
        assertThat(resumed.digest()).isEqualTo(digest);
    }

    @Test
    void resumeWithoutARunStartsOne() {
        assertThat(heart("--resume").done().out()).contains("3/3");
    }

    @Test
    void folderInUseIsNotOverwritten() throws IOException {
        heart().done();
        byte[] model = Files.readAllBytes(out().resolve("model.safetensors"));
        Outcome outcome = heart("--seed", 9);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .contains(out().toString())
                .contains("--resume")
                .contains("--out")
                .hasLineCount(1);
        assertThat(out().resolve("model.safetensors")).hasBinaryContent(model);
        heart("--resume").done();
    }

    @Test
    void resumeWithOtherSettingsIsRefusedByName() {
        heart().done();
        Outcome outcome = heart("--resume", "--learning-rate", 0.3, "--local-epochs", 2);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("learningRate was 0.05, is now 0.3").contains("localEpochs was 1, is now 2");
    }

    @Test
    void resumeWithOtherDataIsRefused() throws IOException {
        heart().done();
        Path file = out().resolve("data").resolve("heart_processed.va.data");
        Files.writeString(file, "60,1,4,132,218,0,1,140,1,1.5,3,?,?,2\n", StandardOpenOption.APPEND);
        Outcome outcome = heart("--resume");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("data was ");
    }

    @Test
    void damagedCheckpointIsNoticedAndTheOneBeforeTaken() throws IOException {
        String digest = heart().done().digest();
        Path latest;
        try (Stream<Path> rounds = Files.list(out().resolve("rounds"))) {
            latest = rounds.max(Comparator.naturalOrder()).orElseThrow();
        }
        Path model = latest.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(model);
        bytes[bytes.length - 1] ^= 1;
        Files.write(model, bytes);

        Outcome resumed = heart("--resume");
        assertThat(resumed.exitCode()).isZero();
        assertThat(resumed.out()).contains("Notice: ").contains("after round 2 of 3");
        assertThat(resumed.digest()).isEqualTo(digest);
    }
}
