package io.fedlearn.formats.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.fedlearn.formats.FormatException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The JSON Canonicalization Scheme, RFC 8785: the same value gives the same bytes, whoever writes it. No blanks;
 * members sorted by the UTF-16 code units of their names; texts with the shortest escapes; numbers as ECMAScript writes
 * them, with the fewest digits that are read back to the same {@code double}; UTF-8.
 *
 * <p><b>Values.</b> An object is a {@link Map} from {@link String}; a list a {@link List}; a text a {@link String}; a
 * number a {@link Long}, {@link Integer} or {@link Double}; a truth value a {@link Boolean}; JSON's null an empty
 * {@link Optional}. All numbers are those of a {@code double}: a whole number beyond ±{@value #MAX_WHOLE} cannot be
 * told from its neighbours and is refused; write it as a text. A {@code Double} and a {@code Long} of the same value
 * have the same spelling.
 */
public final class CanonicalJson {
    /** The largest whole number that has a spelling of its own: {@value}, which is 2^53 - 1. */
    public static final long MAX_WHOLE = (1L << 53) - 1;

    private static final int MAX_NESTING = 64;
    private static final int MAX_NUMBER_LENGTH = 1000;
    private static final int MAX_DIGITS = 17;
    // ECMAScript writes 1e21 and above, and what is below 1e-6, with an exponent.
    private static final int MAX_PLAIN_EXPONENT = 21;
    private static final int MIN_PLAIN_EXPONENT = -6;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_NESTING)
                    .maxNumberLength(MAX_NUMBER_LENGTH)
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNameLength(Integer.MAX_VALUE)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build();

    private CanonicalJson() {}

    /**
     * The canonical bytes of a value of the types that the class lists.
     *
     * @throws IllegalArgumentException if it is or holds something else, a number that is not finite or too large to be
     *     exact, or a text that is not valid Unicode
     */
    public static byte[] encode(Object value) {
        StringBuilder out = new StringBuilder();
        append(value, out, 0);
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    /**
     * The canonical bytes of a JSON document.
     *
     * @param source what messages call the document
     * @throws FormatException as {@link #parse}
     */
    public static byte[] canonicalize(byte[] json, String source) {
        return encode(parse(json, source));
    }

    /**
     * The value that a JSON document holds, of the types that the class lists: {@code Long} for numbers without point
     * and exponent that are exact, {@code Double} for others. Members keep their order.
     *
     * @param source what messages call the document
     * @throws FormatException if it is not UTF-8, not one JSON value of at most {@value #MAX_NESTING} levels, names a
     *     member twice, or holds a number beyond the range of a {@code double} or a text that is not valid Unicode
     */
    public static Object parse(byte[] json, String source) {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(json))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new FormatException(source, "must be UTF-8", e);
        }
        try (JsonParser parser = FACTORY.createParser(text)) {
            if (parser.nextToken() == null) {
                throw new FormatException(source, "must hold a JSON value, is empty");
            }
            Object value = read(parser, source);
            if (parser.nextToken() != null) {
                throw new FormatException(source, "must end with its JSON value");
            }
            return value;
        } catch (JsonProcessingException e) {
            throw new FormatException(source, "is not JSON as it should be: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException("reading from a string cannot fail", e);
        }
    }

    private static Object read(JsonParser parser, String source) throws IOException {
        switch (parser.currentToken()) {
            case START_OBJECT -> {
                Map<String, Object> members = new LinkedHashMap<>();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = unicode(parser.currentName(), source);
                    parser.nextToken();
                    members.put(name, read(parser, source));
                }
                return members;
            }
            case START_ARRAY -> {
                List<Object> elements = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    elements.add(read(parser, source));
                }
                return elements;
            }
            case VALUE_STRING -> {
                return unicode(parser.getText(), source);
            }
            case VALUE_TRUE, VALUE_FALSE -> {
                return parser.getBooleanValue();
            }
            case VALUE_NULL -> {
                return Optional.empty();
            }
            default -> {
                return readNumber(parser, source);
            }
        }
    }

    private static Object readNumber(JsonParser parser, String source) throws IOException {
        String text = parser.getText();
        if (parser.currentToken() == JsonToken.VALUE_NUMBER_INT) {
            BigInteger whole = new BigInteger(text);
            if (whole.abs().compareTo(BigInteger.valueOf(MAX_WHOLE)) <= 0) {
                return whole.longValue();
            }
        }
        double value = Double.parseDouble(text);
        if (Double.isInfinite(value)) {
            throw new FormatException(source, "holds a number beyond the range of a double");
        }
        return value;
    }

    private static String unicode(String text, String source) {
        if (!isUnicode(text)) {
            throw new FormatException(source, "holds a text that is not valid Unicode");
        }
        return text;
    }

    private static void append(Object value, StringBuilder out, int depth) {
        if (depth > MAX_NESTING) {
            throw new IllegalArgumentException("JSON must have <= " + MAX_NESTING + " levels");
        }
        if (value instanceof Map<?, ?> members) {
            appendObject(members, out, depth);
        } else if (value instanceof List<?> elements) {
            out.append('[');
            String separator = "";
            for (Object element : elements) {
                out.append(separator);
                append(element, out, depth + 1);
                separator = ",";
            }
            out.append(']');
        } else if (value instanceof String text) {
            appendText(text, out);
        } else if (value instanceof Double number) {
            out.append(number(number));
        } else if (value instanceof Long || value instanceof Integer) {
            out.append(number(((Number) value).longValue()));
        } else if (value instanceof Boolean truth) {
            out.append(truth.booleanValue());
        } else if (value instanceof Optional<?> nothing && nothing.isEmpty()) {
            out.append("null");
        } else {
            throw new IllegalArgumentException("a JSON value must be of a type that has a spelling, was "
                    + value.getClass().getName());
        }
    }

    private static void appendObject(Map<?, ?> members, StringBuilder out, int depth) {
        // A String's order is that of its UTF-16 code units.
        TreeMap<String, Object> sorted = new TreeMap<>();
        for (Map.Entry<?, ?> member : members.entrySet()) {
            if (!(member.getKey() instanceof String name)) {
                throw new IllegalArgumentException("the name of a JSON member must be a text");
            }
            sorted.put(name, member.getValue());
        }
        out.append('{');
        String separator = "";
        for (Map.Entry<String, Object> member : sorted.entrySet()) {
            out.append(separator);
            appendText(member.getKey(), out);
            out.append(':');
            append(member.getValue(), out, depth + 1);
            separator = ",";
        }
        out.append('}');
    }

    private static void appendText(String text, StringBuilder out) {
        if (!isUnicode(text)) {
            throw new IllegalArgumentException("a JSON text must be valid Unicode, was " + FormatException.quote(text));
        }
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\b' -> out.append("\\b");
                case '\t' -> out.append("\\t");
                case '\n' -> out.append("\\n");
                case '\f' -> out.append("\\f");
                case '\r' -> out.append("\\r");
                default -> {
                    if (c < ' ') {
                        out.append("\\u00").append(c < 0x10 ? "0" : "").append(Integer.toHexString(c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    private static boolean isUnicode(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isSurrogate(c)) {
                boolean paired = Character.isHighSurrogate(c)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1));
                if (!paired) {
                    return false;
                }
                i++;
            }
        }
        return true;
    }

    private static String number(long value) {
        if (value > MAX_WHOLE || value < -MAX_WHOLE) {
            throw new IllegalArgumentException(
                    "a whole number in canonical JSON must be within +-" + MAX_WHOLE + ", was " + value);
        }
        return Long.toString(value);
    }

    /**
     * A number as ECMAScript writes it.
     *
     * @throws IllegalArgumentException if it is NaN or infinite
     */
    public static String number(double value) {
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException("a number in JSON must be finite, was " + value);
        }
        if (value == 0) {
            return "0";
        }
        String sign = value < 0 ? "-" : "";
        double magnitude = Math.abs(value);
        if (magnitude <= MAX_WHOLE && magnitude == Math.rint(magnitude)) {
            return sign + (long) magnitude;
        }
        BigDecimal shortest = shortest(magnitude).stripTrailingZeros();
        String digits = shortest.unscaledValue().toString();
        int count = digits.length();
        // The value is 0.digits times 10^point.
        int point = count - shortest.scale();
        StringBuilder out = new StringBuilder(sign);
        if (count <= point && point <= MAX_PLAIN_EXPONENT) {
            return out.append(digits).append("0".repeat(point - count)).toString();
        }
        if (0 < point && point <= MAX_PLAIN_EXPONENT) {
            return out.append(digits, 0, point)
                    .append('.')
                    .append(digits, point, count)
                    .toString();
        }
        if (MIN_PLAIN_EXPONENT < point && point <= 0) {
            return out.append("0.").append("0".repeat(-point)).append(digits).toString();
        }
        out.append(digits, 0, 1);
        if (count > 1) {
            out.append('.').append(digits, 1, count);
        }
        int exponent = point - 1;
        return out.append('e')
                .append(exponent < 0 ? '-' : '+')
                .append(Math.abs(exponent))
                .toString();
    }

    /**
     * The decimal of fewest digits that is read back as {@code value}, and of several the closest.
     * {@link Double#toString} is not always that short before Java 19.
     */
    private static BigDecimal shortest(double value) {
        BigDecimal exact = new BigDecimal(value);
        for (int digits = 1; digits <= MAX_DIGITS; digits++) {
            // Below a power of two, doubles are closer together than above it: the closest decimal may be read back as
            // the neighbour, yet one further off on the other side as the value.
            BigDecimal down = exact.round(new MathContext(digits, RoundingMode.FLOOR));
            BigDecimal up = exact.round(new MathContext(digits, RoundingMode.CEILING));
            boolean downReads = reads(down, value);
            boolean upReads = reads(up, value);
            if (downReads && upReads) {
                int closer = exact.subtract(down).compareTo(up.subtract(exact));
                boolean takeDown =
                        closer < 0 || closer == 0 && !down.unscaledValue().testBit(0);
                return takeDown ? down : up;
            }
            if (downReads || upReads) {
                return downReads ? down : up;
            }
        }
        throw new IllegalStateException("17 digits must tell any two doubles apart");
    }

    private static boolean reads(BigDecimal decimal, double value) {
        // BigDecimal.doubleValue() takes short cuts that older releases got wrong; this is the one that readers use.
        return Double.parseDouble(decimal.toString()) == value;
    }
}
