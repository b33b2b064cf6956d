package io.fedlearn.luna16.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SubmissionTest {
    private static final Mark FIRST = new Mark(new Point(-1.5, 2.25, -300.125), 0.75);
    private static final Mark SECOND = new Mark(new Point(1e-7, 0, 3), 1e-9);
    private static final Mark THIRD = new Mark(new Point(7, 8, 9), -4.5);

    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("submission.csv");
    }

    private Submission read(String text) throws IOException {
        return Submission.read(Files.writeString(file, text));
    }

    private DatasetException refusal(String text) throws IOException {
        Files.writeString(file, text);
        return assertThrows(DatasetException.class, () -> Submission.read(file));
    }

    private static Submission submission() {
        Map<String, List<Mark>> marks = new LinkedHashMap<>();
        marks.put("1.2.9", List.of(FIRST, SECOND));
        marks.put("1.2.3", List.of(THIRD));
        return Submission.of(marks);
    }

    @Test
    void readsWhatTheChallengeTakes() throws IOException {
        Submission submission = read("""
                seriesuid,coordX,coordY,coordZ,probability
                1.2.9,-1.5,2.25,-300.125,0.75
                1.2.3,7,8,9,-4.5
                1.2.9,1E-7,0.0,3,1e-9
                """);

        assertThat(submission).isEqualTo(submission());
        assertThat(submission.series()).containsExactly("1.2.9", "1.2.3");
        assertThat(submission.marks("1.2.9")).containsExactly(FIRST, SECOND);
        assertThat(submission.marks("1.2.4")).isEmpty();
        assertThat(submission.size()).isEqualTo(3);
        assertThat(submission).hasToString("3 marks on 2 scans");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "seriesuid,coordX,coordY,coordZ,probability\r\n1.2,1,2,3,0.5\r\n",
                "seriesuid,coordX,coordY,coordZ,probability\n1.2,1,2,3,0.5",
                "\ufeffseriesuid,coordX,coordY,coordZ,probability\n1.2,1,2,3,0.5\n",
                "\"seriesuid\",\"coordX\",\"coordY\",\"coordZ\",\"probability\"\n\"1.2\",\"1\",\"2\",\"3\",\"0.5\"\n",
                "SeriesUID,coordx,coordy,coordz,Probability\n1.2,1,2,3,0.5\n",
                "probability,coordZ,coordY,coordX,seriesuid\n0.5,3,2,1,1.2\n",
                " seriesuid , coordX , coordY , coordZ , probability \n 1.2 , 1 , 2 , 3 , 0.5 \n\n",
                "seriesuid,coordX,coordY,coordZ,class,diameter_mm,probability\n1.2,1,2,3,1,7,0.5\n"
            })
    void readsVariantsOfTheFileAsTheSame(String text) throws IOException {
        assertThat(read(text)).isEqualTo(Submission.of(Map.of("1.2", List.of(new Mark(new Point(1, 2, 3), 0.5)))));
    }

    @Test
    void readsGzipWhateverItsName() throws IOException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("seriesuid,coordX,coordY,coordZ,probability\n1.2,1,2,3,0.5\n".getBytes(StandardCharsets.UTF_8));
        }

        assertThat(Submission.read(file).size()).isEqualTo(1);
    }

    @Test
    void namesGzipThatIsCutOff() throws IOException {
        submission().write(folder.resolve("whole.csv.gz"));
        byte[] whole = Files.readAllBytes(folder.resolve("whole.csv.gz"));
        Files.write(file, Arrays.copyOf(whole, whole.length - 20));

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> Submission.read(file))
                .withMessageContaining(file + ": is damaged")
                .satisfies(failure -> assertThat(failure.problem()).isEqualTo(Problem.UNREADABLE));
    }

    @Test
    void quotesMayStartAnywhereAndLinesAreStillCounted() throws IOException {
        String rows = """
                seriesuid,coordX,coordY,coordZ,probability
                1.2.9,-1.5,2.25,-300.125,0.75
                "1.2.3","7",8,9,-4.5
                1.2.9,1e-7,0,3,"1e-9"
                """;
        assertThat(read(rows)).isEqualTo(submission());

        assertThat(refusal(rows + "\n1.2.9,1,2,3,none\n"))
                .hasMessageContaining(", line 6, column 'probability': must be a finite number, was 'none'");
        assertThat(refusal(rows + "1.2.9,1,2,3,\"0.5\"x\n").problem()).isEqualTo(Problem.MALFORMED);
    }

    @Test
    void headerAloneIsASubmissionWithoutMarks() throws IOException {
        assertThat(read(Submission.HEADER + "\n").size()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain.csv", "packed.csv.gz"})
    void readsWhatItWroteAsTheSame(String name) throws IOException {
        Path written = folder.resolve(name);

        submission().write(written);

        assertThat(Submission.read(written)).isEqualTo(submission());
        assertThat(folder.toFile().list()).containsExactly(name);
    }

    @Test
    void writesTheChallengesForm() throws IOException {
        submission().write(file);

        assertThat(Files.readString(file)).isEqualTo("""
                seriesuid,coordX,coordY,coordZ,probability
                1.2.9,-1.5,2.25,-300.125,0.75
                1.2.9,1.0E-7,0.0,3.0,1.0E-9
                1.2.3,7.0,8.0,9.0,-4.5
                """);
    }

    @Test
    void quotesSeriesThatNeedIt() throws IOException {
        Submission odd = Submission.of(Map.of("a,\"b\"", List.of(FIRST)));

        odd.write(file);

        assertThat(Submission.read(file)).isEqualTo(odd);
    }

    @Test
    void replacesAFileThatIsThere() throws IOException {
        Files.writeString(file, "old");

        submission().write(file);

        assertThat(Submission.read(file)).isEqualTo(submission());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "seriesuid,coordX,coordY,coordZ,score/1.2,1,2,3,0.5 | MISSING_COLUMN | column 'probability' is missing, the"
                        + " columns are 'seriesuid,coordX,coordY,coordZ,score'",
                "1.2,1,2,3,0.5 | MISSING_COLUMN | column 'seriesuid' is missing",
                "seriesuid,coordX,coordY,coordZ,probability/1.2,1,2,3,nan | BAD_NUMBER | , line 2, column 'probability': must be"
                        + " a finite number, was 'nan'",
                "seriesuid,coordX,coordY,coordZ,probability/1.2,1,2,3,0.5/1.2,inf,2,3,1 | BAD_NUMBER | , line 3, column"
                        + " 'coordX': must be a finite number, was 'inf'",
                "seriesuid,coordX,coordY,coordZ,probability/1.2,1,2,3, | EMPTY_FIELD | , line 2, column 'probability': is empty",
                "seriesuid,coordX,coordY,coordZ,probability/,1,2,3,1 | EMPTY_FIELD | , line 2, column 'seriesuid': is empty",
                "seriesuid,coordX,coordY,coordZ,probability/1.2,1,2,3 | MALFORMED | , line 2: must have 5 fields as the header",
                "seriesuid,coordX,coordY,coordZ,probability,Probability/1.2,1,2,3,1,1 | AMBIGUOUS_COLUMN | could both be",
                "'' | EMPTY | is empty"
            })
    void refusesWhatIsNotInOrderByFileLineAndColumn(String text, Problem problem, String message) throws IOException {
        DatasetException refusal = refusal(text.replace('/', '\n'));

        assertThat(refusal.problem()).isEqualTo(problem);
        assertThat(refusal).hasMessageStartingWith(file.toString()).hasMessageContaining(message);
    }

    @Test
    void namesTheLineOfAMarkOnAScanThatDoesNotCount() throws IOException {
        Submission submission = read("""
                seriesuid,coordX,coordY,coordZ,probability
                1.2,1,2,3,0.5
                1.3,1,2,3,0.5
                1.3,1,2,3,0.5
                """);
        ReferenceStandard reference = ReferenceStandard.of(List.of("1.2", "1.4"), Map.of(), Map.of());

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> submission.requireSeriesOf(reference))
                .withMessage(file + ", line 3, column 'seriesuid': series '1.3' is not among the 2 that count")
                .satisfies(failure -> assertThat(failure.problem()).isEqualTo(Problem.UNLISTED_SERIES));
        submission.restrictedTo(List.of("1.2", "1.4")).requireSeriesOf(reference);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> submission().requireSeriesOf(reference))
                .withMessageContaining("'1.2.9'");
    }

    @Test
    void joinsSubmissionsOfFolds() {
        Submission both = Submission.of(Map.of("a", List.of(FIRST)))
                .with(Submission.of(Map.of("b", List.of(THIRD))))
                .with(Submission.of(Map.of("a", List.of(SECOND))));

        assertThat(both.series()).containsExactly("a", "b");
        assertThat(both.marks("a")).containsExactly(FIRST, SECOND);
        assertThat(both.restrictedTo(List.of("b", "c")).series()).containsExactly("b");
    }

    @Test
    void refusesMarksWithoutAFiniteProbability() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Mark(new Point(0, 0, 0), Double.NaN))
                .withMessage("probability must be finite, was NaN");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Submission.of(Map.of(" ", List.of(FIRST))))
                .withMessageContaining("must have a name");
    }
}
