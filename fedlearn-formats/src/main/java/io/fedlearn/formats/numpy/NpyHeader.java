package io.fedlearn.formats.numpy;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.ReadLimits;
import io.fedlearn.formats.internal.ValueInput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * The header of an array.
 *
 * @param type the element type
 * @param shape the lengths of the dimensions
 * @param order the byte order
 * @param columnMajor whether the first index varies fastest
 */
record NpyHeader(TensorType type, Shape shape, ByteOrder order, boolean columnMajor) {
    /** Far more than a shape of the greatest rank takes. */
    private static final int MAX_BYTES = 1 << 20;

    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int ALIGNMENT = 64;
    /** NumPy leaves room for the first length to grow to this many digits. */
    private static final int GROWTH_DIGITS = 21;

    boolean isRowMajorLittleEndian() {
        return (order == ByteOrder.LITTLE_ENDIAN || type.byteSize() == 1) && (!columnMajor || shape.rank() < 2);
    }

    static FormatException failure(String source, String name, String reason) {
        return name.isEmpty() ? new FormatException(source, reason) : new FormatException(source, name, reason);
    }

    // ---- writing

    /** The first bytes of the file, up to the values. */
    static byte[] encode(TensorType type, Shape shape) {
        StringBuilder text = new StringBuilder("{'descr': '")
                .append(descr(type))
                .append("', 'fortran_order': False, 'shape': (")
                .append(LongStream.of(shape.lengths()).mapToObj(Long::toString).collect(Collectors.joining(", ")))
                .append(shape.rank() == 1 ? ",), }" : "), }");
        if (shape.rank() > 0) {
            text.append(
                    " ".repeat(GROWTH_DIGITS - Long.toString(shape.length(0)).length()));
        }
        int prefix = MAGIC.length + 2 + Short.BYTES;
        // As NumPy does: at least one blank, even where the text ends on the boundary.
        int blanks = ALIGNMENT - (prefix + text.length() + 1) % ALIGNMENT;
        text.append(" ".repeat(blanks)).append('\n');
        return ByteBuffer.allocate(prefix + text.length())
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(MAGIC)
                .put((byte) 1)
                .put((byte) 0)
                .putShort((short) text.length())
                .put(text.toString().getBytes(StandardCharsets.US_ASCII))
                .array();
    }

    private static String descr(TensorType type) {
        return switch (type) {
            case FLOAT16 -> "<f2";
            case FLOAT32 -> "<f4";
            case FLOAT64 -> "<f8";
            case INT8 -> "|i1";
            case INT16 -> "<i2";
            case INT32 -> "<i4";
            case INT64 -> "<i8";
            case UINT8 -> "|u1";
            case UINT16 -> "<u2";
            case UINT32 -> "<u4";
            case UINT64 -> "<u8";
            case BOOL -> "|b1";
            case BFLOAT16 ->
                throw new IllegalArgumentException(
                        "NumPy's formats have no bfloat16: round the tensor to float32, or write safetensors");
        };
    }

    // ---- reading

    /** Reads everything before the values; {@code name} is the tensor's for messages, or empty. */
    static NpyHeader read(ValueInput in, String source, String name, ReadLimits limits) throws IOException {
        byte[] start = in.bytes(MAGIC.length + 2, "the .npy signature", name);
        if (!Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw failure(source, name, "is not an .npy array: it does not start with \\x93NUMPY");
        }
        int major = start[MAGIC.length];
        int minor = start[MAGIC.length + 1];
        if (major < 1 || major > 3 || minor != 0) {
            throw failure(source, name, ".npy version " + (major & 0xff) + "." + (minor & 0xff) + " is not supported");
        }
        int lengthBytes = major == 1 ? Short.BYTES : Integer.BYTES;
        ByteBuffer field = ByteBuffer.wrap(in.bytes(lengthBytes, "the length of the header", name))
                .order(ByteOrder.LITTLE_ENDIAN);
        long length = major == 1 ? field.getShort() & 0xffff : field.getInt() & 0xffffffffL;
        int limit = Math.min(limits.maxHeaderBytes(), MAX_BYTES);
        if (length > limit) {
            throw failure(source, name, "its header must have <= " + limit + " bytes, has " + length);
        }
        return new NpyHeaderParser(in.bytes((int) length, "the header", name), source, name).parse();
    }
}
