package io.fedlearn.core.store;

import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.tensor.Model;
import java.util.Optional;

/**
 * Keeps one run, so that it survives its process.
 *
 * <p>Rules for implementers, tested by {@code RunStoreContract}: (1) {@link #create} and {@link #commit} are atomic and durable:
 * after a crash at any moment the run is as before or as after; (2) what was committed is loaded with the same bits; (3) a
 * damaged checkpoint is noticed, never loaded, and the one before takes its place, with a notice; (4) one process at a time has
 * a run open. Thread-safe.
 */
public interface RunStore extends AutoCloseable {
    /**
     * The run, if there is one.
     *
     * @throws RunStoreException if there is a run and no checkpoint of it is whole
     */
    Optional<SavedRun> load();

    /**
     * Starts a run.
     *
     * @param initial the checkpoint of round 0
     * @throws RunStoreException if there is a run already, or it cannot be saved
     */
    void create(RunHeader header, Checkpoint initial);

    /**
     * Saves the checkpoint of the next round.
     *
     * @param best whether its model is the best so far, and to be kept
     * @throws RunStoreException if it cannot be saved; the run is as before
     */
    void commit(Checkpoint checkpoint, boolean best);

    /** The model after this round, if it was kept: the latest and the best are. */
    Optional<Model> model(int round);

    /** Releases what the store holds. Closing again does nothing. */
    @Override
    void close();
}
