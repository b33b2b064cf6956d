package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.luna16.dataset.Mark;
import io.fedlearn.luna16.dataset.Submission;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class Luna16DetectCommandTest {
    @TempDir
    private static Path shared;

    private static ScanFolder scans;
    private static Path run;

    @TempDir
    private Path folder;

    /** A run of two rounds over tiny scans. */
    @BeforeAll
    static void train() throws IOException {
        scans = ScanFolder.write(shared.resolve("scans"), 8);
        run = shared.resolve("run");
        Outcome.of(Stream.of(
                                Stream.of("luna16", "--data", scans.folder(), "--hospitals", 2, "--out", run),
                                Stream.of("--rounds", 2),
                                ScanFolder.OPTIONS.stream())
                        .flatMap(part -> part)
                        .toArray())
                .done();
    }

    private Path out() {
        return folder.resolve("findings");
    }

    private Outcome detect(Object... more) {
        return Outcome.of(Stream.concat(
                        Stream.of("luna16-detect", "--ct", scans.header(0), "--out", out(), "--progress", "plain"),
                        Stream.of(more))
                .toArray());
    }

    private Path model() {
        return run.resolve("model.safetensors");
    }

    private Path list(String... rows) throws IOException {
        return Files.write(
                folder.resolve("list.csv"),
                Stream.concat(Stream.of("seriesuid,coordX,coordY,coordZ"), Stream.of(rows))
                        .toList());
    }

    private JsonNode json() throws IOException {
        return new ObjectMapper().readTree(out().resolve("findings.json").toFile());
    }

    @Test
    void scoresGivenCandidatesAndLeavesListJsonAndPictures() throws IOException {
        Outcome outcome = detect("--model", model(), "--candidates", scans.file(ScanFolder.CANDIDATES), "--least", 0)
                .done();

        assertThat(outcome.out())
                .contains("Scoring candidates: 3 in ", "probability", "no medical device")
                .doesNotContain("Finding the lungs");
        List<Mark> marks = Submission.read(out().resolve("submission.csv")).marks(ScanFolder.name(0));
        assertThat(marks).isNotEmpty().hasSizeLessThanOrEqualTo(3);
        assertThat(json().path("findings")).hasSize(marks.size());
        assertThat(json().path("settings").path("network").asText()).startsWith("LunaNet 16x16x16");
        assertThat(out().resolve("finding-001.png")).exists();
        assertThat(out().resolve("finding-00" + (marks.size() + 1) + ".png")).doesNotExist();
    }

    @Test
    void namesCandidatesOutsideTheScan() throws IOException {
        Path list = list(ScanFolder.name(0) + ",7,8,9", ScanFolder.name(0) + ",70,8,9", "other,70,8,-9");

        Outcome outcome =
                detect("--model", model(), "--candidates", list, "--least", 0).done();

        assertThat(outcome.out())
                .contains("Note: candidates outside the CT, which are left out: 1", "(70.0, 8.0, 9.0)")
                .doesNotContain("-9.0");
        assertThat(json().path("findings")).hasSize(1);
    }

    @Test
    void averagesRoundsOfARunAndSeveralModels() throws IOException {
        Path list = list(ScanFolder.name(0) + ",7,8,9");
        detect("--model", model(), "--candidates", list, "--least", 0).done();
        double last = json().path("findings").get(0).path("probability").asDouble();
        String rounds = detect("--model", model(), "--ensemble", 2, "--candidates", list, "--least", 0)
                .done()
                .out();
        double mean = json().path("findings").get(0).path("probability").asDouble();

        assertThat(rounds).contains("Mean of 2 models:", "000002", "000001");
        assertThat(mean).isNotEqualTo(last);
        detect(
                        "--model",
                        run.resolve("rounds/000002/model.safetensors"),
                        "--model",
                        run.resolve("rounds/000001/model.safetensors"),
                        "--patch",
                        "16x16x16",
                        "--spacing",
                        "1x1x1",
                        "--candidates",
                        list,
                        "--least",
                        0)
                .done();
        assertThat(json().path("findings").get(0).path("probability").asDouble())
                .isEqualTo(mean);
    }

    @Test
    void saysWhenThereAreNoLungs() {
        Outcome outcome = detect("--model", model());

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).startsWith("fedlearn: no lungs found in " + scans.header(0) + ": ");
        assertThat(out()).doesNotExist();
    }

    @Test
    void refusesWhatCannotBeUsed() throws IOException {
        Path list = list("other,7,8,9");
        assertRefused("--candidates " + list + " has no row of series '1.2.3.0'", "--candidates", list);
        assertRefused("--ensemble 9 is more than the 2 rounds", "--ensemble", 9);
        assertRefused("--patch and --spacing go together", "--patch", "16x16x16");
        assertRefused("mergeRadius must be in [0, 100.0] mm, was -1.0", "--merge", -1);
        assertRefused("--lungs and --search are to find candidates", "--search", "window", "--candidates", list);
        assertThat(detect("--model", folder.resolve("none.safetensors")).err())
                .contains("there is no run.json beside --model");
    }

    private void assertRefused(String message, Object... options) {
        Outcome outcome = detect(
                Stream.concat(Stream.of("--model", model()), Stream.of(options)).toArray());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(message);
    }

    @Test
    void explainsItself() {
        assertThat(Outcome.of("luna16-detect", "--help").done().out())
                .contains("Usage: fedlearn luna16-detect", "no medical device", "--ensemble=K", "Examples:");
    }
}
