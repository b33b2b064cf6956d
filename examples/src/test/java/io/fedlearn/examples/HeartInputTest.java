package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Bad input is refused with one line that names it, and exit code 2. */
final class HeartInputTest {
    private static final List<String> ROWS = List.of(
            "63.0,1.0,1.0,145.0,233.0,1.0,2.0,150.0,0.0,2.3,3.0,0.0,6.0,0",
            "67,1,4,160,286,0,2,108,1,1.5,2,3,3,2",
            "28,1,2,130,132,0,2,185,0,0,NaN,NaN,NaN,0",
            "32,1,1,95,0,?,0,127,0,.7,1,?,?,1",
            "44,0,3,0,180,0,1,127,0,0,1,0,3,0",
            "60,1,4,132,218,0,1,140,1,1.5,3,?,7,4");

    @TempDir
    private Path data;

    @TempDir
    private Path folder;

    @BeforeEach
    void writeHospitals() throws IOException {
        for (String hospital : List.of("cleveland", "hungarian", "switzerland", "va")) {
            write(hospital, ROWS);
        }
    }

    private void write(String hospital, List<String> rows) throws IOException {
        Files.write(file(hospital), rows);
    }

    private Path file(String hospital) {
        return data.resolve("heart_processed." + hospital + ".data");
    }

    private Outcome heart(Object... more) {
        return Outcome.of(Stream.concat(
                        Stream.of("heart", "--rounds", 2, "--data", data, "--out", folder.resolve("run")),
                        Stream.of(more))
                .toArray());
    }

    private static void assertRefused(Outcome outcome, String... words) {
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err())
                .hasLineCount(1)
                .startsWith("fedlearn: ")
                .contains(words)
                .doesNotContain("Exception");
    }

    @Test
    void readsMissingValuesAndNumbersInEveryFormThatOccurs() {
        Outcome outcome = heart().done();
        // chol 0 and trestbps 0 are missing as ? and NaN are: 3 + 1 + 3 + 1 + 1 of 6 x 13 fields.
        assertThat(outcome.out())
                .containsPattern("va +6 +5 +1 +3 +50% +9 \\(12%\\)")
                .doesNotContain("GENERATED");
    }

    @Test
    void missingFolder() {
        assertRefused(
                Outcome.of("heart", "--data", data.resolve("none"), "--out", folder),
                data.resolve("none").toString(),
                "not a folder");
    }

    @Test
    void missingFile() throws IOException {
        Files.delete(file("va"));
        assertRefused(heart(), file("va").toString(), "does not exist");
    }

    @Test
    void unreadableFile() throws IOException {
        Files.delete(file("hungarian"));
        Files.createDirectory(file("hungarian"));
        assertRefused(heart(), file("hungarian").toString(), "cannot be read");
    }

    static List<Arguments> badRows() {
        return List.of(
                Arguments.of("67,1,4,160,286,0,2,108,1,1.5,2,3,2", List.of("line 7", "13 fields", "14 columns")),
                Arguments.of(
                        "67,1,4,160,28x6,0,2,108,1,1.5,2,3,3,2", List.of("line 7", "column 'chol'", "not a number")),
                Arguments.of("67,1,5,160,286,0,2,108,1,1.5,2,3,3,2", List.of("line 7", "column 'cp'", "[1, 2, 3, 4]")),
                Arguments.of("67,1,4,160,286,0,2,108,1,1.5,2,3,4,2", List.of("line 7", "column 'thal'", "[3, 6, 7]")),
                Arguments.of("67,1,4,160,286,0,2,108,1,1.5,2,3,3,?", List.of("line 7", "column 'num'", "missing")));
    }

    @ParameterizedTest
    @MethodSource("badRows")
    void badRowIsNamedByFileLineAndColumn(String row, List<String> words) throws IOException {
        write("switzerland", Stream.concat(ROWS.stream(), Stream.of(row)).toList());
        Outcome outcome = heart();
        assertRefused(outcome, file("switzerland").toString());
        assertThat(outcome.err()).contains(words).doesNotContain("28x6");
    }

    @Test
    void hospitalWithoutRowsIsNamedAndDeclines() throws IOException {
        write("va", List.of());
        Outcome outcome = heart("--compare").done();
        assertThat(outcome.out())
                .contains("va has no rows")
                .contains("va declined")
                .contains("va gave no statistics of its features")
                .containsPattern("1/2 .* 3/4 ")
                .doesNotContain("NaN");
        assertThat(folder.resolve("run").resolve("report.html"))
                .content()
                .contains("va has no rows")
                .doesNotContain("NaN");
    }

    @Test
    void allFilesEmpty() throws IOException {
        for (String hospital : List.of("cleveland", "hungarian", "switzerland", "va")) {
            write(hospital, List.of());
        }
        assertRefused(heart(), data.toString(), "no hospital");
    }

    @Test
    void hospitalOfOneClassTrainsOnAndItsAucIsUndefined() throws IOException {
        write("va", ROWS.stream().filter(row -> !row.endsWith(",0")).toList());
        Outcome outcome = heart("--compare").done();
        assertThat(outcome.out())
                .contains("va has patients of one class only")
                .containsPattern("va +3 +3 +1 +undefined +")
                .containsPattern("1/2 .* 4/4 ")
                .doesNotContain("NaN");
        assertThat(folder.resolve("run").resolve("report.html"))
                .content()
                .contains("undefined")
                .doesNotContain("NaN");
    }

    @Test
    void fewerHospitalsThanTheQuorumEndTheRun() throws IOException {
        write("va", List.of());
        Outcome outcome = heart("--quorum", 4);
        assertThat(outcome.exitCode()).isNotZero();
        assertThat(outcome.err()).contains("va").contains("4");
    }

    static List<Arguments> badOptions() {
        return List.of(
                Arguments.of(List.of("--quorum", "5"), "--quorum"),
                Arguments.of(List.of("--rounds", "0"), "--rounds"),
                Arguments.of(List.of("--rounds", "many"), "'--rounds': 'many' is not a whole number"),
                Arguments.of(List.of("--threads", "1.5"), "'--threads': '1.5' is not a whole number"),
                Arguments.of(List.of("--rounds", "99999999999"), "99999999999 is beyond"),
                Arguments.of(List.of("--seed", "x"), "'x' is not a whole number"),
                Arguments.of(List.of("--learning-rate", "much"), "'much' is not a number"),
                Arguments.of(List.of("--quorum", "0"), "--quorum must be >= 1, was 0"),
                Arguments.of(List.of("--local-epochs", "0"), "--local-epochs must be"),
                Arguments.of(List.of("--batch-size", "0"), "--batch-size must be"),
                Arguments.of(List.of("--learning-rate", "-1"), "--learning-rate must be > 0, was -1.0"),
                Arguments.of(List.of("--momentum", "1"), "--momentum must be in [0, 1), was 1.0"),
                Arguments.of(List.of("--weight-decay", "-1"), "--weight-decay must be"),
                Arguments.of(List.of("--set", "mu=0.1"), "--set: fedavg has no setting mu"),
                Arguments.of(
                        List.of("--strategy", "fedprox", "--set", "mu=-1"),
                        "--set: mu must be >= 0 and finite, was -1.0"),
                Arguments.of(List.of("--strategy", "fedadam", "--set", "tau=much"), "tau must be a number, was much"),
                Arguments.of(
                        List.of("--strategy", "fedadam", "--set", "serverLearningRate=0"),
                        "--set: serverLearningRate must be > 0 and finite, was 0.0"),
                Arguments.of(List.of("--strategy", "fedadam", "--set", "tau"), "--set"),
                Arguments.of(List.of("--strategy", "krum"), "--strategy krum needs --set badClients=VALUE"),
                Arguments.of(
                        List.of("--strategy", "krum", "--set", "badClients=1"),
                        "needs 5 clients in a round, and there are 4"),
                Arguments.of(List.of("--strategy", "trimmedmean"), "needs 5 clients in a round, and there are 4"),
                Arguments.of(List.of("--weighting", "by-height"), "examples-up-to:500, was 'by-height'"),
                Arguments.of(List.of("--weighting", "examples-up-to:0"), "examples-up-to:500"),
                Arguments.of(List.of("--strategy", "fedbest"), "--strategy: the method must be one of "),
                Arguments.of(List.of("--model", "forest"), "--model must be one of logistic, mlp, was 'forest'"),
                Arguments.of(List.of("--progress", "loud"), "--progress must be one of auto, bars, plain"),
                Arguments.of(List.of("--threads", "0"), "--threads must be >= 1, was 0"),
                Arguments.of(List.of("--early-stopping", "0"), "--early-stopping must be >= 1, was 0"),
                Arguments.of(List.of("--client-deadline", "0s"), "--client-deadline must be "),
                Arguments.of(List.of("--client-deadline", "999999999h"), "--client-deadline must be "),
                Arguments.of(List.of("--client-deadline", "soon"), "500ms"),
                Arguments.of(List.of("--out", ""), "'--out': a path must not be empty"),
                Arguments.of(List.of("--data", ""), "'--data': a path must not be empty"));
    }

    @ParameterizedTest
    @MethodSource("badOptions")
    void badOptionIsRefusedByName(List<String> options, String word) {
        Stream<Object> mandatory = options.contains("--out") || options.contains("--data")
                ? Stream.of("heart")
                : Stream.of("heart", "--data", data, "--out", folder.resolve("run"));
        Outcome outcome = Outcome.of(Stream.concat(mandatory, options.stream()).toArray());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).startsWith("fedlearn: ").contains(word).doesNotContain("Error:");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void stackTraceIsShownOnRequestOnly() throws IOException {
        Files.delete(file("va"));
        assertThat(heart().err()).doesNotContain("\tat ");
        assertThat(heart("--stacktrace").err()).contains("\tat io.fedlearn");
    }

    @Test
    void generatedHospitalsThatCannotBeWrittenAreExplained() throws IOException {
        Path run = Files.createDirectory(folder.resolve("run"));
        Files.writeString(run.resolve("data"), "x");
        assertRefused(
                Outcome.of("heart", "--out", run),
                run.resolve("data").toString(),
                "there is a file where a folder should be");
    }

    @Test
    void outThatIsAFileIsRefused() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x");
        assertRefused(Outcome.of("heart", "--data", data, "--out", file), file.toString(), "not a folder");
    }
}
