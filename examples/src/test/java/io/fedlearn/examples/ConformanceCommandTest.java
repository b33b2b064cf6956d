package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class ConformanceCommandTest {
    @TempDir
    private Path folder;

    @Test
    void helpTeachesOptionsAndExitCodes() {
        assertThat(Outcome.of("bench", "conformance", "--help").done().out())
                .contains("Usage: fedlearn bench conformance", "--mnist=DIR", "--fast", "--only", "--out=FILE")
                .contains("A row failed", "Examples:", "(default: 1)")
                .doesNotContain("${");
    }

    @Test
    void withoutACommandItNamesThem() {
        Outcome outcome = Outcome.of("bench");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("conformance");
    }

    @Test
    void listNamesExperimentsClaimsSourcesAndRules() {
        assertThat(Outcome.of("bench", "conformance", "--list", "--only", "fedavg-iid,fedprox")
                        .done()
                        .out())
                .contains("fedavg-iid: ", "(needs --mnist)", "McMahan et al. 2017", "87 rounds to 97 %", "at most 174")
                .contains("fedprox: ", "fedprox/gap")
                .doesNotContain("fedavg-shards");
    }

    @Test
    void whatNeedsMnistIsSkippedForAReasonAndFailsNothing() throws IOException {
        Path rows = folder.resolve("new").resolve("rows.json");
        Outcome outcome = Outcome.of("bench", "conformance", "--only", "fedadam-bias,fedavg-iid", "--out", rows)
                .done();
        assertThat(outcome.out()).contains("SKIPPED (no", "--mnist)", " passed, 0 failed, 1 skipped; seed 1");
        JsonNode all = new ObjectMapper().readTree(rows.toFile()).get("rows");
        JsonNode row = all.get(all.size() - 1);
        assertThat(row.get("row").asText()).isEqualTo("fedavg-iid/rounds");
        assertThat(row.get("verdict").asText()).isEqualTo("SKIPPED");
        assertThat(row.get("source").asText()).contains("McMahan");
        try (var files = Files.list(rows.getParent())) {
            assertThat(files).containsExactly(rows);
        }
    }

    @Test
    void rowsAreWrittenAsCsvWhereTheNameSaysSo() throws IOException {
        Path rows = folder.resolve("rows.csv");
        Outcome.of("bench", "conformance", "--fast", "--only", "fedadam-bias,fedavg-shards", "--out", rows, "--seed", 7)
                .done();
        assertThat(Files.readAllLines(rows))
                .hasSizeGreaterThan(2)
                .first()
                .isEqualTo("row,source,published,ours,rule,verdict,seed");
        assertThat(rows).content().contains("--fast,at most 1328 (2 x the paper's),SKIPPED,7");
    }

    @ParameterizedTest
    @MethodSource("badOptions")
    void badOptionIsRefusedByName(List<String> options, String words) {
        Outcome outcome = Outcome.of(
                java.util.stream.Stream.concat(java.util.stream.Stream.of("bench", "conformance"), options.stream())
                        .toArray());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).startsWith("fedlearn: ").contains(words);
    }

    static List<Arguments> badOptions() {
        return List.of(
                Arguments.of(List.of("--only", "fedprox,fedpox"), "fedprox, "),
                Arguments.of(List.of("--only", "fedpox"), "was fedpox"),
                Arguments.of(List.of("--mnist", "no-such-folder"), "--mnist no-such-folder is not a folder"),
                Arguments.of(List.of("--threads", "0"), "--threads must be >= 1, was 0"),
                Arguments.of(List.of("--out", "rows.txt"), "--out must end in .json or .csv, was rows.txt"));
    }
}
