package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.internal.transfer.AnswerReceiver;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A task that waits for its client or for its client's answer. What may change is guarded by the task desk's lock. */
final class OpenTask {
    final Task task;
    final TaskListener listener;
    final ServerMessage offer;
    final long submittedAt;
    final InOrder calls = new InOrder();

    boolean isOffered;
    boolean isStarted;
    /** An answer is being looked at; no other one may be. */
    boolean isClaimed;
    /** To be offered if that answer turns out to be none: the client came back while it was being looked at. */
    boolean isOfferDue;
    /** Given up while an answer was being looked at. */
    boolean isCancelled;
    /** How often an upload has begun anew, because the client announced another answer. */
    int announcements;

    /** What has come of an answer that is uploaded, and what that answer says of itself. */
    Optional<Upload> upload = Optional.empty();

    /** An answer under way. */
    record Upload(TaskAnswer announced, AnswerReceiver receiver) {}

    OpenTask(Task task, TaskListener listener, TaskOffer offer, long submittedAt) {
        this.task = task;
        this.listener = listener;
        this.offer = ServerMessage.newBuilder().setTask(offer).build();
        this.submittedAt = submittedAt;
    }

    /** Has the listener hear, once, that the task has started. */
    void start() {
        if (!isStarted) {
            isStarted = true;
            calls.add(() -> listener.started(task));
        }
    }

    String id() {
        return task.id();
    }

    ByteString fingerprint() {
        return offer.getTask().getFingerprint();
    }

    long maxAnswerBytes() {
        return offer.getTask().getMaxAnswerBytes();
    }

    /** The models that the task holds. */
    static List<Model> models(Task task) {
        List<Model> models = new ArrayList<>();
        models.add(task.model());
        models.addAll(task.tensors().values());
        return models;
    }

    /** The task without its models: enough to name it, and nothing that would keep memory. */
    static Task nameOf(Task task) {
        return Task.builder(task.kind(), task.clientId())
                .runId(task.runId())
                .round(task.round())
                .exchange(task.exchange())
                .build();
    }
}
