package io.fedlearn.grpc.flower;

import java.time.Duration;

/**
 * What Flower's clients may ask of a {@link FlowerServer}.
 *
 * <p>Flower sends a model as one message, and gRPC holds a message whole, outside the Java heap, until it is complete: at worst a
 * client ties up {@code maxMessageBytes} of memory by sending that much. A limit not far above the size of the model is worth
 * setting where clients are not trusted.
 *
 * @param maxMessageBytes the largest message, both ways: {@value #DEFAULT_MAX_MESSAGE_BYTES}, which is Flower's own limit before
 *     1.16. A larger one, up to 2^31 - 1, must be set at the clients too, as {@code grpc_max_message_length}
 * @param maxClients clients at a time: {@value #DEFAULT_MAX_CLIENTS}
 * @param maxConnectionsPerAddress connections at a time from one address, which many clients may share:
 *     {@value #DEFAULT_MAX_CONNECTIONS_PER_ADDRESS}
 * @param joinTimeout until a client must have said its id, where it is asked for one: 30 s
 * @param closeTimeout how long {@link FlowerServer#close()} waits for clients to leave: 2 s
 * @param sendTimeout how long the network may take to carry an instruction to its client: 10 min. A client that does not read it so
 *     long loses its call, since others wait for the room that its instruction takes
 */
public record FlowerLimits(
        int maxMessageBytes,
        int maxClients,
        int maxConnectionsPerAddress,
        Duration joinTimeout,
        Duration closeTimeout,
        Duration sendTimeout) {
    /** The default of {@link #maxMessageBytes()}: {@value}, which is 512 MiB. */
    public static final int DEFAULT_MAX_MESSAGE_BYTES = 512 << 20;

    /** The default of {@link #maxClients()}: {@value}. */
    public static final int DEFAULT_MAX_CLIENTS = 1000;

    /** The default of {@link #maxConnectionsPerAddress()}: {@value}. */
    public static final int DEFAULT_MAX_CONNECTIONS_PER_ADDRESS = 1000;

    private static final Duration DEFAULT_JOIN_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration DEFAULT_CLOSE_TIMEOUT = Duration.ofSeconds(2);
    private static final Duration DEFAULT_SEND_TIMEOUT = Duration.ofMinutes(10);

    /**
     * Validates the limits.
     *
     * @throws IllegalArgumentException naming the one that is not positive
     */
    public FlowerLimits {
        requirePositive("maxMessageBytes", maxMessageBytes);
        requirePositive("maxClients", maxClients);
        requirePositive("maxConnectionsPerAddress", maxConnectionsPerAddress);
        requirePositive("joinTimeout", joinTimeout);
        requirePositive("closeTimeout", closeTimeout);
        requirePositive("sendTimeout", sendTimeout);
    }

    /** The defaults. */
    public static FlowerLimits defaults() {
        return new FlowerLimits(
                DEFAULT_MAX_MESSAGE_BYTES,
                DEFAULT_MAX_CLIENTS,
                DEFAULT_MAX_CONNECTIONS_PER_ADDRESS,
                DEFAULT_JOIN_TIMEOUT,
                DEFAULT_CLOSE_TIMEOUT,
                DEFAULT_SEND_TIMEOUT);
    }

    /** The same with another largest message. */
    public FlowerLimits withMaxMessageBytes(int bytes) {
        return new FlowerLimits(bytes, maxClients, maxConnectionsPerAddress, joinTimeout, closeTimeout, sendTimeout);
    }

    /** The same with another number of clients, and of connections from one address. */
    public FlowerLimits withMaxClients(int clients, int connectionsPerAddress) {
        return new FlowerLimits(
                maxMessageBytes, clients, connectionsPerAddress, joinTimeout, closeTimeout, sendTimeout);
    }

    /** The same with other times for joining and closing. */
    public FlowerLimits withTimeouts(Duration join, Duration close) {
        return new FlowerLimits(maxMessageBytes, maxClients, maxConnectionsPerAddress, join, close, sendTimeout);
    }

    /** The same with another time for carrying an instruction. */
    public FlowerLimits withSendTimeout(Duration timeout) {
        return new FlowerLimits(
                maxMessageBytes, maxClients, maxConnectionsPerAddress, joinTimeout, closeTimeout, timeout);
    }

    private static void requirePositive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be >= 1, was " + value);
        }
    }

    private static void requirePositive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(name + " must be > 0, was " + value);
        }
    }
}
