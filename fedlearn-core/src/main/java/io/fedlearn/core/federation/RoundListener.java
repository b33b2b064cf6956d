package io.fedlearn.core.federation;

import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.task.TaskKind;
import java.util.List;

/**
 * Hears how a run goes: for progress bars, pages and metrics. Called from the coordinator's thread, one call at a time, except
 * {@link #clientProgress}. What a listener throws is logged and harms nothing.
 */
public interface RoundListener {
    /**
     * The run starts, or goes on.
     *
     * @param completedRounds how many rounds the store held already
     * @param plannedRounds how many there will be in all
     * @param notices what the store had to put right
     */
    default void runStarted(RunHeader header, int completedRounds, int plannedRounds, List<String> notices) {}

    /** A round starts with this cohort. */
    default void roundStarted(int round, List<String> cohort) {}

    /** Clients are asked something. */
    default void exchangeStarted(int round, TaskKind kind, List<String> clients) {}

    /** A client has begun its task. */
    default void clientStarted(int round, TaskKind kind, String clientId) {}

    /** A client says how far it is. Called often and from any thread, several at a time. */
    default void clientProgress(int round, TaskKind kind, String clientId, long done, long total) {}

    /**
     * A client's task has ended. Comes a second time, as rejected, for an update that turned out to be malformed only when it was
     * to be aggregated.
     */
    default void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {}

    /** A round has ended and is saved. */
    default void roundFinished(RoundRecord record) {}

    /** The run has ended by itself; not called when it fails. */
    default void runFinished(Run run) {}
}
