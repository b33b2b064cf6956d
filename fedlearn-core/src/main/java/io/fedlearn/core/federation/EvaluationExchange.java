package io.fedlearn.core.federation;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.metric.ScoreHistogram;
import io.fedlearn.core.strategy.Exchange;
import io.fedlearn.core.strategy.Weighting;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.update.InvalidUpdateException;
import io.fedlearn.core.update.UpdateCheck;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Asks sites what a model is worth on their test examples. Overall, scalar metrics are averaged with the strategy's weighting; AUC and
 * sensitivity are those of all score histograms together, since an average of AUCs is not one.
 */
final class EvaluationExchange implements Exchange {
    private static final UpdateCheck CHECK = new UpdateCheck(1 << 20, UpdateCheck.DEFAULT_MAX_EXAMPLE_COUNT);

    private final List<String> clients;
    private final Model model;
    private final Function<String, Config> config;
    private final Map<String, Model> tensors;
    private final Weighting weighting;
    private final MetricsMean mean = new MetricsMean();
    private final ScoreHistogram scores = ScoreHistogram.empty();

    /**
     * @param config what each client is told, as for training, since a site may evaluate what it would train from
     * @param tensors beside the model, as for training
     */
    EvaluationExchange(
            List<String> clients,
            Model model,
            Function<String, Config> config,
            Map<String, Model> tensors,
            Weighting weighting) {
        this.clients = clients;
        this.model = model;
        this.config = config;
        this.tensors = tensors;
        this.weighting = weighting;
    }

    @Override
    public TaskKind kind() {
        return TaskKind.EVALUATE;
    }

    @Override
    public List<String> clients() {
        return clients;
    }

    @Override
    public void instruct(String clientId, Task.Builder task) {
        task.model(model).config(config.apply(clientId));
        tensors.forEach(task::tensors);
    }

    @Override
    public void check(String clientId, ClientUpdate update) {
        CHECK.checkSizes(update);
        if (update.exampleCount() < 1) {
            throw InvalidUpdateException.of("the example count must be >= 1, was " + update.exampleCount());
        }
        Model histogram = update.tensors().get(Evaluation.SCORES);
        if (histogram != null) {
            try {
                ScoreHistogram counts = ScoreHistogram.ofTensors(histogram);
                if (counts.positiveCount() + counts.negativeCount() > update.exampleCount()) {
                    throw InvalidUpdateException.of("the score histogram counts more scores than there are examples");
                }
            } catch (IllegalArgumentException e) {
                throw InvalidUpdateException.of(String.valueOf(e.getMessage()));
            }
        }
    }

    @Override
    public Map<String, String> accept(List<Answer> answers) {
        for (Answer answer : answers) {
            mean.add(answer.update().metrics(), weighting.weight(answer.update()));
            Model histogram = answer.update().tensors().get(Evaluation.SCORES);
            if (histogram != null) {
                scores.add(ScoreHistogram.ofTensors(histogram));
            }
        }
        return Map.of();
    }

    /** The metrics over all sites' examples together. */
    Metrics metrics() {
        return Evaluation.withScores(mean.result(), scores);
    }
}
