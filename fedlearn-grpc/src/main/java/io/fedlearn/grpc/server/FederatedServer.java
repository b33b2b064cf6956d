package io.fedlearn.grpc.server;

import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.internal.netty.ConnectionLimits;
import io.fedlearn.grpc.internal.netty.GrpcServer;
import io.fedlearn.grpc.internal.threads.Daemons;
import io.fedlearn.grpc.internal.threads.Workers;
import io.fedlearn.grpc.internal.transfer.HeapBudget;
import io.fedlearn.grpc.internal.transfer.TransferMethods;
import io.fedlearn.grpc.internal.transfer.TransferService;
import io.fedlearn.grpc.internal.transfer.TransferSettings;
import io.fedlearn.grpc.internal.wire.JoinMethod;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.FederationOuterClass;
import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.protobuf.ProtoFileDescriptorSupplier;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/**
 * The runtime whose clients are at other machines: they connect to this server, join under their ids, and get the tasks of a
 * federation. The server never connects to anyone. Thread-safe.
 *
 * <p>A client that loses its connection stays a member for the {@linkplain Builder#reconnectGrace grace time}, and its tasks wait
 * for it. Each answer counts once, however often it is sent; answers that are late, stale, another client's or unknown are
 * refused by name.
 */
public final class FederatedServer implements Runtime {
    private static final System.Logger LOG = System.getLogger(FederatedServer.class.getName());

    /** How long clients get to hear that the run is over. */
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    /** How often it is looked whether certificates and tokens still hold. */
    private static final Duration CREDENTIAL_CHECK = Duration.ofSeconds(3);

    /** Threads that serve control messages; they never block. */
    private static final int CONTROL_THREADS = 2;

    /** Threads that receive answers and call listeners, unless the caller gives an executor that does. */
    private static final int WORKER_THREADS = 64;

    private static final long IDLE_SECONDS = 30;
    private static final int MESSAGE_EXTRA_BYTES = 64 << 10;
    private static final int CALLS_PER_CONNECTION = 16;

    private final TaskDesk desk;
    private final GrpcServer server;
    private final ScheduledExecutorService timer;
    private final ExecutorService control;
    private final ExecutorService credentials;
    private final ExecutorService ownWorkers;
    private final AtomicBoolean isClosed = new AtomicBoolean();

    private FederatedServer(Builder builder) {
        this.timer = Executors.newSingleThreadScheduledExecutor(Daemons.named("fedlearn-server-timer"));
        this.control = newPool(CONTROL_THREADS, "fedlearn-server-control");
        this.credentials = newPool(1, "fedlearn-server-credentials");
        // Without threads until there is work for it.
        this.ownWorkers = newPool(WORKER_THREADS, "fedlearn-server-worker");
        Executor workers = builder.executor
                .<Executor>map(given -> Workers.of(given, ownWorkers, LOG))
                .orElse(ownWorkers);
        DeskSettings settings = new DeskSettings(
                builder.heartbeat,
                builder.reconnectGrace,
                builder.limits,
                builder.chunkBytes,
                builder.inlineBytes,
                builder.compression,
                builder.receiveHeapBytes);
        this.desk = new TaskDesk(settings, System::nanoTime, workers, builder.metrics, builder.admission);
        JoinService joins = new JoinService(desk, builder.metrics, builder.limits.helloTimeout(), System::nanoTime);
        boolean isStarted = false;
        try {
            this.server = listen(builder, joins, workers);
            isStarted = true;
        } finally {
            if (!isStarted) {
                stopThreads();
            }
        }
        every(Duration.ofMillis(desk.tickMillis()), timer, () -> {
            desk.tick();
            joins.tick();
        });
        // Not on the workers, which may all wait for the coordinator.
        every(CREDENTIAL_CHECK, credentials, desk::checkCredentials);
        LOG.log(System.Logger.Level.INFO, () -> "listening at " + address());
    }

    private GrpcServer listen(Builder builder, JoinService joins, Executor workers) {
        ServerTransfers transfers = new ServerTransfers(desk, builder.metrics);
        ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(TransferMethods.SERVICE);
        service.addMethod(JoinMethod.JOIN, joins);
        TransferService.of(
                        transfers,
                        new TransferSettings(builder.chunkBytes, TransferSettings.DEFAULT_IDLE_TIMEOUT),
                        timer,
                        transfers)
                .addMethods(service);
        ServerLimits limits = builder.limits;
        String join = JoinMethod.JOIN.getFullMethodName();
        return GrpcServer.builder(builder.security.orElseThrow())
                .listen(builder.host, builder.port)
                .limits(ConnectionLimits.builder()
                        // What the server's own welcome allows, it takes.
                        .maxMessageBytes(Math.max(
                                limits.maxMessageBytes(),
                                Math.max(builder.chunkBytes, builder.inlineBytes) + MESSAGE_EXTRA_BYTES))
                        .handshakeTimeout(limits.helloTimeout())
                        .connections(
                                (int) Math.min(Integer.MAX_VALUE, 2L * limits.maxClients() + CALLS_PER_CONNECTION),
                                limits.maxConnectionsPerAddress(),
                                CALLS_PER_CONNECTION)
                        .build())
                .metrics(builder.metrics)
                .refused(desk.refused())
                .executor(control)
                // Heartbeats must not wait behind answers that wait for the coordinator.
                .executorOfCalls(method -> method.equals(join) ? control : workers)
                .reflection(builder.reflection)
                .service(described(service.build()))
                .start();
    }

    /** The same service, with its description for whoever asks by reflection. */
    private static ServerServiceDefinition described(ServerServiceDefinition service) {
        ServiceDescriptor.Builder descriptor = ServiceDescriptor.newBuilder(JoinMethod.SERVICE)
                .setSchemaDescriptor((ProtoFileDescriptorSupplier) FederationOuterClass::getDescriptor);
        service.getMethods().forEach(method -> descriptor.addMethod(method.getMethodDescriptor()));
        ServerServiceDefinition.Builder described = ServerServiceDefinition.builder(descriptor.build());
        service.getMethods().forEach(described::addMethod);
        return described.build();
    }

    private static ExecutorService newPool(int threads, String name) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), Daemons.named(name));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    private void every(Duration interval, Executor where, Runnable task) {
        AtomicBoolean isUnderWay = new AtomicBoolean();
        Runnable guarded = () -> {
            try {
                task.run();
            } catch (RuntimeException e) {
                // Else it would never run again.
                LOG.log(System.Logger.Level.WARNING, "what is done from time to time has failed", e);
            } finally {
                isUnderWay.set(false);
            }
        };
        timer.scheduleWithFixedDelay(
                () -> {
                    if (!isClosed.get() && isUnderWay.compareAndSet(false, true)) {
                        try {
                            where.execute(guarded);
                        } catch (RejectedExecutionException e) {
                            isUnderWay.set(false);
                        }
                    }
                },
                interval.toMillis(),
                interval.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** The address on which the server listens, with the port that it got. */
    public InetSocketAddress address() {
        return server.address();
    }

    /** The clients that have joined, also those that lost their connection and are expected back, in the order of their ids. */
    @Override
    public List<ClientInfo> clients() {
        return desk.clients();
    }

    /** All that there are. */
    @Override
    public Set<Capability> capabilities() {
        return EnumSet.allOf(Capability.class);
    }

    @Override
    public boolean awaitClients(int count, Duration timeout) throws InterruptedException {
        return desk.awaitClients(count, timeout);
    }

    @Override
    public void submit(Task task, TaskListener listener) {
        desk.submit(task, listener);
    }

    @Override
    public void cancel(Task task) {
        desk.cancel(task);
    }

    /**
     * {@inheritDoc} Counted by client and kind of reason; between two calls, of at most a hundred who proved who they are, and ten
     * who did not. Whoever falls silent before it says who it is, is in metrics and logs alone.
     */
    @Override
    public List<Refusal> takeRefusals() {
        return desk.refused().take();
    }

    /**
     * Sends all clients away for a planned restart, and lets none in. They keep what they work on, and bring their answers to the
     * server that they find when they come back.
     *
     * @param reason what they are told
     * @param retryAfter when they are to come back
     */
    public void drain(String reason, Duration retryAfter) {
        if (retryAfter.isNegative()) {
            throw new IllegalArgumentException("retryAfter must be >= 0, was " + retryAfter);
        }
        server.serving(false);
        desk.drain(reason, retryAfter);
    }

    /**
     * Closes the server as {@link #close()} does, but tells the clients that the run has failed: their {@code Departure} says
     * {@code RUN_FAILED}.
     *
     * @param reason of what kind the failure is; whoever is a client reads it, so it should name no other
     */
    public void closeFailed(String reason) {
        desk.fail(reason);
        close();
    }

    /** Tells the clients that the run is over, waits for a moment until they have heard it, and stops listening. */
    @Override
    public void close() {
        if (!isClosed.compareAndSet(false, true)) {
            return;
        }
        desk.close();
        server.shutdown();
        boolean isInterrupted = false;
        try {
            server.awaitTermination(FAREWELL);
        } catch (InterruptedException e) {
            isInterrupted = true;
        }
        server.close();
        stopThreads();
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void stopThreads() {
        timer.shutdownNow();
        control.shutdown();
        credentials.shutdownNow();
        ownWorkers.shutdownNow();
    }

    /** Collects the settings of a server. Not thread-safe. */
    public static final class Builder {
        /** Default of {@link #heartbeat} in seconds: {@value}. */
        public static final int DEFAULT_HEARTBEAT_SECONDS = 10;

        /** Default of {@link #reconnectGrace} in seconds: {@value}. */
        public static final int DEFAULT_RECONNECT_GRACE_SECONDS = 120;

        /** Default of {@link #receiveHeapBytes}: {@value}, 64 MiB. */
        public static final long DEFAULT_RECEIVE_HEAP_BYTES = HeapBudget.DEFAULT_BYTES;

        /** Default of {@link #chunkBytes}: {@value}, 256 KiB. */
        public static final int DEFAULT_CHUNK_BYTES = TransferSettings.DEFAULT_CHUNK_BYTES;

        /** Default of {@link #inlineBytes}: {@value}, 32 KiB. */
        public static final int DEFAULT_INLINE_BYTES = 32 << 10;

        /** What a client accepts, which hears of it in milliseconds. */
        private static final Duration SHORTEST_HEARTBEAT = Duration.ofMillis(1);

        private static final Duration LONGEST_HEARTBEAT = Duration.ofHours(1);

        /** What nanoseconds can count, and more than anyone waits. */
        private static final Duration LONGEST_GRACE = Duration.ofDays(36_500);

        private static final int MAX_INLINE_BYTES = 1 << 20;

        String host = "localhost";
        int port;
        Duration heartbeat = Duration.ofSeconds(DEFAULT_HEARTBEAT_SECONDS);
        Duration reconnectGrace = Duration.ofSeconds(DEFAULT_RECONNECT_GRACE_SECONDS);
        ServerLimits limits = ServerLimits.defaults();
        long receiveHeapBytes = DEFAULT_RECEIVE_HEAP_BYTES;
        boolean compression;
        int chunkBytes = DEFAULT_CHUNK_BYTES;
        int inlineBytes = DEFAULT_INLINE_BYTES;
        Optional<Executor> executor = Optional.empty();
        boolean reflection;
        Optional<ServerSecurity> security = Optional.empty();
        TransportMetrics metrics = TransportMetrics.none();
        Function<ClientInfo, Optional<String>> admission = client -> Optional.empty();

        private Builder() {}

        /**
         * Where the server listens; by default on the loopback interface, at any free port.
         *
         * @param listenHost a name or address of this machine, such as {@code 0.0.0.0} for all its interfaces
         * @param listenPort from 1 to 65535, or 0 for any that is free
         */
        public Builder listen(String listenHost, int listenPort) {
            if (listenPort < 0 || listenPort > 65_535) {
                throw new IllegalArgumentException("listenPort must be in [0, 65535], was " + listenPort);
            }
            this.host = listenHost;
            this.port = listenPort;
            return this;
        }

        /**
         * How the server proves who it is, and knows its clients. Must be given: a server without security has to be asked for.
         *
         * @throws IllegalArgumentException if clients would be encrypted but not known
         */
        public Builder security(ServerSecurity serverSecurity) {
            if (serverSecurity.mode() == ServerSecurity.Mode.TLS) {
                throw new IllegalArgumentException(
                        "security must know clients by certificates or tokens, or be insecure, was " + serverSecurity);
            }
            this.security = Optional.of(serverSecurity);
            return this;
        }

        /** Hears what the server counts; by default nobody does. */
        public Builder metrics(TransportMetrics counter) {
            this.metrics = TransportMetrics.guarded(counter);
            return this;
        }

        /**
         * How often each side says that it is there, from 1 ms to an hour; a connection that is silent for three of them is dead.
         */
        public Builder heartbeat(Duration interval) {
            if (interval.compareTo(SHORTEST_HEARTBEAT) < 0 || interval.compareTo(LONGEST_HEARTBEAT) > 0) {
                throw new IllegalArgumentException(
                        "interval must be in [" + SHORTEST_HEARTBEAT + ", " + LONGEST_HEARTBEAT + "], was " + interval);
            }
            this.heartbeat = interval;
            return this;
        }

        /** How long a client that lost its connection stays a member; at most 36,500 days. */
        public Builder reconnectGrace(Duration grace) {
            if (grace.isNegative() || grace.compareTo(LONGEST_GRACE) > 0) {
                throw new IllegalArgumentException(
                        "grace must be >= 0 and at most " + LONGEST_GRACE.toDays() + " days, was " + grace);
            }
            this.reconnectGrace = grace;
            return this;
        }

        /**
         * A rule for clients that are who they say: it gives the reason why one does not fit the run, by its id and what it told of
         * itself. That client is sent away for good, with the reason. Asked each time that a client joins or comes back, on a thread
         * that serves all clients, so it must not block. By default everybody fits.
         */
        public Builder admission(Function<ClientInfo, Optional<String>> unfit) {
            this.admission = unfit;
            return this;
        }

        /** What is taken from peers at most. */
        public Builder limits(ServerLimits most) {
            this.limits = most;
            return this;
        }

        /**
         * While fewer bytes than this of answers lie on the heap as they are received, another answer may begin there, however large.
         * More answers than that wait for a moment, and then go to the round's spool on disk.
         */
        public Builder receiveHeapBytes(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("bytes must be >= 0, was " + bytes);
            }
            this.receiveHeapBytes = bytes;
            return this;
        }

        /** Whether models are compressed with zstd where the client can, too; by default not. Needs zstd-jni on the class path. */
        public Builder compression(boolean zstd) {
            this.compression = zstd;
            return this;
        }

        /** The most bytes of a model that travel as one message. */
        public Builder chunkBytes(int bytes) {
            TransferSettings.requireChunkBytes(bytes);
            this.chunkBytes = bytes;
            return this;
        }

        /** Models of at most so many bytes travel within their task or answer. */
        public Builder inlineBytes(int bytes) {
            if (bytes < 0 || bytes > MAX_INLINE_BYTES) {
                throw new IllegalArgumentException("bytes must be in [0, " + MAX_INLINE_BYTES + "], was " + bytes);
            }
            this.inlineBytes = bytes;
            return this;
        }

        /**
         * Where listeners are called and answers are received; the caller closes it. Its threads may be blocked while answers are
         * aggregated. Without one, the server makes daemon threads of its own and ends them when it is closed; they also do what the
         * executor rejects while the server is open, since no outcome may be lost. Timers, control messages and checks of credentials
         * always have daemon threads of the server's own.
         */
        public Builder executor(Executor workers) {
            this.executor = Optional.of(workers);
            return this;
        }

        /** Whether tools such as grpcurl may ask which services there are; by default not. */
        public Builder reflection(boolean enabled) {
            this.reflection = enabled;
            return this;
        }

        /**
         * A server that listens.
         *
         * @throws IllegalArgumentException if no security was given
         * @throws io.fedlearn.grpc.TransportException if it cannot listen there, or its keys cannot be read
         */
        public FederatedServer start() {
            if (security.isEmpty()) {
                throw new IllegalArgumentException(
                        "security must be given; without any, ServerSecurity.insecure() says so");
            }
            return new FederatedServer(this);
        }
    }
}
