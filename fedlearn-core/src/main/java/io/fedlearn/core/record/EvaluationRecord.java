package io.fedlearn.core.record;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.training.Evaluation;
import java.util.List;

/**
 * What the model of a round was worth.
 *
 * @param metrics over all sites' test examples together, or of the coordinator's own evaluation if sites have none
 * @param central what the coordinator measured on examples of its own; empty if it has none
 * @param clients what each site measured, and how its task ended
 */
public record EvaluationRecord(Metrics metrics, Metrics central, List<OutcomeRecord> clients) {
    private static final String DECLINED = new ClientOutcome.Declined("").word();
    private static final EvaluationRecord NONE = new EvaluationRecord(Metrics.none(), Metrics.none(), List.of());

    /** Copies the list. */
    public EvaluationRecord {
        clients = List.copyOf(clients);
    }

    /** Nothing was evaluated. */
    public static EvaluationRecord none() {
        return NONE;
    }

    /** How many sites should have evaluated: all that were asked but those that declined, as one without test examples does. */
    public int sites() {
        return (int) clients.stream()
                .filter(site -> !site.outcome().equals(DECLINED))
                .count();
    }

    /**
     * How many of them gave what {@link #metrics()} has under this name. AUC and sensitivity are made of score histograms, so
     * that they are over the sites that sent one, whether or not such a figure is defined for the site alone. 0 if no site gave it:
     * the figure is the coordinator's own, or there is none.
     */
    public int givenBy(String metric) {
        boolean isOfScores = metric.equals(Evaluation.AUC) || metric.equals(Evaluation.SENSITIVITY_AT_90);
        if (isOfScores && clients.stream().anyMatch(EvaluationRecord::hasScores)) {
            return (int) clients.stream().filter(EvaluationRecord::hasScores).count();
        }
        return (int) clients.stream()
                .filter(site -> site.isCompleted() && site.metrics().get(metric).isPresent())
                .count();
    }

    /** The only tensors of an evaluation are those of the histogram. */
    private static boolean hasScores(OutcomeRecord site) {
        return site.isCompleted() && site.updateBytes() > 0;
    }
}
