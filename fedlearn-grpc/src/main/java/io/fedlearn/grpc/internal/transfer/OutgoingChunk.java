package io.fedlearn.grpc.internal.transfer;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A chunk to send. Its values are read from the model when the transport asks for them.
 *
 * @param offset of its first byte in the transfer
 * @param crc32c the checksum of its values
 * @param model whose values they are
 * @param from their first byte in the model
 * @param count how many bytes
 * @param compressed the same values compressed, if that makes them fewer
 */
record OutgoingChunk(long offset, int crc32c, EncodedModel model, long from, int count, Optional<ByteBuffer> compressed)
        implements TransferFrame {
    /** Values go from the model to the transport through a block that stays in the processor's cache. */
    private static final int BLOCK = 1 << 14;

    /** The number of bytes of data in the message. */
    int dataCount() {
        return compressed.map(ByteBuffer::remaining).orElse(count);
    }

    /** Writes the data. */
    void writeData(OutputStream target) throws IOException {
        if (compressed.isPresent()) {
            ByteBuffer bytes = compressed.get();
            target.write(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
            return;
        }
        ByteBuffer block = ByteBuffer.allocate(Math.min(BLOCK, count));
        for (int done = 0; done < count; done += block.limit()) {
            block.clear().limit(Math.min(block.capacity(), count - done));
            model.read(from + done, block);
            target.write(block.array(), 0, block.limit());
        }
    }
}
