package io.fedlearn.core.training;

import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.random.SeededRandom;
import java.util.List;

/** Trains a local model on a source for the epochs of one task. Stateless. */
public final class LocalTrainer {
    private LocalTrainer() {}

    /**
     * What came of local training.
     *
     * @param meanLoss over the examples of the last epoch that was begun, each at the parameters of its step
     * @param steps how many steps the optimizer took
     * @param epochs how many epochs were finished
     * @param examples how many examples one epoch has
     */
    public record Result(double meanLoss, long steps, int epochs, long examples) {}

    /**
     * Trains in place. Epoch {@code e} shuffles by a seed derived from {@code (seed, e)}.
     *
     * @throws InterruptedException if the task was cancelled
     * @throws IllegalArgumentException if the source has no example
     * @throws IllegalStateException if the source gives more or fewer examples than it says it has
     */
    public static Result train(
            LocalModel model,
            ExampleSource source,
            TrainingSettings settings,
            List<LocalCorrection> corrections,
            long seed,
            TaskContext context)
            throws InterruptedException {
        long examples = source.exampleCount();
        if (examples == 0) {
            throw new IllegalArgumentException("there is no example to train on");
        }
        int capacity = (int) Math.min(settings.batchSize(), examples);
        Batch batch = Batch.of(capacity, source);
        float[] gradient = new float[model.trainables().length];
        long stepsPerEpoch = (examples + capacity - 1) / capacity;
        long limit = settings.maxSteps() == 0 ? Long.MAX_VALUE : settings.maxSteps();
        long planned = Math.min(limit, stepsPerEpoch * settings.localEpochs());
        model.startTraining(settings, SeededRandom.derive(seed, "training"));
        long steps = 0;
        int epochs = 0;
        double meanLoss = 0;
        while (epochs < settings.localEpochs() && steps < limit) {
            double lossSum = 0;
            long seen = 0;
            int epoch = epochs;
            model.beginEpoch(epoch);
            try (BatchReader reader = source.open(ExampleOrder.shuffled(SeededRandom.derive(seed, epochs)))) {
                while (steps < limit && reader.read(batch)) {
                    if (context.isCancelled() || Thread.interrupted()) {
                        throw new InterruptedException("local training was cancelled");
                    }
                    double loss = model.lossAndGradient(batch, gradient);
                    for (LocalCorrection correction : corrections) {
                        correction.correct(gradient, model.trainables());
                    }
                    model.applyGradient(gradient);
                    lossSum += loss * batch.size();
                    seen += batch.size();
                    steps++;
                    context.progress(steps, planned);
                }
            }
            if (seen != examples && steps < limit) {
                // Without this check, a source that lost examples would be read for ever.
                throw new IllegalStateException(
                        "the source gave " + seen + " examples in an epoch and says it has " + examples);
            }
            model.endEpoch(epoch);
            meanLoss = lossSum / seen;
            if (seen == examples) {
                epochs++;
            }
        }
        return new Result(meanLoss, steps, epochs, examples);
    }
}
