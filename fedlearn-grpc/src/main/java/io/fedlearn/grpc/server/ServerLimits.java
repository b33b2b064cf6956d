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
 * @param helloTimeout how long a connection may take to say who it is
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

    /** Validates the limits. */
    public ServerLimits {
        requireAtLeast("maxClients", maxClients, 1);
        requireAtLeast("maxConnectionsPerAddress", maxConnectionsPerAddress, 1);
        requireAtLeast("maxMessageBytes", maxMessageBytes, MIN_MESSAGE_BYTES);
        requireAtLeast("maxModelBytes", maxModelBytes, 1);
        requireAtLeast("messagesPerSecond", messagesPerSecond, 1);
        requireAtLeast("burst", burst, 1);
        if (helloTimeout.isNegative() || helloTimeout.isZero()) {
            throw new IllegalArgumentException("helloTimeout must be > 0, was " + helloTimeout);
        }
    }

    private static void requireAtLeast(String name, long value, long least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " must be >= " + least + ", was " + value);
        }
    }

    /** The defaults. */
    public static ServerLimits defaults() {
        return new ServerLimits(
                DEFAULT_MAX_CLIENTS,
                DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
                DEFAULT_MAX_MESSAGE_BYTES,
                DEFAULT_MAX_MODEL_BYTES,
                DEFAULT_MESSAGES_PER_SECOND,
                DEFAULT_BURST,
                Duration.ofSeconds(DEFAULT_HELLO_TIMEOUT_SECONDS));
    }

    /** These limits with another number of clients. */
    public ServerLimits withMaxClients(int count) {
        return new ServerLimits(
                count,
                maxConnectionsPerAddress,
                maxMessageBytes,
                maxModelBytes,
                messagesPerSecond,
                burst,
                helloTimeout);
    }

    /** These limits with another number of connections from one address. */
    public ServerLimits withMaxConnectionsPerAddress(int count) {
        return new ServerLimits(
                maxClients, count, maxMessageBytes, maxModelBytes, messagesPerSecond, burst, helloTimeout);
    }

    /** These limits with another size of a message. */
    public ServerLimits withMaxMessageBytes(int bytes) {
        return new ServerLimits(
                maxClients, maxConnectionsPerAddress, bytes, maxModelBytes, messagesPerSecond, burst, helloTimeout);
    }

    /** These limits with another size of an answer to a task that holds no model. */
    public ServerLimits withMaxModelBytes(long bytes) {
        return new ServerLimits(
                maxClients, maxConnectionsPerAddress, maxMessageBytes, bytes, messagesPerSecond, burst, helloTimeout);
    }

    /** These limits with another rate of messages: so many per second in the long run, and so many at once. */
    public ServerLimits withMessageRate(int perSecond, int atOnce) {
        return new ServerLimits(
                maxClients, maxConnectionsPerAddress, maxMessageBytes, maxModelBytes, perSecond, atOnce, helloTimeout);
    }

    /** These limits with another time to say who a connection is. */
    public ServerLimits withHelloTimeout(Duration timeout) {
        return new ServerLimits(
                maxClients,
                maxConnectionsPerAddress,
                maxMessageBytes,
                maxModelBytes,
                messagesPerSecond,
                burst,
                timeout);
    }
}
