package io.fedlearn.grpc.client;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.runtime.TaskRunner;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.internal.netty.ConnectionLimits;
import io.fedlearn.grpc.internal.netty.GrpcChannels;
import io.fedlearn.grpc.internal.wire.WireSettings;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.security.CertificateIdentity;
import io.fedlearn.grpc.security.ClientSecurity;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A site's end of a federation across machines: joins a server, gives the site's {@link Client} what it is asked, one task at a
 * time, and sends the answers back.
 *
 * <p>It connects out and is never dialled. When the connection breaks or the server is restarted, it goes on with the task at
 * hand and comes back, for as long as its {@link Backoff} says; the server never counts an answer twice. It keeps one downloaded
 * model and one answer at most.
 *
 * <p>Thread-safe: {@link #run()} blocks one thread, {@link #close()} may be called from any other.
 */
public final class FederatedClient implements AutoCloseable {
    /** Default of how long a server may take to answer a hello. */
    private static final Duration WELCOME_TIMEOUT = Duration.ofSeconds(30);

    /** How long interrupted work may take to end before the next task fails. */
    private static final Duration GRACE = Duration.ofSeconds(5);

    /** How long {@link #close()} waits for {@link #run()} to return. */
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(15);

    /** Messages of a server: offers with the specifications of many tensors. */
    private static final int MAX_MESSAGE_BYTES = 32 << 20;

    private final JoinLoop loop;
    private final AtomicBoolean hasRun = new AtomicBoolean();
    private final AtomicBoolean isClosed = new AtomicBoolean();
    private final AtomicReference<Optional<Thread>> runner = new AtomicReference<>(Optional.empty());
    private final CountDownLatch hasLeft = new CountDownLatch(1);

    private FederatedClient(Builder builder) {
        String host = builder.host.orElseThrow();
        int port = builder.port;
        ClientSecurity security = builder.security.orElseThrow();
        String id = builder.clientId.or(() -> certified(security)).orElseThrow();
        ConnectionLimits limits =
                ConnectionLimits.builder().maxMessageBytes(MAX_MESSAGE_BYTES).build();
        this.loop = new JoinLoop(
                new JoinLoop.Settings(
                        new Refusals(host, port, security, id),
                        id,
                        WireSettings.write(builder.properties),
                        builder.backoff,
                        builder.compression,
                        builder.welcomeTimeout,
                        // Callbacks only queue what has come, which the network's own threads may do.
                        () -> GrpcChannels.open(host, port, security, limits, Runnable::run),
                        SeededRandom.of(builder.jitterSeed.orElseGet(() -> new SecureRandom().nextLong())),
                        builder.metrics),
                builder.grace,
                (sessions, events) -> new TaskWorker(
                        builder.client.orElseThrow(),
                        TaskRunner.of(builder.states),
                        sessions,
                        builder.metrics,
                        builder.executor,
                        events));
    }

    /** The id that the client's own certificate says. */
    private static Optional<String> certified(ClientSecurity security) {
        return security.keyManager()
                .flatMap(keys -> Optional.ofNullable(keys.chooseEngineClientAlias(
                                new String[] {"RSA", "EC", "EdDSA", "RSASSA-PSS"}, null, null))
                        .map(keys::getCertificateChain))
                .filter(chain -> chain.length > 0)
                .flatMap(chain -> CertificateIdentity.subjectCommonName().clientId(chain[0]));
    }

    /** A builder of a client. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Joins the server and works until the server says that the run is over or has failed, or {@link #close()} is called.
     *
     * @throws TransportException if the server refuses this client for good (it has no such client, another process has taken its
     *     id, they have no version in common), or is out of reach for longer than {@link Backoff#giveUpAfter()}
     * @throws InterruptedException if the calling thread is interrupted; the client has left then
     * @throws IllegalStateException if it ran before
     */
    public Departure run() throws InterruptedException {
        if (!hasRun.compareAndSet(false, true)) {
            throw new IllegalStateException("a client runs once; build another to join again");
        }
        runner.set(Optional.of(Thread.currentThread()));
        try {
            return loop.run();
        } finally {
            runner.set(Optional.empty());
            hasLeft.countDown();
        }
    }

    /**
     * Leaves the server: the task at work is interrupted, {@link #run()} returns, and all threads of its own end; waits until they
     * have, unless it is the client's own work that closes it. Closing again does nothing.
     */
    @Override
    public void close() {
        if (!isClosed.compareAndSet(false, true)) {
            return;
        }
        loop.close();
        if (hasRun.get() && !runner.get().equals(Optional.of(Thread.currentThread())) && !loop.isWorking()) {
            try {
                hasLeft.await(CLOSE_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Collects the settings of a client. Not thread-safe. */
    public static final class Builder {
        private Optional<String> host = Optional.empty();
        private int port;
        private Optional<String> clientId = Optional.empty();
        private Optional<ClientSecurity> security = Optional.empty();
        private Optional<Client> client = Optional.empty();
        private ClientStateStore states = InMemoryClientStateStore.create();
        private Config properties = Config.empty();
        private Backoff backoff = Backoff.defaults();
        private Optional<Executor> executor = Optional.empty();
        private TransportMetrics metrics = TransportMetrics.none();
        private boolean compression;
        private Duration welcomeTimeout = WELCOME_TIMEOUT;
        private Duration grace = GRACE;
        private Optional<Long> jitterSeed = Optional.empty();

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
         * By which the server knows this client in every round. With mutual TLS it is what the certificate says, and may be left
         * out.
         */
        public Builder clientId(String id) {
            this.clientId = Optional.of(new ClientInfo(id, Config.empty()).id());
            return this;
        }

        /** How server and client know each other; there is no default. */
        public Builder security(ClientSecurity clientSecurity) {
            this.security = Optional.of(clientSecurity);
            return this;
        }

        /** What does the work; there is no default. */
        public Builder client(Client work) {
            this.client = Optional.of(work);
            return this;
        }

        /**
         * Where the client keeps its state between rounds; the caller closes it. By default on the heap: a method with state at its
         * clients needs one that survives a restart.
         */
        public Builder states(ClientStateStore store) {
            this.states = store;
            return this;
        }

        /** What the client tells of itself to whoever selects cohorts; nothing by default. */
        public Builder properties(Config settings) {
            this.properties = settings;
            return this;
        }

        /** When to try again to reach the server; {@link Backoff#defaults()} by default. */
        public Builder backoff(Backoff waits) {
            this.backoff = waits;
            return this;
        }

        /**
         * Where the client works and large answers are sent; the caller closes it. It must have a thread free for this client, other
         * than that of {@link FederatedClient#run()}. Without one, daemon threads are made as needed.
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

        /** Whether models may travel compressed (zstd), if the server wants it too; not by default. Needs zstd-jni. */
        public Builder compression(boolean zstd) {
            this.compression = zstd;
            return this;
        }

        /** How long the server may take to answer a hello; for tests. */
        Builder welcomeTimeout(Duration timeout) {
            this.welcomeTimeout = timeout;
            return this;
        }

        /** How long interrupted work may take to end; for tests. */
        Builder grace(Duration time) {
            this.grace = time;
            return this;
        }

        /** Where the randomness of backoff starts; for tests. */
        Builder jitterSeed(long seed) {
            this.jitterSeed = Optional.of(seed);
            return this;
        }

        /**
         * The client, which has not connected yet.
         *
         * @throws IllegalArgumentException if server, security or client are missing, or the id is and the certificate does not say
         *     it
         */
        public FederatedClient build() {
            require(host.isPresent(), "server");
            require(security.isPresent(), "security");
            require(client.isPresent(), "client");
            require(
                    clientId.isPresent() || certified(security.orElseThrow()).isPresent(),
                    "clientId, as no certificate says it,");
            if (compression && !isZstdHere()) {
                throw new IllegalArgumentException(
                        "compression needs com.github.luben:zstd-jni, which is not on the class path");
            }
            return new FederatedClient(this);
        }

        private static boolean isZstdHere() {
            try {
                Class.forName("com.github.luben.zstd.Zstd", false, FederatedClient.class.getClassLoader());
                return true;
            } catch (ClassNotFoundException e) {
                return false;
            }
        }

        private static void require(boolean present, String name) {
            if (!present) {
                throw new IllegalArgumentException(name + " must be set");
            }
        }
    }
}
