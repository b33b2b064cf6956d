package io.fedlearn.core.record;

import io.fedlearn.core.metric.Metrics;
import java.util.List;

/**
 * What the model of a round was worth.
 *
 * @param metrics over all sites' test examples together, or of the coordinator's own evaluation if sites have none
 * @param central what the coordinator measured on examples of its own; empty if it has none
 * @param clients what each site measured, and how its task ended
 */
public record EvaluationRecord(Metrics metrics, Metrics central, List<OutcomeRecord> clients) {
    private static final EvaluationRecord NONE = new EvaluationRecord(Metrics.none(), Metrics.none(), List.of());

    /** Copies the list. */
    public EvaluationRecord {
        clients = List.copyOf(clients);
    }

    /** Nothing was evaluated. */
    public static EvaluationRecord none() {
        return NONE;
    }
}
