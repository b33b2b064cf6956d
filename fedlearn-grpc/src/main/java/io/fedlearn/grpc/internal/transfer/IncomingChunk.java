package io.fedlearn.grpc.internal.transfer;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalInt;

/**
 * A chunk as it came.
 *
 * @param offset of its first byte
 * @param crc32c what its values' checksum must be
 * @param data its bytes in pieces, which belong to {@code memory}
 * @param uncompressedBytes how many bytes of values the data is, if it is compressed; as unsigned
 * @param memory what must be closed when the data is no longer needed
 */
record IncomingChunk(long offset, int crc32c, List<ByteBuffer> data, OptionalInt uncompressedBytes, Closeable memory)
        implements TransferFrame, AutoCloseable {
    IncomingChunk {
        data = List.copyOf(data);
    }

    /** The number of bytes of data. */
    int dataCount() {
        int count = 0;
        for (ByteBuffer part : data) {
            count += part.remaining();
        }
        return count;
    }

    /**
     * The values.
     *
     * @param maxBytes the most that there may be
     * @param mayBeCompressed whether that was agreed on
     * @throws ChunkException if there are more, or the data is not what the chunk says
     */
    ReceivedChunk values(int maxBytes, boolean mayBeCompressed) throws ChunkException {
        int count = dataCount();
        if (uncompressedBytes.isPresent()) {
            if (!mayBeCompressed) {
                throw new ChunkException(
                        ChunkException.Kind.MALFORMED, "a chunk is compressed, which was not agreed on");
            }
            int uncompressed = uncompressedBytes.getAsInt();
            requireAtMost(maxBytes, Integer.toUnsignedLong(uncompressed));
            // Whoever compresses sends what is smaller.
            requireAtMost(uncompressed, count);
            return new ReceivedChunk(offset, crc32c, List.of(ZstdChunks.decompress(data, count, uncompressed)));
        }
        requireAtMost(maxBytes, count);
        return new ReceivedChunk(offset, crc32c, data);
    }

    private static void requireAtMost(int most, long bytes) throws ChunkException {
        if (bytes > most) {
            throw new ChunkException(
                    ChunkException.Kind.MALFORMED, "a chunk has " + bytes + " bytes, it may have at most " + most);
        }
    }

    @Override
    public void close() {
        try {
            memory.close();
        } catch (IOException e) {
            throw new UncheckedIOException("memory of a message cannot be given back", e);
        }
    }
}
