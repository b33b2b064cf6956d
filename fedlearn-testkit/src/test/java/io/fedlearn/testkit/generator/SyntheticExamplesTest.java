package io.fedlearn.testkit.generator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.InMemoryExamples;
import org.junit.jupiter.api.Test;

class SyntheticExamplesTest {
    private static Batch all(InMemoryExamples examples) {
        Batch batch = Batch.of((int) examples.exampleCount(), examples);
        try (BatchReader reader = examples.open(ExampleOrder.sequential())) {
            reader.read(batch);
        }
        return batch;
    }

    @Test
    void perceptronSeparatesTheClasses() {
        int features = 3;
        int classes = 4;
        Batch batch = all(SyntheticExamples.separableClasses(1, 200, features, classes));
        double[][] weights = new double[classes][features];
        int mistakes = 1;
        // A perceptron stops making mistakes if, and only if, the classes can be separated.
        for (int pass = 0; pass < 10_000 && mistakes > 0; pass++) {
            mistakes = 0;
            for (int i = 0; i < batch.size(); i++) {
                int target = (int) batch.targets()[i];
                int guess = best(weights, batch.features(), i * features);
                if (guess != target) {
                    mistakes++;
                    for (int j = 0; j < features; j++) {
                        weights[target][j] += batch.features()[i * features + j];
                        weights[guess][j] -= batch.features()[i * features + j];
                    }
                }
            }
        }

        assertThat(mistakes).isZero();
        assertThat(batch.targets()).contains(0, 1, 2, 3);
    }

    private static int best(double[][] weights, float[] rows, int from) {
        int best = 0;
        double most = Double.NEGATIVE_INFINITY;
        for (int c = 0; c < weights.length; c++) {
            double score = 0;
            for (int j = 0; j < weights[c].length; j++) {
                score += weights[c][j] * rows[from + j];
            }
            if (score > most) {
                most = score;
                best = c;
            }
        }
        return best;
    }

    @Test
    void regressionTargetsFollowTheFeatures() {
        Batch batch = all(SyntheticExamples.regression(1, 500, 1, 2));

        assertThat(batch.targetLength()).isEqualTo(2);
        // One feature and a direction of length 1: the target is the feature or its opposite, and noise.
        double[] products = new double[2];
        for (int i = 0; i < batch.size(); i++) {
            for (int t = 0; t < 2; t++) {
                products[t] += batch.features()[i] * batch.targets()[2 * i + t] / batch.size();
            }
        }
        assertThat(Math.abs(products[0])).isBetween(0.7, 1.3);
        assertThat(Math.abs(products[1])).isBetween(0.7, 1.3);
    }

    @Test
    void sameArgumentsGiveSameExamples() {
        assertThat(all(SyntheticExamples.separableClasses(1, 20, 2, 2)).features())
                .isEqualTo(all(SyntheticExamples.separableClasses(1, 20, 2, 2)).features())
                .isNotEqualTo(
                        all(SyntheticExamples.separableClasses(2, 20, 2, 2)).features());
    }

    @Test
    void refusesASingleClass() {
        assertThatIllegalArgumentException().isThrownBy(() -> SyntheticExamples.separableClasses(1, 5, 2, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> SyntheticExamples.regression(1, 5, 0, 1));
    }
}
