package io.fedlearn.formats.internal;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorData;
import io.fedlearn.core.tensor.TensorType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Objects;
import java.util.Optional;

/**
 * The end of a file, mapped into memory in slices. Thread-safe. The mapping outlives the channel and, on Linux, the
 * name of the file; its address space is given back by the garbage collector once nothing refers to it.
 */
public final class MappedFile implements AutoCloseable {
    private static final int SLICE_SHIFT = 30;
    private static final int BLOCK = 1 << 16;

    private final String source;
    private final long length;
    private volatile Optional<MappedByteBuffer[]> slices;

    private MappedFile(String source, long length, MappedByteBuffer[] slices) {
        this.source = source;
        this.length = length;
        this.slices = Optional.of(slices);
    }

    /** Maps the bytes from {@code start} to {@code end}. */
    public static MappedFile map(FileChannel channel, long start, long end, String source) throws IOException {
        long length = end - start;
        long slice = 1L << SLICE_SHIFT;
        MappedByteBuffer[] slices = new MappedByteBuffer[Math.toIntExact((length + slice - 1) / slice)];
        for (int i = 0; i < slices.length; i++) {
            long from = i * slice;
            slices[i] = channel.map(FileChannel.MapMode.READ_ONLY, start + from, Math.min(slice, length - from));
        }
        return new MappedFile(source, length, slices);
    }

    /**
     * The tensor whose little-endian, row-major values start {@code offset} bytes into the mapping.
     *
     * @param name the tensor's name for messages; empty if it has none
     */
    public Tensor tensor(long offset, TensorType type, Shape shape, String name) {
        long bytes = Math.multiplyExact(shape.elementCount(), type.byteSize());
        Objects.checkFromIndexSize(offset, bytes, length);
        TensorData data = (byteOffset, target) -> {
            Objects.checkFromIndexSize(byteOffset, (long) target.remaining(), bytes);
            read(offset + byteOffset, target);
        };
        if (type == TensorType.BOOL) {
            ByteBuffer block = ByteBuffer.allocate((int) Math.min(bytes, BLOCK));
            for (long done = 0; done < bytes; done += block.limit()) {
                data.read(done, block.clear().limit((int) Math.min(block.capacity(), bytes - done)));
                BoolBytes.require(block.flip(), source, name);
            }
        }
        return Tensor.of(type, shape, data);
    }

    private void read(long from, ByteBuffer target) {
        MappedByteBuffer[] open =
                slices.orElseThrow(() -> new IllegalStateException(source + " is closed, its tensors with it"));
        long at = from;
        while (target.hasRemaining()) {
            MappedByteBuffer slice = open[(int) (at >>> SLICE_SHIFT)];
            int inSlice = (int) (at & (1L << SLICE_SHIFT) - 1);
            int count = Math.min(target.remaining(), slice.capacity() - inSlice);
            // Absolute at both ends: other threads read the same slice.
            target.put(target.position(), slice, inSlice, count).position(target.position() + count);
            at += count;
        }
    }

    /** Lets go of the mapping: tensors over it fail with {@link IllegalStateException} from now on. */
    @Override
    public void close() {
        slices = Optional.empty();
    }
}
