package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import io.fedlearn.grpc.proto.v1.Chunk;
import io.fedlearn.grpc.proto.v1.UploadBegin;
import io.fedlearn.grpc.proto.v1.UploadMessage;
import io.grpc.Detachable;
import io.grpc.HasByteBuffer;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The messages Chunk and UploadMessage, byte for byte as the classes that protoc generates write them, but with values that are copied
 * once: from the model into the transport's memory, and from there into the model on the other side. Thread-safe.
 */
final class FrameMarshaller implements MethodDescriptor.Marshaller<TransferFrame> {
    /** A chunk is the message, as in Download. */
    static final FrameMarshaller CHUNK = new FrameMarshaller(false);

    /** A chunk is a field of the message, as in Upload. */
    static final FrameMarshaller UPLOAD = new FrameMarshaller(true);

    private static final int BEGIN_TAG = tag(UploadMessage.BEGIN_FIELD_NUMBER, ByteParts.LENGTH);
    private static final int CHUNK_TAG = tag(UploadMessage.CHUNK_FIELD_NUMBER, ByteParts.LENGTH);
    private static final int OFFSET_TAG = tag(Chunk.OFFSET_FIELD_NUMBER, 0);
    private static final int CRC32C_TAG = tag(Chunk.CRC32C_FIELD_NUMBER, ByteParts.FIXED32);
    private static final int DATA_TAG = tag(Chunk.DATA_FIELD_NUMBER, ByteParts.LENGTH);
    private static final int UNCOMPRESSED_TAG = tag(Chunk.UNCOMPRESSED_BYTES_FIELD_NUMBER, 0);

    private final boolean isUpload;

    private FrameMarshaller(boolean isUpload) {
        this.isUpload = isUpload;
    }

    private static int tag(int field, int wireType) {
        return field << 3 | wireType;
    }

    @Override
    public InputStream stream(TransferFrame frame) {
        if (frame instanceof OutgoingChunk chunk) {
            return stream(chunk);
        }
        if (isUpload && frame instanceof TransferFrame.Begin begin) {
            return new ByteArrayInputStream(UploadMessage.newBuilder()
                    .setBegin(UploadBegin.newBuilder().setAnswer(begin.answer()))
                    .build()
                    .toByteArray());
        }
        throw new IllegalArgumentException("not a message to send: " + frame.getClass());
    }

    private InputStream stream(OutgoingChunk chunk) {
        ByteArrayOutputStream before = new ByteArrayOutputStream();
        ByteArrayOutputStream after = new ByteArrayOutputStream();
        try {
            CodedOutputStream tail = CodedOutputStream.newInstance(after);
            if (chunk.compressed().isPresent()) {
                tail.writeUInt32(Chunk.UNCOMPRESSED_BYTES_FIELD_NUMBER, chunk.count());
            }
            tail.flush();
            ByteArrayOutputStream fields = new ByteArrayOutputStream();
            CodedOutputStream head = CodedOutputStream.newInstance(fields);
            if (chunk.offset() != 0) {
                head.writeUInt64(Chunk.OFFSET_FIELD_NUMBER, chunk.offset());
            }
            if (chunk.crc32c() != 0) {
                head.writeFixed32(Chunk.CRC32C_FIELD_NUMBER, chunk.crc32c());
            }
            head.writeUInt32NoTag(DATA_TAG);
            head.writeUInt32NoTag(chunk.dataCount());
            head.flush();
            if (isUpload) {
                CodedOutputStream outer = CodedOutputStream.newInstance(before);
                outer.writeUInt32NoTag(CHUNK_TAG);
                outer.writeUInt32NoTag(fields.size() + chunk.dataCount() + after.size());
                outer.flush();
            }
            fields.writeTo(before);
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory failed", e);
        }
        return new ChunkStream(before.toByteArray(), chunk, after.toByteArray());
    }

    @Override
    public TransferFrame parse(InputStream stream) {
        try {
            if (stream instanceof Detachable
                    && stream instanceof HasByteBuffer buffers
                    && buffers.byteBufferSupported()
                    && stream.markSupported()) {
                return parseInPlace(((Detachable) stream).detach());
            }
            return parse(List.of(ByteBuffer.wrap(bytes(stream))), () -> {});
        } catch (IOException e) {
            throw new UncheckedIOException("a message cannot be read", e);
        }
    }

    /** Where gRPC has joined small buffers in an array, it lets none of the message's be looked into: one copy more. */
    private static byte[] bytes(InputStream stream) throws IOException {
        if (!(stream instanceof KnownLength)) {
            return stream.readAllBytes();
        }
        byte[] bytes = new byte[stream.available()];
        int count = stream.readNBytes(bytes, 0, bytes.length);
        return count == bytes.length ? bytes : Arrays.copyOf(bytes, count);
    }

    /** Reads the message where the transport has laid it. */
    private TransferFrame parseInPlace(InputStream detached) throws IOException {
        boolean isKept = false;
        try {
            List<ByteBuffer> parts = new ArrayList<>();
            // What is marked stays in memory when it is passed over.
            detached.mark(detached.available());
            while (detached.available() > 0) {
                ByteBuffer part = ((HasByteBuffer) detached).getByteBuffer();
                if (part == null) {
                    throw new IOException("a message has bytes but no buffer");
                }
                parts.add(part);
                detached.skipNBytes(part.remaining());
            }
            TransferFrame frame = parse(parts, detached);
            isKept = frame instanceof IncomingChunk;
            return frame;
        } finally {
            if (!isKept) {
                detached.close();
            }
        }
    }

    private TransferFrame parse(List<ByteBuffer> parts, Closeable memory) {
        try {
            ByteParts message = new ByteParts(parts);
            return isUpload
                    ? readUpload(message, memory)
                    : new Fields().read(message).frame(memory);
        } catch (ByteParts.MalformedException e) {
            return new TransferFrame.Malformed(e.getMessage());
        } catch (InvalidProtocolBufferException e) {
            return new TransferFrame.Malformed("an upload's begin cannot be read: " + e.getMessage());
        }
    }

    private static TransferFrame readUpload(ByteParts message, Closeable memory)
            throws ByteParts.MalformedException, InvalidProtocolBufferException {
        Optional<UploadBegin.Builder> begin = Optional.empty();
        Optional<Fields> chunk = Optional.empty();
        while (message.hasRemaining()) {
            int tag = message.tag();
            if (tag == BEGIN_TAG) {
                chunk = Optional.empty();
                begin = begin.or(() -> Optional.of(UploadBegin.newBuilder()));
                begin.get().mergeFrom(joined(message.bytes()));
            } else if (tag == CHUNK_TAG) {
                begin = Optional.empty();
                chunk = chunk.or(() -> Optional.of(new Fields()));
                chunk.get().read(new ByteParts(message.bytes()));
            } else {
                message.skipField(tag);
            }
        }
        if (begin.isPresent()) {
            return new TransferFrame.Begin(begin.get().build().getAnswer());
        }
        if (chunk.isPresent()) {
            return chunk.get().frame(memory);
        }
        return new TransferFrame.Malformed("a message is neither a begin nor a chunk");
    }

    private static byte[] joined(List<ByteBuffer> parts) {
        int count = 0;
        for (ByteBuffer part : parts) {
            count += part.remaining();
        }
        ByteBuffer bytes = ByteBuffer.allocate(count);
        parts.forEach(bytes::put);
        return bytes.array();
    }

    /** The fields of a chunk; of one that is there twice the last counts, as in all of protobuf. */
    private static final class Fields {
        private long offset;
        private int crc32c;
        private List<ByteBuffer> data = List.of();
        private OptionalInt uncompressedBytes = OptionalInt.empty();

        Fields read(ByteParts message) throws ByteParts.MalformedException {
            while (message.hasRemaining()) {
                int tag = message.tag();
                if (tag == OFFSET_TAG) {
                    offset = message.varint();
                } else if (tag == CRC32C_TAG) {
                    crc32c = message.fixed32();
                } else if (tag == DATA_TAG) {
                    data = message.bytes();
                } else if (tag == UNCOMPRESSED_TAG) {
                    uncompressedBytes = OptionalInt.of((int) message.varint());
                } else {
                    message.skipField(tag);
                }
            }
            return this;
        }

        IncomingChunk frame(Closeable memory) {
            return new IncomingChunk(offset, crc32c, data, uncompressedBytes, memory);
        }
    }
}
