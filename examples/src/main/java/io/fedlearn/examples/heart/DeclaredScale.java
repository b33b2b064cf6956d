package io.fedlearn.examples.heart;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.InMemoryExamples;
import java.util.List;
import java.util.Map;

/**
 * A scale for the features that comes from no patient's file: round numbers for adults who see a cardiologist, as textbooks have
 * them. Private training takes it in place of the hospitals' own statistics, which are exact and therefore cannot be released.
 */
final class DeclaredScale {
    private record Scale(float mean, float deviation) {}

    private static final Map<String, Scale> NUMERIC = Map.of(
            "age", new Scale(55, 10),
            "trestbps", new Scale(130, 20),
            "chol", new Scale(220, 50),
            "thalach", new Scale(140, 25),
            "oldpeak", new Scale(1, 1),
            "ca", new Scale(1, 1));

    /** Of a feature that is 0 or 1. */
    private static final Scale INDICATOR = new Scale(0.5f, 0.5f);

    private DeclaredScale() {}

    /** Statistics that a model standardises its inputs by. */
    static FeatureStatistics statistics() {
        List<String> names = HeartTable.SCHEMA.featureNames();
        int features = names.size();
        // Two made-up rows, one deviation below and above the mean, have just this mean and deviation.
        float[] rows = new float[2 * features];
        for (int j = 0; j < features; j++) {
            Scale scale = NUMERIC.getOrDefault(names.get(j), INDICATOR);
            rows[j] = scale.mean() - scale.deviation();
            rows[features + j] = scale.mean() + scale.deviation();
        }
        return FeatureStatistics.of(InMemoryExamples.wrap(Shape.of(features), rows, new float[2]));
    }
}
