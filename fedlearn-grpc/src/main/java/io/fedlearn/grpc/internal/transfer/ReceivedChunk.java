package io.fedlearn.grpc.internal.transfer;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A run of values as it came, uncompressed.
 *
 * @param offset of its first byte
 * @param crc32c what its values' checksum must be
 * @param values the bytes, in pieces
 */
record ReceivedChunk(long offset, int crc32c, List<ByteBuffer> values) {
    ReceivedChunk {
        values = List.copyOf(values);
    }

    /** The number of bytes. */
    int count() {
        int count = 0;
        for (ByteBuffer part : values) {
            count += part.remaining();
        }
        return count;
    }

    /**
     * Compares the checksum.
     *
     * @throws ChunkException if it differs
     */
    void verify() throws ChunkException {
        CRC32C crc = new CRC32C();
        for (ByteBuffer part : values) {
            crc.update(part.duplicate());
        }
        if ((int) crc.getValue() != crc32c) {
            throw new ChunkException(
                    ChunkException.Kind.CORRUPT, "the chunk at byte " + offset + " does not have its checksum");
        }
    }
}
