package io.fedlearn.grpc.flower;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.client.Backoff;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.internal.netty.ConnectionLimits;
import io.fedlearn.grpc.internal.netty.ConnectionTrouble;
import io.fedlearn.grpc.internal.netty.GrpcChannels;
import io.fedlearn.grpc.internal.threads.Daemons;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.security.ClientSecurity;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A site's end of a federation that a Flower server leads, version 1.0 to current, over its bidirectional protocol: joins the server,
 * gives the site's {@link Client} what it is asked, one task at a time, and sends the answers back.
 *
 * <p><b>What it is asked.</b> Training and evaluation with the server's settings as the task's configuration, the model to start from
 * ({@link io.fedlearn.core.task.TaskKind#INITIAL_MODEL}) and properties. Settings that are bytes read as a text, {@code base64:} and
 * their Base64; one without a value, or not finite, makes the answer a refusal that names it. The round is the setting
 * {@code server_round}, or counted where there is none. The setting {@code proximal_mu}, by which Flower's FedProx goes, is read as
 * {@code mu} too.
 *
 * <p><b>Tensors.</b> Flower's have neither names nor roles. They get those of {@link Builder#tensorNames}, else those of the client's
 * own initial model, which is asked for once and stays at the site, else names by place. The server's values are brought to the types
 * of the client's own model: averaging in NumPy makes floating-point numbers of counters.
 *
 * <p><b>What it answers.</b> The model after local training; of a model delta, the sum with the model that came. The protocol carries
 * no sums over several clients and no tensors beside the model: such an answer becomes a refusal, as do declined and failed tasks and
 * evaluations without a finite metric {@code loss}, which travels as a 32-bit number. Refusals say why and hold no data.
 *
 * <p><b>Coming and going.</b> The client has a connection of its own, so that several in one JVM are several clients to every server.
 * It leaves when the server tells it to, and comes back after the time that the server names, if it names one. It comes back by itself
 * when the connection breaks or the server gives up waiting for it; what it was at work on is lost then, as the protocol has it.
 *
 * <p>Thread-safe: {@link #run()} blocks one thread, {@link #close()} may be called from any other.
 */
public final class FlowerClient implements AutoCloseable {
    /** Default of the longest message, either way: {@value} bytes, as Flower's own was up to 1.15. */
    public static final int DEFAULT_MAX_MESSAGE_BYTES = 512 << 20;

    /** Default of the run's name in the client's state store: {@value}. */
    public static final String DEFAULT_RUN_ID = "flower";

    private static final System.Logger LOG = System.getLogger(FlowerClient.class.getName());

    /** A server that permits pings every five minutes, as gRPC's servers do by default, takes more frequent ones for an attack. */
    private static final Duration PING_INTERVAL = Duration.ofMinutes(6);

    private final Builder settings;
    private final Conversation talk;
    private final Optional<ExecutorService> ownedExecutor;
    private final SeededRandom jitter;
    private final AtomicBoolean started = new AtomicBoolean();
    private final CountDownLatch closed = new CountDownLatch(1);

    // Guards the join that hears of closing.
    private final ReentrantLock lock = new ReentrantLock();
    private Optional<FlowerJoin> current = Optional.empty();

    private FlowerClient(Builder builder, FlowerDuties duties) {
        this.settings = builder;
        this.jitter = SeededRandom.of(
                SeededRandom.derive(SeededRandom.derive(builder.seed, "backoff"), builder.clientId.orElseThrow()));
        if (builder.executor.isPresent()) {
            this.ownedExecutor = Optional.empty();
        } else {
            this.ownedExecutor = Optional.of(Executors.newCachedThreadPool(Daemons.named("fedlearn-flower-client")));
        }
        Executor executor = builder.executor.or(() -> ownedExecutor).orElseThrow();
        this.talk = new Conversation(duties, executor, builder.metrics, where());
    }

    /** A builder of a client. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Joins the server and works until the server sends the client away for good, or {@link #close()} is called. A server that ends
     * the call without that, yet in good order, has sent it away too.
     *
     * @throws TransportException if the server refuses this client, does not speak the protocol, sends what the protocol does not
     *     know or a message that is too large, or is out of reach for longer than {@link Backoff#giveUpAfter()}
     * @throws InterruptedException if the calling thread is interrupted; the client has left then
     * @throws IllegalStateException if it ran before
     */
    public Departure run() throws InterruptedException {
        if (!started.compareAndSet(false, true)) {
            throw new IllegalStateException("the client ran before");
        }
        try {
            return stay();
        } finally {
            talk.cancelWork();
            ownedExecutor.ifPresent(ExecutorService::shutdownNow);
        }
    }

    private Departure stay() throws InterruptedException {
        int failures = 0;
        long lastContact = System.nanoTime();
        while (true) {
            CallEnding ending = isClosed() ? new CallEnding.Closed() : joinOnce();
            if (ending instanceof CallEnding.Closed) {
                return talk.departure(Departure.Cause.CLOSED, "");
            }
            Duration wait;
            if (ending instanceof CallEnding.Dismissed dismissed) {
                if (dismissed.seconds() == 0) {
                    return talk.departure(Departure.Cause.RUN_OVER, "");
                }
                failures = 0;
                Duration left =
                        Duration.ofSeconds(dismissed.seconds()).minusNanos(System.nanoTime() - dismissed.since());
                wait = left.isNegative() ? Duration.ZERO : left;
                LOG.log(System.Logger.Level.INFO, () -> who() + " is to come back in " + wait);
            } else {
                CallEnding.Lost lost = (CallEnding.Lost) ending;
                if (lost.status().isOk()) {
                    return endedInGoodOrder(lost);
                }
                ConnectionTrouble trouble = passing(lost.status());
                if (lost.served()) {
                    failures = 0;
                    lastContact = System.nanoTime();
                }
                failures++;
                requireNotTooLong(
                        Duration.ofNanos(System.nanoTime() - lastContact), settings.backoff.giveUpAfter(), trouble);
                wait = settings.backoff.delay(failures, jitter);
                LOG.log(
                        System.Logger.Level.WARNING,
                        () -> who() + " is without a server and tries again in " + wait.toMillis() + " ms: "
                                + trouble.message());
            }
            if (settings.waiting.closedWithin(wait, closed)) {
                return talk.departure(Departure.Cause.CLOSED, "");
            }
            if (ending instanceof CallEnding.Dismissed) {
                lastContact = System.nanoTime();
            }
        }
    }

    private Departure endedInGoodOrder(CallEnding.Lost lost) {
        if (!lost.served()) {
            throw new TransportException(
                    TransportException.Reason.REFUSED,
                    where()
                            + " ended the call before it asked anything: servers up to Flower 1.6 take one client for each TCP"
                            + " connection, and a proxy on the way may share one");
        }
        return talk.departure(
                Departure.Cause.RUN_OVER, "the server ended the call without saying that the run is over");
    }

    private static void requireNotTooLong(Duration away, Optional<Duration> limit, ConnectionTrouble trouble) {
        if (limit.isPresent() && away.compareTo(limit.get()) >= 0) {
            throw new TransportException(
                    TransportException.Reason.UNREACHABLE,
                    "gave up after " + away.toMillis() + " ms without the server: " + trouble.message());
        }
    }

    /** What the end of a call means, if another call may go better. */
    private ConnectionTrouble passing(Status status) {
        String text = String.valueOf(status.getDescription()).toLowerCase(Locale.ROOT);
        // The same code as for a server that is full, which is worth another attempt; a large model stays large.
        if (status.getCode() == Status.Code.RESOURCE_EXHAUSTED
                && (text.contains("exceeds maximum size") || text.contains("larger than max"))) {
            throw new TransportException(
                    TransportException.Reason.PROTOCOL,
                    "a message between " + where() + " and this client is too large (maxMessageBytes here is "
                            + settings.maxMessageBytes + "): " + text);
        }
        ConnectionTrouble trouble = ConnectionTrouble.of(
                settings.host.orElseThrow(),
                settings.port,
                settings.security.orElseThrow(),
                status.asRuntimeException());
        if (trouble.isLasting()) {
            throw trouble.toException(status.asRuntimeException());
        }
        return trouble;
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    private String where() {
        return "the Flower server " + settings.host.orElseThrow() + ":" + settings.port;
    }

    private String who() {
        return "client " + settings.clientId.orElseThrow();
    }

    /** Joins on a new channel and works until the call ends. */
    private CallEnding joinOnce() throws InterruptedException {
        try (FlowerJoin join = FlowerJoin.open(channel())) {
            setCurrent(Optional.of(join));
            try {
                // After it is known, so that a close before cannot be missed.
                return isClosed() ? new CallEnding.Closed() : talk.serve(join);
            } finally {
                setCurrent(Optional.empty());
                talk.cancelWork();
            }
        }
    }

    private void setCurrent(Optional<FlowerJoin> join) {
        lock.lock();
        try {
            current = join;
        } finally {
            lock.unlock();
        }
    }

    private ManagedChannel channel() {
        // On this executor callbacks run on the network's threads: all that they do is to queue.
        return GrpcChannels.open(
                settings.host.orElseThrow(),
                settings.port,
                settings.security.orElseThrow(),
                settings.limits(),
                Runnable::run);
    }

    /**
     * Leaves the server: the task at work is interrupted, {@link #run()} returns, and all threads of its own end. Closing again does
     * nothing.
     */
    @Override
    public void close() {
        closed.countDown();
        Optional<FlowerJoin> join;
        lock.lock();
        try {
            join = current;
        } finally {
            lock.unlock();
        }
        join.ifPresent(open -> open.tell(new FlowerJoin.Event.Closing()));
        ownedExecutor.ifPresent(ExecutorService::shutdownNow);
    }

    /** Waits between two calls. */
    @FunctionalInterface
    interface Waiting {
        /** Whether the client was closed meanwhile. */
        boolean closedWithin(Duration time, CountDownLatch closed) throws InterruptedException;
    }

    /** Collects the settings of a client. Not thread-safe. */
    public static final class Builder {
        private Optional<String> host = Optional.empty();
        private int port;
        private Optional<String> clientId = Optional.empty();
        private Optional<ClientSecurity> security = Optional.empty();
        private Optional<Client> client = Optional.empty();
        private ClientStateStore states = InMemoryClientStateStore.create();
        private String runId = DEFAULT_RUN_ID;
        private Config properties = Config.empty();
        private TensorNames tensorNames = TensorNames.byPlace();
        private long seed;
        private Backoff backoff = Backoff.defaults();
        private Optional<Executor> executor = Optional.empty();
        private TransportMetrics metrics = TransportMetrics.none();
        private int maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES;
        private Waiting waiting = (time, closed) ->
                closed.await(time.getSeconds(), TimeUnit.SECONDS) || closed.await(time.getNano(), TimeUnit.NANOSECONDS);

        private Builder() {}

        /** Where the server is. */
        public Builder server(String serverHost, int serverPort) {
            if (serverHost.isBlank()) {
                throw new IllegalArgumentException("host must not be blank");
            }
            if (serverPort < 1 || serverPort > 65_535) {
                throw new IllegalArgumentException("port must be 1 to 65535, was " + serverPort);
            }
            this.host = Optional.of(serverHost);
            this.port = serverPort;
            return this;
        }

        /**
         * What tells this client from others at its site: its randomness and its state depend on it, and the server reads it as property
         * {@code client_id}, if it asks. The protocol itself knows no ids. There is no default.
         */
        public Builder clientId(String id) {
            this.clientId = Optional.of(new ClientInfo(id, Config.empty()).id());
            return this;
        }

        /**
         * How the client knows its server; there is no default. Flower's servers have TLS, in which the client need not show a
         * certificate.
         */
        public Builder security(ClientSecurity clientSecurity) {
            this.security = Optional.of(clientSecurity);
            return this;
        }

        /** What does the work; there is no default. */
        public Builder client(Client work) {
            this.client = Optional.of(work);
            return this;
        }

        /** Where the client keeps its state between rounds; the caller closes it. By default on the heap. */
        public Builder states(ClientStateStore store) {
            this.states = store;
            return this;
        }

        /** By which name the run is known in the state store, which the protocol does not say; {@value #DEFAULT_RUN_ID} by default. */
        public Builder runId(String id) {
            if (id.isBlank()) {
                throw new IllegalArgumentException("runId must not be blank");
            }
            this.runId = id;
            return this;
        }

        /** What the client tells of itself to a server that asks; nothing but its id by default. */
        public Builder properties(Config settings) {
            this.properties = settings;
            return this;
        }

        /** The names and roles of the server's tensors; those of the client's own initial model by default. */
        public Builder tensorNames(TensorNames names) {
            this.tensorNames = names;
            return this;
        }

        /** Where the randomness of tasks starts, together with round and client id; 0 by default. */
        public Builder seed(long value) {
            this.seed = value;
            return this;
        }

        /** When to try again to reach the server; {@link Backoff#defaults()} by default. */
        public Builder backoff(Backoff waits) {
            this.backoff = waits;
            return this;
        }

        /**
         * Where the client works, one task at a time; the caller closes it, and it must take two tasks at a time, as one that is given up
         * may take a moment to end. Without one, daemon threads are made as needed.
         */
        public Builder executor(Executor taskExecutor) {
            this.executor = Optional.of(taskExecutor);
            return this;
        }

        /** Where bytes, tasks and reconnects are counted; nowhere by default. */
        public Builder metrics(TransportMetrics transportMetrics) {
            this.metrics = TransportMetrics.guarded(transportMetrics);
            return this;
        }

        /** The longest message, either way; {@value #DEFAULT_MAX_MESSAGE_BYTES} bytes by default. */
        public Builder maxMessageBytes(int bytes) {
            if (bytes < 1) {
                throw new IllegalArgumentException("maxMessageBytes must be >= 1, was " + bytes);
            }
            this.maxMessageBytes = bytes;
            return this;
        }

        /** Waits of another kind, for tests. */
        Builder waiting(Waiting other) {
            this.waiting = other;
            return this;
        }

        private ConnectionLimits limits() {
            return ConnectionLimits.builder()
                    .maxMessageBytes(maxMessageBytes)
                    .pings(PING_INTERVAL, ConnectionLimits.DEFAULTS.pingTimeout())
                    .build();
        }

        /**
         * The client, which has not connected yet.
         *
         * @throws IllegalArgumentException if server, client id, security or client are missing
         */
        public FlowerClient build() {
            require(host.isPresent(), "server");
            require(clientId.isPresent(), "clientId");
            require(security.isPresent(), "security");
            require(client.isPresent(), "client");
            Builder copy = new Builder();
            copy.host = host;
            copy.port = port;
            copy.clientId = clientId;
            copy.security = security;
            copy.seed = seed;
            copy.backoff = backoff;
            copy.executor = executor;
            copy.metrics = metrics;
            copy.maxMessageBytes = maxMessageBytes;
            copy.waiting = waiting;
            return new FlowerClient(
                    copy,
                    new FlowerDuties(new FlowerDuties.Site(
                            client.get(),
                            clientId.get(),
                            properties,
                            tensorNames,
                            seed,
                            runId,
                            states,
                            maxMessageBytes)));
        }

        private static void require(boolean present, String name) {
            if (!present) {
                throw new IllegalArgumentException(name + " must be set");
            }
        }
    }
}
