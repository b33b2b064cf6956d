package io.fedlearn.grpc.server;

import java.time.Duration;

/**
 * What a server takes from its peers at most, so that a hostile or broken one costs only itself.
 *
 * @param maxClients how many clients may be members at a time, those that are expected back included
 * @param maxConnectionsPerAddress how many clients may be connected from one network address at a time
 * @param maxMessageBytes the most bytes of one message, beside chunks of models
 * @param maxModelBytes the most bytes of all tensors of an answer to a task that holds no model, such as the one that asks for
 *     initial parameters; other answers may have four times the bytes of their task's tensors and 1 MiB
 * @param messagesPerSecond how many messages a client may send per second in the long run, beside chunks of models and what it
 *     was asked for: the first start and the first answer of each task that it is offered
 * @param burst how many messages a client may send at once
 * @param helloTimeout how long a connection may take to say who it is; at most a day
 */
public record ServerLimits(
        int maxClients,
        int maxConnectionsPerAddress,
        int maxMessageBytes,
        long maxModelBytes,
        int messagesPerSecond,
        int burst,
        Duration helloTimeout) {
    /** Default of {@link #maxClients()}: {@value}. */
    public static final int DEFAULT_MAX_CLIENTS = 10_000;

    /** Default of {@link #maxConnectionsPerAddress()}: {@value}. */
    public static final int DEFAULT_MAX_CONNECTIONS_PER_ADDRESS = 1_000;

    /** Default of {@link #maxMessageBytes()}: {@value}, 4 MiB. */
    public static final int DEFAULT_MAX_MESSAGE_BYTES = 4 << 20;

    /** Default of {@link #maxModelBytes()}: {@value}, 4 GiB. */
    public static final long DEFAULT_MAX_MODEL_BYTES = 4L << 30;

    /** Default of {@link #messagesPerSecond()}: {@value}. */
    public static final int DEFAULT_MESSAGES_PER_SECOND = 200;

    /** Default of {@link #burst()}: {@value}. */
    public static final int DEFAULT_BURST = 1_000;

    /** Default of {@link #helloTimeout()} in seconds: {@value}. */
    public static final int DEFAULT_HELLO_TIMEOUT_SECONDS = 10;

    private static final int MIN_MESSAGE_BYTES = 1 << 16;
    private static final Duration LONGEST_HELLO_TIMEOUT = Duration.ofDays(1);

    /** Validates the limits. */
    public ServerLimits {
        requireAtLeast("maxClients", maxClients, 1);
        requireAtLeast("maxConnectionsPerAddress", maxConnectionsPerAddress, 1);
        requireAtLeast("maxMessageBytes", maxMessageBytes, MIN_MESSAGE_BYTES);
        requireAtLeast("maxModelBytes", maxModelBytes, 1);
        requireAtLeast("messagesPerSecond", messagesPerSecond, 1);
        requireAtLeast("burst", burst, 1);
        if (helloTimeout.isNegative() || helloTimeout.isZero() || helloTimeout.compareTo(LONGEST_HELLO_TIMEOUT) > 0) {
            throw new IllegalArgumentException(
                    "helloTimeout must be > 0 and at most " + LONGEST_HELLO_TIMEOUT + ", was " + helloTimeout);
        }
    }

    private static void requireAtLeast(String name, long value, long least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " must be >= " + least + ", was " + value);
        }
    }

    /** The defaults. */
    public static ServerLimits defaults() {
        return builder().build();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the limits of a server; {@link #build()} checks them. Not thread-safe. */
    public static final class Builder {
        private int maxClients = DEFAULT_MAX_CLIENTS;
        private int maxConnectionsPerAddress = DEFAULT_MAX_CONNECTIONS_PER_ADDRESS;
        private int maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES;
        private long maxModelBytes = DEFAULT_MAX_MODEL_BYTES;
        private int messagesPerSecond = DEFAULT_MESSAGES_PER_SECOND;
        private int burst = DEFAULT_BURST;
        private Duration helloTimeout = Duration.ofSeconds(DEFAULT_HELLO_TIMEOUT_SECONDS);

        private Builder() {}

        /** See {@link ServerLimits#maxClients()}. */
        public Builder maxClients(int count) {
            this.maxClients = count;
            return this;
        }

        /** See {@link ServerLimits#maxConnectionsPerAddress()}. */
        public Builder maxConnectionsPerAddress(int count) {
            this.maxConnectionsPerAddress = count;
            return this;
        }

        /** See {@link ServerLimits#maxMessageBytes()}. */
        public Builder maxMessageBytes(int bytes) {
            this.maxMessageBytes = bytes;
            return this;
        }

        /** See {@link ServerLimits#maxModelBytes()}. */
        public Builder maxModelBytes(long bytes) {
            this.maxModelBytes = bytes;
            return this;
        }

        /** See {@link ServerLimits#messagesPerSecond()} and {@link ServerLimits#burst()}. */
        public Builder messageRate(int perSecond, int atOnce) {
            this.messagesPerSecond = perSecond;
            this.burst = atOnce;
            return this;
        }

        /** See {@link ServerLimits#helloTimeout()}. */
        public Builder helloTimeout(Duration timeout) {
            this.helloTimeout = timeout;
            return this;
        }

        /**
         * The limits.
         *
         * @throws IllegalArgumentException naming the one that is out of range
         */
        public ServerLimits build() {
            return new ServerLimits(
                    maxClients,
                    maxConnectionsPerAddress,
                    maxMessageBytes,
                    maxModelBytes,
                    messagesPerSecond,
                    burst,
                    helloTimeout);
        }
    }
}
