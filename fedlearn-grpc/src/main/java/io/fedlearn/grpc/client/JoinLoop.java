package io.fedlearn.grpc.client;

import com.google.protobuf.ByteString;
import io.fedlearn.core.LibraryVersion;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Heartbeat;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.Leave;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.Setting;
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
    /** A connection is dead after so many heartbeats without any message. */
    static final int SILENT_HEARTBEATS = 3;

    private static final Logger LOG = System.getLogger(FederatedClient.class.getName());

    private static final Duration LONGEST_RETRY = Duration.ofHours(1);
    private static final Duration GOODBYE_PATIENCE = Duration.ofSeconds(1);
    private static final double RETRY_JITTER = 0.1;
    private static final String RUN_OVER = "the run is over";

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

    private final Settings settings;
    private final Refusals refusals;
    private final String server;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    private final Sessions sessions;
    private final TaskWorker worker;
    private final Traffic traffic;
    private final TaskDialog tasks;
    private final ByteString instance;

    private Optional<ServerLink> link = Optional.empty();
    private Optional<Session> session = Optional.empty();
    private Optional<Departure> departure = Optional.empty();
    private long attempts;
    private int failures;
    private long joins;
    private long nextAttempt;
    private long lastContact;
    private long lastHeard;
    private long lastHeartbeat;
    private long heartbeats;

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
        this.tasks = new TaskDialog(settings, grace, sessions, worker, this::send);
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
        } catch (InterruptedException e) {
            // A server that hears it does not wait for this client to come back.
            leave();
            throw e;
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
        tasks.tick(now);
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
        OptionalLong task = tasks.nextTick();
        return task.isPresent() ? earlier(next, task.getAsLong()) : next;
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
                .setMinVersion(Session.VERSION)
                .setMaxVersion(Session.VERSION)
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
        tasks.disconnected();
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
            tasks.worked(worked);
        } else if (event instanceof Event.Lost lost) {
            tasks.lost(lost);
        } else if (event instanceof Event.Progressed) {
            tasks.progressed();
        } else if (event instanceof Event.Uploaded uploaded) {
            tasks.uploaded(uploaded);
        } else if (event instanceof Event.NotUploaded failed) {
            tasks.notUploaded(failed);
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
                    tasks.offered(message.getTask());
                }
            }
            case CANCEL -> tasks.cancelled(message.getCancel());
            case RECEIPT -> tasks.received(message.getReceipt());
            case HEARTBEAT, MESSAGE_NOT_SET -> {
                // That it came is all that it says; and what this version does not know, it does not need.
            }
        }
    }

    private void welcome(Welcome welcome) {
        Session opened;
        try {
            opened = Session.open(welcome, link.orElseThrow().channel(), settings.compression());
        } catch (IllegalArgumentException e) {
            throw refused(new TransportException(
                    Reason.PROTOCOL,
                    "the server at " + server + " offers terms that this client cannot accept: " + e.getMessage(),
                    e));
        }
        session = Optional.of(opened);
        lastHeartbeat = opened.since();
        tasks.joined(opened);
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

    private void goodbye(Goodbye goodbye) {
        if (goodbye.getCode() == GoodbyeCode.GOODBYE_CODE_RUN_OVER) {
            String reason = Refusals.plain(goodbye.getReason());
            // What the code says already is no reason.
            depart(Departure.Cause.RUN_OVER, reason.equals(RUN_OVER) ? "" : reason);
        } else if (goodbye.getCode() == GoodbyeCode.GOODBYE_CODE_RUN_FAILED) {
            depart(Departure.Cause.RUN_FAILED, Refusals.plain(goodbye.getReason()));
        } else if (Refusals.isTemporary(goodbye)) {
            long millis = goodbye.getRetryAfterMillis();
            // Unsigned on the wire.
            long bounded = millis < 0 ? LONGEST_RETRY.toMillis() : Math.min(millis, LONGEST_RETRY.toMillis());
            disconnect(
                    goodbye.getReason().isBlank()
                            ? "the server sent it away for now, by code " + goodbye.getCodeValue()
                            : Refusals.plain(goodbye.getReason()),
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
        departure = Optional.of(new Departure(
                cause, reason, tasks.answered(), Math.max(0, joins - 1), traffic.received(), traffic.sent()));
        LOG.log(
                Level.INFO,
                () -> name() + " left " + server + " ("
                        + switch (cause) {
                            case RUN_OVER -> RUN_OVER;
                            case RUN_FAILED -> "the run has failed";
                            case CLOSED -> "closed";
                        }
                        + (reason.isBlank() ? "" : ": " + reason) + "), " + tasks.answered() + " tasks answered");
    }

    private void shutDown() {
        session.ifPresent(it -> settings.metrics().sessionEnded("left"));
        sessions.close();
        link.ifPresent(ServerLink::close);
        worker.close();
        link.ifPresent(ServerLink::awaitEnd);
        link = Optional.empty();
    }
}
