package io.fedlearn.pg.budget;

import io.fedlearn.core.task.Config;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.json.CanonicalJson;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** The parameters of a charge as canonical JSON. */
final class ChargeText {
    private ChargeText() {}

    /**
     * The text of parameters.
     *
     * @throws IllegalArgumentException if one would not be read back as it is
     */
    static String of(Config parameters) {
        parameters.asMap().forEach((name, value) -> {
            if (value instanceof Long number
                    && (number > CanonicalJson.MAX_WHOLE || number < -CanonicalJson.MAX_WHOLE)) {
                throw new IllegalArgumentException("parameter '" + name + "' must lie within 2^53, was " + number);
            }
        });
        byte[] bytes = CanonicalJson.encode(parameters.asMap());
        Config read = parse(bytes);
        parameters.asMap().forEach((name, value) -> {
            Object kept = read.asMap().get(name);
            if (kept == null || !same(kept, value)) {
                throw new IllegalArgumentException("a ledger cannot keep '" + name + "' as it is");
            }
        });
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static boolean same(Object read, Object written) {
        if (read instanceof Long whole && written instanceof Double number) {
            return whole.doubleValue() == number;
        }
        return written.equals(read);
    }

    /**
     * Reads it.
     *
     * @throws FormatException if it is not what {@link #of} wrote
     * @throws IllegalArgumentException if it is not what {@link #of} wrote
     */
    static Config parse(String text) {
        return parse(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Config parse(byte[] bytes) {
        if (!(CanonicalJson.parse(bytes, "parameters") instanceof Map<?, ?> members)) {
            throw new IllegalArgumentException("parameters must be an object");
        }
        Map<String, Object> values = new LinkedHashMap<>();
        members.forEach((name, value) -> values.put(String.valueOf(name), value));
        return Config.of(values);
    }
}
