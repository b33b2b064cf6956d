package io.fedlearn.pg.run;

import io.fedlearn.core.store.FallbackRunStore;
import java.time.Duration;
import java.util.Optional;

/**
 * What a run does when a round is done and the database cannot be reached: stop, wait, or go on in another store for the time being.
 * Immutable.
 *
 * <p>While the database is away the lease cannot be renewed either. A coordinator that still reaches it takes the run over when the
 * lease has ended, and goes on from the last round there. What was saved elsewhere meanwhile is then a branch: it is refused, by
 * {@link DivergedRunException}, and stays whole where it is.
 */
public final class WhenUnreachable {
    private final Duration limit;
    private final Optional<FallbackRunStore> local;

    private WhenUnreachable(Duration limit, Optional<FallbackRunStore> local) {
        this.limit = limit;
        this.local = local;
    }

    /** The run stops with a failure; what was committed is there, and it resumes from it. The default. */
    public static WhenUnreachable stop() {
        return new WhenUnreachable(Duration.ZERO, Optional.empty());
    }

    /**
     * Tries again, less and less often, for so long, and then stops. A warning in the log says when the waiting begins and how it ends;
     * an interrupt ends it.
     *
     * @param limit how long a single operation may wait
     */
    public static WhenUnreachable waiting(Duration limit) {
        if (limit.isZero() || limit.isNegative()) {
            throw new IllegalArgumentException("limit must be > 0, was " + limit);
        }
        return new WhenUnreachable(limit, Optional.empty());
    }

    /**
     * Saves rounds in another store from then on, which a warning in the log and a notice of the run say, and copies them when the
     * database is back. Only rounds are: to start or load a run the database must be there, since only it knows which round is the newest.
     * After a crash, the store with the same local one finds what was not copied yet.
     *
     * @param local that is empty, or holds what it saved of this run before; the store of the run closes it
     */
    public static WhenUnreachable continuingOn(FallbackRunStore local) {
        return new WhenUnreachable(Duration.ZERO, Optional.of(local));
    }

    /** The run as whoever asks for it sees it. */
    RunInDatabase.Front over(RunInDatabase database) {
        if (local.isPresent()) {
            return new ContinuedRun(database, local.get());
        }
        return new WaitingRun(database, limit, System::nanoTime);
    }

    @Override
    public String toString() {
        return local.map(store -> "continue on " + store).orElse(limit.isZero() ? "stop" : "wait for up to " + limit);
    }
}
