package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.luna16.dataset.Submission;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

final class FrocCommandTest {
    private static final String FINDINGS = "seriesuid,coordX,coordY,coordZ,diameter_mm\r\n";

    @TempDir
    private Path folder;

    /** Four scans, the last without marks and nodules. */
    @BeforeEach
    void writeLists() throws IOException {
        write("annotations.csv", FINDINGS + "1.1,0,0,0,10\r\n1.1,6,0,0,10\r\n1.2,0,0,0,6\r\n1.3,50,50,50,8\r\n");
        write("excluded.csv", FINDINGS + "1.1,0,40,0,-1\r\n1.2,0,0,4,4\r\n");
        write("series.csv", "1.1\r\n1.2\r\n1.3\r\n1.4\r\n");
        write("marks.csv", """
                seriesuid,coordX,coordY,coordZ,probability
                1.1,3,0,0,0.9
                1.1,0,4,0,0.8
                1.1,0,43,0,0.7
                1.1,0,45,0,0.6
                1.2,3,0,0,0.9
                1.2,0,0,2.9,0.5
                1.3,9,9,9,0.5
                1.3,8,8,8,0.3
                """);
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private Outcome run(Object... more) {
        List<Object> arguments = new ArrayList<>(List.of(
                "froc",
                "--annotations",
                folder.resolve("annotations.csv"),
                "--excluded",
                folder.resolve("excluded.csv"),
                "--seriesuids",
                folder.resolve("series.csv"),
                "--submission",
                folder.resolve("marks.csv")));
        arguments.addAll(List.of(more));
        return Outcome.of(arguments.toArray());
    }

    @Test
    void printsSensitivitiesCountsAndTheCpmLast() {
        List<String> lines = run().done().out().lines().toList();

        assertThat(lines)
                .contains(
                        "Submission: 8 marks on 3 scans",
                        "Reference:  4 scans, 4 nodules, 2 excluded findings",
                        "TP 3 of 4 nodules (0.750000000)",
                        "FP 4",
                        "FN 1",
                        "ignored 1 (on excluded findings)",
                        "double 1 (on nodules that were found by another mark)",
                        "surplus 0 (beyond the 100 most probable of a scan)");
        assertThat(lines.stream().map(line -> line.replaceAll(" +", " ").strip()))
                .contains("1/8 0.250000000 -", "1/4 0.500000000 0.900000", "1/2 0.500000000 0.600000")
                .contains("1 0.750000000 0.300000", "8 0.750000000 0.300000");
        assertThat(lines.get(lines.size() - 1)).isEqualTo("CPM 0.607142857");
        assertThat(folder.toFile().list()).hasSize(4);
    }

    @Test
    void countsMarksOnExcludedFindingsAsWrongWhereNoneAreGiven() {
        Outcome outcome = Outcome.of(
                        "froc",
                        "--annotations",
                        folder.resolve("annotations.csv"),
                        "--seriesuids",
                        folder.resolve("series.csv"),
                        "--submission",
                        folder.resolve("marks.csv"))
                .done();

        assertThat(outcome.out()).contains("FP 5", "ignored 0");
    }

    @Test
    void leavesResultCurveAndListsInTheFolder() throws Exception {
        Path out = folder.resolve("out");

        Outcome outcome = run("--bootstrap", 200, "--seed", 5, "--out", out).done();

        assertThat(outcome.out()).contains("lower", "upper", "Curve: " + out.resolve("froc.svg"));
        assertThat(out.toFile().list())
                .containsExactlyInAnyOrder(
                        "froc.json",
                        "froc.csv",
                        "froc-band.csv",
                        "froc.svg",
                        "froc.png",
                        "misses.csv",
                        "false-positives.csv");
        JsonNode json = new ObjectMapper().readTree(out.resolve("froc.json").toFile());
        assertThat(json.path("version").asInt()).isEqualTo(1);
        assertThat(json.path("cpm").asDouble()).isEqualTo(4.25 / 7);
        assertThat(json.path("operatingPoints")).hasSize(7);
        JsonNode first = json.path("operatingPoints").path(0);
        assertThat(first.path("sensitivity").asDouble()).isEqualTo(0.25);
        assertThat(first.path("threshold").isNull()).isTrue();
        assertThat(first.path("band").path("lower").asDouble())
                .isLessThanOrEqualTo(first.path("band").path("upper").asDouble());
        assertThat(json.path("counts").path("falsePositives").asInt()).isEqualTo(4);
        assertThat(json.path("bootstrap").path("samples").asInt()).isEqualTo(200);
        assertThat(Files.readAllLines(out.resolve("froc.csv")))
                .containsExactly(
                        "falsePositivesPerScan,sensitivity,threshold",
                        "0.0,0.0,Infinity",
                        "0.25,0.5,0.9",
                        "0.5,0.5,0.6",
                        "0.75,0.75,0.5",
                        "1.0,0.75,0.3");
        assertThat(Files.readAllLines(out.resolve("froc-band.csv"))).hasSize(10_001);
        assertThat(Files.readAllLines(out.resolve("misses.csv")))
                .containsExactly("seriesuid,coordX,coordY,coordZ,diameter_mm", "1.3,50.0,50.0,50.0,8.0");
        // The most probable first; a submission of its own.
        assertThat(Files.readAllLines(out.resolve("false-positives.csv")))
                .containsExactly(
                        "seriesuid,coordX,coordY,coordZ,probability",
                        "1.2,3.0,0.0,0.0,0.9",
                        "1.1,0.0,45.0,0.0,0.6",
                        "1.3,9.0,9.0,9.0,0.5",
                        "1.3,8.0,8.0,8.0,0.3");
        assertThat(Submission.read(out.resolve("false-positives.csv")).size()).isEqualTo(4);
    }

    @Test
    void drawsTheCurveWithItsBandOverOctaves() throws Exception {
        Path out = folder.resolve("out");

        run("--bootstrap", 50, "--out", out).done();

        Element svg = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(out.resolve("froc.svg").toFile())
                .getDocumentElement();
        assertThat(svg.getTextContent())
                .contains("1/8", "1/4", "1/2", "false positives per scan", "sensitivity", "marks.csv");
        NodeList paths = svg.getElementsByTagName("path");
        List<String> styles = new ArrayList<>();
        for (int i = 0; i < paths.getLength(); i++) {
            styles.add(((Element) paths.item(i)).getAttribute("class"));
        }
        assertThat(styles).contains("band");
        BufferedImage png = ImageIO.read(out.resolve("froc.png").toFile());
        assertThat(png.getWidth()).isEqualTo(1120);
    }

    @Test
    void replacesAnOlderScoreAndItsBand() {
        Path out = folder.resolve("out");
        run("--bootstrap", 10, "--out", out).done();

        run("--out", out).done();

        assertThat(out.resolve("froc-band.csv")).doesNotExist();
        assertThat(out.resolve("froc.json")).content().doesNotContain("bootstrap");
    }

    @Test
    void drawsTheSameBandForTheSameSeed() {
        String band = run("--bootstrap", 100, "--seed", 1).done().out();

        assertThat(run("--bootstrap", 100, "--seed", 1).done().out()).isEqualTo(band);
        assertThat(run("--bootstrap", 100, "--seed", 2).done().out()).isNotEqualTo(band);
    }

    @Test
    void scoresASubmissionWithoutMarksAsZero() throws IOException {
        write("marks.csv", Submission.HEADER + "\n");

        assertThat(run().done().out()).contains("FN 4", "CPM 0.000000000");
    }

    @Test
    void passesOverMarksOnOtherScansOnlyWhenTold() throws IOException {
        write("marks.csv", Submission.HEADER + "\n1.1,0,0,0,0.5\n1.9,0,0,0,0.7\n");

        Outcome refusal = run();
        assertThat(refusal.exitCode()).isEqualTo(2);
        assertThat(refusal.err())
                .contains("marks.csv, line 3, column 'seriesuid': series '1.9' is not among the 4 that count");

        assertThat(run("--ignore-unlisted").done().out())
                .contains("1 marks on 1 scans, and 1 marks on scans that do not count", "FP 0");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "marks.csv | seriesuid,coordX,coordY,coordZ,score/1.1,0,0,0,1 | column 'probability' is missing",
                "marks.csv | seriesuid,coordX,coordY,coordZ,probability/1.1,0,0,0,NaN | line 2, column 'probability': must be a"
                        + " finite number, was 'NaN'",
                "series.csv | 1.1/1.2/1.1 | line 3: has series '1.1' a second time",
                "annotations.csv | seriesuid,coordX,coordY,coordZ,diameter_mm/1.7,0,0,0,5 | has no nodule in the 4 scans of",
                "excluded.csv | seriesuid,coordX,coordY,coordZ/1.1,0,0,0 | column 'diameter_mm' is missing"
            })
    void namesFileLineAndColumnOfWhatIsNotInOrder(String file, String text, String message) throws IOException {
        write(file, text.replace('/', '\n'));

        Outcome outcome = run();

        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(file, message).doesNotContain("Exception");
        assertThat(outcome.out()).isEmpty();
    }

    @Test
    void refusesOptionsThatCannotBe() throws IOException {
        Outcome negative = run("--bootstrap", -1);
        assertThat(negative.exitCode()).isEqualTo(2);
        assertThat(negative.err()).contains("--bootstrap must be from 0 to 100000, was -1");

        write("file", "");
        Outcome file = run("--out", folder.resolve("file"));
        assertThat(file.exitCode()).isEqualTo(2);
        assertThat(file.err()).contains("--out " + folder.resolve("file") + " is not a folder");
    }
}
