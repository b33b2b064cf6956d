package io.fedlearn.luna16.froc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.luna16.dataset.ReferenceStandard;
import io.fedlearn.luna16.dataset.Submission;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The score against the same rules in NumPy; {@code src/test/python/froc_golden.py} wrote cases and values. */
final class FrocGoldenTest {
    private static final Offset<Double> ROUNDING = within(1e-12);

    private static Path file(String name, String file) throws URISyntaxException {
        return Path.of(Objects.requireNonNull(FrocGoldenTest.class.getResource(name + "/" + file))
                .toURI());
    }

    private static Map<String, double[]> expected(String name) throws Exception {
        Map<String, double[]> values = new HashMap<>();
        for (String line : Files.readAllLines(file(name, "expected.csv"))) {
            String[] parts = line.split(",");
            double[] numbers = new double[parts.length - 1];
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = Double.parseDouble(parts[i + 1]);
            }
            values.put(parts[0], numbers);
        }
        return values;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mixed",
                "crowded",
                "overlapping",
                "logits",
                "few-nodules",
                "no-false-positives",
                "nothing-found",
                "no-marks",
                "rounding"
            })
    void agreesWithNumpy(String name) throws Exception {
        ReferenceStandard reference = ReferenceStandard.read(
                file(name, "annotations.csv"), file(name, "annotations_excluded.csv"), file(name, "seriesuids.csv"));
        FrocResult result = Froc.builder()
                .bootstraps(200)
                .seed(42)
                .build()
                .score(reference, Submission.read(file(name, "submission.csv")));

        FrocBand band = result.band().orElseThrow();
        Map<String, double[]> actual = new HashMap<>();
        actual.put("cpm", new double[] {result.cpm()});
        FrocCounts counts = result.counts();
        actual.put("count nodules", new double[] {counts.nodules()});
        actual.put("count marks", new double[] {counts.marks()});
        actual.put("count tp", new double[] {counts.truePositives()});
        actual.put("count fp", new double[] {counts.falsePositives()});
        actual.put("count fn", new double[] {counts.falseNegatives()});
        actual.put("count ignored", new double[] {counts.ignored()});
        actual.put("count doubles", new double[] {counts.doubles()});
        actual.put("count surplus", new double[] {counts.surplus()});
        for (int i = 0; i < Froc.RATES.size(); i++) {
            double rate = Froc.RATES.get(i);
            actual.put(
                    "sensitivity " + rate,
                    new double[] {result.operatingPoints().get(i).sensitivity()});
            actual.put("spread " + rate, numbers(band.operatingPoints().get(i).sensitivity()));
        }
        actual.put("spread cpm", numbers(band.cpm()));
        for (int i = 0; i < Froc.BAND_POINTS; i += 1111) {
            actual.put("band " + i, numbers(band.points().get(i).sensitivity()));
        }

        Map<String, double[]> expected = expected(name);
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        expected.forEach((what, values) -> assertThat(actual.get(what)).as(what).containsExactly(values, ROUNDING));
    }

    private static double[] numbers(FrocBand.Spread spread) {
        return new double[] {spread.mean(), spread.lower(), spread.upper()};
    }
}
