package io.fedlearn.formats.internal;

import io.fedlearn.core.tensor.TensorData;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;

/**
 * Bytes on the heap in chunks of one size (the last one may be shorter), so that more than an array's worth fits.
 * Immutable.
 */
final class HeapBytes implements TensorData {
    static final int CHUNK_SHIFT = 20;
    static final int CHUNK = 1 << CHUNK_SHIFT;

    private final byte[][] chunks;
    private final long length;

    HeapBytes(List<byte[]> chunks, long length) {
        this.chunks = chunks.toArray(new byte[0][]);
        this.length = length;
    }

    @Override
    public void read(long byteOffset, ByteBuffer target) {
        Objects.checkFromIndexSize(byteOffset, (long) target.remaining(), length);
        long from = byteOffset;
        while (target.hasRemaining()) {
            byte[] chunk = chunks[(int) (from >>> CHUNK_SHIFT)];
            int at = (int) (from & CHUNK - 1);
            int count = Math.min(target.remaining(), chunk.length - at);
            target.put(chunk, at, count);
            from += count;
        }
    }

    byte get(long index) {
        return chunks[(int) (index >>> CHUNK_SHIFT)][(int) (index & CHUNK - 1)];
    }

    @Override
    public long heapBytes() {
        return length;
    }
}
