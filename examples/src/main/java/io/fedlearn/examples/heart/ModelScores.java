package io.fedlearn.examples.heart;

import io.fedlearn.core.metric.ScoreHistogram;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.models.DenseModel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a model is worth on the test patients of each hospital, and of all together.
 *
 * @param hospitals by name; a hospital without test patients is absent
 * @param scores of all test patients
 */
record ModelScores(Map<String, Evaluation> hospitals, ScoreHistogram scores) {
    /** Tests a model at every hospital that has test patients. */
    static ModelScores of(HeartModel kind, Model model, List<Hospital> hospitals) {
        DenseModel classifier = kind.create();
        classifier.load(model);
        Map<String, Evaluation> evaluations = new LinkedHashMap<>();
        ScoreHistogram all = ScoreHistogram.empty();
        for (Hospital hospital : hospitals) {
            if (hospital.test().exampleCount() > 0) {
                Evaluation evaluation = Evaluation.of(classifier, hospital.test());
                evaluations.put(hospital.name(), evaluation);
                evaluation.scores().ifPresent(all::add);
            }
        }
        return new ModelScores(evaluations, all);
    }

    /** The area under the curve of all test patients. */
    OptionalDouble auc() {
        return scores.auc();
    }

    /** The area under the curve at one hospital; empty if it is undefined or nobody was tested. */
    OptionalDouble auc(String hospital) {
        return metric(hospital, Evaluation.AUC);
    }

    /** A metric at one hospital. */
    OptionalDouble metric(String hospital, String name) {
        return Optional.ofNullable(hospitals.get(hospital))
                .map(evaluation -> evaluation.metrics().get(name))
                .orElse(OptionalDouble.empty());
    }

    /** A metric as the mean over all test patients, as accuracy and loss are. */
    OptionalDouble mean(String name) {
        double sum = 0;
        long count = 0;
        for (Evaluation evaluation : hospitals.values()) {
            sum += evaluation.metrics().get(name).orElseThrow() * evaluation.exampleCount();
            count += evaluation.exampleCount();
        }
        return count == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / count);
    }
}
