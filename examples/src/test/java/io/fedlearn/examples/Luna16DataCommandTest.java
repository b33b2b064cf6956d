package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class Luna16DataCommandTest {
    @TempDir
    private Path folder;

    @Test
    void makesScansAndSaysWhoHasThem() {
        Path data = folder.resolve("data");
        Outcome outcome = Outcome.of(
                        "luna16-data",
                        "--out",
                        data,
                        "--scans",
                        2,
                        "--hospitals",
                        2,
                        "--seed",
                        3,
                        "--progress",
                        "plain")
                .done();

        assertThat(outcome.out())
                .contains("Making scans: 2 in ", "GENERATED", "Data:   " + data)
                .containsPattern("(?m)^north +1 +[4-7] ")
                .containsPattern("(?m)^east +1 +[4-7] ")
                .containsPattern("(?m)^all +2 +\\d+ ")
                .doesNotContain("\u001b");
        assertThat(data.resolve("candidates_V2.csv")).isNotEmptyFile();
    }

    @Test
    void refusesFolderThatHoldsSomethingElse() throws IOException {
        Files.writeString(folder.resolve("thesis.doc"), "years of work");

        Outcome outcome = Outcome.of("luna16-data", "--out", folder);

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(folder.toString(), "thesis.doc").doesNotContain("Exception");
    }

    @Test
    void refusesNumbersByTheNameOfTheirOption() {
        Outcome outcome = Outcome.of("luna16-data", "--out", folder, "--scans", 0);

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("--scans must be from 4 to 10000, was 0");
    }

    @Test
    void refusesBackgroundThatIsNotThere() {
        Outcome outcome = Outcome.of("luna16-data", "--out", folder, "--background", folder.resolve("ct.mhd"));

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("--background", "ct.mhd");
    }

    @Test
    void needsToKnowWhere() {
        Outcome outcome = Outcome.of("luna16-data");

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("--out");
    }

    @Test
    void helpTeaches() {
        assertThat(Outcome.of("luna16-data", "--help").done().out())
                .contains("Usage: fedlearn luna16-data", "--background=FILE", "--scans=N", "Examples:", "sites.csv")
                .contains("(default: 80)", "(default: 0)")
                .doesNotContain("${");
    }
}
