package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.proto.v1.Chunk;
import java.util.List;
import java.util.zip.CRC32C;

/** Chunks as messages. */
final class Chunks {
    private Chunks() {}

    static Chunk write(EncodedModel model, long from, long offset, int count) {
        ByteString values = model.values(from, count);
        CRC32C crc = new CRC32C();
        crc.update(values.asReadOnlyByteBuffer());
        return Chunk.newBuilder()
                .setOffset(offset)
                .setCrc32C((int) crc.getValue())
                .setData(values)
                .build();
    }

    static ReceivedChunk read(Chunk chunk, int maxBytes) throws ChunkException {
        if (chunk.hasUncompressedBytes()) {
            throw new ChunkException(ChunkException.Kind.MALFORMED, "a chunk is compressed, which was not agreed on");
        }
        if (chunk.getData().size() > maxBytes) {
            throw new ChunkException(
                    ChunkException.Kind.MALFORMED,
                    "a chunk has " + chunk.getData().size() + " bytes, at most " + maxBytes + " were agreed on");
        }
        return new ReceivedChunk(
                chunk.getOffset(), chunk.getCrc32C(), List.of(chunk.getData().asReadOnlyByteBuffer()));
    }
}
