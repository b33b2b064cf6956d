package io.fedlearn.pg.run;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.pg.PgException;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/** A run in the database, without a choice of what to do when it is away: that is a failure with a {@link PgException} as its cause. */
interface RunInDatabase {
    /** The name of the run. */
    String runId();

    /** As {@link RunStore#load}; leads the run from then on. */
    Optional<SavedRun> load();

    /** As {@link RunStore#create}; leads the run from then on. */
    void create(RunHeader header, Checkpoint initial);

    /**
     * As {@link RunStore#commit}, with records of rounds before it that were committed elsewhere. A round that is there already, by a
     * commit whose outcome was unknown, counts as committed.
     *
     * @param before the rounds since the latest one here, without the checkpoint's own
     */
    void commit(List<RoundRecord> before, Checkpoint checkpoint, IntPredicate isBest);

    /** As {@link RunStore#model}. */
    Optional<Model> model(int round);

    /**
     * Whether the database has confirmed, not long ago, that this coordinator leads.
     *
     * @throws LeaseLostException if another does
     */
    boolean isLed();

    /** As {@link RunStore#close}. */
    void close();

    /** Whether this failed because the database cannot be reached, or was lost while it committed. */
    static boolean isAway(Throwable failure) {
        Throwable cause = failure;
        for (int depth = 0; cause != null && depth < 10; depth++) {
            if (cause instanceof PgException) {
                PgException e = (PgException) cause;
                return e.isUnreachable() || e.isOutcomeUnknown();
            }
            cause = cause.getCause();
        }
        return false;
    }

    /** A run that may be saved elsewhere for a while. */
    interface Front extends RunStore {
        /** Copies what was saved elsewhere; how many rounds it was. */
        int reconcile();
    }
}
