package io.fedlearn.core.training;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.metric.ScoreHistogram;
import io.fedlearn.core.task.ClientUpdate;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a model is worth on a source: the mean {@value #LOSS}; {@value #ACCURACY} for classes, {@value #RMSE} for
 * values; for two classes also {@value #AUC}, {@value #SENSITIVITY_AT_90} and the histogram of scores that they come from.
 *
 * @param metrics what is defined: no AUC where one class is missing
 * @param exampleCount how many examples it rests on
 * @param scores of a binary classifier
 */
public record Evaluation(Metrics metrics, long exampleCount, Optional<ScoreHistogram> scores) {
    /** Metric {@value}: the mean loss. */
    public static final String LOSS = "loss";

    /** Metric {@value}: the share of examples whose most probable class is the true one. */
    public static final String ACCURACY = "accuracy";

    /** Metric {@value}: the area under the ROC curve. */
    public static final String AUC = "auc";

    /** Metric {@value}: the sensitivity at 90 % specificity. */
    public static final String SENSITIVITY_AT_90 = "sensitivityAt90";

    /** Metric {@value}: the root of the mean squared error. */
    public static final String RMSE = "rmse";

    /** Tensors {@value} of an evaluation's update: the score histogram. */
    public static final String SCORES = "scores";

    private static final int BATCH_SIZE = 256;

    /**
     * Evaluates on every example of the source once.
     *
     * @throws IllegalArgumentException if the source has no example, or its targets are not as many as a regression's
     *     outputs
     */
    public static Evaluation of(LocalModel model, ExampleSource source) {
        if (source.exampleCount() == 0) {
            throw new IllegalArgumentException("there is no example to evaluate on");
        }
        if (model.objective() == Objective.REGRESSION && model.outputLength() != source.targetLength()) {
            throw new IllegalArgumentException("a regression's targets must be as many as the model's "
                    + model.outputLength() + " outputs, were " + source.targetLength());
        }
        Batch batch = Batch.of((int) Math.min(BATCH_SIZE, source.exampleCount()), source);
        float[] outputs = new float[batch.capacity() * model.outputLength()];
        Tally tally = new Tally(model);
        try (BatchReader reader = source.open(ExampleOrder.sequential())) {
            while (reader.read(batch)) {
                tally.loss += model.evaluate(batch, outputs);
                tally.add(batch, outputs);
            }
        }
        return tally.result();
    }

    /** These metrics with those of the ROC curve, where it is defined: {@value #AUC} and {@value #SENSITIVITY_AT_90}. */
    public static Metrics withScores(Metrics metrics, ScoreHistogram scores) {
        OptionalDouble auc = scores.auc();
        OptionalDouble sensitivity = scores.sensitivityAt(0.9);
        return auc.isEmpty() || sensitivity.isEmpty()
                ? metrics
                : metrics.with(AUC, auc.getAsDouble()).with(SENSITIVITY_AT_90, sensitivity.getAsDouble());
    }

    /** The answer to an evaluation task. */
    public ClientUpdate toUpdate() {
        ClientUpdate update = ClientUpdate.ofMetrics(metrics, exampleCount);
        return scores.map(histogram -> update.withTensors(SCORES, histogram.toTensors()))
                .orElse(update);
    }

    private static final class Tally {
        private final Objective objective;
        private final int outputLength;
        private final ScoreHistogram scores = ScoreHistogram.empty();
        private double loss;
        private double squaredError;
        private long correct;
        private long count;

        Tally(LocalModel model) {
            this.objective = model.objective();
            this.outputLength = model.outputLength();
        }

        void add(Batch batch, float[] outputs) {
            for (int i = 0; i < batch.size(); i++) {
                switch (objective) {
                    case BINARY -> addBinary(outputs[i], batch.targets()[i] > 0.5f);
                    case MULTICLASS -> {
                        if (mostProbable(outputs, i * outputLength) == (int) batch.targets()[i]) {
                            correct++;
                        }
                    }
                    case REGRESSION -> {
                        for (int j = 0; j < outputLength; j++) {
                            double error = outputs[i * outputLength + j] - batch.targets()[i * outputLength + j];
                            squaredError += error * error;
                        }
                    }
                }
            }
            count += batch.size();
        }

        private void addBinary(float probability, boolean positive) {
            scores.add(probability, positive);
            if (probability >= 0.5f == positive) {
                correct++;
            }
        }

        private int mostProbable(float[] outputs, int from) {
            int best = 0;
            for (int j = 1; j < outputLength; j++) {
                if (outputs[from + j] > outputs[from + best]) {
                    best = j;
                }
            }
            return best;
        }

        Evaluation result() {
            Metrics metrics = Metrics.of(LOSS, loss / count);
            if (objective == Objective.REGRESSION) {
                metrics = metrics.with(RMSE, Math.sqrt(squaredError / (count * outputLength)));
                return new Evaluation(metrics, count, Optional.empty());
            }
            metrics = metrics.with(ACCURACY, (double) correct / count);
            if (objective == Objective.MULTICLASS) {
                return new Evaluation(metrics, count, Optional.empty());
            }
            return new Evaluation(withScores(metrics, scores), count, Optional.of(scores));
        }
    }
}
