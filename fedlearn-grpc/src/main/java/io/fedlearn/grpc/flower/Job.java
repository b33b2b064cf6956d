package io.fedlearn.grpc.flower;

import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.Task;
import java.time.Duration;

/** A task under way. Mutable fields are guarded by the lock of the {@link Roster}. */
final class Job {
    final Task task;
    final TaskListener listener;
    final Member member;
    boolean isSent;
    private final long submitted = System.nanoTime();

    Job(Task task, TaskListener listener, Member member) {
        this.task = task;
        this.listener = listener;
        this.member = member;
    }

    /** How long it is under way. */
    Duration sinceSubmitted() {
        return Duration.ofNanos(System.nanoTime() - submitted);
    }
}
