package io.fedlearn.grpc.flower;

import com.google.protobuf.ByteString;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.update.UpdateCheck;
import io.fedlearn.formats.FormatException;
import io.fedlearn.grpc.proto.flower.Scalar;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Settings and metrics as Flower's scalars, and back.
 *
 * <p><b>What is written.</b> A truth value as {@code bool}, a whole number as {@code sint64} and never as {@code uint64}, which
 * peers before 1.12 do not know, a number as {@code double}, a text as {@code string}. Names come in alphabetical order.
 *
 * <p><b>What is read.</b> The same, and {@code uint64} up to 2^63 - 1. A scalar without a value is refused by name, and so is a
 * number beyond what its type here holds. Settings have no bytes: they read as the text {@code base64:} followed by their Base64,
 * and such a text is written as bytes again.
 */
final class FlowerScalars {
    /** What a text starts with that stands for bytes. */
    static final String BYTES_PREFIX = "base64:";

    private FlowerScalars() {}

    /** These settings. */
    static Map<String, Scalar> write(Config config) {
        Map<String, Scalar> scalars = new LinkedHashMap<>();
        config.asMap().forEach((name, value) -> scalars.put(name, write(value)));
        return scalars;
    }

    /** These metrics, as {@code double}. */
    static Map<String, Scalar> write(Metrics metrics) {
        Map<String, Scalar> scalars = new LinkedHashMap<>();
        metrics.asMap().forEach((name, value) -> scalars.put(name, write(value)));
        return scalars;
    }

    private static Scalar write(Object value) {
        Scalar.Builder scalar = Scalar.newBuilder();
        if (value instanceof Boolean flag) {
            return scalar.setBool(flag).build();
        }
        if (value instanceof Long whole) {
            return scalar.setSint64(whole).build();
        }
        if (value instanceof Double number) {
            return scalar.setDouble(number).build();
        }
        String text = (String) value;
        Optional<ByteString> bytes = bytes(text);
        return bytes.isPresent()
                ? scalar.setBytes(bytes.get()).build()
                : scalar.setString(text).build();
    }

    private static Optional<ByteString> bytes(String text) {
        if (!text.startsWith(BYTES_PREFIX)) {
            return Optional.empty();
        }
        try {
            byte[] bytes = Base64.getDecoder().decode(text.substring(BYTES_PREFIX.length()));
            // Only what reading would have made of them: any other text is the caller's own.
            return text(bytes).equals(text) ? Optional.of(ByteString.copyFrom(bytes)) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static String text(byte[] bytes) {
        return BYTES_PREFIX + Base64.getEncoder().encodeToString(bytes);
    }

    /**
     * The settings of a field called {@code field}.
     *
     * @throws FlowerException naming the scalar and the reason
     */
    static Config readConfig(String field, Map<String, Scalar> scalars) throws FlowerException {
        requireCount(field, scalars.size(), Config.MAX_COUNT);
        Map<String, Object> values = new TreeMap<>();
        for (Map.Entry<String, Scalar> entry : scalars.entrySet()) {
            String name = requireName(field, entry.getKey());
            values.put(name, read(field, name, entry.getValue()));
        }
        try {
            return Config.of(values);
        } catch (IllegalArgumentException e) {
            throw new FlowerException(field + ": " + e.getMessage(), e);
        }
    }

    /**
     * The numbers of a field called {@code field}, whole ones and truth values among them; a number that is NaN is undefined, and so
     * left out. Texts and bytes are no metrics: {@link #readTexts}.
     *
     * @throws FlowerException naming the scalar and the reason
     */
    static Metrics readMetrics(String field, Map<String, Scalar> scalars) throws FlowerException {
        requireCount(field, scalars.size(), Metrics.MAX_COUNT);
        Map<String, Double> values = new TreeMap<>();
        for (Map.Entry<String, Scalar> entry : scalars.entrySet()) {
            String name = requireName(field, entry.getKey());
            Object value = read(field, name, entry.getValue());
            if (value instanceof Boolean flag) {
                values.put(name, flag ? 1.0 : 0.0);
            } else if (value instanceof Number number && !Double.isNaN(number.doubleValue())) {
                values.put(name, number.doubleValue());
            }
        }
        try {
            return Metrics.of(values);
        } catch (IllegalArgumentException e) {
            throw new FlowerException(field + ": " + e.getMessage(), e);
        }
    }

    /**
     * The texts and bytes of a field of metrics, which are no numbers.
     *
     * @throws FlowerException naming the scalar and the reason
     */
    static Config readTexts(String field, Map<String, Scalar> scalars) throws FlowerException {
        Map<String, Scalar> texts = new TreeMap<>();
        scalars.forEach((name, scalar) -> {
            if (scalar.hasString() || scalar.hasBytes()) {
                texts.put(name, scalar);
            }
        });
        return readConfig(field, texts);
    }

    private static Object read(String field, String name, Scalar scalar) throws FlowerException {
        Object value = switch (scalar.getScalarCase()) {
            case BOOL -> scalar.getBool();
            case SINT64 -> scalar.getSint64();
            case DOUBLE -> scalar.getDouble();
            case STRING -> scalar.getString();
            case BYTES -> text(scalar.getBytes().toByteArray());
            case UINT64 -> {
                if (scalar.getUint64() < 0) {
                    throw new FlowerException(field + ": '" + name + "' must be <= 2^63 - 1, was "
                            + Long.toUnsignedString(scalar.getUint64()));
                }
                yield scalar.getUint64();
            }
            case SCALAR_NOT_SET -> throw new FlowerException(field + ": '" + name + "' has no value");
        };
        if (value instanceof String text && text.length() > UpdateCheck.MAX_TEXT_LENGTH) {
            throw new FlowerException(field + ": '" + name + "' must have at most " + UpdateCheck.MAX_TEXT_LENGTH
                    + " characters, had " + text.length());
        }
        return value;
    }

    private static void requireCount(String field, int count, int most) throws FlowerException {
        if (count > most) {
            throw new FlowerException(field + ": has " + count + " entries, at most " + most + " are taken");
        }
    }

    private static String requireName(String field, String name) throws FlowerException {
        if (name.isEmpty() || name.length() > UpdateCheck.MAX_NAME_LENGTH) {
            throw new FlowerException(field + ": a name must have 1 to " + UpdateCheck.MAX_NAME_LENGTH
                    + " characters, had " + name.length());
        }
        if (name.chars().anyMatch(Character::isISOControl)) {
            throw new FlowerException(
                    field + ": the name " + FormatException.quote(name) + " must not hold control characters");
        }
        return name;
    }
}
