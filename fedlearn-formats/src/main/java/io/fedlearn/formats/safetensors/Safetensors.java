package io.fedlearn.formats.safetensors;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import io.fedlearn.formats.internal.FileReplacement;
import io.fedlearn.formats.internal.MappedFile;
import io.fedlearn.formats.internal.ValueInput;
import io.fedlearn.formats.internal.ValueOutput;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads and writes models as safetensors: 8 bytes with the length of a JSON header, the header, then the values of all
 * tensors without gaps, row-major and little-endian.
 *
 * <p><b>What is written.</b> The tensors in the order of the model, each in its own type: F16, BF16, F32, F64, I8 to
 * I64, U8 to U64, BOOL. The header is padded with blanks to a multiple of 8 bytes, as the reference implementation
 * does. Its {@code __metadata__} holds the caller's entries and two of FedLearn's: {@code fedlearn.digest}, the
 * {@link Model#digest()}, and {@code fedlearn.roles}, a JSON object from each tensor's name to its role, in the order
 * of the model. Values are written block by block; the same model and metadata give the same bytes.
 *
 * <p><b>What is read.</b> Any safetensors file of those types; other types (F8_E4M3 …) are refused by name. Without
 * {@code fedlearn.roles} the order is that of the values in the file and the roles are
 * {@linkplain io.fedlearn.formats.DefaultRoles those of the types}. Everything is checked before values are read:
 * lengths, limits, duplicate keys, unknown fields, offsets that overlap, leave gaps or leave the file. {@link #open}
 * leaves the values in the file, {@link #read(Path)} copies them to the heap.
 *
 * <p><b>Errors.</b> {@link FormatException} for content that is not right, {@link IOException} for storage that fails.
 */
public final class Safetensors {
    private Safetensors() {}

    /** Writes {@code model} to {@code path}, first beside it and then renamed; not synced to the disk. */
    public static void write(Model model, Path path) throws IOException {
        write(model, Map.of(), path);
    }

    /**
     * Writes {@code model} with {@code metadata} to {@code path}, first beside it and then renamed; not synced to the
     * disk.
     *
     * @throws IllegalArgumentException as {@link #write(Model, Map, WritableByteChannel)}
     */
    public static void write(Model model, Map<String, String> metadata, Path path) throws IOException {
        byte[] header = SafetensorsHeader.encode(model, metadata);
        FileReplacement.write(path, channel -> write(model, header, channel));
    }

    /**
     * Writes {@code model} with {@code metadata} to {@code out}, which stays open.
     *
     * @throws IllegalArgumentException as {@link #write(Model, Map, WritableByteChannel)}
     */
    public static void write(Model model, Map<String, String> metadata, OutputStream out) throws IOException {
        write(model, SafetensorsHeader.encode(model, metadata), Channels.newChannel(out));
    }

    /**
     * Writes {@code model} with {@code metadata} to {@code channel}, which stays open.
     *
     * @throws IllegalArgumentException if a key of the metadata starts with {@value SafetensorsFile#RESERVED_PREFIX}, a
     *     tensor is named {@code __metadata__}, a text is not valid Unicode, or the header would exceed
     *     {@value ReadLimits#DEFAULT_MAX_HEADER_BYTES} bytes
     */
    public static void write(Model model, Map<String, String> metadata, WritableByteChannel channel)
            throws IOException {
        write(model, SafetensorsHeader.encode(model, metadata), channel);
    }

    private static void write(Model model, byte[] header, WritableByteChannel channel) throws IOException {
        ValueOutput out = new ValueOutput(channel);
        out.write(header);
        for (Tensor tensor : model.tensors()) {
            out.write(tensor);
        }
    }

    /** Opens the file at {@code path} and leaves its values there, mapped into memory; with the default limits. */
    public static SafetensorsFile open(Path path) throws IOException {
        return open(path, ReadLimits.defaults());
    }

    /** Opens the file at {@code path} and leaves its values there, mapped into memory. */
    public static SafetensorsFile open(Path path, ReadLimits limits) throws IOException {
        String source = path.toString();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long size = channel.size();
            ValueInput in = ValueInput.of(Channels.newInputStream(channel), size, source);
            SafetensorsHeader header = header(in, source, limits);
            header.requireDataLength(in.left());
            MappedFile mapping = MappedFile.map(channel, size - in.left(), size, source);
            List<Tensor> tensors = new ArrayList<>();
            for (SafetensorsHeader.Entry entry : header.entries()) {
                TensorSpec spec = entry.spec();
                tensors.add(mapping.tensor(entry.begin(), spec.type(), spec.shape(), spec.name()));
            }
            return new SafetensorsFile(source, header, tensors, mapping::close);
        }
    }

    /** Reads the file at {@code path} to the heap, with the default limits. */
    public static SafetensorsFile read(Path path) throws IOException {
        return read(path, ReadLimits.defaults());
    }

    /** Reads the file at {@code path} to the heap. */
    public static SafetensorsFile read(Path path, ReadLimits limits) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            String source = path.toString();
            return read(ValueInput.of(Channels.newInputStream(channel), channel.size(), source), source, limits);
        }
    }

    /**
     * Reads a stream to its end, to the heap, and leaves it open. Memory grows with what the stream delivers, not with
     * what its header announces.
     *
     * @param source what messages call the stream
     */
    public static SafetensorsFile read(InputStream in, String source, ReadLimits limits) throws IOException {
        return read(ValueInput.of(in, source), source, limits);
    }

    private static SafetensorsFile read(ValueInput in, String source, ReadLimits limits) throws IOException {
        SafetensorsHeader header = header(in, source, limits);
        if (in.lengthKnown()) {
            header.requireDataLength(in.left());
        }
        if (header.dataLength() > limits.maxHeapBytes()) {
            throw new FormatException(
                    source, "its values must take <= " + limits.maxHeapBytes() + " bytes, take " + header.dataLength());
        }
        List<Tensor> tensors = new ArrayList<>();
        for (SafetensorsHeader.Entry entry : header.entries()) {
            TensorSpec spec = entry.spec();
            tensors.add(in.tensor(spec.type(), spec.shape(), ByteOrder.LITTLE_ENDIAN, spec.name()));
        }
        in.requireEnd("");
        return new SafetensorsFile(source, header, tensors, () -> {});
    }

    private static SafetensorsHeader header(ValueInput in, String source, ReadLimits limits) throws IOException {
        long length = ByteBuffer.wrap(in.bytes(Long.BYTES, "the length of the header", ""))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        int limit = limits.maxHeaderBytes();
        if (length < 0 || length > limit) {
            throw new FormatException(
                    source, "its header must have <= " + limit + " bytes, has " + Long.toUnsignedString(length));
        }
        return SafetensorsHeader.parse(in.bytes((int) length, "the header", ""), source, limits);
    }
}
