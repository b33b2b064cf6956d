package io.fedlearn.formats.internal.run;

import com.fasterxml.jackson.databind.JsonNode;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.Config;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The members of a JSON object, each read as the type that it must have. Nothing is converted and nothing assumed. */
public final class JsonFields {
    private final JsonNode object;

    private JsonFields(JsonNode object) {
        this.object = object;
    }

    /**
     * The members of this node.
     *
     * @throws DamagedException if it is not an object
     */
    public static JsonFields of(JsonNode node) throws DamagedException {
        if (!node.isObject()) {
            throw new DamagedException("must be a JSON object");
        }
        return new JsonFields(node);
    }

    /** Reads something out of members. */
    @FunctionalInterface
    public interface Reader<T> {
        /** Reads it. */
        T read(JsonFields fields) throws DamagedException;
    }

    /** Whether there is such a member. */
    public boolean has(String name) {
        return object.has(name);
    }

    /** A text. */
    public String text(String name) throws DamagedException {
        JsonNode node = required(name);
        if (!node.isTextual()) {
            throw wrong(name, "a text");
        }
        return node.textValue();
    }

    /** A text, if there is the member. */
    public Optional<String> optionalText(String name) throws DamagedException {
        return has(name) ? Optional.of(text(name)) : Optional.empty();
    }

    /** A truth value. */
    public boolean bool(String name) throws DamagedException {
        JsonNode node = required(name);
        if (!node.isBoolean()) {
            throw wrong(name, "true or false");
        }
        return node.booleanValue();
    }

    /** A whole number of 64 bits. */
    public long integer(String name) throws DamagedException {
        JsonNode node = required(name);
        if (!node.isIntegralNumber() || !node.canConvertToLong()) {
            throw wrong(name, "a whole number of 64 bits");
        }
        return node.longValue();
    }

    /** The number of a round. */
    public int round(String name) throws DamagedException {
        long round = integer(name);
        if (round < 0 || round > Integer.MAX_VALUE) {
            throw wrong(name, "the number of a round");
        }
        return (int) round;
    }

    /** A number. */
    public double number(String name) throws DamagedException {
        JsonNode node = required(name);
        if (!node.isNumber()) {
            throw wrong(name, "a number");
        }
        return node.doubleValue();
    }

    /** A time, ISO 8601 in UTC. */
    public Instant instant(String name) throws DamagedException {
        try {
            return Instant.parse(text(name));
        } catch (DateTimeException e) {
            throw new DamagedException("its '" + name + "' must be a time in UTC", e);
        }
    }

    /** A list of texts. */
    public List<String> texts(String name) throws DamagedException {
        List<String> texts = new ArrayList<>();
        for (JsonNode element : array(name)) {
            if (!element.isTextual()) {
                throw wrong(name, "a list of texts");
            }
            texts.add(element.textValue());
        }
        return texts;
    }

    /** What is read out of an object. */
    public <T> T object(String name, Reader<T> reader) throws DamagedException {
        return reader.read(of(required(name)));
    }

    /** What is read out of an object, if there is the member. */
    public <T> Optional<T> optionalObject(String name, Reader<T> reader) throws DamagedException {
        return has(name) ? Optional.of(object(name, reader)) : Optional.empty();
    }

    /** What is read out of each object of a list. */
    public <T> List<T> objects(String name, Reader<T> reader) throws DamagedException {
        List<T> objects = new ArrayList<>();
        for (JsonNode element : array(name)) {
            objects.add(reader.read(of(element)));
        }
        return objects;
    }

    /** Numbers by name. */
    public Metrics metrics(String name) throws DamagedException {
        return object(name, fields -> {
            Map<String, Double> values = new HashMap<>();
            for (Iterator<String> names = fields.object.fieldNames(); names.hasNext(); ) {
                String metric = names.next();
                values.put(metric, fields.number(metric));
            }
            return Metrics.of(values);
        });
    }

    /** Scalars by name; whole numbers are those without point and exponent. */
    public Config config(String name) throws DamagedException {
        return object(name, fields -> {
            Map<String, Object> values = new HashMap<>();
            for (Iterator<String> names = fields.object.fieldNames(); names.hasNext(); ) {
                String setting = names.next();
                values.put(setting, fields.scalar(setting));
            }
            return Config.of(values);
        });
    }

    private Object scalar(String name) throws DamagedException {
        JsonNode node = required(name);
        if (node.isTextual()) {
            return node.textValue();
        }
        if (node.isBoolean()) {
            return node.booleanValue();
        }
        return node.isIntegralNumber() ? (Object) integer(name) : (Object) number(name);
    }

    private JsonNode array(String name) throws DamagedException {
        JsonNode node = required(name);
        if (!node.isArray()) {
            throw wrong(name, "a list");
        }
        return node;
    }

    private JsonNode required(String name) throws DamagedException {
        JsonNode node = object.get(name);
        if (node == null) {
            throw new DamagedException("must have a member '" + name + "'");
        }
        return node;
    }

    private static DamagedException wrong(String name, String what) {
        return new DamagedException("its '" + name + "' must be " + what);
    }
}
