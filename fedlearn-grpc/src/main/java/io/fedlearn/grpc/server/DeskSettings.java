package io.fedlearn.grpc.server;

import java.time.Duration;

/** What a task desk needs to know of its server's settings. */
record DeskSettings(
        Duration heartbeat,
        Duration reconnectGrace,
        ServerLimits limits,
        int chunkBytes,
        int inlineBytes,
        boolean compression,
        long receiveHeapBytes) {
    /** How many heartbeats may be missed. */
    static final int MISSED_HEARTBEATS = 3;

    long heartbeatNanos() {
        return heartbeat.toNanos();
    }

    long silenceNanos() {
        return MISSED_HEARTBEATS * heartbeat.toNanos();
    }
}
