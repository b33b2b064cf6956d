package io.fedlearn.grpc.server;

import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.Task;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;

/**
 * The runtime whose clients are at other machines: they connect to this server, join under their ids, and get the tasks of a
 * federation. The server never connects to anyone. Thread-safe.
 *
 * <p>A client that loses its connection stays a member for the {@linkplain Builder#reconnectGrace grace time}, and its tasks wait
 * for it. Each answer counts once, however often it is sent; answers that are late, stale, another client's or unknown are
 * refused by name.
 */
public final class FederatedServer implements Runtime {
    private FederatedServer(Builder builder) {}

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** The address on which the server listens, with the port that it got. */
    public InetSocketAddress address() {
        throw new UnsupportedOperationException("not yet");
    }

    /** The clients that have joined, also those that lost their connection and are expected back, in the order of their ids. */
    @Override
    public List<ClientInfo> clients() {
        return List.of();
    }

    @Override
    public Set<Capability> capabilities() {
        return EnumSet.allOf(Capability.class);
    }

    @Override
    public boolean awaitClients(int count, Duration timeout) throws InterruptedException {
        return false;
    }

    @Override
    public void submit(Task task, TaskListener listener) {
        throw new UnsupportedOperationException("not yet");
    }

    @Override
    public void cancel(Task task) {
        throw new UnsupportedOperationException("not yet");
    }

    /**
     * Sends all clients away for a planned restart, and lets none in. They keep what they work on, and bring their answers to the
     * server that they find when they come back.
     *
     * @param reason what they are told
     * @param retryAfter when they are to come back
     */
    public void drain(String reason, Duration retryAfter) {
        throw new UnsupportedOperationException("not yet");
    }

    /** Tells the clients that the run is over, waits for a moment until they have heard it, and stops listening. */
    @Override
    public void close() {}

    /** Collects the settings of a server. Not thread-safe. */
    public static final class Builder {
        /** Default of {@link #heartbeat} in seconds: {@value}. */
        public static final int DEFAULT_HEARTBEAT_SECONDS = 10;

        /** Default of {@link #reconnectGrace} in seconds: {@value}. */
        public static final int DEFAULT_RECONNECT_GRACE_SECONDS = 120;

        /** Default of {@link #receiveHeapBytes}: {@value}, 64 MiB. */
        public static final long DEFAULT_RECEIVE_HEAP_BYTES = 64L << 20;

        /** Default of {@link #chunkBytes}: {@value}, 256 KiB. */
        public static final int DEFAULT_CHUNK_BYTES = 256 << 10;

        /** Default of {@link #inlineBytes}: {@value}, 32 KiB. */
        public static final int DEFAULT_INLINE_BYTES = 32 << 10;

        private static final int MIN_CHUNK_BYTES = 1 << 10;
        private static final int MAX_CHUNK_BYTES = 2 << 20;
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

        /** How often each side says that it is there; a connection that is silent for three of them is dead. */
        public Builder heartbeat(Duration interval) {
            this.heartbeat = positive("interval", interval);
            return this;
        }

        /** How long a client that lost its connection stays a member. */
        public Builder reconnectGrace(Duration grace) {
            if (grace.isNegative()) {
                throw new IllegalArgumentException("grace must be >= 0, was " + grace);
            }
            this.reconnectGrace = grace;
            return this;
        }

        /** What is taken from peers at most. */
        public Builder limits(ServerLimits most) {
            this.limits = most;
            return this;
        }

        /**
         * How many bytes of answers lie on the heap while they are received; one answer always may. More answers than that wait for a
         * moment and then go to the round's spool on disk.
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
            if (bytes < MIN_CHUNK_BYTES || bytes > MAX_CHUNK_BYTES) {
                throw new IllegalArgumentException(
                        "bytes must be in [" + MIN_CHUNK_BYTES + ", " + MAX_CHUNK_BYTES + "], was " + bytes);
            }
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
         * aggregated. Without one, the server makes daemon threads of its own and ends them when it is closed.
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

        private static Duration positive(String name, Duration value) {
            if (value.isNegative() || value.isZero()) {
                throw new IllegalArgumentException(name + " must be > 0, was " + value);
            }
            return value;
        }

        /**
         * A server that listens.
         *
         * @throws io.fedlearn.grpc.TransportException if it cannot listen there, or its keys cannot be read
         */
        public FederatedServer start() {
            return new FederatedServer(this);
        }
    }
}
