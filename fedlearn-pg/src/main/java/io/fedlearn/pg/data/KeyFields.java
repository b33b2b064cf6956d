package io.fedlearn.pg.data;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;
import java.util.stream.Collectors;

/** The first fields of a row, which are its key, or what it is split by: whole numbers as they are, all else as text. */
final class KeyFields {
    private static final long FNV_OFFSET = 0xcbf29ce484222325L;
    private static final long FNV_PRIME = 0x100000001b3L;
    /** Between the texts of two columns. */
    private static final byte SEPARATOR = 0x1f;

    private final List<Field> fields;
    private final byte[] digits = new byte[20];
    private byte[] before = {};
    private int beforeLength = -1;

    /**
     * A column of a key.
     *
     * @param bytes of a whole number, or 0 for a text
     */
    record Field(String name, String expression, String order, int bytes) {
        /** The column of this type; the expression orders rows the same way on every server. */
        static Field of(String name, String expression, String type) {
            switch (type) {
                case "int2":
                case "smallserial":
                    return new Field(name, expression, expression, 2);
                case "int4":
                case "serial":
                    return new Field(name, expression, expression, 4);
                case "int8":
                case "bigserial":
                    return new Field(name, expression, expression, 8);
                case "numeric":
                    return new Field(name, "pg_catalog.trim_scale(" + expression + ")::text", expression, 0);
                case "timestamptz":
                    return new Field(name, "(" + expression + " AT TIME ZONE 'UTC')::text", expression, 0);
                case "uuid":
                case "date":
                case "timestamp":
                    return new Field(name, expression + "::text", expression, 0);
                case "text":
                case "varchar":
                case "bpchar":
                    return new Field(name, expression + "::text", expression + "::text COLLATE \"C\"", 0);
                default:
                    throw new IllegalArgumentException("column '" + name + "' of type " + type
                            + " cannot be a key: a key is of whole numbers, numeric, text, uuid or dates");
            }
        }
    }

    KeyFields(List<Field> fields) {
        this.fields = fields;
    }

    int count() {
        return fields.size();
    }

    /** Where the next field begins; refuses a key that is NULL. */
    int end(byte[] row, int at) {
        int next = at;
        for (Field field : fields) {
            int length = Binary.int4(row, next);
            if (length < 0) {
                throw new PgDatasetException(
                        "column '" + field.name() + "' is a row's key, or what it is split by, and must not be NULL",
                        field.name());
            }
            next += Integer.BYTES + length;
        }
        return next;
    }

    /** Refuses a key that is that of the row before. */
    void requireNew(byte[] row, int at, int end) {
        int length = end - at;
        if (length == beforeLength && Arrays.equals(row, at, end, before, 0, length)) {
            throw new PgDatasetException(
                    "a key ("
                            + fields.stream().map(Field::name).collect(Collectors.joining(", "))
                            + ") comes more than once; a key must be unique",
                    fields.get(0).name(),
                    text(row, at));
        }
        if (before.length < length) {
            before = new byte[length * 2];
        }
        System.arraycopy(row, at, before, 0, length);
        beforeLength = length;
    }

    /** FNV-1a of the texts, so that a seed derived by it is the seed derived by the text. */
    long hash(byte[] row, int at) {
        long hash = FNV_OFFSET;
        int next = at;
        for (int i = 0; i < fields.size(); i++) {
            if (i > 0) {
                hash = (hash ^ SEPARATOR) * FNV_PRIME;
            }
            int length = Binary.int4(row, next);
            next += Integer.BYTES;
            if (fields.get(i).bytes() > 0) {
                hash = hashNumber(hash, number(row, next, length));
            } else {
                for (int j = next; j < next + length; j++) {
                    hash = (hash ^ (row[j] & 0xff)) * FNV_PRIME;
                }
            }
            next += length;
        }
        return hash;
    }

    private long hashNumber(long start, long number) {
        int from = digits.length;
        long left = number;
        do {
            digits[--from] = (byte) ('0' + Math.abs(left % 10));
            left /= 10;
        } while (left != 0);
        if (number < 0) {
            digits[--from] = '-';
        }
        long hash = start;
        for (int i = from; i < digits.length; i++) {
            hash = (hash ^ digits[i]) * FNV_PRIME;
        }
        return hash;
    }

    private static long number(byte[] row, int at, int length) {
        return length == 2 ? Binary.int2(row, at) : length == 4 ? Binary.int4(row, at) : Binary.int8(row, at);
    }

    /** What those at the site call the row; never part of a message. */
    String text(byte[] row, int at) {
        StringJoiner text = new StringJoiner(", ", "(", ")");
        int next = at;
        for (Field field : fields) {
            int length = Binary.int4(row, next);
            next += Integer.BYTES;
            text.add(field.name() + " = "
                    + (field.bytes() > 0
                            ? Long.toString(number(row, next, length))
                            : new String(row, next, length, StandardCharsets.UTF_8)));
            next += length;
        }
        return text.toString();
    }
}
