package io.fedlearn.pg.internal;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.Config;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.TreeMap;

/** What records say, as columns that can be queried. Where a column cannot hold a text as it is, the sealed line beside it does. */
public final class Columns {
    private static final JsonMapper MAPPER = new JsonMapper();
    private static final char REPLACEMENT = '\uFFFD';

    private Columns() {}

    /** The text with a replacement for U+0000 and for halves of surrogate pairs, which PostgreSQL has no room for. */
    public static String text(String text) {
        StringBuilder storable = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                storable.append(c).append(text.charAt(++i));
            } else {
                storable.append(c == 0 || Character.isSurrogate(c) ? REPLACEMENT : c);
            }
        }
        return storable.toString();
    }

    /** Whether a column can hold the text as it is. */
    public static boolean isStorable(String text) {
        return text(text).equals(text);
    }

    /** Whether the text can be a name, in a column as on a line of a log: not empty, and without control characters. */
    public static boolean isName(String text) {
        return !text.isEmpty()
                && text.codePoints()
                        .noneMatch(point ->
                                Character.isISOControl(point) || Character.getType(point) == Character.SURROGATE);
    }

    /** Metrics as a JSON object. */
    public static String json(Metrics metrics) {
        return json(metrics.asMap());
    }

    /** Settings as a JSON object. */
    public static String json(Config config) {
        return json(config.asMap());
    }

    /** The numbers of a JSON object that {@link #json(Metrics)} wrote. */
    public static Map<String, Double> numbers(String json) {
        try {
            Map<String, Double> numbers = new TreeMap<>();
            for (Map.Entry<String, JsonNode> member : MAPPER.readTree(json).properties()) {
                numbers.put(member.getKey(), member.getValue().doubleValue());
            }
            return numbers;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a column of the database must hold JSON", e);
        }
    }

    private static String json(Map<String, ?> scalars) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = MAPPER.getFactory().createGenerator(text)) {
            out.writeStartObject();
            for (Map.Entry<String, ?> scalar : scalars.entrySet()) {
                out.writeFieldName(text(scalar.getKey()));
                Object value = scalar.getValue();
                out.writePOJO(value instanceof String ? text((String) value) : value);
            }
            out.writeEndObject();
        } catch (IOException e) {
            throw new UncheckedIOException("writing to a string cannot fail", e);
        }
        return text.toString();
    }
}
