package io.fedlearn.examples.froc;

import io.fedlearn.examples.report.LineChart;
import io.fedlearn.luna16.froc.FrocBand;
import io.fedlearn.luna16.froc.FrocResult;
import io.fedlearn.luna16.froc.OperatingPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** FROC curves over an axis on which each rate is as far from the next as that from its own. */
public final class FrocChart {
    /** How many straight pieces a curve is drawn with; the rates of the score are among their ends. */
    private static final int PIECES = 384;

    private FrocChart() {}

    /** One curve, with its band if it has one. */
    public static LineChart of(String name, FrocResult result) {
        return of(Map.of(name, result));
    }

    /** Curves by their names, in the map's order, with the bands of those that have one. */
    public static LineChart of(Map<String, FrocResult> results) {
        LineChart chart = LineChart.ofOctaves("false positives per scan", "sensitivity");
        for (Map.Entry<String, FrocResult> named : results.entrySet()) {
            FrocResult result = named.getValue();
            List<Double> rates = rates(result);
            List<LineChart.Point> points = rates.stream()
                    .map(rate -> new LineChart.Point(rate, result.curve().sensitivityAt(rate)))
                    .toList();
            chart = chart.with(
                    named.getKey(),
                    points,
                    result.band().map(band -> ranges(band, rates)).orElse(List.of()));
        }
        return chart;
    }

    private static List<Double> rates(FrocResult result) {
        List<OperatingPoint> operating = result.operatingPoints();
        double least = operating.get(0).falsePositivesPerScan();
        double most = operating.get(operating.size() - 1).falsePositivesPerScan();
        List<Double> rates = new ArrayList<>();
        for (int i = 0; i <= PIECES; i++) {
            rates.add(i == PIECES ? most : least * Math.pow(most / least, (double) i / PIECES));
        }
        return rates;
    }

    /** The band has many more places than can be drawn: those nearest to the rates. */
    private static List<LineChart.Range> ranges(FrocBand band, List<Double> rates) {
        List<FrocBand.Point> points = band.points();
        double first = points.get(0).falsePositivesPerScan();
        double last = points.get(points.size() - 1).falsePositivesPerScan();
        List<LineChart.Range> ranges = new ArrayList<>();
        for (double rate : rates) {
            int nearest = last == first ? 0 : (int) Math.round((rate - first) / (last - first) * (points.size() - 1));
            FrocBand.Spread spread = points.get(nearest).sensitivity();
            ranges.add(new LineChart.Range(rate, spread.lower(), spread.upper()));
        }
        return ranges;
    }
}
