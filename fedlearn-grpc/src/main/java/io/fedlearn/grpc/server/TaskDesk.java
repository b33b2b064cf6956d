package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.core.LibraryVersion;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.internal.transfer.Admission;
import io.fedlearn.grpc.internal.transfer.AnswerReceiver;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.transfer.HeapBudget;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.internal.wire.WireSettings;
import io.fedlearn.grpc.internal.wire.WireTasks;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Heartbeat;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskCancel;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.fedlearn.grpc.proto.v1.Welcome;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Who is a member, which tasks are open, and what becomes of each message: all that a server decides, without the network. Thread-safe.
 *
 * <p>Everything is decided under one lock, in which messages are queued too, so that each client gets them in the order of the
 * decisions. Sending, listeners and files come after it.
 */
final class TaskDesk {
    /** The version of the protocol that this server speaks. */
    static final int VERSION = 1;

    private static final System.Logger LOG = System.getLogger(FederatedServer.class.getName());

    private static final int INSTANCE_BYTES = 16;
    private static final int TOKEN_BYTES = 32;
    private static final int MAX_SOFTWARE_LENGTH = 256;
    private static final int MAX_COMPRESSIONS = 16;
    private static final int MAX_REASON_LENGTH = 500;

    /** How many clients that have gone are remembered, so that old connections of theirs are known for what they are. */
    private static final int MAX_PAST = 10_000;

    private static final Duration RETRY_FULL = Duration.ofSeconds(30);
    private static final Duration RETRY_TOO_FAST = Duration.ofSeconds(5);

    private static final long ANSWER_FACTOR = 4;
    private static final long ANSWER_EXTRA_BYTES = 1 << 20;

    private final DeskSettings settings;
    private final LongSupplier nanoTime;
    private final Executor executor;
    private final TransportMetrics metrics;
    private final SharedModels models;
    private final HeapBudget budget;
    private final SecureRandom random = new SecureRandom();
    private final String software = "fedlearn-java " + LibraryVersion.current();

    // Guards all that follows, members, sessions and tasks included.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition joined = lock.newCondition();
    private final TreeMap<String, Member> members = new TreeMap<>();
    private final Map<ByteString, Session> sessions = new HashMap<>();
    private final Map<String, Member> past = new LinkedHashMap<>();
    private final Map<String, OpenTask> open = new HashMap<>();
    private final EndedTasks ended = new EndedTasks();
    private final List<Ending> ending = new ArrayList<>();
    private Optional<Goodbye> draining = Optional.empty();
    private boolean isClosed;
    private long tickedAt;

    /** A connection that has been told to end, and when it is cut if it has not. */
    private record Ending(Connection connection, long cutAt) {}

    TaskDesk(DeskSettings settings, LongSupplier nanoTime, Executor executor, TransportMetrics metrics) {
        this.settings = settings;
        this.nanoTime = nanoTime;
        this.executor = executor;
        this.metrics = metrics;
        this.models = new SharedModels(settings.inlineBytes());
        this.budget = HeapBudget.of(settings.receiveHeapBytes());
        this.tickedAt = nanoTime.getAsLong();
    }

    // ---- Joining and leaving ----

    /**
     * Lets a client in, or sends it away. May read files.
     *
     * @return the session, if it is in
     */
    Optional<Session> join(Hello hello, Credential credential, Connection connection) {
        Optional<Goodbye> problem = problem(hello, credential);
        if (problem.isPresent()) {
            refuse(problem.get(), hello, credential, connection);
            return Optional.empty();
        }
        ClientInfo info;
        try {
            info = new ClientInfo(
                    credential.clientId().orElse(hello.getClientId()),
                    WireSettings.readConfig("properties", hello.getPropertiesList()));
        } catch (WireException | IllegalArgumentException e) {
            refuse(
                    goodbye(GoodbyeCode.GOODBYE_CODE_MALFORMED, String.valueOf(e.getMessage())),
                    hello,
                    credential,
                    connection);
            return Optional.empty();
        }
        return enter(hello, info, credential, connection);
    }

    private static Optional<Goodbye> problem(Hello hello, Credential credential) {
        if (hello.getMinVersion() > hello.getMaxVersion()
                || hello.getInstance().size() != INSTANCE_BYTES
                || hello.getAttempt() < 1
                || hello.getSoftware().length() > MAX_SOFTWARE_LENGTH
                || hello.getCompressionsCount() > MAX_COMPRESSIONS) {
            return Optional.of(goodbye(
                    GoodbyeCode.GOODBYE_CODE_MALFORMED,
                    "a hello has versions in order, an instance of " + INSTANCE_BYTES
                            + " bytes, an attempt from 1 on, a software name of at most " + MAX_SOFTWARE_LENGTH
                            + " characters and at most " + MAX_COMPRESSIONS + " compressions"));
        }
        if (hello.getMinVersion() > VERSION || hello.getMaxVersion() < VERSION) {
            return Optional.of(goodbye(
                    GoodbyeCode.GOODBYE_CODE_NO_COMMON_VERSION,
                    "this server speaks version " + VERSION + ", the client " + hello.getMinVersion() + " to "
                            + hello.getMaxVersion()));
        }
        Optional<String> proved = credential.clientId();
        if (proved.isPresent()
                && !hello.getClientId().isEmpty()
                && !proved.get().equals(hello.getClientId())) {
            return Optional.of(goodbye(
                    GoodbyeCode.GOODBYE_CODE_IDENTITY_REFUSED,
                    "its certificate or token is client '" + proved.get() + "'s"));
        }
        return credential.refusal().map(reason -> goodbye(GoodbyeCode.GOODBYE_CODE_REVOKED, reason));
    }

    private void refuse(Goodbye goodbye, Hello hello, Credential credential, Connection connection) {
        log(
                System.Logger.Level.INFO,
                "refused client '" + plain(credential.clientId().orElse(hello.getClientId())) + "' at "
                        + connection.address() + ": " + goodbye.getReason());
        metrics.sessionRefused(word(goodbye.getCode()));
        Effects effects = new Effects();
        lock.lock();
        try {
            end(connection, Optional.of(goodbye), effects);
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    private Optional<Session> enter(Hello hello, ClientInfo info, Credential credential, Connection connection) {
        Effects effects = new Effects();
        Optional<Goodbye> refusal;
        Optional<Session> session = Optional.empty();
        lock.lock();
        try {
            refusal = refusal(hello, info);
            if (refusal.isEmpty()) {
                session = Optional.of(admit(hello, info, credential, connection, effects));
            }
        } finally {
            lock.unlock();
        }
        if (refusal.isPresent()) {
            refuse(refusal.get(), hello, credential, connection);
        }
        effects.run();
        return session;
    }

    /** Why a client that is who it says is not let in, if so. */
    private Optional<Goodbye> refusal(Hello hello, ClientInfo info) {
        if (isClosed) {
            return Optional.of(goodbye(GoodbyeCode.GOODBYE_CODE_RUN_OVER, "the run is over"));
        }
        if (draining.isPresent()) {
            return draining;
        }
        Member known = members.getOrDefault(info.id(), past.get(info.id()));
        if (known != null && known.isSuperseded(hello.getInstance())) {
            return Optional.of(goodbye(
                    GoodbyeCode.GOODBYE_CODE_SUPERSEDED, "another process has joined as client '" + info.id() + "'"));
        }
        if (known != null && known.instance.equals(hello.getInstance()) && hello.getAttempt() <= known.attempt) {
            return Optional.of(goodbye(
                    GoodbyeCode.GOODBYE_CODE_REPLAYED,
                    "this process has connected before with attempt " + known.attempt + ", and now comes with "
                            + hello.getAttempt()));
        }
        if (!members.containsKey(info.id())
                && members.size() >= settings.limits().maxClients()) {
            return Optional.of(
                    goodbye(
                                    GoodbyeCode.GOODBYE_CODE_FULL,
                                    "there are " + members.size() + " clients, more are not taken")
                            .toBuilder()
                            .setRetryAfterMillis(RETRY_FULL.toMillis())
                            .build());
        }
        return Optional.empty();
    }

    private Session admit(Hello hello, ClientInfo info, Credential credential, Connection connection, Effects effects) {
        boolean isBack = members.containsKey(info.id());
        Member member = members.getOrDefault(info.id(), past.remove(info.id()));
        if (member == null) {
            member = new Member(info, hello.getInstance(), hello.getAttempt());
        }
        members.put(info.id(), member);
        boolean isOther = !member.instance.equals(hello.getInstance());
        if (isOther) {
            member.supersede(hello.getInstance());
        }
        if (member.live.isPresent()) {
            detach(
                    member.live.get(),
                    isOther
                            ? Optional.of(goodbye(
                                    GoodbyeCode.GOODBYE_CODE_SUPERSEDED,
                                    "another process has joined as client '" + info.id() + "'"))
                            : Optional.empty(),
                    "superseded",
                    effects);
        }
        member.info = info;
        member.attempt = hello.getAttempt();
        Compression compression =
                settings.compression() && hello.getCompressionsList().contains(Compression.COMPRESSION_ZSTD)
                        ? Compression.COMPRESSION_ZSTD
                        : Compression.COMPRESSION_NONE;
        Session session = new Session(
                newToken(), member, connection, credential, compression, settings.limits(), nanoTime.getAsLong());
        member.live = Optional.of(session);
        sessions.put(session.token, session);
        connection.enqueue(ServerMessage.newBuilder()
                .setWelcome(Welcome.newBuilder()
                        .setVersion(VERSION)
                        .setSession(session.token)
                        .setHeartbeatMillis((int) settings.heartbeat().toMillis())
                        .setChunkBytes(settings.chunkBytes())
                        .setInlineBytes(settings.inlineBytes())
                        .setCompression(compression)
                        .setSoftware(software))
                .build());
        for (String taskId = member.givenUpWhileAway.poll(); taskId != null; taskId = member.givenUpWhileAway.poll()) {
            connection.enqueue(cancel(taskId, "the task was given up while the client was away"));
        }
        offerNext(member, effects);
        effects.flush(connection);
        joined.signalAll();
        String by = plain(hello.getSoftware());
        effects.add(() -> {
            metrics.sessionJoined();
            if (isBack) {
                metrics.reconnected();
            }
        });
        tellCounts(effects);
        effects.add(() -> log(
                System.Logger.Level.INFO,
                "client '" + info.id() + "' " + (isBack ? "is back" : "joined") + " from " + connection.address()
                        + " with " + by));
        return session;
    }

    private ByteString newToken() {
        byte[] token = new byte[TOKEN_BYTES];
        random.nextBytes(token);
        return ByteString.copyFrom(token);
    }

    /** The connection broke. The client stays a member for its grace time. */
    void lost(Session session, String how) {
        Effects effects = new Effects();
        lock.lock();
        try {
            if (session.isLive()) {
                detach(session, Optional.empty(), "lost", effects);
                effects.add(() -> log(
                        System.Logger.Level.INFO,
                        "client '" + session.member.id + "' lost its connection (" + plain(how) + ")"));
            }
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    /** Ends a connection because of what came, or did not come, over it. The client stays a member for its grace time. */
    void dismiss(Session session, GoodbyeCode code, String reason) {
        Effects effects = new Effects();
        lock.lock();
        try {
            if (session.isLive()) {
                dismiss(session, code, reason, effects);
            }
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    private void dismiss(Session session, GoodbyeCode code, String reason, Effects effects) {
        Goodbye goodbye = goodbye(code, reason).toBuilder()
                .setRetryAfterMillis(code == GoodbyeCode.GOODBYE_CODE_TOO_FAST ? RETRY_TOO_FAST.toMillis() : 0)
                .build();
        detach(session, Optional.of(goodbye), word(code), effects);
        effects.add(() -> log(
                System.Logger.Level.INFO,
                "connection of client '" + session.member.id + "' at " + session.connection.address() + " is ended: "
                        + goodbye.getReason()));
    }

    /** The client says that it goes. */
    void leave(Session session, String reason) {
        Effects effects = new Effects();
        lock.lock();
        try {
            if (session.isLive()) {
                remove(session.member, "left", Optional.empty(), "the client left: " + plain(reason), effects);
            }
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    /** Throws those out whose certificates or tokens hold no longer. Reads files. */
    void checkCredentials() {
        List<Session> all;
        lock.lock();
        try {
            all = List.copyOf(sessions.values());
        } finally {
            lock.unlock();
        }
        for (Session session : all) {
            session.credential.refusal().ifPresent(reason -> revoke(session, reason));
        }
    }

    private void revoke(Session session, String reason) {
        Effects effects = new Effects();
        lock.lock();
        try {
            if (session.isLive()) {
                remove(
                        session.member,
                        "revoked",
                        Optional.of(goodbye(GoodbyeCode.GOODBYE_CODE_REVOKED, reason)),
                        "the client was revoked: " + reason,
                        effects);
            }
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    /** Separates a member from its connection. */
    private void detach(Session session, Optional<Goodbye> goodbye, String word, Effects effects) {
        sessions.remove(session.token);
        session.member.live = Optional.empty();
        session.member.lostAt = nanoTime.getAsLong();
        end(session.connection, goodbye, effects);
        effects.add(() -> metrics.sessionEnded(word));
        tellCounts(effects);
    }

    private void end(Connection connection, Optional<Goodbye> goodbye, Effects effects) {
        connection.end(goodbye);
        ending.add(new Ending(connection, nanoTime.getAsLong() + settings.heartbeatNanos()));
        effects.flush(connection);
    }

    /** The member is none any more, and its tasks have failed. */
    private void remove(Member member, String word, Optional<Goodbye> goodbye, String why, Effects effects) {
        member.live.ifPresent(session -> detach(session, goodbye, word, effects));
        members.remove(member.id);
        past.put(member.id, member);
        if (past.size() > MAX_PAST) {
            past.remove(past.keySet().iterator().next());
        }
        member.givenUpWhileAway.clear();
        for (OpenTask task : List.copyOf(member.tasks)) {
            if (!task.isClaimed) {
                fail(task, new ClientOutcome.Failed(why), effects);
            }
        }
        member.tasks.clear();
        tellCounts(effects);
        effects.add(() -> log(System.Logger.Level.INFO, "client '" + member.id + "' is no member any more: " + why));
    }

    private void tellCounts(Effects effects) {
        int all = members.size();
        int connected = sessions.size();
        effects.add(() -> metrics.clients(all, connected));
    }

    /** Ends with a farewell the connections of all clients, which are to come back later. */
    void drain(String reason, Duration retryAfter) {
        Effects effects = new Effects();
        lock.lock();
        try {
            Goodbye goodbye = goodbye(GoodbyeCode.GOODBYE_CODE_DRAINING, reason).toBuilder()
                    .setRetryAfterMillis(retryAfter.toMillis())
                    .build();
            draining = Optional.of(goodbye);
            for (Session session : List.copyOf(sessions.values())) {
                detach(session, Optional.of(goodbye), "draining", effects);
            }
        } finally {
            lock.unlock();
        }
        effects.run();
        log(System.Logger.Level.INFO, "draining: " + plain(reason));
    }

    /** Gives up all tasks and tells all clients that the run is over. */
    void close() {
        Effects effects = new Effects();
        lock.lock();
        try {
            if (isClosed) {
                return;
            }
            isClosed = true;
            for (OpenTask task : open.values()) {
                release(task, effects);
            }
            open.clear();
            ended.clear();
            members.values().forEach(member -> member.tasks.clear());
            for (Session session : List.copyOf(sessions.values())) {
                detach(
                        session,
                        Optional.of(goodbye(GoodbyeCode.GOODBYE_CODE_RUN_OVER, "the run is over")),
                        "over",
                        effects);
            }
            members.clear();
            joined.signalAll();
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    // ---- Time ----

    /** Looks at the clock: sends heartbeats, ends what is silent, and gives up whom nobody waits for any longer. */
    void tick() {
        Effects effects = new Effects();
        lock.lock();
        try {
            long now = nanoTime.getAsLong();
            // After this process stood still, what clients sent meanwhile lies unread: they get the time to be heard.
            boolean stoodStill = now - tickedAt > settings.heartbeatNanos();
            tickedAt = now;
            for (Session session : List.copyOf(sessions.values())) {
                tick(session, now, stoodStill, effects);
            }
            for (Member member : List.copyOf(members.values())) {
                if (member.live.isEmpty()
                        && !stoodStill
                        && now - member.lostAt >= settings.reconnectGrace().toNanos()) {
                    remove(
                            member,
                            "lost",
                            Optional.empty(),
                            "the client lost its connection and did not come back within "
                                    + seconds(settings.reconnectGrace()),
                            effects);
                }
            }
            ending.removeIf(end -> {
                if (now - end.cutAt() < 0) {
                    return false;
                }
                effects.add(end.connection()::abort);
                return true;
            });
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    private void tick(Session session, long now, boolean stoodStill, Effects effects) {
        if (now - session.heardAt >= settings.silenceNanos() && !stoodStill) {
            dismiss(
                    session,
                    GoodbyeCode.GOODBYE_CODE_SILENT,
                    "nothing was heard for " + seconds(Duration.ofNanos(settings.silenceNanos())),
                    effects);
            return;
        }
        if (!session.connection.hasBacklog()) {
            session.hasBacklog = false;
        } else if (!session.hasBacklog) {
            session.hasBacklog = true;
            session.backlogSince = now;
        } else if (now - session.backlogSince >= settings.silenceNanos() && !stoodStill) {
            dismiss(session, GoodbyeCode.GOODBYE_CODE_SILENT, "the client does not read what it is sent", effects);
            return;
        }
        if (now - session.beatAt >= settings.heartbeatNanos() && !session.hasBacklog) {
            session.beatAt = now;
            session.connection.enqueue(ServerMessage.newBuilder()
                    .setHeartbeat(Heartbeat.newBuilder().setNumber(++session.beats))
                    .build());
            effects.flush(session.connection);
        }
    }

    private static String seconds(Duration duration) {
        return duration.toMillis() / 1000.0 + " s";
    }

    /** Something came from the client. Returns whether it may be looked at: not if the session is over, or messages come too fast. */
    boolean hear(Session session) {
        Effects effects = new Effects();
        boolean isHeard;
        lock.lock();
        try {
            long now = nanoTime.getAsLong();
            isHeard = session.isLive();
            session.heardAt = now;
            if (isHeard && !session.mayTake(settings.limits(), now)) {
                isHeard = false;
                dismiss(
                        session,
                        GoodbyeCode.GOODBYE_CODE_TOO_FAST,
                        "more than " + settings.limits().messagesPerSecond() + " messages per second",
                        effects);
            }
        } finally {
            lock.unlock();
        }
        effects.run();
        return isHeard;
    }

    // ---- What the coordinator asks ----

    List<ClientInfo> clients() {
        lock.lock();
        try {
            return members.values().stream().map(member -> member.info).toList();
        } finally {
            lock.unlock();
        }
    }

    boolean awaitClients(int count, Duration timeout) throws InterruptedException {
        long left = timeout.toNanos();
        lock.lockInterruptibly();
        try {
            while (members.size() < count) {
                if (left <= 0 || isClosed) {
                    return false;
                }
                left = joined.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

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
        OpenTask opened = new OpenTask(task, listener, offer(task, shared), nanoTime.getAsLong());
        Effects effects = new Effects();
        boolean isUnknown = false;
        lock.lock();
        try {
            Optional<Member> member = Optional.ofNullable(members.get(task.clientId()));
            isUnknown = member.isEmpty();
            if (isClosed || isUnknown || open.containsKey(task.id())) {
                release(opened, effects);
            }
            requireOpen();
            if (open.containsKey(task.id())) {
                throw new IllegalStateException("task " + task.id() + " is under way already");
            }
            member.ifPresent(there -> {
                ended.forget(task.id());
                open.put(task.id(), opened);
                there.givenUpWhileAway.remove(task.id());
                there.tasks.add(opened);
                if (there.tasks.size() == 1) {
                    offerNext(there, effects);
                }
            });
        } finally {
            lock.unlock();
            effects.run();
        }
        if (isUnknown) {
            failUnknown(task, listener);
        }
    }

    private boolean isMember(String clientId) {
        lock.lock();
        try {
            requireOpen();
            return members.containsKey(clientId);
        } finally {
            lock.unlock();
        }
    }

    private void requireOpen() {
        if (isClosed) {
            throw new IllegalStateException("the server is closed");
        }
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
        Effects effects = new Effects();
        lock.lock();
        try {
            Optional.ofNullable(open.get(task.id())).ifPresent(opened -> cancel(opened, effects));
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    private void cancel(OpenTask task, Effects effects) {
        if (task.isClaimed) {
            task.isCancelled = true;
            return;
        }
        open.remove(task.id());
        ended.cancelled(task);
        release(task, effects);
        Optional.ofNullable(members.get(task.task.clientId())).ifPresent(member -> {
            boolean wasFirst = !member.tasks.isEmpty() && member.tasks.peek() == task;
            member.tasks.remove(task);
            if (task.isOffered && member.live.isPresent()) {
                Connection connection = member.live.get().connection;
                connection.enqueue(cancel(task.id(), "the task is no longer needed"));
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
            log(System.Logger.Level.DEBUG, "task " + task.id() + " is cancelled");
        });
    }

    private Duration age(OpenTask task) {
        return Duration.ofNanos(nanoTime.getAsLong() - task.submittedAt);
    }

    /** Offers the member's first task, unless it is busy or away. */
    private static void offerNext(Member member, Effects effects) {
        if (member.isDelivering || member.live.isEmpty() || member.tasks.isEmpty()) {
            return;
        }
        OpenTask first = member.tasks.peek();
        if (!first.isClaimed) {
            Connection connection = member.live.get().connection;
            first.isOffered = true;
            connection.enqueue(first.offer);
            effects.flush(connection);
            effects.add(() -> log(System.Logger.Level.DEBUG, "task " + first.id() + " is offered"));
        }
    }

    /** Lets go of what an open task holds. */
    private void release(OpenTask task, Effects effects) {
        Optional<OpenTask.Upload> upload = task.upload;
        task.upload = Optional.empty();
        effects.add(() -> OpenTask.models(task.task).forEach(models::release));
        upload.ifPresent(under -> effects.add(under.receiver()::discard));
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

    private void finished(OpenTask task, ClientOutcome outcome) {
        metrics.taskFinished(outcome.word(), age(task));
        log(
                System.Logger.Level.DEBUG,
                "task " + task.id() + " is " + outcome.word()
                        + (outcome.reason().isEmpty() ? "" : ": " + outcome.reason()));
    }

    private void execute(InOrder calls) {
        try {
            executor.execute(calls::drain);
        } catch (RejectedExecutionException e) {
            log(System.Logger.Level.DEBUG, "a listener is not called: the executor is closed");
        }
    }

    // ---- What clients say of tasks ----

    /** The client has begun with a task. */
    void started(Session session, TaskStarted message) {
        Effects effects = new Effects();
        lock.lock();
        try {
            Optional<OpenTask> task = own(session, message.getTaskId());
            if (task.isEmpty() || !task.get().fingerprint().equals(message.getFingerprint())) {
                // It works on what it will not get rid of: it may as well stop.
                session.connection.enqueue(cancel(plain(message.getTaskId()), "the task is not open"));
                effects.flush(session.connection);
            } else {
                start(task.get());
                effects.add(() -> execute(task.get().calls));
            }
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    private static void start(OpenTask task) {
        if (!task.isStarted) {
            task.isStarted = true;
            task.calls.add(() -> task.listener.started(task.task));
        }
    }

    /** The client says how far it is. */
    void progress(Session session, TaskProgress message) {
        Effects effects = new Effects();
        lock.lock();
        try {
            own(session, message.getTaskId())
                    .filter(task ->
                            task.isStarted && !task.isClaimed && message.getDone() >= 0 && message.getTotal() >= 0)
                    .ifPresent(task -> {
                        task.calls.add(() -> task.listener.progress(task.task, message.getDone(), message.getTotal()));
                        effects.add(() -> execute(task.calls));
                    });
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    private Optional<OpenTask> own(Session session, String taskId) {
        return Optional.ofNullable(open.get(taskId))
                .filter(task -> session.isLive() && task.task.clientId().equals(session.member.id));
    }

    /** An answer came over the client's session. */
    void answer(Session session, TaskAnswer answer) {
        answer(session.member.id, answer, receipt -> {
            Effects effects = new Effects();
            lock.lock();
            try {
                if (session.isLive()) {
                    session.connection.enqueue(
                            ServerMessage.newBuilder().setReceipt(receipt).build());
                    effects.flush(session.connection);
                }
            } finally {
                lock.unlock();
            }
            effects.run();
        });
    }

    /** Tells a client what became of its answer; called once. */
    private interface Teller {
        void tell(AnswerReceipt receipt);
    }

    /** Takes an answer that holds all its values; never blocks. */
    private void answer(String clientId, TaskAnswer answer, Teller teller) {
        Judgement judgement = judge(clientId, answer);
        if (judgement.task().isEmpty()) {
            teller.tell(judgement.receipt());
            return;
        }
        OpenTask task = judgement.task().get();
        ClientOutcome outcome;
        AnswerReceipt receipt = judgement.receipt();
        try {
            long bytes = InlineAnswers.byteCount(answer);
            if (bytes > task.maxAnswerBytes()) {
                outcome = new ClientOutcome.Rejected(tooLarge(bytes, task));
                receipt = receipt(task.id(), Verdict.VERDICT_TOO_LARGE, outcome.reason());
            } else {
                outcome = InlineAnswers.read(answer);
            }
        } catch (InlineAnswers.CorruptException e) {
            unclaim(task);
            teller.tell(receipt(task.id(), Verdict.VERDICT_CORRUPT, String.valueOf(e.getMessage())));
            return;
        } catch (WireException e) {
            outcome = new ClientOutcome.Rejected(String.valueOf(e.getMessage()));
            receipt = receipt(task.id(), Verdict.VERDICT_MALFORMED, outcome.reason());
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "the answer to task " + task.id() + " cannot be read", e);
            outcome = new ClientOutcome.Rejected(
                    "the answer cannot be read: " + e.getClass().getName());
            receipt = receipt(task.id(), Verdict.VERDICT_MALFORMED, outcome.reason());
        }
        settle(task, outcome, receipt, teller);
        execute(task.calls);
    }

    private static String tooLarge(long bytes, OpenTask task) {
        return "the answer has " + (bytes == Long.MAX_VALUE ? "too many" : bytes) + " bytes of values, at most "
                + task.maxAnswerBytes() + " are taken";
    }

    /** A task whose answer may be looked at, by the caller alone, or what to tell a client whose answer counts for nothing. */
    private record Judgement(Optional<OpenTask> task, AnswerReceipt receipt) {}

    /** Decides whether this is the one answer that counts. */
    private Judgement judge(String clientId, TaskAnswer answer) {
        Effects effects = new Effects();
        Judgement judgement;
        lock.lock();
        try {
            judgement = judgeLocked(clientId, answer, effects);
            judgement.task().ifPresent(task -> task.isClaimed = true);
        } finally {
            lock.unlock();
        }
        effects.run();
        return judgement;
    }

    private Judgement judgeLocked(String clientId, TaskAnswer answer, Effects effects) {
        String taskId = answer.getTaskId();
        Optional<OpenTask> task = Optional.ofNullable(open.get(taskId));
        if (task.isPresent()) {
            if (!task.get().task.clientId().equals(clientId)) {
                return refused(clientId, taskId, Verdict.VERDICT_FOREIGN, "the task is another client's", effects);
            }
            if (!task.get().fingerprint().equals(answer.getFingerprint())) {
                return refused(
                        clientId, taskId, Verdict.VERDICT_STALE, "the task of this id is another one now", effects);
            }
            if (task.get().isClaimed) {
                return refused(
                        clientId, taskId, Verdict.VERDICT_CORRUPT, "another copy of the answer is being read", effects);
            }
            return new Judgement(task, receipt(taskId, Verdict.VERDICT_ACCEPTED, ""));
        }
        Optional<EndedTasks.Ended> past = ended.find(taskId);
        if (past.isEmpty()) {
            return refused(clientId, taskId, Verdict.VERDICT_UNKNOWN_TASK, "no task of this id is known", effects);
        }
        if (!past.get().clientId.equals(clientId)) {
            return refused(clientId, taskId, Verdict.VERDICT_FOREIGN, "the task is another client's", effects);
        }
        if (!past.get().fingerprint.equals(answer.getFingerprint())) {
            return refused(clientId, taskId, Verdict.VERDICT_STALE, "the task of this id was another one", effects);
        }
        if (past.get().isAnswered) {
            return refused(clientId, taskId, Verdict.VERDICT_DUPLICATE, "the task has been answered", effects);
        }
        if (answer.hasUpdate()) {
            past.get().takeWaiting().ifPresent(waiting -> {
                // Only that it came late is told, and nothing of it kept.
                ClientUpdate nothing = ClientUpdate.ofMetrics(Metrics.none(), 0);
                waiting.calls()
                        .add(() -> waiting.listener().finished(waiting.name(), new ClientOutcome.Completed(nothing)));
                effects.add(() -> execute(waiting.calls()));
            });
        }
        return refused(clientId, taskId, Verdict.VERDICT_LATE, "the task had been given up", effects);
    }

    private Judgement refused(String clientId, String taskId, Verdict verdict, String reason, Effects effects) {
        effects.add(() -> log(
                System.Logger.Level.INFO,
                "refused an answer of client '" + clientId + "' to task '" + plain(taskId) + "': " + reason));
        return new Judgement(Optional.empty(), receipt(taskId, verdict, reason));
    }

    /** The answer that was looked at was none: the next one may come. */
    private void unclaim(OpenTask task) {
        Effects effects = new Effects();
        lock.lock();
        try {
            task.isClaimed = false;
            if (open.get(task.id()) == task) {
                if (task.isCancelled) {
                    cancel(task, effects);
                } else if (!isQueued(task)) {
                    fail(task, new ClientOutcome.Failed("the client has gone"), effects);
                }
            }
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    private boolean isQueued(OpenTask task) {
        return Optional.ofNullable(members.get(task.task.clientId()))
                .map(member -> member.tasks.contains(task))
                .orElse(false);
    }

    /** The claimed task ends with this outcome; whoever drains its calls tells the listener, and then the client. */
    private void settle(OpenTask task, ClientOutcome outcome, AnswerReceipt receipt, Teller teller) {
        Effects effects = new Effects();
        lock.lock();
        try {
            if (open.remove(task.id(), task)) {
                ended.answered(task);
                release(task, effects);
                Optional<Member> member = Optional.ofNullable(members.get(task.task.clientId()));
                member.ifPresent(there -> {
                    there.tasks.remove(task);
                    there.isDelivering = true;
                });
                start(task);
                task.calls.add(() -> deliver(task, outcome, receipt, teller, member));
            } else {
                // The server was closed meanwhile.
                task.calls.add(() -> teller.tell(receipt(task.id(), Verdict.VERDICT_LATE, "the server is closed")));
            }
        } finally {
            lock.unlock();
        }
        effects.run();
    }

    private void deliver(
            OpenTask task, ClientOutcome outcome, AnswerReceipt receipt, Teller teller, Optional<Member> member) {
        finished(task, outcome);
        try {
            task.listener.finished(task.task, outcome);
        } finally {
            teller.tell(receipt);
            Effects effects = new Effects();
            lock.lock();
            try {
                member.ifPresent(there -> {
                    there.isDelivering = false;
                    offerNext(there, effects);
                });
            } finally {
                lock.unlock();
            }
            effects.run();
        }
    }

    // ---- Answers and models in calls of their own ----

    /** The live session of this token. */
    Optional<Session> session(ByteString token) {
        lock.lock();
        try {
            return Optional.ofNullable(sessions.get(token));
        } finally {
            lock.unlock();
        }
    }

    /** The model of this digest, if a task that this client has open names it. */
    Optional<EncodedModel> model(String clientId, ByteString digest) {
        String hex = WireModels.hex(digest);
        boolean isNamed;
        lock.lock();
        try {
            isNamed = members.containsKey(clientId)
                    && members.get(clientId).tasks.stream()
                            .flatMap(task -> OpenTask.models(task.task).stream())
                            .anyMatch(model -> model.digest().equals(hex));
        } finally {
            lock.unlock();
        }
        return isNamed ? models.find(hex) : Optional.empty();
    }

    /** Decides on an answer before any of its values travel. May block if that ends the task. */
    Admission admit(String clientId, TaskAnswer announced) {
        if (!announced.hasUpdate()) {
            return new Admission.Refused(answerNow(clientId, announced));
        }
        Effects effects = new Effects();
        lock.lock();
        try {
            Judgement judgement = judgeLocked(clientId, announced, effects);
            if (judgement.task().isEmpty()) {
                return new Admission.Refused(judgement.receipt());
            }
            OpenTask task = judgement.task().get();
            if (task.upload.isPresent() && task.upload.get().announced().equals(announced)) {
                return new Admission.Admitted(task.upload.get().receiver());
            }
        } finally {
            lock.unlock();
            effects.run();
        }
        return admitNew(clientId, announced);
    }

    private Admission admitNew(String clientId, TaskAnswer announced) {
        Judgement judgement = judge(clientId, announced);
        if (judgement.task().isEmpty()) {
            return new Admission.Refused(judgement.receipt());
        }
        OpenTask task = judgement.task().get();
        long bytes = InlineAnswers.byteCount(announced);
        if (bytes > task.maxAnswerBytes()) {
            return new Admission.Refused(rejectClaimed(task, Verdict.VERDICT_TOO_LARGE, tooLarge(bytes, task)));
        }
        AnswerReceiver receiver;
        try {
            receiver = AnswerReceiver.of(announced, task.maxAnswerBytes(), budget, task.listener.spool());
        } catch (WireException e) {
            return new Admission.Refused(
                    rejectClaimed(task, Verdict.VERDICT_MALFORMED, String.valueOf(e.getMessage())));
        }
        Effects effects = new Effects();
        lock.lock();
        try {
            task.upload.ifPresent(before -> effects.add(before.receiver()::discard));
            task.upload = Optional.of(new OpenTask.Upload(announced, receiver));
            start(task);
            effects.add(() -> execute(task.calls));
        } finally {
            lock.unlock();
        }
        effects.run();
        unclaim(task);
        lock.lock();
        try {
            if (task.upload.isPresent()) {
                return new Admission.Admitted(receiver);
            }
        } finally {
            lock.unlock();
        }
        // It was given up meanwhile.
        Judgement again = judge(clientId, announced);
        again.task().ifPresent(this::unclaim);
        return new Admission.Refused(
                again.task().isEmpty()
                        ? again.receipt()
                        : receipt(task.id(), Verdict.VERDICT_CORRUPT, "the task has been asked again"));
    }

    /** Takes an answer whose values are all here. Blocks while its listener does. */
    AnswerReceipt deliver(String clientId, AnswerReceiver complete) {
        Judgement judgement = judgeUpload(clientId, complete);
        if (judgement.task().isEmpty()) {
            return judgement.receipt();
        }
        OpenTask task = judgement.task().get();
        ClientOutcome outcome;
        AnswerReceipt receipt = judgement.receipt();
        try {
            outcome = new ClientOutcome.Completed(complete.update());
        } catch (WireException | IllegalArgumentException e) {
            outcome = new ClientOutcome.Rejected(String.valueOf(e.getMessage()));
            receipt = receipt(task.id(), Verdict.VERDICT_MALFORMED, outcome.reason());
        }
        return settleNow(task, outcome, receipt);
    }

    /** Ends the task of an answer whose values are not what it announced. Blocks while its listener does. */
    AnswerReceipt reject(String clientId, AnswerReceiver receiver, Verdict verdict, String reason) {
        Judgement judgement = judgeUpload(clientId, receiver);
        return judgement.task().isEmpty()
                ? judgement.receipt()
                : rejectClaimed(judgement.task().get(), verdict, reason);
    }

    private Judgement judgeUpload(String clientId, AnswerReceiver receiver) {
        Judgement judgement = judge(clientId, receiver.announced());
        if (judgement.task().isPresent()) {
            OpenTask task = judgement.task().get();
            boolean isCurrent;
            lock.lock();
            try {
                isCurrent = task.upload.isPresent() && task.upload.get().receiver() == receiver;
                if (isCurrent) {
                    // What it holds belongs to the update from here on.
                    task.upload = Optional.empty();
                }
            } finally {
                lock.unlock();
            }
            if (!isCurrent) {
                unclaim(task);
                return new Judgement(
                        Optional.empty(),
                        receipt(task.id(), Verdict.VERDICT_CORRUPT, "another copy of the answer is being received"));
            }
        }
        return judgement;
    }

    private AnswerReceipt rejectClaimed(OpenTask task, Verdict verdict, String reason) {
        ClientOutcome outcome = new ClientOutcome.Rejected(reason);
        return settleNow(task, outcome, receipt(task.id(), verdict, outcome.reason()));
    }

    private AnswerReceipt answerNow(String clientId, TaskAnswer answer) {
        CompletableFuture<AnswerReceipt> told = new CompletableFuture<>();
        answer(clientId, answer, told::complete);
        // Whoever makes the call, if it is not this thread, is at it.
        return told.join();
    }

    /** Ends a claimed task on the calling thread, so that whoever brought the answer waits for its listener. */
    private AnswerReceipt settleNow(OpenTask task, ClientOutcome outcome, AnswerReceipt receipt) {
        CompletableFuture<AnswerReceipt> told = new CompletableFuture<>();
        settle(task, outcome, receipt, told::complete);
        task.calls.drain();
        // Whoever makes the call, if it is not this thread, is at it.
        return told.join();
    }

    // ---- Words ----

    /** How many models are held for open tasks. */
    int modelCount() {
        return models.size();
    }

    static Goodbye goodbye(GoodbyeCode code, String reason) {
        return Goodbye.newBuilder().setCode(code).setReason(shorten(reason)).build();
    }

    private static ServerMessage cancel(String taskId, String reason) {
        return ServerMessage.newBuilder()
                .setCancel(TaskCancel.newBuilder().setTaskId(taskId).setReason(reason))
                .build();
    }

    private static AnswerReceipt receipt(String taskId, Verdict verdict, String reason) {
        return AnswerReceipt.newBuilder()
                .setTaskId(taskId)
                .setVerdict(verdict)
                .setReason(shorten(reason))
                .build();
    }

    /** A word for metrics: {@code GOODBYE_CODE_TOO_FAST} is {@code too-fast}. */
    static String word(GoodbyeCode code) {
        return code.name()
                .substring("GOODBYE_CODE_".length())
                .toLowerCase(Locale.ROOT)
                .replace('_', '-');
    }

    private static String shorten(String text) {
        return text.length() <= MAX_REASON_LENGTH ? text : text.substring(0, MAX_REASON_LENGTH);
    }

    /** What a client said, for a log: on one line, and not too long. */
    private static String plain(String text) {
        return shorten(text).replaceAll("\\p{Cntrl}", " ");
    }

    private static void log(System.Logger.Level level, String message) {
        LOG.log(level, message);
    }

    /** How long between two looks at the clock. */
    long tickMillis() {
        return Math.max(1, TimeUnit.NANOSECONDS.toMillis(settings.heartbeatNanos()) / 8);
    }
}
