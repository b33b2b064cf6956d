package io.fedlearn.grpc.flower;

import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.internal.netty.ConnectionLimits;
import io.fedlearn.grpc.internal.netty.GrpcServer;
import io.fedlearn.grpc.internal.netty.RefusedClients;
import io.fedlearn.grpc.internal.threads.Daemons;
import io.fedlearn.grpc.internal.threads.Workers;
import io.fedlearn.grpc.internal.transfer.HeapBudget;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A server that clients written for Flower join unchanged, from 1.0 to today's {@code start_client}: it speaks the bidirectional
 * protocol of Flower's {@code start_server}.
 *
 * <p><b>Clients.</b> Each call of {@code Join} is a client, eligible at once, under an id of this server's making, such as
 * {@code flower-3-5d0c1a7e}; a client that comes back is another one. Where ids must last, {@link Builder#idProperty} names the
 * property that a client's {@code get_properties} says its id in, or clients show certificates.
 *
 * <p><b>Tasks.</b> {@code fit}, {@code evaluate}, {@code properties} and {@code initial-model} become Flower's four instructions; other
 * kinds are declined by name. What a task tells its client goes into the instruction's settings, with {@code server_round}
 * added, and {@code proximal_mu} beside {@code mu}. An answer is checked, not believed: another message than the one that
 * is due, a status that is not well, missing or surplus tensors, wrong shapes or types and counts below 1 become outcomes.
 *
 * <p><b>What cannot be carried.</b> Strategies that need tensors beside the model, state at the client, update transforms or further
 * kinds of task are refused when the run starts, and so are those that need stable ids, unless clients have them. Training settings
 * reach the client, but whether its code honours them, nobody knows: {@link #cautions} says what to look out for.
 *
 * <p><b>Cancelling.</b> The protocol cannot take an instruction back. A task that is cancelled, as it is when its deadline has passed,
 * ends its client's call, as Flower's own server does, and Flower's clients do not come back by themselves. An answer has no number
 * either: whatever a client says without having been asked ends its call, so that it is not taken for the answer to the next
 * instruction.
 *
 * <p><b>Memory.</b> Models are encoded while they are sent, and decoded while they are read: on the heap while the answers to
 * {@code fit} that lie there take less than {@link Builder#receiveHeapBytes}, else one after the other into the round's spool on disk.
 * In between, gRPC holds each message whole, outside the Java heap: of those being sent at most 256 MiB at a time, or one if it is
 * larger, and one for each client that is answering. A client that does not read its instruction holds others up no longer than
 * {@link FlowerLimits#sendTimeout()}.
 *
 * <p>{@link #close()} sends Flower's {@code reconnect} instruction, at which its clients end well. Thread-safe.
 */
public final class FlowerServer implements Runtime {
    private static final System.Logger LOG = System.getLogger(FlowerServer.class.getName());

    /** As much as a few models of medium size, or one large one. */
    private static final long WINDOW_BYTES = 256L << 20;

    private static final Instruction GOODBYE = Instruction.of(ServerMessage.newBuilder()
            .setReconnectIns(ServerMessage.ReconnectIns.getDefaultInstance())
            .build());

    private final FlowerLimits limits;
    private final boolean hasStableIds;
    private final Cautions cautions;
    private final Roster roster;
    private final Dispatch dispatch;
    private final RefusedClients refused = new RefusedClients();
    private final Reception reception;
    private final AnswerRoom room;
    private final ExecutorService ownWorkers;
    private final Timer timer;
    private final GrpcServer grpc;

    private FlowerServer(Builder builder, ServerSecurity security) {
        this.limits = builder.limits;
        this.hasStableIds = builder.idProperty.isPresent() || security.identifiesClients();
        // Both without threads until there is work for them.
        this.ownWorkers = Executors.newCachedThreadPool(Daemons.named("fedlearn-flower"));
        Executor workers = builder.executor
                .<Executor>map(given -> Workers.of(given, ownWorkers, LOG))
                .orElse(ownWorkers);
        this.timer = Timer.on(workers);
        this.room = new AnswerRoom(HeapBudget.of(builder.receiveHeapBytes), HeapBudget.PATIENCE);
        this.cautions = new Cautions(builder.names);
        this.roster = new Roster(limits.maxClients());
        this.dispatch = new Dispatch(
                roster,
                cautions,
                new SendWindow(builder.windowBytes),
                limits.maxMessageBytes(),
                limits.sendTimeout(),
                builder.metrics,
                workers);
        this.reception = new Reception(
                roster,
                dispatch,
                new FlowerTasks(builder.names),
                builder.idProperty,
                limits.joinTimeout(),
                room,
                timer,
                builder.metrics,
                refused);
        boolean isStarted = false;
        try {
            this.grpc = start(builder, security, workers);
            isStarted = true;
        } finally {
            if (!isStarted) {
                stopThreads();
            }
        }
    }

    private GrpcServer start(Builder builder, ServerSecurity security, Executor workers) {
        GrpcServer.Builder server = GrpcServer.builder(security)
                .limits(ConnectionLimits.builder()
                        .maxMessageBytes(limits.maxMessageBytes())
                        // Flower's server asks after 210 s of silence; a client in local training may be slow to
                        // answer.
                        .pings(Duration.ofMinutes(2), Duration.ofMinutes(1))
                        .connections(
                                2 * Math.max(limits.maxClients(), limits.maxConnectionsPerAddress()),
                                limits.maxConnectionsPerAddress(),
                                // Several clients of one process may share a connection.
                                limits.maxClients())
                        .build())
                .metrics(builder.metrics)
                .refused(refused)
                .executor(workers)
                .service(ServerServiceDefinition.builder(JoinMethod.SERVICE)
                        .addMethod(JoinMethod.JOIN, reception::join)
                        .build());
        return builder.host.isPresent()
                ? server.listen(builder.host.get(), builder.port).start()
                : server.port(builder.port).start();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** The address that it listens at. */
    public InetSocketAddress address() {
        return grpc.address();
    }

    // ---- what the runtime is

    @Override
    public List<ClientInfo> clients() {
        return roster.clients();
    }

    /** {@inheritDoc} Counted by client and kind of reason, of at most a hundred who proved who they are, and ten who did not. */
    @Override
    public List<Refusal> takeRefusals() {
        return refused.take();
    }

    /** Training settings, with the reservations of {@link #cautions}; stable ids, where clients prove or say theirs. */
    @Override
    public Set<Capability> capabilities() {
        Set<Capability> capabilities = EnumSet.of(Capability.TRAINING_SETTINGS);
        if (hasStableIds) {
            capabilities.add(Capability.STABLE_IDENTITY);
        }
        return Collections.unmodifiableSet(capabilities);
    }

    /**
     * What may not work as expected when this strategy trains these clients, in sentences for a person: settings that do nothing
     * unless the client's own code reads them, and server optimizers that cannot tell weights from statistics. Empty if there is
     * nothing to say.
     *
     * @param hasModel whether the run starts from a model of the caller's, whose tensors have names and roles, rather than from a
     *     client's
     */
    public List<String> cautions(Strategy strategy, boolean hasModel) {
        return cautions.of(strategy, hasModel);
    }

    @Override
    public boolean awaitClients(int count, Duration timeout) throws InterruptedException {
        return roster.awaitClients(count, timeout);
    }

    @Override
    public void submit(Task task, TaskListener listener) {
        dispatch.submit(task, listener);
    }

    @Override
    public void cancel(Task task) {
        Roster.Cancelled cancelled = roster.cancel(task);
        cancelled.aborted().ifPresent(member -> {
            LOG.log(System.Logger.Level.DEBUG, () -> "task " + task.id() + " was cancelled");
            reception.leave(
                    member,
                    Status.DEADLINE_EXCEEDED.withDescription("the answer is not waited for any longer"),
                    "cancelled",
                    "its call was ended");
        });
        cancelled.next().ifPresent(dispatch::sendLater);
    }

    // ---- the end

    /**
     * Tells all clients that the run is over, as Flower's server does, waits up to {@link FlowerLimits#closeTimeout()} until they
     * have left, and ends the calls of those that have not. Tasks that are under way are given up. Closing again does nothing.
     */
    @Override
    public void close() {
        Optional<List<Member>> left = roster.close();
        if (left.isEmpty()) {
            return;
        }
        grpc.serving(false);
        for (Member member : left.get()) {
            member.inOrder(() -> member.send(GOODBYE));
        }
        boolean isInterrupted = !awaitGoodbyes();
        grpc.close();
        roster.clear();
        stopThreads();
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void stopThreads() {
        timer.close();
        ownWorkers.shutdownNow();
    }

    /** Returns whether the thread was not interrupted meanwhile. */
    private boolean awaitGoodbyes() {
        try {
            long wait = roster.awaitGone(limits.closeTimeout().toNanos());
            if (wait > 0) {
                // Those that left well are to hear so, before connections are cut.
                grpc.shutdown();
                grpc.awaitTermination(Duration.ofNanos(wait));
            }
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    /** The bytes of the heap that answers take. */
    long reserved() {
        return room.reserved();
    }

    /** Settings of a {@link FlowerServer}. Not thread-safe. */
    public static final class Builder {
        /** Default of {@link #receiveHeapBytes}: {@value}, 64 MiB. */
        public static final long DEFAULT_RECEIVE_HEAP_BYTES = HeapBudget.DEFAULT_BYTES;

        private Optional<String> host = Optional.empty();
        private int port;
        private Optional<ServerSecurity> security = Optional.empty();
        private FlowerLimits limits = FlowerLimits.defaults();
        private TensorNames names = TensorNames.byPlace();
        private Optional<String> idProperty = Optional.empty();
        private TransportMetrics metrics = TransportMetrics.none();
        private Optional<Executor> executor = Optional.empty();
        private long receiveHeapBytes = DEFAULT_RECEIVE_HEAP_BYTES;
        private long windowBytes = WINDOW_BYTES;

        private Builder() {}

        /** How many bytes may be handed to the network and not yet be on the line. */
        Builder windowBytes(long bytes) {
            this.windowBytes = bytes;
            return this;
        }

        /** Where to listen; by default at any free port (0) of loopback. */
        public Builder listen(String listenHost, int listenPort) {
            this.host = Optional.of(listenHost);
            this.port = listenPort;
            return this;
        }

        /**
         * How the server proves who it is; must be set. Flower's own clients can check a server's certificate, but show none and no
         * token: {@link ServerSecurity#tls}, or {@link ServerSecurity#insecure()} on one machine.
         */
        public Builder security(ServerSecurity serverSecurity) {
            this.security = Optional.of(serverSecurity);
            return this;
        }

        /** What clients may ask for; {@link FlowerLimits#defaults()} by default. */
        public Builder limits(FlowerLimits flowerLimits) {
            this.limits = flowerLimits;
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

        /** What the tensors of a client's initial model are called; {@link TensorNames#byPlace()} by default. */
        public Builder tensorNames(TensorNames tensorNames) {
            this.names = tensorNames;
            return this;
        }

        /**
         * The property, a text or whole number, in which a client's {@code get_properties} says its id. Each client is asked for its
         * properties when it joins, and one that does not say its id is refused. Ids are believed: of two clients that say the same,
         * the later takes the earlier's place.
         */
        public Builder idProperty(String property) {
            if (property.isEmpty()) {
                throw new IllegalArgumentException("idProperty must not be empty");
            }
            this.idProperty = Optional.of(property);
            return this;
        }

        /** What hears of clients, bytes and tasks; nobody by default. */
        public Builder metrics(TransportMetrics transportMetrics) {
            this.metrics = TransportMetrics.guarded(transportMetrics);
            return this;
        }

        /**
         * Where calls are served, answers are received and listeners called; the caller closes it. Its threads may be blocked while
         * answers are aggregated. Without one, the server makes daemon threads of its own, as many as there is work, and ends them
         * when it is closed; they also do what the executor rejects while the server is open, since no outcome may be lost. A timer
         * always has a daemon thread of the server's own, from the first instruction on.
         */
        public Builder executor(Executor callExecutor) {
            this.executor = Optional.of(callExecutor);
            return this;
        }

        /**
         * The server, listening.
         *
         * @throws IllegalArgumentException if no security was given
         * @throws io.fedlearn.grpc.TransportException if it cannot listen there
         */
        public FlowerServer start() {
            ServerSecurity given = security.orElseThrow(() -> new IllegalArgumentException(
                    "security must be set; to have none, ask for it: ServerSecurity.insecure()"));
            return new FlowerServer(this, given);
        }
    }
}
