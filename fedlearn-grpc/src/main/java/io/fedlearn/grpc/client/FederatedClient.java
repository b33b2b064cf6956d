package io.fedlearn.grpc.client;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Config;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.security.ClientSecurity;
import java.util.Optional;
import java.util.concurrent.Executor;

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
    private FederatedClient(Builder builder) {}

    /** A builder of a client. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Joins the server and works until the server says that the run is over, or {@link #close()} is called.
     *
     * @throws TransportException if the server refuses this client for good (it has no such client, another process has taken its
     *     id, they have no version in common), or is out of reach for longer than {@link Backoff#giveUpAfter()}
     * @throws InterruptedException if the calling thread is interrupted; the client has left then
     * @throws IllegalStateException if it ran before
     */
    public Departure run() throws InterruptedException {
        throw new UnsupportedOperationException();
    }

    /**
     * Leaves the server: the task at work is interrupted, {@link #run()} returns, and all threads of its own end. Closing again does
     * nothing.
     */
    @Override
    public void close() {}

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
         * Where the client works; the caller closes it, and it must take at least two tasks at a time. Without one, daemon threads
         * are made as needed, and a task that ignores its interruption leaves its thread behind instead of holding up the next.
         */
        public Builder executor(Executor taskExecutor) {
            this.executor = Optional.of(taskExecutor);
            return this;
        }

        /** Where bytes, tasks and reconnects are counted; nowhere by default. */
        public Builder metrics(TransportMetrics transportMetrics) {
            this.metrics = transportMetrics;
            return this;
        }

        /** Whether models may travel compressed (zstd), if the server wants it too; not by default. Needs zstd-jni. */
        public Builder compression(boolean zstd) {
            this.compression = zstd;
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
            return new FederatedClient(this);
        }

        private static void require(boolean present, String name) {
            if (!present) {
                throw new IllegalArgumentException(name + " must be set");
            }
        }
    }
}
