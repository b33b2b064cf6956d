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
    public static final ConnectionLimits DEFAULTS = builder().build();

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

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the limits of a connection; {@link #build()} checks them. Confined to one thread. */
    public static final class Builder {
        private static final Duration MIN_PING_INTERVAL = Duration.ofSeconds(5);
        private static final int FLOW_CONTROL_WINDOW = 1 << 20;

        private int maxMessageBytes = 4 << 20;
        private int maxMetadataBytes = 8 << 10;
        private Duration handshakeTimeout = Duration.ofSeconds(10);
        private Duration idleTimeout = Duration.ofMinutes(2);
        private Duration pingInterval = Duration.ofSeconds(20);
        private Duration pingTimeout = Duration.ofSeconds(20);
        private int maxCallsPerConnection = 16;
        private int maxConnections = 20_000;
        private int maxConnectionsPerAddress = 2_000;

        private Builder() {}

        /** The largest message taken. */
        public Builder maxMessageBytes(int bytes) {
            this.maxMessageBytes = bytes;
            return this;
        }

        /** The largest head of a call. */
        public Builder maxMetadataBytes(int bytes) {
            this.maxMetadataBytes = bytes;
            return this;
        }

        /** Until a connection must have become one. */
        public Builder handshakeTimeout(Duration timeout) {
            this.handshakeTimeout = timeout;
            return this;
        }

        /** Until a connection without a call is closed. */
        public Builder idleTimeout(Duration timeout) {
            this.idleTimeout = timeout;
            return this;
        }

        /** After which silence this side pings, and how long it waits for the answer. */
        public Builder pings(Duration interval, Duration timeout) {
            this.pingInterval = interval;
            this.pingTimeout = timeout;
            return this;
        }

        /** So many connections: all, of one address, and calls of each. */
        public Builder connections(int all, int perAddress, int callsEach) {
            this.maxConnections = all;
            this.maxConnectionsPerAddress = perAddress;
            this.maxCallsPerConnection = callsEach;
            return this;
        }

        /** The limits. */
        public ConnectionLimits build() {
            return new ConnectionLimits(
                    maxMessageBytes,
                    maxMetadataBytes,
                    handshakeTimeout,
                    idleTimeout,
                    MIN_PING_INTERVAL,
                    pingInterval,
                    pingTimeout,
                    maxCallsPerConnection,
                    maxConnections,
                    maxConnectionsPerAddress,
                    FLOW_CONTROL_WINDOW);
        }
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
