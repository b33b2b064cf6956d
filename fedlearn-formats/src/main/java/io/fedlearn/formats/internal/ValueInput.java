package io.fedlearn.formats.internal;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorData;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.FormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Headers and tensors out of a stream of bytes that may end early. Where the number of bytes left is known beforehand,
 * more is refused at once; where it is not, arrays grow with what arrives. Confined to one thread at a time; does not
 * close the stream.
 */
public final class ValueInput {
    private static final long UNKNOWN = Long.MAX_VALUE;
    private static final String DATA = "the data";
    private static final int BLOCK = 1 << 16;
    private static final int FIRST_BYTES = 1 << 16;
    private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

    private final InputStream in;
    private final String source;
    private byte[] block = {};
    private long left;

    private ValueInput(InputStream in, long left, String source) {
        this.in = in;
        this.left = left;
        this.source = source;
    }

    /** Bytes of a stream whose length nobody vouches for. */
    public static ValueInput of(InputStream in, String source) {
        return new ValueInput(in, UNKNOWN, source);
    }

    /** Bytes of a stream that holds {@code length} of them. */
    public static ValueInput of(InputStream in, long length, String source) {
        return new ValueInput(in, length, source);
    }

    /** Whether the number of bytes left is known. */
    public boolean lengthKnown() {
        return left != UNKNOWN;
    }

    /** The number of bytes left, if it is known. */
    public long left() {
        return left;
    }

    /**
     * The next {@code count} bytes.
     *
     * @param what what messages call them
     * @param name the tensor's name for messages; empty if it has none
     */
    public byte[] bytes(int count, String what, String name) throws IOException {
        require(count, what, name);
        byte[] bytes = new byte[lengthKnown() ? count : Math.min(count, FIRST_BYTES)];
        int done = 0;
        while (done < count) {
            if (done == bytes.length) {
                bytes = Arrays.copyOf(bytes, grown(done, count));
            }
            int step = fill(bytes, done, bytes.length - done);
            if (step < bytes.length - done) {
                throw ended(what, name, count, done + step);
            }
            done += step;
        }
        return bytes;
    }

    /**
     * Refuses whatever follows.
     *
     * @param name the tensor's name for messages; empty if it has none
     */
    public void requireEnd(String name) throws IOException {
        if (left != 0 && in.read() >= 0) {
            throw failure(name, "has bytes after the end of its content");
        }
    }

    /**
     * The tensor whose values come next, row-major.
     *
     * @param name the tensor's name for messages; empty if it has none
     */
    public Tensor tensor(TensorType type, Shape shape, ByteOrder order, String name) throws IOException {
        long count = shape.elementCount();
        require(count * type.byteSize(), DATA, name);
        if (type == TensorType.FLOAT32 && count <= MAX_ARRAY) {
            return Tensor.wrap(floats((int) count, order, name)).reshape(shape);
        }
        if (type == TensorType.FLOAT64 && count <= MAX_ARRAY) {
            return Tensor.wrap(doubles((int) count, order, name)).reshape(shape);
        }
        return Tensor.of(type, shape, heap(type, count, order, name));
    }

    /**
     * The tensor whose values come next, column-major. Its values are on the heap twice while they are brought in
     * order.
     */
    public Tensor columnMajorTensor(TensorType type, Shape shape, ByteOrder order, String name) throws IOException {
        long count = shape.elementCount();
        if (shape.rank() < 2 || count == 0) {
            return tensor(type, shape, order, name);
        }
        long bytes = count * type.byteSize();
        require(bytes, DATA, name);
        TensorData rows = new ColumnMajorBytes(heap(type, count, order, name), shape, type.byteSize());
        return of(new DataStream(rows, bytes), bytes, source).tensor(type, shape, ByteOrder.LITTLE_ENDIAN, name);
    }

    private float[] floats(int count, ByteOrder order, String name) throws IOException {
        float[] values = new float[lengthKnown() ? count : Math.min(count, FIRST_BYTES)];
        for (int done = 0; done < count; ) {
            if (done == values.length) {
                values = Arrays.copyOf(values, grown(done, count));
            }
            int step = Math.min(values.length - done, BLOCK / Float.BYTES);
            block(step * Float.BYTES, order, name, 4L * done, 4L * count)
                    .asFloatBuffer()
                    .get(values, done, step);
            done += step;
        }
        return values;
    }

    private double[] doubles(int count, ByteOrder order, String name) throws IOException {
        double[] values = new double[lengthKnown() ? count : Math.min(count, FIRST_BYTES)];
        for (int done = 0; done < count; ) {
            if (done == values.length) {
                values = Arrays.copyOf(values, grown(done, count));
            }
            int step = Math.min(values.length - done, BLOCK / Double.BYTES);
            block(step * Double.BYTES, order, name, 8L * done, 8L * count)
                    .asDoubleBuffer()
                    .get(values, done, step);
            done += step;
        }
        return values;
    }

    private HeapBytes heap(TensorType type, long count, ByteOrder order, String name) throws IOException {
        long length = count * type.byteSize();
        List<byte[]> chunks = new ArrayList<>();
        for (long done = 0; done < length; ) {
            byte[] chunk = new byte[(int) Math.min(length - done, HeapBytes.CHUNK)];
            int step = fill(chunk, 0, chunk.length);
            if (step < chunk.length) {
                throw ended(DATA, name, length, done + step);
            }
            if (order == ByteOrder.BIG_ENDIAN) {
                reverse(chunk, type.byteSize());
            }
            if (type == TensorType.BOOL) {
                BoolBytes.require(ByteBuffer.wrap(chunk), source, name);
            }
            chunks.add(chunk);
            done += step;
        }
        return new HeapBytes(chunks, length);
    }

    private static void reverse(byte[] bytes, int size) {
        for (int at = 0; at < bytes.length; at += size) {
            for (int low = at, high = at + size - 1; low < high; low++, high--) {
                byte kept = bytes[low];
                bytes[low] = bytes[high];
                bytes[high] = kept;
            }
        }
    }

    private ByteBuffer block(int length, ByteOrder order, String name, long done, long total) throws IOException {
        if (block.length < length) {
            block = new byte[length];
        }
        int step = fill(block, 0, length);
        if (step < length) {
            throw ended(DATA, name, total, done + step);
        }
        return ByteBuffer.wrap(block, 0, length).order(order);
    }

    private int fill(byte[] target, int at, int count) throws IOException {
        int step = in.readNBytes(target, at, count);
        if (lengthKnown()) {
            left -= step;
        }
        return step;
    }

    private static int grown(int length, int wanted) {
        return (int) Math.min(wanted, 2L * length);
    }

    private void require(long count, String what, String name) {
        if (count > left) {
            throw ended(what, name, count, left);
        }
    }

    private FormatException ended(String what, String name, long wanted, long found) {
        return failure(name, what + " is truncated: wanted " + wanted + " bytes, found " + found);
    }

    private FormatException failure(String name, String reason) {
        return name.isEmpty() ? new FormatException(source, reason) : new FormatException(source, name, reason);
    }

    /** Row-major values as a stream. */
    private static final class DataStream extends InputStream {
        private final TensorData data;
        private final long length;
        private long done;

        DataStream(TensorData data, long length) {
            this.data = data;
            this.length = length;
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException("values are read in blocks");
        }

        @Override
        public int read(byte[] target, int at, int count) {
            if (done == length) {
                return -1;
            }
            int step = (int) Math.min(count, length - done);
            data.read(done, ByteBuffer.wrap(target, at, step));
            done += step;
            return step;
        }
    }
}
