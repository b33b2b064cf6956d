package io.fedlearn.luna16.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.luna16.dataset.DatasetException.Problem;
import io.fedlearn.luna16.image.Point;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReferenceStandardTest {
    private static final String HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm\r\n";

    @TempDir
    private Path folder;

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    private Path annotations() throws IOException {
        return write("annotations.csv", HEADER + "1.3,1,2,3,4.5\r\n1.2,0,0,0,7\r\n1.2,9,9,9,6\r\n1.9,1,1,1,5\r\n");
    }

    private Path series() throws IOException {
        return write("seriesuids.csv", "1.2\r\n1.3\r\n1.4\r\n");
    }

    @Test
    void readsTheChallengesLists() throws IOException {
        Path excluded = folder.resolve("annotations_excluded.csv.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(excluded))) {
            out.write((HEADER + "1.4,1,2,3,-1\r\n1.4,4,5,6,3.25\r\n1.8,0,0,0,-1\r\n").getBytes(StandardCharsets.UTF_8));
        }

        ReferenceStandard reference = ReferenceStandard.read(annotations(), excluded, series());

        assertThat(reference.series()).containsExactly("1.2", "1.3", "1.4");
        assertThat(reference.nodules("1.2"))
                .containsExactly(new Nodule(new Point(0, 0, 0), 7), new Nodule(new Point(9, 9, 9), 6));
        assertThat(reference.nodules("1.3")).containsExactly(new Nodule(new Point(1, 2, 3), 4.5));
        assertThat(reference.nodules("1.4")).isEmpty();
        assertThat(reference.excluded("1.4"))
                .containsExactly(
                        new ExcludedFinding(new Point(1, 2, 3), 10), new ExcludedFinding(new Point(4, 5, 6), 3.25));
        assertThat(reference.contains("1.9")).isFalse();
        assertThat(reference).hasToString("3 scans, 3 nodules, 2 excluded findings");
    }

    @Test
    void listOfSeriesMayHaveAHeader() throws IOException {
        Path series = write("seriesuids.csv", "seriesuid\n1.2\n\n1.4\n");

        assertThat(ReferenceStandard.read(annotations(), series).series()).containsExactly("1.2", "1.4");
    }

    @Test
    void rowThatIsThereTwiceCountsTwice() throws IOException {
        Path annotations = write("annotations.csv", HEADER + "1.2,0,0,0,7\n1.2,0,0,0,7\n");

        assertThat(ReferenceStandard.read(annotations, series()).noduleCount()).isEqualTo(2);
    }

    @Test
    void refusesASeriesThatIsListedTwice() throws IOException {
        Path series = write("seriesuids.csv", "1.2\n1.3\n1.2\n");

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> ReferenceStandard.read(annotations(), series))
                .withMessage(series + ", line 3: has series '1.2' a second time")
                .satisfies(failure -> assertThat(failure.problem()).isEqualTo(Problem.DUPLICATE_SERIES));
    }

    @Test
    void refusesANoduleWithoutADiameter() throws IOException {
        Path annotations = write("annotations.csv", HEADER + "1.2,0,0,0,-1\n");

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> ReferenceStandard.read(annotations, series()))
                .withMessage(annotations + ", line 2, column 'diameter_mm': must be > 0, was -1.0");
    }

    @Test
    void namesAFileThatIsMissing() throws IOException {
        Path excluded = folder.resolve("none.csv");

        assertThatExceptionOfType(DatasetException.class)
                .isThrownBy(() -> ReferenceStandard.read(annotations(), excluded, series()))
                .withMessage(excluded + ": there is no such file");
    }

    @Test
    void takesSomeOfTheScansInItsOwnOrder() throws IOException {
        ReferenceStandard some = ReferenceStandard.read(annotations(), series()).restrictedTo(List.of("1.3", "1.2"));

        assertThat(some.series()).containsExactly("1.2", "1.3");
        assertThat(some.noduleCount()).isEqualTo(3);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> some.restrictedTo(List.of("1.4")))
                .withMessageContaining("'1.4' is not among");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> some.restrictedTo(List.of()))
                .withMessageContaining("must not be empty");
    }

    @Test
    void takesTheNodulesOfADataSetsScans() {
        Nodule nodule = new Nodule(new Point(1, 2, 3), 5);
        ReferenceStandard reference = ReferenceStandard.of(List.of(
                new Scan("1.2", 0, Path.of("a.mhd"), List.of(nodule), List.of()),
                new Scan("1.1", 0, Path.of("b.mhd"), List.of(), List.of())));

        assertThat(reference)
                .isEqualTo(ReferenceStandard.of(List.of("1.2", "1.1"), Map.of("1.2", List.of(nodule)), Map.of()))
                .hasSameHashCodeAs(
                        ReferenceStandard.of(List.of("1.2", "1.1"), Map.of("1.2", List.of(nodule)), Map.of()));
    }

    @Test
    void refusesValuesThatDoNotFitTogether() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReferenceStandard.of(List.of("a", "a"), Map.of(), Map.of()))
                .withMessageContaining("'a' comes twice");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReferenceStandard.of(List.of("a"), Map.of("b", List.of()), Map.of()))
                .withMessageContaining("'b' is not among");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ExcludedFinding(new Point(0, 0, 0), -1))
                .withMessageContaining("must be >= 0 and finite, was -1.0");
    }
}
