package io.fedlearn.formats.numpy;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import io.fedlearn.formats.internal.FileReplacement;
import io.fedlearn.formats.internal.MappedFile;
import io.fedlearn.formats.internal.ValueInput;
import io.fedlearn.formats.internal.ValueOutput;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.BiConsumer;

/**
 * Reads and writes one tensor as {@code .npy}, the format of {@code numpy.save}.
 *
 * <p><b>What is read.</b> Versions 1.0, 2.0 and 3.0, every type of {@link TensorType} that NumPy has (all but
 * {@link TensorType#BFLOAT16}), both byte orders ({@code =}, "native", is taken as little-endian, as on every machine
 * NumPy runs on today), row-major and column-major ("Fortran") order, scalars and empty arrays. Column-major values are
 * brought into row-major order. Object arrays (pickles), structured, complex, text and time types are refused by name,
 * and so are bytes after the values.
 *
 * <p><b>What is written.</b> The bytes that {@code numpy.save} writes for a C-contiguous little-endian array: version
 * 1.0, the values from a multiple of 64 on. (A header never needs version 2.0: it would take more than 64 KiB of
 * shape.)
 *
 * <p><b>Errors.</b> {@link FormatException} for content that is not right, {@link IOException} for storage that fails.
 */
public final class Npy {
    private Npy() {}

    /** Writes {@code tensor} to {@code path}, first beside it and then renamed; not synced to the disk. */
    public static void write(Tensor tensor, Path path) throws IOException {
        byte[] header = NpyHeader.encode(tensor.type(), tensor.shape());
        FileReplacement.write(path, channel -> write(tensor, header, channel));
    }

    /** Writes {@code tensor} to {@code out}, which stays open. */
    public static void write(Tensor tensor, OutputStream out) throws IOException {
        write(tensor, Channels.newChannel(out));
    }

    /**
     * Writes {@code tensor} to {@code channel}, which stays open.
     *
     * @throws IllegalArgumentException if the type is {@link TensorType#BFLOAT16}, which NumPy does not have
     */
    public static void write(Tensor tensor, WritableByteChannel channel) throws IOException {
        write(tensor, NpyHeader.encode(tensor.type(), tensor.shape()), channel);
    }

    private static void write(Tensor tensor, byte[] header, WritableByteChannel channel) throws IOException {
        ValueOutput out = new ValueOutput(channel);
        out.write(header);
        out.write(tensor);
    }

    /**
     * {@code tensor} as the bytes of a file.
     *
     * @throws IllegalArgumentException if the type is {@link TensorType#BFLOAT16}, or the bytes do not fit an array
     */
    public static byte[] encode(Tensor tensor) {
        byte[] header = NpyHeader.encode(tensor.type(), tensor.shape());
        long length = header.length + tensor.byteCount();
        if (length > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("an array holds at most 2^31-9 bytes, the tensor takes " + length);
        }
        ByteBuffer bytes = ByteBuffer.allocate((int) length).put(header);
        for (long done = 0; done < tensor.elementCount(); ) {
            done += tensor.encodeTo(done, bytes);
        }
        return bytes.array();
    }

    /**
     * The number of bytes that {@code tensor} takes as a file.
     *
     * @throws IllegalArgumentException if the type is {@link TensorType#BFLOAT16}
     */
    public static long encodedLength(Tensor tensor) {
        return NpyHeader.encode(tensor.type(), tensor.shape()).length + tensor.byteCount();
    }

    /** Reads the file at {@code path} to the heap, with the default limits. */
    public static Tensor read(Path path) throws IOException {
        return read(path, ReadLimits.defaults());
    }

    /** Reads the file at {@code path} to the heap. */
    public static Tensor read(Path path, ReadLimits limits) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            String source = path.toString();
            return read(ValueInput.of(Channels.newInputStream(channel), channel.size(), source), source, "", limits);
        }
    }

    /**
     * Reads a stream to its end and leaves it open. Memory grows with what the stream delivers, not with what its
     * header announces.
     *
     * @param source what messages call the stream
     */
    public static Tensor read(InputStream in, String source, ReadLimits limits) throws IOException {
        return read(ValueInput.of(in, source), source, "", limits);
    }

    /**
     * Reads {@code length} bytes of a stream and leaves it open: what is announced to be longer is refused at once, so that the
     * values need no room to grow.
     *
     * @param source what messages call the stream
     */
    public static Tensor read(InputStream in, long length, String source, ReadLimits limits) throws IOException {
        if (length < 0) {
            throw new IllegalArgumentException("length must be >= 0, was " + length);
        }
        return read(ValueInput.of(in, length, source), source, "", limits);
    }

    /**
     * Reads {@code length} bytes of a stream and leaves it open, if its type and shape are accepted.
     *
     * @param source what messages call the stream
     * @param check hears the type and the shape before room for values is taken, and refuses them by throwing
     */
    public static Tensor read(
            InputStream in, long length, String source, ReadLimits limits, BiConsumer<TensorType, Shape> check)
            throws IOException {
        if (length < 0) {
            throw new IllegalArgumentException("length must be >= 0, was " + length);
        }
        ValueInput input = ValueInput.of(in, length, source);
        NpyHeader header = NpyHeader.read(input, source, "", limits);
        check.accept(header.type(), header.shape());
        return read(input, header, source, "", limits);
    }

    /**
     * Reads the bytes of a file.
     *
     * @param source what messages call the bytes
     */
    public static Tensor decode(byte[] bytes, String source, ReadLimits limits) {
        try {
            return read(ValueInput.of(new ByteArrayInputStream(bytes), bytes.length, source), source, "", limits);
        } catch (IOException e) {
            throw new UncheckedIOException("reading from an array cannot fail", e);
        }
    }

    /** Maps the file at {@code path} into memory, with the default limits. */
    public static Tensor map(Path path) throws IOException {
        return map(path, ReadLimits.defaults());
    }

    /**
     * Maps the file at {@code path} into memory: row-major, little-endian values stay in the file and
     * {@link Tensor#heapBytes()} is 0. Values in another order are converted, and so read to the heap.
     *
     * <p>The mapping lasts as long as the tensor; no file handle stays open. On Linux the file may be deleted or
     * replaced by a rename meanwhile. It must not be overwritten or truncated in place: the tensor would change, or the
     * JVM fail to read it with an {@link InternalError}.
     */
    public static Tensor map(Path path, ReadLimits limits) throws IOException {
        String source = path.toString();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long size = channel.size();
            ValueInput in = ValueInput.of(Channels.newInputStream(channel), size, source);
            NpyHeader header = NpyHeader.read(in, source, "", limits);
            long bytes = header.shape().elementCount() * header.type().byteSize();
            if (!header.isRowMajorLittleEndian() || bytes != in.left()) {
                return read(in, header, source, "", limits);
            }
            MappedFile mapping = MappedFile.map(channel, size - bytes, size, source);
            return mapping.tensor(0, header.type(), header.shape(), "");
        }
    }

    /** Reads one array to its end; {@code name} is the tensor's for messages, or empty. */
    static Tensor read(ValueInput in, String source, String name, ReadLimits limits) throws IOException {
        return read(in, NpyHeader.read(in, source, name, limits), source, name, limits);
    }

    private static Tensor read(ValueInput in, NpyHeader header, String source, String name, ReadLimits limits)
            throws IOException {
        long bytes = header.shape().elementCount() * header.type().byteSize();
        if (bytes > limits.maxHeapBytes()) {
            throw NpyHeader.failure(
                    source, name, "its values must take <= " + limits.maxHeapBytes() + " bytes, take " + bytes);
        }
        Tensor tensor = header.columnMajor()
                ? in.columnMajorTensor(header.type(), header.shape(), header.order(), name)
                : in.tensor(header.type(), header.shape(), header.order(), name);
        in.requireEnd(name);
        return tensor;
    }
}
