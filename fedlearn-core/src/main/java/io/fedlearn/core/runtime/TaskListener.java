package io.fedlearn.core.runtime;

import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.update.UpdateSpool;
import java.util.Optional;

/** Hears how a task goes. Called from any thread; implementers are thread-safe and return soon. */
public interface TaskListener {
    /** The client has begun; its time limit runs from here. */
    void started(Task task);

    /** The client says how far it is. */
    void progress(Task task, long done, long total);

    /** The task has ended. May block for a moment while earlier updates are aggregated, which slows fast clients down. */
    void finished(Task task, ClientOutcome outcome);

    /**
     * Where a runtime may lay an answer's tensors while it receives them, instead of on the heap; closed when the exchange ends. The
     * default is nowhere.
     */
    default Optional<UpdateSpool> spool() {
        return Optional.empty();
    }
}
