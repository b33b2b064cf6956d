package io.fedlearn.formats.numpy;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.FormatException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * Parses the header's text, a Python dictionary literal such as
 * {@code {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }}: exactly these keys in any order, and of Python's
 * syntax only what their values need. No escapes in strings; integers are decimal, with the {@code L} that Python 2
 * wrote.
 */
final class NpyHeaderParser {
    private static final int SHOWN_DESCR_LENGTH = 40;

    private final String text;
    private final String source;
    private final String name;
    private int at;

    NpyHeaderParser(byte[] bytes, String source, String name) {
        this.source = source;
        this.name = name;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] < 0) {
                throw NpyHeader.failure(source, name, "its header must be ASCII, is not at " + i);
            }
        }
        this.text = new String(bytes, StandardCharsets.US_ASCII);
    }

    /** A type as its descr names it. */
    private record Descr(TensorType type, ByteOrder order) {}

    NpyHeader parse() {
        Optional<Descr> descr = Optional.empty();
        Optional<Boolean> columnMajor = Optional.empty();
        Optional<Shape> shape = Optional.empty();
        expect('{');
        while (!accept('}')) {
            String key = string();
            expect(':');
            switch (key) {
                case "descr" -> {
                    requireFirst(key, descr.isEmpty());
                    descr = Optional.of(descr());
                }
                case "fortran_order" -> {
                    requireFirst(key, columnMajor.isEmpty());
                    columnMajor = Optional.of(bool());
                }
                case "shape" -> {
                    requireFirst(key, shape.isEmpty());
                    shape = Optional.of(shape());
                }
                default -> throw failure("its header has the unknown key " + FormatException.quote(key));
            }
            if (!accept(',')) {
                expect('}');
                break;
            }
        }
        skipBlanks();
        if (at < text.length()) {
            throw unexpected("the end");
        }
        Descr found = descr.orElseThrow(() -> missing("descr"));
        NpyHeader header = new NpyHeader(
                found.type(),
                shape.orElseThrow(() -> missing("shape")),
                found.order(),
                columnMajor.orElseThrow(() -> missing("fortran_order")));
        if (header.shape().elementCount() > Long.MAX_VALUE / header.type().byteSize()) {
            throw failure("the number of bytes must fit a long");
        }
        return header;
    }

    private void requireFirst(String key, boolean first) {
        if (!first) {
            throw failure("its header has the key '" + key + "' twice");
        }
    }

    private FormatException missing(String key) {
        return failure("its header has no '" + key + "'");
    }

    private Descr descr() {
        if (peek() == '[' || peek() == '(') {
            throw failure("structured types are not supported");
        }
        String descr = string();
        if (descr.length() < 3) {
            throw unsupported(descr);
        }
        String kind = descr.substring(1);
        TensorType type = switch (kind) {
            case "f2" -> TensorType.FLOAT16;
            case "f4" -> TensorType.FLOAT32;
            case "f8" -> TensorType.FLOAT64;
            case "i1" -> TensorType.INT8;
            case "i2" -> TensorType.INT16;
            case "i4" -> TensorType.INT32;
            case "i8" -> TensorType.INT64;
            case "u1" -> TensorType.UINT8;
            case "u2" -> TensorType.UINT16;
            case "u4" -> TensorType.UINT32;
            case "u8" -> TensorType.UINT64;
            case "b1" -> TensorType.BOOL;
            default -> throw unsupported(descr);
        };
        return switch (descr.charAt(0)) {
            case '<', '=' -> new Descr(type, ByteOrder.LITTLE_ENDIAN);
            case '>' -> new Descr(type, ByteOrder.BIG_ENDIAN);
            case '|' -> {
                if (type.byteSize() > 1) {
                    throw failure("type " + FormatException.quote(descr) + " must name its byte order");
                }
                yield new Descr(type, ByteOrder.LITTLE_ENDIAN);
            }
            default -> throw unsupported(descr);
        };
    }

    private FormatException unsupported(String descr) {
        String shown = FormatException.quote(descr.substring(0, Math.min(descr.length(), SHOWN_DESCR_LENGTH)));
        char kind = descr.isEmpty()
                ? ' '
                : descr.charAt(descr.length() > 1 && "<>|=".indexOf(descr.charAt(0)) >= 0 ? 1 : 0);
        String reason = switch (kind) {
            case 'O' -> "holds Python objects, which are pickled and never read";
            case 'c' -> "is complex, which is not supported";
            case 'U', 'S', 'a' -> "is text, which is not supported";
            case 'V' -> "is raw or structured data, which is not supported";
            case 'M', 'm' -> "is a date or duration, which is not supported";
            default -> "is not supported";
        };
        return failure("type " + shown + " " + reason);
    }

    private boolean bool() {
        skipBlanks();
        for (String literal : new String[] {"True", "False"}) {
            if (text.startsWith(literal, at)) {
                at += literal.length();
                return literal.equals("True");
            }
        }
        throw unexpected("True or False");
    }

    private Shape shape() {
        expect('(');
        long[] lengths = new long[Shape.MAX_RANK];
        int rank = 0;
        boolean comma = true;
        while (!accept(')')) {
            if (!comma) {
                throw unexpected("',' or ')'");
            }
            if (rank == lengths.length) {
                throw failure("its shape must have <= " + Shape.MAX_RANK + " dimensions");
            }
            lengths[rank++] = integer();
            comma = accept(',');
        }
        if (rank == 1 && !comma) {
            throw failure("its shape must be a tuple, is a number in parentheses");
        }
        try {
            return Shape.of(Arrays.copyOf(lengths, rank));
        } catch (IllegalArgumentException e) {
            throw failure("its shape is refused: " + e.getMessage());
        }
    }

    private long integer() {
        skipBlanks();
        int start = at;
        while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
            at++;
        }
        String digits = text.substring(start, at);
        if (digits.isEmpty()) {
            throw unexpected("a length >= 0");
        }
        if (digits.length() > 1 && digits.charAt(0) == '0') {
            throw failure("a length must not start with 0");
        }
        if (at < text.length() && text.charAt(at) == 'L') {
            at++;
        }
        try {
            return Long.parseLong(digits);
        } catch (NumberFormatException e) {
            throw failure("a length must be <= 2^63-1");
        }
    }

    private String string() {
        char quote = peek();
        if (quote != '\'' && quote != '"') {
            throw unexpected("a string");
        }
        int end = text.indexOf(quote, at + 1);
        if (end < 0) {
            throw failure("its header has a string without end");
        }
        String content = text.substring(at + 1, end);
        if (content.indexOf('\\') >= 0) {
            throw failure("its header must not have escapes in strings");
        }
        at = end + 1;
        return content;
    }

    /** The next character that is no blank; NUL at the end. */
    private char peek() {
        skipBlanks();
        return at < text.length() ? text.charAt(at) : '\0';
    }

    private boolean accept(char wanted) {
        if (peek() == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(char wanted) {
        if (!accept(wanted)) {
            throw unexpected("'" + wanted + "'");
        }
    }

    private void skipBlanks() {
        while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private FormatException unexpected(String wanted) {
        return failure("its header must have " + wanted + " at " + at + ", has "
                + (at < text.length() ? FormatException.quote(text.substring(at, at + 1)) : "ended"));
    }

    private FormatException failure(String reason) {
        return NpyHeader.failure(source, name, reason);
    }
}
