package io.fedlearn.pg.data;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** A declared column as it comes in a row: how it is asked for, how many floats it becomes, and how. Confined to the thread that loads. */
abstract class Column {
    /** What PostgreSQL counts days from, in days since 1970. */
    private static final long ZERO_DAY = LocalDate.of(2000, 1, 1).toEpochDay();

    private static final double MICROS_PER_DAY = 24 * 60 * 60 * 1e6;

    /** That a value cannot be used; whoever reads the row knows its key. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String reason) {
            super(reason, null, false, false);
        }
    }

    private final String name;
    private final String expression;
    private int width;
    /** Where its floats begin in a row. */
    int place;

    Column(String name, String expression, int width) {
        this.name = name;
        this.expression = expression;
        this.width = width;
    }

    /** What messages and reports call it. */
    final String name() {
        return name;
    }

    /** What is selected. */
    final String expression() {
        return expression;
    }

    /** How many floats it becomes; -1 as long as only a row can tell. */
    final int width() {
        return width;
    }

    final void widthIs(int length) {
        width = length;
    }

    /** How many floats this value becomes, for a column whose width is not declared. */
    int widthOf(byte[] bytes, int at) throws Refused {
        return width;
    }

    /** The shape that it has if it is the only one. */
    Optional<Shape> shape() {
        return Optional.empty();
    }

    /** The categories, if these are its values. */
    Optional<Vocabulary> vocabulary() {
        return Optional.empty();
    }

    /** Whether its values are two or more kinds, of which no mean can be taken. */
    boolean isOfKinds() {
        return vocabulary().isPresent();
    }

    /** The names of its features. */
    List<String> names() {
        return width == 1
                ? List.of(name)
                : IntStream.range(0, width).mapToObj(i -> name + "[" + i + "]").toList();
    }

    /**
     * Turns a value into floats, NaN where an element is missing.
     *
     * @param row from {@link #place} on
     * @return whether any is missing
     */
    abstract boolean decode(byte[] bytes, int at, int length, float[] row) throws Refused;

    /** Puts in that the value is missing. */
    final void clear(float[] row) {
        Arrays.fill(row, place, place + width, Float.NaN);
    }

    /** Puts in one number. */
    final boolean number(float value, float[] row) throws Refused {
        return number(value, row, place);
    }

    static boolean number(float value, float[] row, int at) throws Refused {
        if (Float.isInfinite(value)) {
            throw beyond();
        }
        row[at] = value;
        return Float.isNaN(value);
    }

    private static Refused beyond() {
        return new Refused("is infinite, or beyond what a float can hold");
    }

    /** The column of this type as a number or numbers; empty if the type is neither. */
    static Optional<Column> ofType(String type, String name, String expression, LocalDate since, int length) {
        switch (type) {
            case "float8":
                return Optional.of(new Single(name, expression, Scalar.FLOAT8));
            case "float4":
                return Optional.of(new Single(name, expression, Scalar.FLOAT4));
            case "int2":
            case "smallserial":
                return Optional.of(new Single(name, expression, Scalar.INT2));
            case "int4":
            case "serial":
                return Optional.of(new Single(name, expression, Scalar.INT4));
            case "int8":
            case "bigserial":
                return Optional.of(new Single(name, expression, Scalar.INT8));
            case "numeric":
                return Optional.of(new Single(name, expression, Scalar.NUMERIC));
            case "bool":
                return Optional.of(new Bool(name, expression));
            case "date":
                return Optional.of(new Date(name, expression, since));
            case "timestamp":
            case "timestamptz":
                return Optional.of(new Timestamp(name, expression, since));
            case "_float8":
            case "_float4":
            case "_int2":
            case "_int4":
            case "_int8":
                return Optional.of(new Numbers(name, expression, length));
            case "vector":
            case "halfvec":
                return Optional.of(new Numbers(name, expression + "::real[]", length));
            default:
                return Optional.empty();
        }
    }

    /** One number. */
    private static final class Single extends Column {
        private final Scalar.Decoder decoder;

        Single(String name, String expression, Scalar type) {
            super(name, expression, 1);
            this.decoder = type.decoder();
        }

        @Override
        boolean decode(byte[] bytes, int at, int length, float[] row) throws Refused {
            return number(decoder.read(bytes, at), row);
        }
    }

    private static final class Bool extends Column {
        Bool(String name, String expression) {
            super(name, expression, 1);
        }

        @Override
        boolean isOfKinds() {
            return true;
        }

        @Override
        boolean decode(byte[] bytes, int at, int length, float[] row) {
            row[place] = bytes[at];
            return false;
        }
    }

    /** Days since a day. */
    private static final class Date extends Column {
        private final long since;

        Date(String name, String expression, LocalDate since) {
            super(name, expression, 1);
            this.since = since.toEpochDay();
        }

        @Override
        boolean decode(byte[] bytes, int at, int length, float[] row) throws Refused {
            int days = Binary.int4(bytes, at);
            if (days == Integer.MAX_VALUE || days == Integer.MIN_VALUE) {
                throw beyond();
            }
            return number(days + ZERO_DAY - since, row);
        }
    }

    /** Days since the start of a day, with fractions. */
    private static final class Timestamp extends Column {
        private final long since;

        Timestamp(String name, String expression, LocalDate since) {
            super(name, expression, 1);
            this.since = since.toEpochDay();
        }

        @Override
        boolean decode(byte[] bytes, int at, int length, float[] row) throws Refused {
            long micros = Binary.int8(bytes, at);
            if (micros == Long.MAX_VALUE || micros == Long.MIN_VALUE) {
                throw beyond();
            }
            return number((float) (micros / MICROS_PER_DAY + (ZERO_DAY - since)), row);
        }
    }

    /** An array of numbers, always of one length, whatever its dimensions. */
    private static final class Numbers extends Column {
        private static final int HEADER = 12;
        private static final int DIMENSION = 8;

        Numbers(String name, String expression, int length) {
            super(name, expression, length);
        }

        private static long count(byte[] bytes, int at) {
            int dimensions = Binary.int4(bytes, at);
            long count = dimensions == 0 ? 0 : 1;
            for (int i = 0; i < dimensions; i++) {
                count *= Binary.int4(bytes, at + HEADER + DIMENSION * i);
            }
            return count;
        }

        @Override
        int widthOf(byte[] bytes, int at) throws Refused {
            long count = count(bytes, at);
            if (count == 0) {
                throw new Refused("is an empty array");
            }
            return Math.toIntExact(count);
        }

        @Override
        boolean decode(byte[] bytes, int at, int length, float[] row) throws Refused {
            long count = count(bytes, at);
            if (count != width()) {
                throw new Refused("is an array of " + count + " elements and not of " + width());
            }
            Scalar.Decoder decoder = Scalar.ofOid(Binary.int4(bytes, at + 8))
                    .orElseThrow(() -> new Refused("is an array of what are no numbers"))
                    .decoder();
            int from = at + HEADER + DIMENSION * Binary.int4(bytes, at);
            boolean isAnyMissing = false;
            for (int i = place; i < place + width(); i++) {
                int size = Binary.int4(bytes, from);
                from += Integer.BYTES;
                if (size < 0) {
                    row[i] = Float.NaN;
                    isAnyMissing = true;
                    continue;
                }
                isAnyMissing |= number(decoder.read(bytes, from), row, i);
                from += size;
            }
            return isAnyMissing;
        }
    }

    /** Bytes that are a tensor's elements, little-endian. */
    static final class Bytes extends Column {
        private final TensorType type;
        private final Shape shape;

        Bytes(String name, String expression, TensorType type, Shape shape) {
            super(name, expression, Math.toIntExact(shape.elementCount()));
            this.type = type;
            this.shape = shape;
        }

        @Override
        Optional<Shape> shape() {
            return Optional.of(shape);
        }

        @Override
        boolean decode(byte[] bytes, int at, int length, float[] row) throws Refused {
            if (length != (long) width() * type.byteSize()) {
                throw new Refused("has " + length + " bytes, and " + type + " of shape " + shape + " has "
                        + (long) width() * type.byteSize());
            }
            float[] values = Tensor.wrap(type, shape, Arrays.copyOfRange(bytes, at, at + length))
                    .toFloatArray();
            boolean isAnyMissing = false;
            for (int i = 0; i < values.length; i++) {
                isAnyMissing |= number(values[i], row, place + i);
            }
            return isAnyMissing;
        }
    }

    /** A number within jsonb. */
    static final class Json extends Column {
        Json(String name, String expression) {
            super(name, expression, 1);
        }

        @Override
        boolean decode(byte[] bytes, int at, int length, float[] row) throws Refused {
            // The first byte is jsonb's version; then comes JSON as text.
            String json = new String(bytes, at + 1, length - 1, StandardCharsets.UTF_8);
            switch (json) {
                case "null":
                    return number(Float.NaN, row);
                case "true":
                    return number(1, row);
                case "false":
                    return number(0, row);
                default:
                    if (json.isEmpty() || "\"[{".indexOf(json.charAt(0)) >= 0) {
                        throw new Refused("is no number there, nor true, false or null");
                    }
                    return number((float) new BigDecimal(json).doubleValue(), row);
            }
        }
    }

    /** One of a vocabulary: its index, or 1 at its own place and 0 elsewhere. */
    static final class Category extends Column {
        private final Vocabulary vocabulary;
        private final boolean isIndex;

        Category(String name, String expression, Vocabulary vocabulary, boolean isIndex) {
            super(name, expression, isIndex ? 1 : vocabulary.size());
            this.vocabulary = vocabulary;
            this.isIndex = isIndex;
        }

        @Override
        Optional<Vocabulary> vocabulary() {
            return Optional.of(vocabulary);
        }

        boolean isIndex() {
            return isIndex;
        }

        @Override
        List<String> names() {
            return isIndex
                    ? super.names()
                    : vocabulary.categories().stream()
                            .map(each -> name() + "=" + each)
                            .toList();
        }

        @Override
        boolean decode(byte[] bytes, int at, int length, float[] row) throws Refused {
            int index = vocabulary.indexOf(bytes, at, length);
            if (index < 0) {
                throw new Refused("is none of its " + vocabulary.size() + " declared categories");
            }
            put(index, row, place);
            return false;
        }

        /** Puts in a category. */
        void put(int index, float[] row, int from) {
            if (isIndex) {
                row[from] = index;
            } else {
                Arrays.fill(row, from, from + width(), 0);
                row[from + index] = 1;
            }
        }
    }
}
