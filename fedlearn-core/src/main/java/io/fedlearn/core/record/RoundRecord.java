package io.fedlearn.core.record;

import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.Config;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Everything about one round that explains its model, and from which, with the model before and the strategy's state, it can be
 * replayed. Immutable.
 *
 * @param round counted from 1
 * @param abortReason why the round gave no new model; empty if it did
 * @param seed of the run
 * @param strategy the published name of the algorithm
 * @param settings of the run
 * @param clientConfig what every client was told
 * @param baseDigest of the model that the round started from
 * @param modelDigest of the model that it ended with; the same if it was aborted
 * @param cohort who was asked to train, in order
 * @param outcomes how that ended for each, in the same order; of several exchanges, the last that asked the client
 * @param trainMetrics that completed clients reported, averaged by example count
 * @param evaluation what the new model is worth
 * @param lateUpdates ids of tasks that were answered after nobody waited any more, since the round before
 * @param privacySpent by the end of the round, in a private run
 * @param auditHead of the audit log when the round was saved, if there is one
 * @param libraryVersion that computed it
 * @param startedAt by the coordinator's clock
 * @param seconds from start to save
 */
public record RoundRecord(
        int round,
        Optional<String> abortReason,
        long seed,
        String strategy,
        Config settings,
        Config clientConfig,
        String baseDigest,
        String modelDigest,
        List<String> cohort,
        List<OutcomeRecord> outcomes,
        Metrics trainMetrics,
        EvaluationRecord evaluation,
        List<String> lateUpdates,
        Optional<PrivacySpent> privacySpent,
        Optional<AuditHead> auditHead,
        String libraryVersion,
        Instant startedAt,
        double seconds) {
    /** Copies the lists. */
    public RoundRecord {
        cohort = List.copyOf(cohort);
        outcomes = List.copyOf(outcomes);
        lateUpdates = List.copyOf(lateUpdates);
    }

    /** Whether the round gave no new model. */
    public boolean isAborted() {
        return abortReason.isPresent();
    }

    /** What the round's model is worth: the evaluation's metrics over all sites. */
    public Metrics metrics() {
        return evaluation.metrics();
    }
}
