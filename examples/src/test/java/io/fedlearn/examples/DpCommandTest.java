package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class DpCommandTest {
    private static Outcome run(String line, Object... more) {
        return Outcome.of(
                Stream.concat(Stream.of(line.split(" ")), Stream.of(more)).toArray());
    }

    private static double last(Outcome outcome) {
        List<String> lines = outcome.done().out().lines().toList();
        return Double.parseDouble(lines.get(lines.size() - 1));
    }

    @ParameterizedTest
    @CsvSource({
        "--q 0.01 --sigma 4 --steps 10000 --delta 1e-5 --accountant rdp, 1.0354900660362474, 1e-8",
        "--q 0.01 --sigma 4 --steps 10000 --delta 1e-5 --accountant pld, 0.946868, 6e-3",
        "--q 1 --sigma 1 --steps 1 --delta 1e-5, 4.377178095681133, 1e-3",
        "--q 0.01 --sigma 4 --steps 10000 --delta 1e-5 --relation replace, 2.2210584725255402, 1e-6",
        "--q 1 --sigma 10 --steps 100 --delta 1e-5 --relation replace --accountant rdp, 4.728507067217623, 1e-9",
        "--q 1 --sigma 2.23606797749979 --steps 1 --delta 1e-6 --accountant zcdp, 2.141938929691418, 1e-4",
        "--q 0 --sigma 1 --steps 10 --delta 1e-5, 0, 1e-300"
    })
    void printsEpsilonLast(String arguments, double expected, double tolerance) {
        assertThat(last(run("dp epsilon " + arguments))).isCloseTo(expected, within(tolerance));
    }

    @Test
    void printsSigmaLastAndItMeetsTheTarget() {
        double sigma = last(run("dp sigma --epsilon 1 --delta 1e-5 --q 0.01 --steps 1000 --accountant rdp"));
        assertThat(sigma).isCloseTo(1.5131221843914873, within(1e-4 * 1.5));
        double epsilon = last(
                run("dp epsilon --delta 1e-5 --q 0.01 --steps 1000 --accountant rdp --sigma", Double.toString(sigma)));
        assertThat(epsilon).isLessThanOrEqualTo(1).isGreaterThan(0.9999);
    }

    @Test
    void takesTheAccountantThatCanAndSaysWhich() {
        assertThat(run("dp epsilon --q 0.1 --sigma 2 --steps 3 --delta 1e-5")
                        .done()
                        .out())
                .contains("accountant: pld", "Poisson");
        assertThat(run("dp epsilon --q 0.1 --sigma 2 --steps 3 --delta 1e-5 --relation replace")
                        .done()
                        .out())
                .contains("accountant: rdp", "without replacement");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "dp epsilon --q 1.5 --sigma 1 --steps 1 --delta 0.1 | --q must be in [0, 1], was 1.5",
                "dp epsilon --q NaN --sigma 1 --steps 1 --delta 0.1 | --q must be in [0, 1], was NaN",
                "dp epsilon --q 0.5 --sigma 0 --steps 1 --delta 0.1 | --sigma must be > 0 and finite, was 0.0",
                "dp epsilon --q 0.5 --sigma Infinity --steps 1 --delta 0.1 | --sigma must be > 0 and finite",
                "dp epsilon --q 0.5 --sigma 1 --steps 0 --delta 0.1 | --steps must be >= 1, was 0",
                "dp epsilon --q 0.5 --sigma 1 --steps 1 --delta 1 | --delta must be in (0, 1), was 1.0",
                "dp epsilon --q 0.5 --sigma 1 --steps 1 --delta 0.1 --relation any | --relation must be add-remove or replace",
                "dp epsilon --q 0.5 --sigma 1 --steps 1 --delta 0.1 --accountant prv | --accountant must be one of",
                "dp epsilon --q 0.5 --sigma 1 --steps 1 --delta 0.1 --relation replace --accountant pld | cannot be analysed",
                "dp epsilon --q 0.5 --sigma 1 --steps 1 --delta 0.1 --accountant zcdp | not concentrated",
                "dp sigma --q 0.5 --epsilon 0 --steps 1 --delta 0.1 | --epsilon must be > 0 and finite, was 0.0",
                "dp sigma --q 0 --epsilon 1 --steps 1 --delta 0.1 | --q must be > 0, was 0",
                "dp sigma --q 0.5 --epsilon 1 --steps 1 --delta 0.1 --accountant pure | pure differential privacy",
                "dp plan --rounds 3 --delta 0.1 --sigma 1 | one of --q and --cohort",
                "dp plan --rounds 3 --delta 0.1 --sigma 1 --q 0.1 --cohort 3 | one of --q and --cohort",
                "dp plan --rounds 3 --delta 0.1 --sigma 1 --cohort 3 | --cohort needs --population",
                "dp plan --rounds 3 --delta 0.1 --sigma 1 --cohort 3 --population 2 | at most --population = 2, was 3",
                "dp plan --rounds 3 --delta 0.1 --q 0.1 | --sigma or --epsilon",
                "dp plan --rounds 3 --delta 0.1 --q 0.1 --sigma 1 --local-steps 0 | --local-steps must be >= 1, was 0",
                "dp plan --rounds 3 --delta 0.1 --q 0.1 --sigma 1 --out plan.pdf | --out must end in .svg or .png"
            })
    void refusesWhatCannotBeAccounted(String line, String message) {
        Outcome outcome = run(line.strip());
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(message.strip());
        assertThat(outcome.out()).isEmpty();
    }

    @Test
    void planPrintsEpsilonByRoundAndDrawsIt(@TempDir Path folder) throws Exception {
        Path svg = folder.resolve("plan.svg");
        Path png = folder.resolve("plan.PNG");
        String out = run(
                        "dp plan --cohort 10 --population 1000 --epsilon 2 --rounds 100 --delta 1e-5 --accountant rdp --out",
                        svg,
                        "--out",
                        png)
                .done()
                .out();
        List<Double> epsilons = out.lines()
                .filter(line -> line.matches(" +\\d+ +\\d+\\.\\d{4}"))
                .map(line -> Double.valueOf(line.strip().split(" +")[1]))
                .toList();
        assertThat(epsilons).hasSize(23).isSorted();
        assertThat(epsilons.get(22)).isEqualTo(2.0);
        String root = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(svg.toFile())
                .getDocumentElement()
                .getTagName();
        assertThat(root).isEqualTo("svg");
        assertThat(Files.readString(svg)).contains("http://www.w3.org/2000/svg", "<style>", "epsilon so far", "target");
        BufferedImage image = Objects.requireNonNull(ImageIO.read(png.toFile()));
        assertThat(colours(image)).isGreaterThan(50);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).hasSize(2);
        }
    }

    private static long colours(BufferedImage image) throws IOException {
        return Stream.iterate(0, y -> y < image.getHeight(), y -> y + 1)
                .flatMap(y ->
                        Stream.iterate(0, x -> x < image.getWidth(), x -> x + 1).map(x -> image.getRGB(x, y)))
                .distinct()
                .count();
    }

    @Test
    void planSaysHowLongATargetLasts() {
        String out = run("dp plan --q 0.01 --sigma 1.1 --rounds 40 --local-steps 25 --delta 1e-5 --epsilon 1.5"
                        + " --accountant rdp")
                .done()
                .out();
        assertThat(out)
                .containsPattern("epsilon 1\\.5 lasts for \\d+ of 40 rounds")
                .contains("25 steps a round");
    }

    @ParameterizedTest
    @ValueSource(strings = {"epsilon", "sigma", "plan"})
    void helpTeachesUnitRelationSamplingAndNoise(String command) {
        assertThat(run("dp " + command + " --help").done().out().replaceAll("\\s+", " "))
                .contains("add-remove", "replace", "Poisson", "without replacement", "standard deviation", "Examples:")
                .contains("unit that is protected")
                .doesNotContain("${");
    }

    @Test
    void withoutCommandItNamesThem() {
        Outcome outcome = run("dp");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains("epsilon, sigma", "plan");
    }
}
