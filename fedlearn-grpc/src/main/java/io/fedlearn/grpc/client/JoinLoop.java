package io.fedlearn.grpc.client;

import com.google.protobuf.ByteString;
import io.fedlearn.core.LibraryVersion;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.client.TaskBoard.Key;
import io.fedlearn.grpc.client.TaskBoard.Step;
import io.fedlearn.grpc.internal.transfer.TransferConnection;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireTasks;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Heartbeat;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.Leave;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.Setting;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskCancel;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import io.fedlearn.grpc.proto.v1.Welcome;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A client's life: connects, says hello, hears what the server wants, and connects again when that breaks off. All of it happens
 * on the one thread of {@link #run()}; what other threads do comes as an {@link Event}.
 */
final class JoinLoop {
    /** The version of the protocol that this client speaks. */
    static final int VERSION = 1;

    /** A connection is dead after so many heartbeats without any message. */
    static final int SILENT_HEARTBEATS = 3;

    private static final Logger LOG = System.getLogger(FederatedClient.class.getName());

    private static final int MAX_HEARTBEAT_MILLIS = 3_600_000;
    private static final int MAX_INLINE_BYTES = 16 << 20;
    private static final int MAX_FINGERPRINT_BYTES = 64;
    private static final int MAX_TASK_ID_LENGTH = 4096;
    private static final int MAX_DAMAGES = 4;
    private static final Duration LONGEST_RETRY = Duration.ofHours(1);
    private static final Duration LONGEST_LIMIT = Duration.ofDays(36_500);
    private static final Duration GOODBYE_PATIENCE = Duration.ofSeconds(1);
    private static final Duration PROGRESS_INTERVAL = Duration.ofMillis(250);
    private static final double RETRY_JITTER = 0.1;

    /** What the loop is told beforehand. */
    record Settings(
            Refusals refusals,
            String clientId,
            List<Setting> properties,
            Backoff backoff,
            boolean compression,
            Duration welcomeTimeout,
            Supplier<ManagedChannel> channels,
            SeededRandom random,
            TransportMetrics metrics) {}

    /** What the server has agreed to. */
    private record Session(TransferConnection connection, long heartbeatNanos, int inlineBytes, long since) {}

    /** The task at work, for logs and metrics. */
    private record Current(long job, Key key, int round, long since) {}

    private final Settings settings;
    private final Refusals refusals;
    private final String server;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final Sessions sessions;
    private final TaskWorker worker;
    private final Traffic traffic;
    private final TaskBoard<Offered, Answer> board;
    private final ByteString instance;

    private Optional<ServerLink> link = Optional.empty();
    private Optional<Session> session = Optional.empty();
    private Optional<Current> current = Optional.empty();
    private Optional<Departure> departure = Optional.empty();
    private Optional<Key> lastCounted = Optional.empty();
    private long attempts;
    private int failures;
    private long joins;
    private long answered;
    private int damages;
    private long nextAttempt;
    private long lastContact;
    private long lastHeard;
    private long lastHeartbeat;
    private long heartbeats;
    private long lastProgress;
    private boolean hasProgress;

    /** An offer that was understood, and its task without its models. */
    private record Offered(TaskOffer message, Task.Builder task, int round) {}

    /** Makes the worker of a loop. */
    @FunctionalInterface
    interface WorkerFactory {
        /** A worker that goes over these sessions, and says what comes of its work. */
        TaskWorker create(Sessions sessions, Consumer<Event> events);
    }

    JoinLoop(Settings settings, Duration grace, WorkerFactory workers) {
        this.settings = settings;
        this.refusals = settings.refusals();
        this.server = refusals.server();
        this.sessions = new Sessions();
        this.worker = workers.create(sessions, events::add);
        this.traffic = new Traffic(settings.metrics());
        this.board = new TaskBoard<>(grace);
        byte[] random = new byte[16];
        new SecureRandom().nextBytes(random);
        this.instance = ByteString.copyFrom(random);
    }

    /** Has the loop leave; from any thread. */
    void close() {
        events.add(new Event.Closing());
    }

    /** Whether the calling thread is at work for this client; from any thread. */
    boolean isWorking() {
        return worker.isOwnThread();
    }

    /** Runs until the client has left. */
    Departure run() throws InterruptedException {
        nextAttempt = now();
        lastContact = nextAttempt;
        try {
            while (departure.isEmpty()) {
                tick(now());
                Event event = events.poll(Math.max(0, nextDeadline() - now()), TimeUnit.NANOSECONDS);
                if (event != null) {
                    handle(event);
                }
            }
            return departure.get();
        } finally {
            shutDown();
        }
    }

    private static long now() {
        return System.nanoTime();
    }

    // ---- time ----

    private void tick(long now) {
        if (link.isEmpty()) {
            giveUpIfDue(now);
            if (now - nextAttempt >= 0) {
                connect(now);
            }
        } else if (events.isEmpty() && now - lastHeard >= silence()) {
            // After a pause of this process, what came meanwhile is heard first.
            String what = session.isPresent() ? "it is silent" : "it does not answer";
            disconnect(what, OptionalLong.empty(), "silent");
        } else if (session.isPresent() && now - lastHeartbeat >= session.get().heartbeatNanos()) {
            lastHeartbeat = now;
            send(ClientMessage.newBuilder().setHeartbeat(Heartbeat.newBuilder().setNumber(++heartbeats)));
        }
        if (hasProgress && now - lastProgress >= PROGRESS_INTERVAL.toNanos()) {
            sendProgress(now);
        }
        perform(board.tick(now));
    }

    /** For how long a connection may be silent. */
    private long silence() {
        return session.map(it -> SILENT_HEARTBEATS * it.heartbeatNanos())
                .orElse(settings.welcomeTimeout().toNanos());
    }

    private long nextDeadline() {
        long next;
        if (link.isEmpty()) {
            next = nextAttempt;
            if (settings.backoff().giveUpAfter().isPresent()) {
                next = earlier(
                        next,
                        lastContact + settings.backoff().giveUpAfter().get().toNanos());
            }
        } else {
            next = lastHeard + silence();
            if (session.isPresent()) {
                next = earlier(next, lastHeartbeat + session.get().heartbeatNanos());
            }
        }
        if (hasProgress) {
            next = earlier(next, lastProgress + PROGRESS_INTERVAL.toNanos());
        }
        OptionalLong tasks = board.nextTick();
        return tasks.isPresent() ? earlier(next, tasks.getAsLong()) : next;
    }

    private static long earlier(long one, long other) {
        return one - other <= 0 ? one : other;
    }

    // ---- the connection ----

    private void connect(long now) {
        attempts++;
        lastHeard = now;
        ServerLink opened;
        try {
            opened = ServerLink.open(settings.channels().get(), traffic, events::add);
        } catch (TransportException e) {
            // Certificates and tokens are read again for each connection, perhaps while they are being replaced.
            if (joins == 0) {
                throw e;
            }
            disconnect(Refusals.plain(String.valueOf(e.getMessage())), OptionalLong.empty(), "security");
            return;
        }
        link = Optional.of(opened);
        Hello.Builder hello = Hello.newBuilder()
                .setMinVersion(VERSION)
                .setMaxVersion(VERSION)
                .setClientId(settings.clientId())
                .setInstance(instance)
                .setAttempt(attempts)
                .setSoftware("fedlearn " + LibraryVersion.current())
                .addAllProperties(settings.properties());
        if (settings.compression()) {
            hello.addCompressions(Compression.COMPRESSION_ZSTD);
        }
        send(ClientMessage.newBuilder().setHello(hello));
    }

    /** Gives a connection up and says when to try the next. */
    private void disconnect(String reason, OptionalLong retryAfterNanos, String word) {
        long now = now();
        link.ifPresent(ServerLink::close);
        link = Optional.empty();
        if (session.isPresent()) {
            settings.metrics().sessionEnded(word);
            lastContact = lastHeard;
            // A server that lets clients in and falls over at once is not asked ever more often.
            if (now - session.get().since() >= session.get().heartbeatNanos()) {
                failures = 0;
            }
        }
        session = Optional.empty();
        sessions.close();
        board.disconnected();
        worker.stopUpload();
        failures++;
        Duration delay = settings.backoff().delay(failures, settings.random());
        if (retryAfterNanos.isPresent()) {
            delay = Duration.ofNanos((long) (retryAfterNanos.getAsLong()
                    * (1 + RETRY_JITTER * settings.random().nextDouble())));
            lastContact = now + delay.toNanos();
        }
        nextAttempt = now + delay.toNanos();
        long millis = delay.toMillis();
        LOG.log(
                Level.INFO,
                () -> name() + (joins == 0 ? " cannot join " : " is not connected with ") + server + " (" + reason
                        + "); tries again in " + millis + " ms");
    }

    private void giveUpIfDue(long now) {
        Optional<Duration> limit = settings.backoff().giveUpAfter();
        if (limit.isPresent() && now - lastContact >= limit.get().toNanos()) {
            throw new TransportException(
                    Reason.UNREACHABLE,
                    "the server at " + server + " was out of reach for "
                            + limit.get().toSeconds()
                            + " s: check host and port, that the server runs, and that this site's firewall lets"
                            + " connections out to it");
        }
    }

    private void send(ClientMessage.Builder message) {
        link.ifPresent(it -> it.send(message.build()));
    }

    private String name() {
        return "client '" + settings.clientId() + "'";
    }

    // ---- events ----

    private void handle(Event event) {
        if (event instanceof Event.Received received) {
            if (link.equals(Optional.of(received.link()))) {
                lastHeard = now();
                hear(received.message());
                link.ifPresent(ServerLink::next);
            }
        } else if (event instanceof Event.Broken broken) {
            if (link.equals(Optional.of(broken.link()))) {
                lost(broken.status());
            }
        } else if (event instanceof Event.Worked worked) {
            finish(worked.job(), worked.answer().word());
            perform(board.answered(worked.job(), worked.answer(), now()));
        } else if (event instanceof Event.Lost lost) {
            finish(lost.job(), "failed");
            perform(board.lost(lost.job(), lost.reason(), now()));
        } else if (event instanceof Event.Progressed) {
            hasProgress = true;
        } else if (event instanceof Event.Uploaded uploaded) {
            if (board.isSending(uploaded.key())) {
                worker.stopUpload();
                receive(uploaded.receipt());
            }
        } else if (event instanceof Event.NotUploaded failed) {
            notUploaded(failed);
        } else {
            leave();
        }
    }

    private void lost(Status status) {
        Optional<TransportException> refusal = refusals.of(status, joins > 0);
        if (refusal.isPresent()) {
            throw refused(refusal.get());
        }
        disconnect(refusals.describe(status), OptionalLong.empty(), "lost");
    }

    private TransportException refused(TransportException refusal) {
        LOG.log(Level.WARNING, () -> name() + " was refused: " + refusal.getMessage());
        settings.metrics().sessionRefused(refusal.reason().name().toLowerCase(Locale.ROOT));
        return refusal;
    }

    private void hear(ServerMessage message) {
        switch (message.getMessageCase()) {
            case WELCOME -> {
                if (session.isEmpty()) {
                    welcome(message.getWelcome());
                }
            }
            case GOODBYE -> goodbye(message.getGoodbye());
            case TASK -> {
                if (session.isPresent()) {
                    offer(message.getTask());
                }
            }
            case CANCEL -> {
                TaskCancel cancel = message.getCancel();
                perform(board.cancelled(cancel.getTaskId(), Refusals.plain(cancel.getReason()), now()));
            }
            case RECEIPT -> {
                if (board.isSending(message.getReceipt().getTaskId())) {
                    receive(message.getReceipt());
                }
            }
            case HEARTBEAT, MESSAGE_NOT_SET -> {
                // That it came is all that it says; and what this version does not know, it does not need.
            }
        }
    }

    private void welcome(Welcome welcome) {
        TransferConnection connection;
        try {
            requireWelcome(welcome.getVersion() == VERSION, "version " + welcome.getVersion());
            int heartbeat = welcome.getHeartbeatMillis();
            requireWelcome(heartbeat >= 1 && heartbeat <= MAX_HEARTBEAT_MILLIS, "a heartbeat of " + heartbeat + " ms");
            int inline = welcome.getInlineBytes();
            requireWelcome(inline >= 0 && inline <= MAX_INLINE_BYTES, inline + " bytes of values in messages");
            boolean agreed = welcome.getCompression() == Compression.COMPRESSION_NONE
                    || (settings.compression() && welcome.getCompression() == Compression.COMPRESSION_ZSTD);
            requireWelcome(agreed, "compression " + welcome.getCompressionValue());
            connection = new TransferConnection(
                    link.orElseThrow().channel(),
                    welcome.getSession(),
                    welcome.getChunkBytes(),
                    welcome.getCompression());
        } catch (IllegalArgumentException e) {
            throw refused(new TransportException(
                    Reason.PROTOCOL,
                    "the server at " + server + " offers terms that this client cannot accept: " + e.getMessage(),
                    e));
        }
        long now = now();
        session = Optional.of(new Session(
                connection,
                TimeUnit.MILLISECONDS.toNanos(welcome.getHeartbeatMillis()),
                welcome.getInlineBytes(),
                now));
        lastHeartbeat = now;
        sessions.open(connection);
        joins++;
        if (joins > 1) {
            settings.metrics().reconnected();
        }
        settings.metrics().sessionJoined();
        LOG.log(
                Level.INFO,
                () -> name() + (joins == 1 ? " joined " : " is back at ") + server + " ("
                        + Refusals.plain(welcome.getSoftware()) + ")");
    }

    private static void requireWelcome(boolean fits, String what) {
        if (!fits) {
            throw new IllegalArgumentException(what);
        }
    }

    private void goodbye(Goodbye goodbye) {
        if (goodbye.getCode() == GoodbyeCode.GOODBYE_CODE_RUN_OVER) {
            depart(Departure.Cause.RUN_OVER, Refusals.plain(goodbye.getReason()));
        } else if (Refusals.isTemporary(goodbye)) {
            long millis = goodbye.getRetryAfterMillis();
            // Unsigned on the wire.
            long bounded = millis < 0 ? LONGEST_RETRY.toMillis() : Math.min(millis, LONGEST_RETRY.toMillis());
            disconnect(
                    goodbye.getCode()
                            + (goodbye.getReason().isBlank() ? "" : ": " + Refusals.plain(goodbye.getReason())),
                    bounded == 0 ? OptionalLong.empty() : OptionalLong.of(TimeUnit.MILLISECONDS.toNanos(bounded)),
                    "sent-away");
        } else {
            throw refused(refusals.of(goodbye));
        }
    }

    private void leave() {
        if (link.isPresent()) {
            ServerLink leaving = link.get();
            send(ClientMessage.newBuilder().setLeave(Leave.newBuilder().setReason("the client was closed")));
            leaving.finish();
            awaitServersEnd(leaving);
        }
        depart(Departure.Cause.CLOSED, "");
    }

    /** So that the server has heard it before the connection is cut. */
    private void awaitServersEnd(ServerLink leaving) {
        leaving.next();
        long deadline = now() + GOODBYE_PATIENCE.toNanos();
        try {
            while (true) {
                Event event = events.poll(Math.max(0, deadline - now()), TimeUnit.NANOSECONDS);
                if (event == null || (event instanceof Event.Broken broken && broken.link() == leaving)) {
                    return;
                }
                if (event instanceof Event.Received) {
                    leaving.next();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void depart(Departure.Cause cause, String reason) {
        departure = Optional.of(
                new Departure(cause, reason, answered, Math.max(0, joins - 1), traffic.received(), traffic.sent()));
        LOG.log(
                Level.INFO,
                () -> name() + " left " + server + " ("
                        + (cause == Departure.Cause.RUN_OVER ? "the run is over" : "closed")
                        + (reason.isBlank() ? "" : ": " + reason) + "), " + answered + " tasks answered");
    }

    private void shutDown() {
        session.ifPresent(it -> settings.metrics().sessionEnded("left"));
        sessions.close();
        link.ifPresent(ServerLink::close);
        worker.close();
        link.ifPresent(ServerLink::awaitEnd);
        link = Optional.empty();
    }

    // ---- tasks ----

    private void offer(TaskOffer offer) {
        if (offer.getTaskId().isEmpty()
                || offer.getTaskId().length() > MAX_TASK_ID_LENGTH
                || offer.getFingerprint().isEmpty()
                || offer.getFingerprint().size() > MAX_FINGERPRINT_BYTES) {
            LOG.log(Level.WARNING, () -> name() + " ignores an offer without a task id or a fingerprint");
            return;
        }
        Key key = Answer.key(offer.getTaskId(), offer.getFingerprint());
        Task.Builder task;
        try {
            task = WireTasks.read(offer, settings.clientId());
        } catch (WireException e) {
            String reason = "the task cannot be read: " + e.getMessage();
            LOG.log(
                    Level.WARNING,
                    () -> name() + " refuses task " + Refusals.plain(offer.getTaskId()) + ": "
                            + Refusals.plain(reason));
            sendFailure(key, reason);
            return;
        }
        Optional<Duration> limit = offer.hasTimeLimitMillis()
                        && offer.getTimeLimitMillis() >= 0
                        && offer.getTimeLimitMillis() <= LONGEST_LIMIT.toMillis()
                ? Optional.of(Duration.ofMillis(offer.getTimeLimitMillis()))
                : Optional.empty();
        perform(board.offered(key, new Offered(offer, task, offer.getRound()), limit, now()));
    }

    private void perform(List<Step<Offered, Answer>> steps) {
        for (Step<Offered, Answer> step : steps) {
            if (step instanceof TaskBoard.Start<Offered, Answer> start) {
                begin(start);
            } else if (step instanceof TaskBoard.Confirm<Offered, Answer> confirm) {
                confirm(confirm.key());
            } else if (step instanceof TaskBoard.Send<Offered, Answer> send) {
                damages = 0;
                sendAnswer(send.key(), send.answer());
            } else if (step instanceof TaskBoard.StopSending<Offered, Answer>) {
                worker.stopUpload();
            } else if (step instanceof TaskBoard.Interrupt<Offered, Answer> interrupt) {
                LOG.log(
                        Level.INFO,
                        () -> name() + " stops task " + interrupt.key().taskId() + ": " + interrupt.reason());
                worker.interrupt(interrupt.job());
            } else if (step instanceof TaskBoard.Refuse<Offered, Answer> refuse) {
                LOG.log(
                        Level.WARNING,
                        () -> name() + " fails task " + refuse.key().taskId() + ": " + refuse.reason());
                sendFailure(refuse.key(), refuse.reason());
            }
        }
    }

    private void begin(TaskBoard.Start<Offered, Answer> start) {
        confirm(start.key());
        current =
                Optional.of(new Current(start.job(), start.key(), start.offer().round(), now()));
        LOG.log(
                Level.INFO,
                () -> name() + " begins task " + start.key().taskId() + " of round "
                        + start.offer().round());
        worker.begin(
                start.job(), start.key(), start.offer().message(), start.offer().task());
    }

    private void confirm(Key key) {
        send(ClientMessage.newBuilder()
                .setStarted(TaskStarted.newBuilder().setTaskId(key.taskId()).setFingerprint(Answer.fingerprint(key))));
        sessions.offered(key);
    }

    private void finish(long job, String word) {
        current.filter(it -> it.job() == job).ifPresent(it -> {
            // The last progress always is told, and before the answer.
            sendProgress(now());
            settings.metrics().taskFinished(word, Duration.ofNanos(now() - it.since()));
        });
    }

    private void sendProgress(long now) {
        hasProgress = false;
        Optional<TaskWorker.Progress> progress = worker.takeProgress();
        if (progress.isEmpty()
                || session.isEmpty()
                || current.isEmpty()
                || current.get().job() != progress.get().job()
                || !board.isAtWork(current.get().job())) {
            return;
        }
        lastProgress = now;
        send(ClientMessage.newBuilder()
                .setProgress(TaskProgress.newBuilder()
                        .setTaskId(current.get().key().taskId())
                        .setDone(progress.get().done())
                        .setTotal(progress.get().total())));
    }

    private void sendAnswer(Key key, Answer answer) {
        Session here = session.orElseThrow();
        LOG.log(Level.INFO, () -> name() + " answers task " + key.taskId() + round(key) + ": " + answer.word());
        if (answer.isInline(here.inlineBytes())) {
            send(ClientMessage.newBuilder().setAnswer(answer.whole(key)));
        } else {
            worker.upload(key, answer, here.connection());
        }
    }

    private String round(Key key) {
        return current.filter(it -> it.key().equals(key))
                .map(it -> " of round " + it.round())
                .orElse("");
    }

    /** Says that a task failed for a reason that may be gone another time; nothing is kept of it. */
    private void sendFailure(Key key, String reason) {
        TaskAnswer answer = Answer.failed(key, reason);
        send(ClientMessage.newBuilder().setAnswer(answer));
    }

    private void receive(AnswerReceipt receipt) {
        String taskId = receipt.getTaskId();
        Key key = board.sending().orElseThrow();
        switch (receipt.getVerdict()) {
            case VERDICT_ACCEPTED, VERDICT_DUPLICATE -> {
                if (!lastCounted.equals(Optional.of(key))) {
                    answered++;
                    lastCounted = Optional.of(key);
                }
            }
            case VERDICT_CORRUPT -> {
                if (++damages <= MAX_DAMAGES) {
                    board.answer().ifPresent(answer -> sendAnswer(key, answer));
                    return;
                }
                LOG.log(Level.WARNING, () -> name() + ": the answer to task " + taskId + " arrives damaged each time");
                sendFailure(key, "the answer was damaged on its way, time and again");
            }
            default ->
                LOG.log(
                        Level.WARNING,
                        () -> name() + ": the server does not take the answer to task " + taskId + " ("
                                + receipt.getVerdict() + (receipt.getReason().isBlank() ? "" : ": ")
                                + Refusals.plain(receipt.getReason()) + ")");
        }
        perform(board.settled(taskId, now()));
    }

    private void notUploaded(Event.NotUploaded failed) {
        if (session.isEmpty() || session.get().connection() != failed.session() || !board.isSending(failed.key())) {
            return;
        }
        // Over a session that goes on, so that nobody would ask for it again.
        LOG.log(
                Level.WARNING,
                () -> name() + " cannot send the answer to task " + failed.key().taskId() + ": " + failed.reason());
        sendFailure(failed.key(), "the answer could not be sent: " + failed.reason());
        perform(board.unsent(failed.key().taskId(), now()));
    }
}
