package io.fedlearn.grpc.internal.transfer;

import io.fedlearn.core.task.ClientUpdate;

/**
 * An answer that is being received: its values lie where they will stay, on the heap while there is room for them there, else in
 * the round's spool. It outlives the call that brings it, so that another can go on. Confined to one call at a time.
 */
public interface AnswerReceiver {
    /** The answer's task. */
    String taskId();

    /** How many bytes of values are here. */
    long offset();

    /** Whether all are. */
    boolean isComplete();

    /** The update, once it is complete. */
    ClientUpdate update();

    /** Gives up what is here and the room that it takes; the next call starts again. */
    void discard();
}
