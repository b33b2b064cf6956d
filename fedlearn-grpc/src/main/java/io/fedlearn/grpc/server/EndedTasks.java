package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.Task;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * How the latest tasks ended, so that an answer that comes afterwards can be told what it is. Guarded by the task desk's lock.
 */
final class EndedTasks {
    /** How many are remembered; of older ones, an answer is to an unknown task. */
    static final int MAX_COUNT = 20_000;

    private final Map<String, Ended> byId = new LinkedHashMap<>();

    /** A task that ended. */
    static final class Ended {
        final String clientId;
        final ByteString fingerprint;
        final boolean isAnswered;
        private Optional<Waiting> waiting;

        private Ended(String clientId, ByteString fingerprint, boolean isAnswered, Optional<Waiting> waiting) {
            this.clientId = clientId;
            this.fingerprint = fingerprint;
            this.isAnswered = isAnswered;
            this.waiting = waiting;
        }

        /** Who is to hear, once, that an answer came late after all. */
        Optional<Waiting> takeWaiting() {
            Optional<Waiting> taken = waiting;
            waiting = Optional.empty();
            return taken;
        }
    }

    /** The listener of a task that was given up. */
    record Waiting(Task name, TaskListener listener, InOrder calls) {}

    /** The answer was taken. */
    void answered(OpenTask task) {
        put(task, true, Optional.empty());
    }

    /** The task was cancelled; its listener may hear of a late answer. */
    void cancelled(OpenTask task) {
        put(task, false, Optional.of(new Waiting(OpenTask.nameOf(task.task), task.listener, task.calls)));
    }

    /** The task failed for want of its client; its listener has heard that. */
    void failed(OpenTask task) {
        put(task, false, Optional.empty());
    }

    private void put(OpenTask task, boolean isAnswered, Optional<Waiting> waiting) {
        byId.remove(task.id());
        byId.put(task.id(), new Ended(task.task.clientId(), task.fingerprint(), isAnswered, waiting));
        if (byId.size() > MAX_COUNT) {
            byId.remove(byId.keySet().iterator().next());
        }
    }

    Optional<Ended> find(String taskId) {
        return Optional.ofNullable(byId.get(taskId));
    }

    /** The task is open again. */
    void forget(String taskId) {
        byId.remove(taskId);
    }

    /** Lets go of all. */
    void clear() {
        byId.clear();
    }
}
