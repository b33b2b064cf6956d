package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.internal.wire.WireTasks;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;

/**
 * Which tasks are open and how the latest ended: submits, offers, cancels and fails them, and tells their listeners. Methods that
 * take effects are called under the desk's lock, the others without it. Thread-safe.
 */
final class TaskTable {
    private static final System.Logger LOG = System.getLogger(FederatedServer.class.getName());

    private static final long ANSWER_FACTOR = 4;
    private static final long ANSWER_EXTRA_BYTES = 1 << 20;

    private final DeskSettings settings;
    private final LongSupplier nanoTime;
    private final Executor executor;
    private final TransportMetrics metrics;
    private final SharedModels models;
    private final DeskLock lock;

    // Guarded by lock.
    private final Members members;
    private final Map<String, OpenTask> open = new HashMap<>();
    private final EndedTasks ended = new EndedTasks();

    TaskTable(
            DeskSettings settings,
            LongSupplier nanoTime,
            Executor executor,
            TransportMetrics metrics,
            DeskLock lock,
            Members members) {
        this.settings = settings;
        this.nanoTime = nanoTime;
        this.executor = executor;
        this.metrics = metrics;
        this.models = new SharedModels(settings.inlineBytes());
        this.lock = lock;
        this.members = members;
    }

    // ---- What the coordinator asks ----

    void submit(Task task, TaskListener listener) {
        if (!isMember(task.clientId())) {
            failUnknown(task, listener);
            return;
        }
        Map<String, SharedModels.Shared> shared = new HashMap<>();
        for (Model model : OpenTask.models(task)) {
            // Once for each mention, as they are released.
            shared.put(model.digest(), models.take(model));
        }
        TaskOffer offer;
        try {
            offer = offer(task, shared);
        } catch (RuntimeException e) {
            OpenTask.models(task).forEach(models::release);
            throw e;
        }
        OpenTask opened = new OpenTask(task, listener, offer, nanoTime.getAsLong());
        boolean isKnown = lock.choose(effects -> open(opened, effects));
        if (!isKnown) {
            failUnknown(task, listener);
        }
    }

    private boolean isMember(String clientId) {
        return lock.read(() -> {
            members.requireOpen();
            return members.contains(clientId);
        });
    }

    /** Opens a task and offers it if its client is free. Returns whether there is such a client. */
    private boolean open(OpenTask task, Effects effects) {
        Optional<Member> member = members.find(task.task.clientId());
        if (members.isClosed() || member.isEmpty() || open.containsKey(task.id())) {
            release(task, effects);
        }
        members.requireOpen();
        if (open.containsKey(task.id())) {
            throw new IllegalStateException("task " + task.id() + " is under way already");
        }
        member.ifPresent(there -> {
            ended.forget(task.id());
            open.put(task.id(), task);
            there.forget(task);
            there.tasks.add(task);
            if (there.tasks.size() == 1) {
                offerNext(there, effects);
            }
        });
        return member.isPresent();
    }

    private void failUnknown(Task task, TaskListener listener) {
        InOrder calls = new InOrder();
        calls.add(() ->
                listener.finished(task, new ClientOutcome.Failed("client '" + task.clientId() + "' is not connected")));
        execute(calls);
    }

    private TaskOffer offer(Task task, Map<String, SharedModels.Shared> shared) {
        long bytes = 0;
        for (Model model : OpenTask.models(task)) {
            bytes += model.byteCount();
        }
        long most = bytes == 0 ? settings.limits().maxModelBytes() : ANSWER_FACTOR * bytes + ANSWER_EXTRA_BYTES;
        return WireTasks.write(
                task,
                model -> Objects.requireNonNull(shared.get(model.digest())).payload(),
                most);
    }

    void cancel(Task task) {
        lock.decide(effects -> find(task.id()).ifPresent(opened -> cancel(opened, effects)));
    }

    /** Gives a task up, now or when the answer that is being looked at turns out to be none. */
    private void cancel(OpenTask task, Effects effects) {
        if (task.isClaimed) {
            task.isCancelled = true;
            return;
        }
        open.remove(task.id());
        ended.cancelled(task);
        release(task, effects);
        members.find(task.task.clientId()).ifPresent(member -> {
            boolean wasFirst = !member.tasks.isEmpty() && member.tasks.peek() == task;
            member.tasks.remove(task);
            if (task.isOffered && member.live.isPresent()) {
                Connection connection = member.live.get().connection;
                connection.enqueue(Replies.cancel(task.id(), "the task is no longer needed"));
                effects.flush(connection);
            } else if (task.isOffered) {
                member.remember(task);
            }
            if (wasFirst) {
                offerNext(member, effects);
            }
        });
        effects.add(() -> {
            metrics.taskFinished("cancelled", age(task));
            LOG.log(System.Logger.Level.DEBUG, "task " + task.id() + " is cancelled");
        });
    }

    private Duration age(OpenTask task) {
        return Duration.ofNanos(nanoTime.getAsLong() - task.submittedAt);
    }

    // ---- What becomes of tasks ----

    /** Offers the member's first task, unless it is busy or away. */
    void offerNext(Member member, Effects effects) {
        if (member.isDelivering || member.live.isEmpty() || member.tasks.isEmpty()) {
            return;
        }
        OpenTask first = member.tasks.peek();
        if (first.isClaimed) {
            first.isOfferDue = true;
        } else {
            Session live = member.live.get();
            Connection connection = live.connection;
            first.isOffered = true;
            live.offered();
            connection.enqueue(first.offer);
            effects.flush(connection);
            effects.add(() -> LOG.log(System.Logger.Level.DEBUG, "task " + first.id() + " is offered"));
        }
    }

    /** Ends the tasks of a client that is no member any more. */
    void failAll(Member member, String why, Effects effects) {
        member.takeGivenUp();
        for (OpenTask task : List.copyOf(member.tasks)) {
            if (!task.isClaimed) {
                fail(task, new ClientOutcome.Failed(why), effects);
            }
        }
        member.tasks.clear();
    }

    /** Ends a task that nobody will answer. */
    private void fail(OpenTask task, ClientOutcome outcome, Effects effects) {
        open.remove(task.id());
        ended.failed(task);
        release(task, effects);
        task.calls.add(() -> task.listener.finished(task.task, outcome));
        effects.add(() -> {
            execute(task.calls);
            finished(task, outcome);
        });
    }

    /** The answer that was looked at was none: the next one may come. */
    void unclaim(OpenTask task) {
        lock.decide(effects -> {
            task.isClaimed = false;
            if (isOpen(task)) {
                if (task.isCancelled) {
                    cancel(task, effects);
                } else if (!isQueued(task)) {
                    fail(task, new ClientOutcome.Failed("the client has gone"), effects);
                } else if (task.isOfferDue) {
                    task.isOfferDue = false;
                    members.find(task.task.clientId()).ifPresent(member -> offerNext(member, effects));
                }
            }
        });
    }

    private boolean isQueued(OpenTask task) {
        return members.find(task.task.clientId())
                .map(member -> member.tasks.contains(task))
                .orElse(false);
    }

    /** Takes a task with its answer off the table. Returns whether it still was on it. */
    boolean takeOff(OpenTask task, Effects effects) {
        if (!open.remove(task.id(), task)) {
            return false;
        }
        ended.answered(task);
        release(task, effects);
        return true;
    }

    /** Lets go of what an open task holds. */
    private void release(OpenTask task, Effects effects) {
        Optional<OpenTask.Upload> upload = task.upload;
        task.upload = Optional.empty();
        effects.add(() -> OpenTask.models(task.task).forEach(models::release));
        upload.ifPresent(under -> effects.add(under.receiver()::discard));
    }

    /** Gives up all tasks without a word. */
    void clear(Effects effects) {
        for (OpenTask task : open.values()) {
            release(task, effects);
        }
        open.clear();
        ended.clear();
        members.all().forEach(member -> member.tasks.clear());
    }

    /** Counts a task that has ended. */
    void finished(OpenTask task, ClientOutcome outcome) {
        metrics.taskFinished(outcome.word(), age(task));
        LOG.log(
                System.Logger.Level.DEBUG,
                "task " + task.id() + " is " + outcome.word()
                        + (outcome.reason().isEmpty() ? "" : ": " + outcome.reason()));
    }

    /** Has the calls made to a task's listener on another thread. */
    void execute(InOrder calls) {
        try {
            executor.execute(calls::drain);
        } catch (RejectedExecutionException e) {
            LOG.log(System.Logger.Level.DEBUG, "a listener is not called: the executor is closed");
        }
    }

    // ---- What clients say of tasks ----

    /** The client has begun with a task. */
    void started(Session session, TaskStarted message) {
        lock.decide(effects -> {
            Optional<OpenTask> task = own(session, message.getTaskId());
            if (task.isEmpty() || !task.get().fingerprint().equals(message.getFingerprint())) {
                // It works on what it will not get rid of: it may as well stop.
                session.connection.enqueue(Replies.cancel(Replies.plain(message.getTaskId()), "the task is not open"));
                effects.flush(session.connection);
            } else {
                start(task.get(), effects);
            }
        });
    }

    /** Has the listener hear, once, that the task has started. */
    void start(OpenTask task, Effects effects) {
        task.start();
        effects.add(() -> execute(task.calls));
    }

    /** The client says how far it is. */
    void progress(Session session, TaskProgress message) {
        lock.decide(effects -> own(session, message.getTaskId())
                .filter(task -> task.isStarted && !task.isClaimed && message.getDone() >= 0 && message.getTotal() >= 0)
                .ifPresent(task -> {
                    task.calls.add(() -> task.listener.progress(task.task, message.getDone(), message.getTotal()));
                    effects.add(() -> execute(task.calls));
                }));
    }

    private Optional<OpenTask> own(Session session, String taskId) {
        return find(taskId)
                .filter(task -> session.isLive() && task.task.clientId().equals(session.member.id));
    }

    // ---- Looking things up ----

    /** The open task of this id. To be called under the lock. */
    Optional<OpenTask> find(String taskId) {
        return Optional.ofNullable(open.get(taskId));
    }

    /** Whether this very task is open. To be called under the lock. */
    boolean isOpen(OpenTask task) {
        return open.get(task.id()) == task;
    }

    /** How the task of this id ended. To be called under the lock. */
    Optional<EndedTasks.Ended> findEnded(String taskId) {
        return ended.find(taskId);
    }

    /** The model of this digest, if a task that this client has open names it. */
    Optional<EncodedModel> model(String clientId, ByteString digest) {
        String hex = WireModels.hex(digest);
        boolean isNamed = lock.read(() -> members.find(clientId)
                .map(member -> member.tasks.stream()
                        .flatMap(task -> OpenTask.models(task.task).stream())
                        .anyMatch(model -> model.digest().equals(hex)))
                .orElse(false));
        return isNamed ? models.find(hex) : Optional.empty();
    }

    /** How many models are held for open tasks. */
    int modelCount() {
        return models.size();
    }
}
