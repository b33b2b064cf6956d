package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.internal.netty.RefusedClients;
import io.fedlearn.grpc.internal.transfer.Admission;
import io.fedlearn.grpc.internal.transfer.AnswerReceiver;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.transfer.HeapBudget;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import io.fedlearn.grpc.proto.v1.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Who is a member, which tasks are open, and what becomes of each message: all that a server decides, without the network. Thread-safe.
 *
 * <p>This is the front of the parts that decide: {@link Joining}, {@link Sessions}, {@link TaskTable}, {@link Answers} and
 * {@link Uploads}. They share {@link Members} and one {@link DeskLock}. Messages are queued under that lock too, so that each client
 * gets them in the order of the decisions. Sending, listeners and files come after it.
 */
final class TaskDesk {
    private final DeskSettings settings;
    private final DeskLock lock = new DeskLock();
    private final RefusedClients refused = new RefusedClients();
    // Guarded by lock.
    private final Members members = new Members();
    private final TaskTable tasks;
    private final Sessions sessions;
    private final Joining joining;
    private final Answers answers;
    private final Uploads uploads;

    TaskDesk(DeskSettings settings, LongSupplier nanoTime, Executor executor, TransportMetrics metrics) {
        this(settings, nanoTime, executor, metrics, client -> Optional.empty());
    }

    /** With a rule that says why a client that is who it says is not admitted. */
    TaskDesk(
            DeskSettings settings,
            LongSupplier nanoTime,
            Executor executor,
            TransportMetrics metrics,
            Function<ClientInfo, Optional<String>> admission) {
        this.settings = settings;
        this.tasks = new TaskTable(settings, nanoTime, executor, metrics, lock, members);
        this.sessions = new Sessions(settings, nanoTime, metrics, refused, lock, members, tasks);
        this.joining = new Joining(settings, nanoTime, metrics, refused, lock, members, tasks, sessions, admission);
        this.answers = new Answers(metrics, lock, members, tasks);
        this.uploads = new Uploads(HeapBudget.of(settings.receiveHeapBytes()), lock, tasks, answers);
    }

    /** Takes note of who is not let in. */
    RefusedClients refused() {
        return refused;
    }

    // ---- What the coordinator asks ----

    List<ClientInfo> clients() {
        return lock.read(members::infos);
    }

    boolean awaitClients(int count, Duration timeout) throws InterruptedException {
        return lock.await(
                () -> {
                    if (members.count() >= count) {
                        return Optional.of(true);
                    }
                    return members.isClosed() ? Optional.of(false) : Optional.empty();
                },
                timeout);
    }

    void submit(Task task, TaskListener listener) {
        tasks.submit(task, listener);
    }

    void cancel(Task task) {
        tasks.cancel(task);
    }

    /** Ends with a farewell the connections of all clients, which are to come back later. */
    void drain(String reason, Duration retryAfter) {
        sessions.drain(reason, retryAfter);
    }

    /** Clients are told when the desk is closed that the run has failed, for this reason. */
    void fail(String reason) {
        sessions.fail(reason);
    }

    /** Gives up all tasks and tells all clients that the run is over, or has failed. */
    void close() {
        sessions.close();
    }

    // ---- What time brings ----

    /** How long between two looks at the clock. */
    long tickMillis() {
        return Math.max(1, TimeUnit.NANOSECONDS.toMillis(settings.heartbeatNanos()) / 8);
    }

    /** Looks at the clock: sends heartbeats, ends what is silent, and gives up whom nobody waits for any longer. */
    void tick() {
        sessions.tick();
    }

    /** Throws those out whose certificates or tokens hold no longer. Reads files. */
    void checkCredentials() {
        sessions.checkCredentials();
    }

    // ---- What comes over a client's connection ----

    /**
     * Lets a client in, or sends it away. May read files.
     *
     * @return the session, if it is in
     */
    Optional<Session> join(Hello hello, Credential credential, Connection connection) {
        return joining.join(hello, credential, connection);
    }

    /** Something came from the client. Returns whether it may be looked at: not if the session is over, or messages come too fast. */
    boolean hear(Session session, ClientMessage.MessageCase kind) {
        return sessions.hear(session, kind);
    }

    /** The client has begun with a task. */
    void started(Session session, TaskStarted message) {
        tasks.started(session, message);
    }

    /** The client says how far it is. */
    void progress(Session session, TaskProgress message) {
        tasks.progress(session, message);
    }

    /** An answer came that holds all its values. */
    void answer(Session session, TaskAnswer answer) {
        answers.answer(session, answer);
    }

    /** The client says that it goes. */
    void leave(Session session, String reason) {
        sessions.leave(session, reason);
    }

    /** The connection broke. The client stays a member for its grace time. */
    void lost(Session session, String how) {
        sessions.lost(session, how);
    }

    /** Ends a connection because of what came over it. The client stays a member for its grace time. */
    void dismiss(Session session, GoodbyeCode code, String reason) {
        sessions.dismiss(session, code, reason);
    }

    // ---- Models and answers in calls of their own ----

    /** The live session of this token. */
    Optional<Session> session(ByteString token) {
        return lock.read(() -> members.session(token));
    }

    /** The model of this digest, if a task that this client has open names it. */
    Optional<EncodedModel> model(String clientId, ByteString digest) {
        return tasks.model(clientId, digest);
    }

    /** Decides on an answer before any of its values travel. May block if that ends the task. */
    Admission admit(String clientId, TaskAnswer announced) {
        return uploads.admit(clientId, announced);
    }

    /** Takes an answer whose values are all here. Blocks while its listener does. */
    AnswerReceipt deliver(String clientId, AnswerReceiver complete) {
        return uploads.deliver(clientId, complete);
    }

    /** Ends the task of an answer whose values are not what it announced. Blocks while its listener does. */
    AnswerReceipt reject(String clientId, AnswerReceiver receiver, Verdict verdict, String reason) {
        return uploads.reject(clientId, receiver, verdict, reason);
    }

    /** How many models are held for open tasks. */
    int modelCount() {
        return tasks.modelCount();
    }
}
