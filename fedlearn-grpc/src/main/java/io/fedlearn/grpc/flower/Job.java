package io.fedlearn.grpc.flower;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.Task;

/** A task under way. Mutable fields are guarded by the lock of the {@link Roster}. */
final class Job {
    final Task task;
    final TaskListener listener;
    final Member member;
    final long submitted = System.nanoTime();
    boolean isSent;

    Job(Task task, TaskListener listener, Member member) {
        this.task = task;
        this.listener = listener;
        this.member = member;
    }
}
