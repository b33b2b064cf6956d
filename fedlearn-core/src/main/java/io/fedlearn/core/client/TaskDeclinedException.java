package io.fedlearn.core.client;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.task.TaskKind;

/** Thrown by a client that does not take a task; the outcome is {@code Declined} with the message as its reason. */
public final class TaskDeclinedException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    /** Declines for this reason, which the coordinator records and a person reads. */
    public TaskDeclinedException(String reason) {
        super(reason);
    }

    static TaskDeclinedException unsupported(TaskKind kind) {
        return new TaskDeclinedException("this client does not do '" + kind + "' tasks");
    }
}
