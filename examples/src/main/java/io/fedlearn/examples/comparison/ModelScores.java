package io.fedlearn.examples.comparison;

import io.fedlearn.core.metric.ScoreHistogram;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.examples.report.LineChart;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a model is worth on the test examples of each hospital, and of all together.
 *
 * @param hospitals by name; a hospital without test examples is absent
 * @param scores of all test examples
 */
public record ModelScores(Map<String, Evaluation> hospitals, ScoreHistogram scores) {
    /**
     * Tests a model at every hospital that has test examples.
     *
     * @param evaluator takes the model over to apply it
     * @param tests by hospital
     */
    public static ModelScores of(LocalModel evaluator, Model model, Map<String, ? extends ExampleSource> tests) {
        evaluator.load(model);
        Map<String, Evaluation> evaluations = new LinkedHashMap<>();
        ScoreHistogram all = ScoreHistogram.empty();
        tests.forEach((hospital, test) -> {
            if (test.exampleCount() > 0) {
                Evaluation evaluation = Evaluation.of(evaluator, test);
                evaluations.put(hospital, evaluation);
                evaluation.scores().ifPresent(all::add);
            }
        });
        return new ModelScores(evaluations, all);
    }

    /** The area under the curve of all test examples. */
    public OptionalDouble auc() {
        return scores.auc();
    }

    /** The area under the curve at one hospital; empty if it is undefined or nothing was tested. */
    public OptionalDouble auc(String hospital) {
        return metric(hospital, Evaluation.AUC);
    }

    /** A metric at one hospital. */
    public OptionalDouble metric(String hospital, String name) {
        return Optional.ofNullable(hospitals.get(hospital))
                .map(evaluation -> evaluation.metrics().get(name))
                .orElse(OptionalDouble.empty());
    }

    /** A metric as the mean over all test examples, as accuracy and loss are. */
    public OptionalDouble mean(String name) {
        double sum = 0;
        long count = 0;
        for (Evaluation evaluation : hospitals.values()) {
            sum += evaluation.metrics().get(name).orElseThrow() * evaluation.exampleCount();
            count += evaluation.exampleCount();
        }
        return count == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / count);
    }

    /**
     * The ROC curves of all hospitals together and of each.
     *
     * @param negativesTaken what the horizontal axis shows, such as "healthy taken for ill"
     * @param positivesFound what the vertical axis shows
     */
    public LineChart roc(String negativesTaken, String positivesFound) {
        LineChart chart = LineChart.ofUnitSquare(negativesTaken, positivesFound).with("overall", points(scores));
        for (Map.Entry<String, Evaluation> hospital : hospitals.entrySet()) {
            chart = chart.with(
                    hospital.getKey(),
                    hospital.getValue().scores().map(ModelScores::points).orElse(List.of()));
        }
        return chart;
    }

    private static List<LineChart.Point> points(ScoreHistogram histogram) {
        return histogram.roc().stream()
                .map(point -> new LineChart.Point(point.falsePositiveRate(), point.truePositiveRate()))
                .toList();
    }
}
