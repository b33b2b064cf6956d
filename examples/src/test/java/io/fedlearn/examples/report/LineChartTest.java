package io.fedlearn.examples.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.StringReader;
import java.util.List;
import java.util.OptionalDouble;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

final class LineChartTest {
    private static Document parse(LineChart chart) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(chart.toSvg())));
    }

    private static List<String> curves(Document svg) {
        NodeList groups = svg.getElementsByTagName("g");
        return java.util.stream.IntStream.range(0, groups.getLength())
                .mapToObj(i -> ((Element) ((Element) groups.item(i))
                                .getElementsByTagName("path")
                                .item(0))
                        .getAttribute("d"))
                .toList();
    }

    @Test
    void higherValuesLieHigherAndLaterOnesFurtherRight() throws Exception {
        LineChart chart = LineChart.of("round", "AUC")
                .with("a & <b>", List.of(new LineChart.Point(1, 0.5), new LineChart.Point(3, 0.9)));
        assertThat(curves(parse(chart)).get(0)).isEqualTo("M62 278L546 12");
    }

    @Test
    void leavesOutWhatIsUndefined() throws Exception {
        List<LineChart.Point> points =
                LineChart.points(1, List.of(OptionalDouble.of(0.1), OptionalDouble.empty(), OptionalDouble.of(0.3)));
        assertThat(points).containsExactly(new LineChart.Point(1, 0.1), new LineChart.Point(3, 0.3));
        assertThat(LineChart.of("round", "AUC").with("va", points).toSvg()).doesNotContain("NaN");
    }

    @Test
    void drawsConstantSingleAndEmptyCurves() throws Exception {
        for (List<LineChart.Point> points : List.of(
                List.<LineChart.Point>of(),
                List.of(new LineChart.Point(1, 0.5)),
                List.of(new LineChart.Point(1, 0.5), new LineChart.Point(2, 0.5)))) {
            assertThat(parse(LineChart.of("round", "loss").with("all", points))
                            .getDocumentElement()
                            .getTextContent())
                    .contains("all")
                    .doesNotContain("NaN", "Infinity");
        }
    }

    @Test
    void unitSquareHasADiagonalFromCornerToCorner() {
        assertThat(LineChart.ofUnitSquare("x", "y").toSvg()).contains("class=\"diagonal\" d=\"M62 278L546 12\"");
    }

    @Test
    void octavesAreEquallyWide() throws Exception {
        LineChart chart = LineChart.ofOctaves("FP/scan", "sensitivity")
                .with(
                        "curve",
                        List.of(new LineChart.Point(0.125, 0), new LineChart.Point(1, 0.5), new LineChart.Point(8, 1)));

        assertThat(curves(parse(chart)).get(0)).isEqualTo("M62 278L304 145L546 12");
        assertThat(parse(chart).getDocumentElement().getTextContent())
                .contains("1/8", "1/4", "1/2", "1", "2", "4", "8")
                .doesNotContain("16", "1/16");
    }

    @Test
    void drawsABandBehindItsCurve() throws Exception {
        LineChart chart = LineChart.ofUnitSquare("x", "y")
                .with(
                        "curve",
                        List.of(new LineChart.Point(0, 0.5), new LineChart.Point(1, 0.5)),
                        List.of(new LineChart.Range(0, 0, 1), new LineChart.Range(1, 0.5, 1)));

        assertThat(curves(parse(chart)).get(0)).isEqualTo("M62 12L546 12L546 145L62 278Z");
        assertThat(chart.toPng()).isNotEmpty();
    }

    @Test
    void refusesZeroOnAnAxisOfOctaves() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LineChart.ofOctaves("x", "y")
                        .with("curve", List.of(new LineChart.Point(0, 0)))
                        .toSvg())
                .withMessageContaining("x must be > 0");
        assertThat(LineChart.ofOctaves("x", "y").with("none", List.of()).toSvg())
                .doesNotContain("NaN");
    }
}
