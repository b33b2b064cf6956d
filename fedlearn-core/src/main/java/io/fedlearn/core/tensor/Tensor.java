package io.fedlearn.core.tensor;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * Numbers of one type in a row-major array of some shape. Immutable and thread-safe; two tensors are equal when type, shape
 * and every bit of their values are.
 *
 * <p>The values may lie on the heap, in a file or behind any {@link TensorData}; whoever reads goes through {@code copyTo}
 * block by block and never needs the whole. {@code copyOf} copies the caller's array; {@code wrap} takes it over, and the
 * caller must not touch it again.
 */
public final class Tensor {
    private static final int BLOCK = BlockFunction.MAX_COUNT;

    private final TensorType type;
    private final Shape shape;
    private final Values values;

    private Tensor(TensorType type, Shape shape, Values values) {
        requireByteCount(type, shape);
        this.type = type;
        this.shape = shape;
        this.values = values;
    }

    /** A {@link TensorType#FLOAT32} tensor with a copy of these values; without lengths, of one dimension. */
    public static Tensor copyOf(float[] values, long... lengths) {
        return wrap(values.clone(), lengths);
    }

    /** A {@link TensorType#FLOAT32} tensor that takes the array over; without lengths, of one dimension. */
    public static Tensor wrap(float[] values, long... lengths) {
        return new Tensor(TensorType.FLOAT32, fit(values.length, lengths), new FloatValues(values));
    }

    /** A {@link TensorType#FLOAT64} tensor with a copy of these values; without lengths, of one dimension. */
    public static Tensor copyOf(double[] values, long... lengths) {
        return wrap(values.clone(), lengths);
    }

    /** A {@link TensorType#FLOAT64} tensor that takes the array over; without lengths, of one dimension. */
    public static Tensor wrap(double[] values, long... lengths) {
        return new Tensor(TensorType.FLOAT64, fit(values.length, lengths), new DoubleValues(values));
    }

    /** An {@link TensorType#INT64} tensor with a copy of these values; without lengths, of one dimension. */
    public static Tensor copyOf(long[] values, long... lengths) {
        return encode(TensorType.INT64, fit(values.length, lengths), values);
    }

    /** An {@link TensorType#INT32} tensor with a copy of these values; without lengths, of one dimension. */
    public static Tensor copyOf(int[] values, long... lengths) {
        ByteBuffer bytes = littleEndian(values.length, TensorType.INT32);
        bytes.asIntBuffer().put(values);
        return of(TensorType.INT32, fit(values.length, lengths), new EncodedValues.Heap(bytes.array()));
    }

    /** A {@link TensorType#FLOAT32} scalar. */
    public static Tensor scalar(float value) {
        return new Tensor(TensorType.FLOAT32, Shape.scalar(), new FloatValues(new float[] {value}));
    }

    /** A {@link TensorType#FLOAT64} scalar. */
    public static Tensor scalar(double value) {
        return new Tensor(TensorType.FLOAT64, Shape.scalar(), new DoubleValues(new double[] {value}));
    }

    /** An {@link TensorType#INT64} scalar. */
    public static Tensor scalar(long value) {
        return encode(TensorType.INT64, Shape.scalar(), new long[] {value});
    }

    /** A tensor whose elements are all 0. */
    public static Tensor zeros(TensorType type, Shape shape) {
        int count = arrayLength(shape.elementCount());
        return switch (type) {
            case FLOAT32 -> new Tensor(type, shape, new FloatValues(new float[count]));
            case FLOAT64 -> new Tensor(type, shape, new DoubleValues(new double[count]));
            default -> of(type, shape, new EncodedValues.Heap(new byte[arrayLength((long) count * type.byteSize())]));
        };
    }

    /** A tensor over storage of the caller's, little-endian and row-major. */
    public static Tensor of(TensorType type, Shape shape, TensorData data) {
        Objects.requireNonNull(type, "type");
        return new Tensor(type, shape, new EncodedValues(type, data));
    }

    /** A tensor that takes the array over, which must hold exactly the values, little-endian and row-major. */
    public static Tensor wrap(TensorType type, Shape shape, byte[] littleEndian) {
        requireByteCount(type, shape);
        long expected = shape.elementCount() * type.byteSize();
        if (littleEndian.length != expected) {
            throw new IllegalArgumentException(
                    "values of " + type + " " + shape + " take " + expected + " bytes, got " + littleEndian.length);
        }
        return of(type, shape, new EncodedValues.Heap(littleEndian));
    }

    /** A tensor with a copy of the rest of {@code littleEndian}, which must hold exactly the values. */
    public static Tensor decode(TensorType type, Shape shape, ByteBuffer littleEndian) {
        requireByteCount(type, shape);
        long expected = shape.elementCount() * type.byteSize();
        if (littleEndian.remaining() != expected) {
            throw new IllegalArgumentException("values of " + type + " " + shape + " take " + expected + " bytes, got "
                    + littleEndian.remaining());
        }
        int count = (int) shape.elementCount();
        ByteBuffer source = littleEndian.slice().order(ByteOrder.LITTLE_ENDIAN);
        switch (type) {
            case FLOAT32 -> {
                float[] array = new float[count];
                source.asFloatBuffer().get(array);
                return new Tensor(type, shape, new FloatValues(array));
            }
            case FLOAT64 -> {
                double[] array = new double[count];
                source.asDoubleBuffer().get(array);
                return new Tensor(type, shape, new DoubleValues(array));
            }
            default -> {
                byte[] array = new byte[source.remaining()];
                source.get(array);
                return of(type, shape, new EncodedValues.Heap(array));
            }
        }
    }

    /**
     * A tensor of type {@code type} with these values rounded to it: floating-point types to nearest, ties to even; integer
     * types likewise.
     *
     * @throws IllegalArgumentException if an integer type cannot hold a value, or the count does not fit the shape
     */
    public static Tensor rounded(TensorType type, Shape shape, double[] values) {
        return rounded(type, shape, values, 1);
    }

    /**
     * As {@link #rounded(TensorType, Shape, double[])}, for {@code values[i] / divisor}: each quotient is rounded to
     * {@code double} and then to the type, in one pass over the values, which stay as they are.
     */
    public static Tensor rounded(TensorType type, Shape shape, double[] values, double divisor) {
        requireCount(values.length, shape);
        if (type != TensorType.FLOAT32) {
            return computed(type, shape, (from, block, count) -> {
                for (int i = 0; i < count; i++) {
                    block[i] = values[(int) from + i] / divisor;
                }
            });
        }
        float[] array = new float[values.length];
        // Divided by 1 too: HotSpot vectorises this loop on 25, but not one that does nothing but round.
        for (int i = 0; i < array.length; i++) {
            array[i] = (float) (values[i] / divisor);
        }
        return new Tensor(type, shape, new FloatValues(array));
    }

    /** Gives the values of a tensor, block by block. */
    @FunctionalInterface
    public interface BlockFunction {
        /** The most values that one call is asked for: {@value}. */
        int MAX_COUNT = 8192;

        /** Fills {@code block[0]} to {@code block[count - 1]} with the values from row-major index {@code from} on. */
        void fill(long from, double[] block, int count);
    }

    /**
     * As {@link #rounded}, for values that are computed block by block in rising order, so that there need never be an array
     * of all of them as {@code double}.
     *
     * @throws IllegalArgumentException if an integer type cannot hold a value
     */
    public static Tensor computed(TensorType type, Shape shape, BlockFunction function) {
        int length = arrayLength(shape.elementCount());
        double[] block = new double[Math.min(length, BLOCK)];
        switch (type) {
            case FLOAT64 -> {
                double[] array = new double[length];
                for (int from = 0; from < length; from += BLOCK) {
                    int count = Math.min(BLOCK, length - from);
                    function.fill(from, block, count);
                    System.arraycopy(block, 0, array, from, count);
                }
                return new Tensor(type, shape, new DoubleValues(array));
            }
            case FLOAT32 -> {
                float[] array = new float[length];
                for (int from = 0; from < length; from += BLOCK) {
                    int count = Math.min(BLOCK, length - from);
                    function.fill(from, block, count);
                    for (int i = 0; i < count; i++) {
                        array[from + i] = (float) block[i];
                    }
                }
                return new Tensor(type, shape, new FloatValues(array));
            }
            default -> {
                ByteBuffer bytes = littleEndian(length, type);
                for (int from = 0; from < length; from += BLOCK) {
                    int count = Math.min(BLOCK, length - from);
                    function.fill(from, block, count);
                    putRounded(type, block, from, count, bytes);
                }
                return of(type, shape, new EncodedValues.Heap(bytes.array()));
            }
        }
    }

    /** Appends the first {@code count} values, rounded to a 16-bit floating-point or an integer type. */
    private static void putRounded(TensorType type, double[] values, int from, int count, ByteBuffer bytes) {
        for (int i = 0; i < count; i++) {
            switch (type) {
                case FLOAT16 -> bytes.putShort(HalfPrecision.toFloat16(values[i]));
                case BFLOAT16 -> bytes.putShort(HalfPrecision.toBfloat16(values[i]));
                default -> {
                    double nearest = Math.rint(values[i]);
                    // The upper half of the unsigned longs are the negative longs.
                    boolean upper = type == TensorType.UINT64 && nearest >= 0x1p63;
                    long integer = (long) (upper ? nearest - 0x1p64 : nearest);
                    boolean fits = type == TensorType.UINT64
                            ? nearest >= 0 && nearest < 0x1p64
                            // 2^63 casts to 2^63 - 1, which is equal to it as a double, yet is another number.
                            : integer == nearest && nearest < 0x1p63;
                    if (!fits) {
                        throw new IllegalArgumentException(type + " cannot hold the value at " + (from + i));
                    }
                    putInteger(type, integer, from + i, bytes);
                }
            }
        }
    }

    /**
     * A tensor of an integer type, or of {@link TensorType#BOOL}, with these values; {@link TensorType#UINT64} takes all bits
     * as they are, so that a negative {@code long} stands for 2^63 and above.
     *
     * @throws IllegalArgumentException if the type is a floating-point type or cannot hold a value
     */
    public static Tensor ofIntegers(TensorType type, Shape shape, long[] values) {
        requireCount(values.length, shape);
        return encode(type, shape, values);
    }

    private static Tensor encode(TensorType type, Shape shape, long[] values) {
        ByteBuffer bytes = littleEndian(values.length, type);
        for (int i = 0; i < values.length; i++) {
            putInteger(type, values[i], i, bytes);
        }
        return of(type, shape, new EncodedValues.Heap(bytes.array()));
    }

    private static void putInteger(TensorType type, long value, int index, ByteBuffer bytes) {
        boolean fits = switch (type) {
            case INT8 -> (byte) value == value;
            case INT16 -> (short) value == value;
            case INT32 -> (int) value == value;
            case UINT8 -> (value & ~0xffL) == 0;
            case UINT16 -> (value & ~0xffffL) == 0;
            case UINT32 -> (value & ~0xffffffffL) == 0;
            case BOOL -> (value & ~1L) == 0;
            case INT64, UINT64 -> true;
            default -> throw new IllegalArgumentException(type + " is not an integer type");
        };
        if (!fits) {
            throw new IllegalArgumentException(type + " cannot hold the value at " + index);
        }
        switch (type.byteSize()) {
            case 1 -> bytes.put((byte) value);
            case 2 -> bytes.putShort((short) value);
            case 4 -> bytes.putInt((int) value);
            default -> bytes.putLong(value);
        }
    }

    private static ByteBuffer littleEndian(int count, TensorType type) {
        return ByteBuffer.allocate(arrayLength((long) count * type.byteSize())).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int arrayLength(long length) {
        if (length > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(
                    "a tensor on the heap is limited to an array's 2^31-9 entries, wanted " + length);
        }
        return (int) length;
    }

    private static void requireByteCount(TensorType type, Shape shape) {
        if (shape.elementCount() > Long.MAX_VALUE / type.byteSize()) {
            throw new IllegalArgumentException(
                    "values of " + type + " " + shape + " take more bytes than a long counts");
        }
    }

    private static Shape fit(int count, long[] lengths) {
        Shape shape = lengths.length == 0 ? Shape.of(count) : Shape.of(lengths);
        requireCount(count, shape);
        return shape;
    }

    private static void requireCount(int count, Shape shape) {
        if (shape.elementCount() != count) {
            throw new IllegalArgumentException(
                    "shape " + shape + " has " + shape.elementCount() + " elements, got " + count);
        }
    }

    /** For kernels of this package. */
    Values values() {
        return values;
    }

    /** The element type. */
    public TensorType type() {
        return type;
    }

    /** The lengths of the dimensions. */
    public Shape shape() {
        return shape;
    }

    /** The number of elements. */
    public long elementCount() {
        return shape.elementCount();
    }

    /** The number of bytes that the values take. */
    public long byteCount() {
        return shape.elementCount() * type.byteSize();
    }

    /** The bytes of Java heap that the values keep alive; 0 if they lie in a file. */
    public long heapBytes() {
        return values.heapBytes();
    }

    /** The value at row-major index {@code index}, widened as {@link TensorType} says. For single values; slow in a loop. */
    public double get(long index) {
        double[] one = new double[1];
        copyTo(index, one, 0, 1);
        return one[0];
    }

    /** Copies {@code count} values from row-major index {@code from} on, widened to {@code double}. */
    public void copyTo(long from, double[] target, int at, int count) {
        check(from, count, target.length, at);
        values.copyTo(from, target, at, count);
    }

    /** Copies {@code count} values from row-major index {@code from} on, rounded to {@code float} where they are wider. */
    public void copyTo(long from, float[] target, int at, int count) {
        check(from, count, target.length, at);
        values.copyTo(from, target, at, count);
    }

    /**
     * Copies {@code count} integers from row-major index {@code from} on.
     *
     * @throws UnsupportedOperationException if the type is a floating-point type
     */
    public void copyTo(long from, long[] target, int at, int count) {
        check(from, count, target.length, at);
        values.copyTo(from, target, at, count);
    }

    /**
     * Appends elements from row-major index {@code from} on to {@code target} as little-endian bytes: as many whole ones as
     * there is room for, at most the rest of the tensor.
     *
     * @return the number of elements appended
     */
    public int encodeTo(long from, ByteBuffer target) {
        int count = (int) Math.min(elementCount() - from, target.remaining() / type.byteSize());
        check(from, count, count, 0);
        ByteOrder order = target.order();
        values.encode(from, target.order(ByteOrder.LITTLE_ENDIAN), count);
        target.order(order);
        return count;
    }

    /**
     * Adds {@code scale} times {@code count} values from row-major index {@code from} on to {@code target}, each product and
     * each sum rounded to {@code double}: the kernel of weighted sums.
     */
    public void addScaledTo(long from, double[] target, int at, int count, double scale) {
        check(from, count, target.length, at);
        values.addScaledTo(from, target, at, count, scale);
    }

    private void check(long from, int count, int targetLength, int at) {
        Objects.checkFromIndexSize(from, (long) count, elementCount());
        Objects.checkFromIndexSize(at, count, targetLength);
    }

    /** All values as a {@code float[]} of the caller's own. */
    public float[] toFloatArray() {
        float[] array = new float[arrayLength(elementCount())];
        copyTo(0, array, 0, array.length);
        return array;
    }

    /** All values as a {@code double[]} of the caller's own. */
    public double[] toDoubleArray() {
        double[] array = new double[arrayLength(elementCount())];
        copyTo(0, array, 0, array.length);
        return array;
    }

    /**
     * All values as a {@code long[]} of the caller's own.
     *
     * @throws UnsupportedOperationException if the type is a floating-point type
     */
    public long[] toLongArray() {
        long[] array = new long[arrayLength(elementCount())];
        copyTo(0, array, 0, array.length);
        return array;
    }

    /** The row-major index of the first NaN or infinity, or -1 if every value is finite. */
    public long firstNonFinite() {
        return values.firstNonFinite(0, elementCount());
    }

    /** The same values under another shape of as many elements, without copying. */
    public Tensor reshape(Shape other) {
        if (other.elementCount() != elementCount()) {
            throw new IllegalArgumentException(
                    "shape " + other + " has " + other.elementCount() + " elements, the tensor " + elementCount());
        }
        return new Tensor(type, other, values);
    }

    @Override
    public boolean equals(Object other) {
        if (this == other) {
            return true;
        }
        if (!(other instanceof Tensor)) {
            return false;
        }
        Tensor that = (Tensor) other;
        if (type != that.type || !shape.equals(that.shape)) {
            return false;
        }
        ByteBuffer mine = ByteBuffer.allocate(BLOCK * type.byteSize());
        ByteBuffer theirs = ByteBuffer.allocate(BLOCK * type.byteSize());
        for (long done = 0; done < elementCount(); done += BLOCK) {
            encodeTo(done, mine.clear());
            that.encodeTo(done, theirs.clear());
            if (!mine.flip().equals(theirs.flip())) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        int hash = 31 * type.hashCode() + shape.hashCode();
        for (long i = 0; i < Math.min(elementCount(), 8); i++) {
            hash = 31 * hash + Double.hashCode(get(i));
        }
        return hash;
    }

    /** Type and shape; never values. */
    @Override
    public String toString() {
        return type + " " + shape;
    }
}
