package io.fedlearn.grpc.internal.netty;

import java.time.Duration;

/**
 * What a peer may ask of a connection.
 *
 * @param maxMessageBytes the largest message taken, whatever is in it
 * @param maxMetadataBytes the largest head of a call
 * @param handshakeTimeout until a connection must have become one: TLS done and the first frames there
 * @param idleTimeout until a connection without a call is closed
 * @param minPingInterval a peer that pings more often is cut off
 * @param pingInterval after which silence the transport asks whether the peer is still there
 * @param pingTimeout how long it waits for that answer
 * @param maxCallsPerConnection calls at a time
 * @param maxConnections connections at a time, of all addresses
 * @param maxConnectionsPerAddress connections at a time from one address
 * @param flowControlWindow bytes of a call under way; 0 adapts it to the line
 */
public record ConnectionLimits(
        int maxMessageBytes,
        int maxMetadataBytes,
        Duration handshakeTimeout,
        Duration idleTimeout,
        Duration minPingInterval,
        Duration pingInterval,
        Duration pingTimeout,
        int maxCallsPerConnection,
        int maxConnections,
        int maxConnectionsPerAddress,
        int flowControlWindow) {
    /** Enough for messages of a few MiB, thousands of clients, and hundreds of them behind one address. */
    public static final ConnectionLimits DEFAULTS = new ConnectionLimits(
            4 << 20,
            8 << 10,
            Duration.ofSeconds(10),
            Duration.ofMinutes(2),
            Duration.ofSeconds(5),
            Duration.ofSeconds(20),
            Duration.ofSeconds(20),
            16,
            20_000,
            2_000,
            1 << 20);

    /** Checks that all are positive. */
    public ConnectionLimits {
        requirePositive("maxMessageBytes", maxMessageBytes);
        requirePositive("maxMetadataBytes", maxMetadataBytes);
        requirePositive("handshakeTimeout", handshakeTimeout);
        requirePositive("idleTimeout", idleTimeout);
        requirePositive("minPingInterval", minPingInterval);
        requirePositive("pingInterval", pingInterval);
        requirePositive("pingTimeout", pingTimeout);
        requirePositive("maxCallsPerConnection", maxCallsPerConnection);
        requirePositive("maxConnections", maxConnections);
        requirePositive("maxConnectionsPerAddress", maxConnectionsPerAddress);
        if (flowControlWindow < 0) {
            throw new IllegalArgumentException("flowControlWindow must be >= 0, was " + flowControlWindow);
        }
    }

    /** The same with another limit of messages. */
    public ConnectionLimits withMaxMessageBytes(int bytes) {
        return new ConnectionLimits(
                bytes,
                maxMetadataBytes,
                handshakeTimeout,
                idleTimeout,
                minPingInterval,
                pingInterval,
                pingTimeout,
                maxCallsPerConnection,
                maxConnections,
                maxConnectionsPerAddress,
                flowControlWindow);
    }

    /** The same with another limit of the head of a call. */
    public ConnectionLimits withMaxMetadataBytes(int bytes) {
        return new ConnectionLimits(
                maxMessageBytes,
                bytes,
                handshakeTimeout,
                idleTimeout,
                minPingInterval,
                pingInterval,
                pingTimeout,
                maxCallsPerConnection,
                maxConnections,
                maxConnectionsPerAddress,
                flowControlWindow);
    }

    /** The same with other times: until a connection has become one, and until one without a call is closed. */
    public ConnectionLimits withTimeouts(Duration handshake, Duration idle) {
        return new ConnectionLimits(
                maxMessageBytes,
                maxMetadataBytes,
                handshake,
                idle,
                minPingInterval,
                pingInterval,
                pingTimeout,
                maxCallsPerConnection,
                maxConnections,
                maxConnectionsPerAddress,
                flowControlWindow);
    }

    /** The same with other pings: how often a peer may, and when and how long this side does. */
    public ConnectionLimits withPings(Duration minInterval, Duration interval, Duration timeout) {
        return new ConnectionLimits(
                maxMessageBytes,
                maxMetadataBytes,
                handshakeTimeout,
                idleTimeout,
                minInterval,
                interval,
                timeout,
                maxCallsPerConnection,
                maxConnections,
                maxConnectionsPerAddress,
                flowControlWindow);
    }

    /** The same with so many connections: all, of one address, and calls of each. */
    public ConnectionLimits withConnections(int all, int perAddress, int callsEach) {
        return new ConnectionLimits(
                maxMessageBytes,
                maxMetadataBytes,
                handshakeTimeout,
                idleTimeout,
                minPingInterval,
                pingInterval,
                pingTimeout,
                callsEach,
                all,
                perAddress,
                flowControlWindow);
    }

    /** The same with so many bytes of a call under way; 0 adapts it to the line. */
    public ConnectionLimits withFlowControlWindow(int bytes) {
        return new ConnectionLimits(
                maxMessageBytes,
                maxMetadataBytes,
                handshakeTimeout,
                idleTimeout,
                minPingInterval,
                pingInterval,
                pingTimeout,
                maxCallsPerConnection,
                maxConnections,
                maxConnectionsPerAddress,
                bytes);
    }

    private static void requirePositive(String what, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(what + " must be > 0, was " + value);
        }
    }

    private static void requirePositive(String what, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(what + " must be > 0, was " + value);
        }
    }
}
