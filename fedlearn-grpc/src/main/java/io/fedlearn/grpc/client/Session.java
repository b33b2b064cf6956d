package io.fedlearn.grpc.client;

import io.fedlearn.grpc.internal.transfer.TransferConnection;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.Welcome;
import io.grpc.Channel;
import java.util.concurrent.TimeUnit;

/** What the server has agreed to, from its welcome to the end of the connection. */
record Session(TransferConnection connection, long heartbeatNanos, int inlineBytes, long since) {
    /** The version of the protocol that this client speaks. */
    static final int VERSION = 1;

    private static final int MAX_HEARTBEAT_MILLIS = 3_600_000;
    private static final int MAX_INLINE_BYTES = 16 << 20;

    /**
     * The session that a welcome opens.
     *
     * @throws IllegalArgumentException if the server's terms are none that this client can accept
     */
    static Session open(Welcome welcome, Channel channel, boolean compression) {
        require(welcome.getVersion() == VERSION, "version " + welcome.getVersion());
        int heartbeat = welcome.getHeartbeatMillis();
        require(heartbeat >= 1 && heartbeat <= MAX_HEARTBEAT_MILLIS, "a heartbeat of " + heartbeat + " ms");
        int inline = welcome.getInlineBytes();
        require(inline >= 0 && inline <= MAX_INLINE_BYTES, inline + " bytes of values in messages");
        boolean agreed = welcome.getCompression() == Compression.COMPRESSION_NONE
                || (compression && welcome.getCompression() == Compression.COMPRESSION_ZSTD);
        require(agreed, "compression " + welcome.getCompressionValue());
        TransferConnection connection = new TransferConnection(
                channel, welcome.getSession(), welcome.getChunkBytes(), welcome.getCompression());
        return new Session(connection, TimeUnit.MILLISECONDS.toNanos(heartbeat), inline, System.nanoTime());
    }

    private static void require(boolean fits, String what) {
        if (!fits) {
            throw new IllegalArgumentException(what);
        }
    }
}
