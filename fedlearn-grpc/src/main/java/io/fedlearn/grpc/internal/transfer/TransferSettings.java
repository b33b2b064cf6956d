package io.fedlearn.grpc.internal.transfer;

import java.time.Duration;

/**
 * How a server carries models.
 *
 * @param chunkBytes the most bytes of values in a chunk
 * @param idleTimeout how long a call may stand still before it is ended
 */
public record TransferSettings(int chunkBytes, Duration idleTimeout) {
    /** The fewest bytes that a chunk may be limited to: {@value}. */
    public static final int MIN_CHUNK_BYTES = 1 << 10;

    /** The most: {@value}. */
    public static final int MAX_CHUNK_BYTES = 1 << 21;

    /** What a chunk is limited to unless told otherwise: {@value}. */
    public static final int DEFAULT_CHUNK_BYTES = 1 << 18;

    /** How long a call may stand still unless told otherwise. */
    public static final Duration DEFAULT_IDLE_TIMEOUT = Duration.ofSeconds(60);

    /** Requires a sensible size, and a time above 0. */
    public TransferSettings {
        requireChunkBytes(chunkBytes);
        if (idleTimeout.isNegative() || idleTimeout.isZero()) {
            throw new IllegalArgumentException("idleTimeout must be > 0, was " + idleTimeout);
        }
    }

    /** Requires a size of chunks that a peer accepts. */
    public static void requireChunkBytes(int chunkBytes) {
        if (chunkBytes < MIN_CHUNK_BYTES || chunkBytes > MAX_CHUNK_BYTES) {
            throw new IllegalArgumentException(
                    "chunkBytes must be in [" + MIN_CHUNK_BYTES + ", " + MAX_CHUNK_BYTES + "], was " + chunkBytes);
        }
    }

    /** The defaults. */
    public static TransferSettings defaults() {
        return new TransferSettings(DEFAULT_CHUNK_BYTES, DEFAULT_IDLE_TIMEOUT);
    }
}
