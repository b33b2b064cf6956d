package io.fedlearn.core.store;

import java.util.Optional;

/**
 * A run store that can stand in for another while that cannot be reached: it goes on with a run from any round, and gives back what it
 * was given meanwhile.
 *
 * <p>The rules of {@link RunStore} hold; {@link #adopt} is atomic and durable as {@link #commit} is. Thread-safe.
 */
public interface FallbackRunStore extends RunStore {
    /**
     * Takes over a run as another store holds it. The store must be empty, or hold the beginning of the same run: what it holds stays.
     * Of the rounds that are new to it there are the records, and the checkpoint of the latest.
     *
     * @param run with at least one round, and the records of all
     * @param best whether the model of the latest is the best so far
     * @throws RunStoreException if the store holds another run, or rounds that this one has not; or it cannot be saved: then all is as
     *     before
     */
    void adopt(SavedRun run, boolean best);

    /** The checkpoint of this round, if it was kept whole. */
    Optional<Checkpoint> checkpoint(int round);

    /** Whether the model of this round was the best so far when it was saved here. */
    boolean isBest(int round);
}
