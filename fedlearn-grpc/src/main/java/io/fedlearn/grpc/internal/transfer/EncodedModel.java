package io.fedlearn.grpc.internal.transfer;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.Payload;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.CRC32C;

/**
 * A model as it goes to a peer: described once, its values encoded chunk by chunk when they are sent, so that any number of
 * transfers share the one model. Thread-safe.
 */
public final class EncodedModel {
    private static final int BLOCK = 1 << 14;
    /** What compressed chunks may take together; transfers that begin at about the same time share them. */
    private static final long MAX_COMPRESSED_BYTES = 8 << 20;
    /** About what an entry takes beside its bytes. */
    private static final int ENTRY_BYTES = 128;

    private final Model model;
    private final Payload description;
    /** Of each tensor, the offset of its first byte. */
    private final long[] starts;
    // The last size that chunks were asked for in; there is only one in a run.
    private volatile Checksums checksums;

    // Guards what is below it.
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Range, Optional<ByteBuffer>> compressed = new LinkedHashMap<>();
    private long compressedBytes;

    private EncodedModel(Model model) {
        this.model = model;
        this.description = WireModels.describe(model);
        this.starts = new long[model.tensors().size()];
        long start = 0;
        for (int i = 0; i < starts.length; i++) {
            starts[i] = start;
            start += model.tensors().get(i).byteCount();
        }
        this.checksums = new Checksums(TransferSettings.DEFAULT_CHUNK_BYTES);
    }

    /** The model to send. */
    public static EncodedModel of(Model model) {
        return new EncodedModel(model);
    }

    /**
     * The model of a payload that carries its values.
     *
     * @param field what to call the payload in messages
     * @throws WireException if it does not carry them, or they are not what it says
     */
    public static Model decode(String field, Payload payload) throws WireException {
        ModelSpec spec = WireModels.readSpec(field, payload);
        ByteString values = payload.getValues();
        if (values.size() != spec.byteCount()) {
            throw new WireException(
                    field + ": has " + spec.byteCount() + " bytes of values, the payload carries " + values.size());
        }
        ModelReceiver receiver = ModelReceiver.onHeap(spec, WireModels.hex(payload.getDigest()));
        receiver.accept(values.asReadOnlyByteBuffer());
        try {
            return receiver.finish();
        } catch (ChunkException e) {
            throw new WireException(field + ": " + e.getMessage());
        }
    }

    /** Its payload: with its values, if they have at most so many bytes. */
    public Payload payload(int inlineBytes) {
        return model.byteCount() > inlineBytes
                ? description
                : description.toBuilder().setValues(values()).build();
    }

    private ByteString values() {
        ByteBuffer buffer = ByteBuffer.allocate((int) byteCount());
        read(0, buffer);
        return UnsafeByteOperations.unsafeWrap(buffer.flip());
    }

    /** Its payload without its values. */
    public Payload description() {
        return description;
    }

    /** The model. */
    public Model model() {
        return model;
    }

    /** The bytes of all values. */
    public long byteCount() {
        return model.byteCount();
    }

    /**
     * The chunk of values from this offset on, up to the next multiple of {@code chunkBytes}: so that whoever asks for a part gets
     * the chunks that others get, and their checksums and compressed forms are computed once.
     *
     * @param shift of the model in its transfer
     */
    OutgoingChunk chunk(long shift, long from, int chunkBytes, Compression compression) {
        int count = (int) Math.min(chunkBytes - from % chunkBytes, byteCount() - from);
        boolean isWhole = from % chunkBytes == 0;
        Optional<ByteBuffer> compressed =
                compression == Compression.COMPRESSION_ZSTD ? compressed(from, count) : Optional.empty();
        int crc = isWhole ? checksums(chunkBytes).of(from, count) : checksum(from, count);
        return new OutgoingChunk(shift + from, crc, this, from, count, compressed);
    }

    private int checksum(long from, int count) {
        CRC32C crc = new CRC32C();
        ByteBuffer block = ByteBuffer.allocate(Math.min(BLOCK, count));
        for (int done = 0; done < count; done += block.limit()) {
            block.clear().limit(Math.min(block.capacity(), count - done));
            read(from + done, block);
            crc.update(block.flip());
        }
        return (int) crc.getValue();
    }

    private Checksums checksums(int chunkBytes) {
        Checksums known = checksums;
        if (known.chunkBytes != chunkBytes) {
            known = new Checksums(chunkBytes);
            checksums = known;
        }
        return known;
    }

    /** The checksums of all chunks of one size, as far as they have been asked for. */
    private final class Checksums {
        /** Says that a checksum, which has 32 bits, is there. */
        private static final long KNOWN = 1L << Integer.SIZE;

        private final int chunkBytes;
        private final AtomicLongArray values;

        Checksums(int chunkBytes) {
            this.chunkBytes = chunkBytes;
            this.values = new AtomicLongArray(Math.toIntExact((byteCount() + chunkBytes - 1) / chunkBytes));
        }

        int of(long from, int count) {
            int index = (int) (from / chunkBytes);
            long known = values.get(index);
            if (known == 0) {
                // Two threads may both do it, and find the same.
                known = KNOWN | Integer.toUnsignedLong(checksum(from, count));
                values.set(index, known);
            }
            return (int) known;
        }
    }

    private Optional<ByteBuffer> compressed(long from, int count) {
        Range range = new Range(from, count);
        lock.lock();
        try {
            Optional<ByteBuffer> known = compressed.get(range);
            if (known != null) {
                return known.map(ByteBuffer::duplicate);
            }
        } finally {
            lock.unlock();
        }
        ByteBuffer values = ByteBuffer.allocate(count);
        read(from, values);
        Optional<ByteBuffer> fresh = ZstdChunks.compress(values.array(), count);
        lock.lock();
        try {
            Optional<ByteBuffer> before = compressed.put(range, fresh);
            compressedBytes += cost(fresh) - (before == null ? 0 : cost(before));
            Iterator<Map.Entry<Range, Optional<ByteBuffer>>> oldest =
                    compressed.entrySet().iterator();
            while (compressedBytes > MAX_COMPRESSED_BYTES) {
                Map.Entry<Range, Optional<ByteBuffer>> entry = oldest.next();
                compressedBytes -= cost(entry.getValue());
                oldest.remove();
            }
        } finally {
            lock.unlock();
        }
        return fresh;
    }

    private static long cost(Optional<ByteBuffer> compressed) {
        return ENTRY_BYTES + compressed.map(ByteBuffer::capacity).orElse(0);
    }

    private record Range(long from, int count) {}

    /** Fills the rest of {@code target} with the bytes of values from this offset on. */
    void read(long offset, ByteBuffer target) {
        List<Tensor> tensors = model.tensors();
        int index = tensorAt(offset);
        while (target.hasRemaining()) {
            Tensor tensor = tensors.get(index);
            long end = starts[index] + tensor.byteCount();
            if (offset < end) {
                int before = target.remaining();
                readTensor(tensor, offset - starts[index], target);
                offset += before - target.remaining();
            }
            index++;
        }
    }

    /** The last tensor that begins at this offset or before. */
    private int tensorAt(long offset) {
        int found = Arrays.binarySearch(starts, offset);
        return found >= 0 ? found : -found - 2;
    }

    /** Appends a tensor's bytes from one on, which may lie within an element. */
    private static void readTensor(Tensor tensor, long from, ByteBuffer target) {
        int size = tensor.type().byteSize();
        long element = from / size;
        int skip = (int) (from % size);
        if (skip > 0) {
            putPart(tensor, element++, skip, target);
        }
        if (target.remaining() >= size && element < tensor.elementCount()) {
            element += tensor.encodeTo(element, target);
        }
        if (target.hasRemaining() && element < tensor.elementCount()) {
            putPart(tensor, element, 0, target);
        }
    }

    /** Appends as many bytes of an element as there is room for. */
    private static void putPart(Tensor tensor, long element, int skip, ByteBuffer target) {
        ByteBuffer one = ByteBuffer.allocate(tensor.type().byteSize());
        tensor.encodeTo(element, one);
        one.flip().position(skip);
        one.limit(Math.min(one.limit(), skip + target.remaining()));
        target.put(one);
    }
}
