package io.fedlearn.core.record;

import io.fedlearn.core.metric.Metrics;

/**
 * How one client's task ended.
 *
 * @param clientId who was asked
 * @param outcome the word of the {@link io.fedlearn.core.task.ClientOutcome}
 * @param reason why, for a person; empty if there is nothing to explain
 * @param exampleCount that the client reported
 * @param weight with which its update entered the aggregate; 0 if it did not
 * @param metrics that it reported
 * @param updateBytes of all tensors of its answer, as they came
 * @param savedBytes how many more its update had when it was decoded; 0 if it was not encoded or did not enter the aggregate
 * @param seconds from when it started until it had answered; 0 if it never started
 */
public record OutcomeRecord(
        String clientId,
        String outcome,
        String reason,
        long exampleCount,
        double weight,
        Metrics metrics,
        long updateBytes,
        long savedBytes,
        double seconds) {
    /** The word of a client that answered well. */
    public static final String COMPLETED = "completed";

    /** Whether the client answered well. */
    public boolean isCompleted() {
        return outcome.equals(COMPLETED);
    }

    /** The same outcome of a client whose update entered the aggregate. */
    public OutcomeRecord aggregated(double aggregationWeight, long bytesSaved) {
        return new OutcomeRecord(
                clientId, outcome, reason, exampleCount, aggregationWeight, metrics, updateBytes, bytesSaved, seconds);
    }
}
