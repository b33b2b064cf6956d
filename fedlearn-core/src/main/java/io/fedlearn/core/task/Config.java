package io.fedlearn.core.task;

import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Named settings of scalar types, in alphabetical order: {@link Boolean}, {@link Long}, {@link Double} (finite) and
 * {@link String}. What a task tells its client, and what a run's record keeps. Immutable.
 */
public final class Config {
    /** The most settings that may travel with a task or an update: {@value}. */
    public static final int MAX_COUNT = 1024;

    private static final Config EMPTY = new Config(Collections.emptyMap());

    private final Map<String, Object> values;

    private Config(Map<String, Object> values) {
        this.values = values;
    }

    /** No settings. */
    public static Config empty() {
        return EMPTY;
    }

    /**
     * These settings; an {@link Integer} becomes a {@link Long}, a {@link Float} a {@link Double}.
     *
     * @throws IllegalArgumentException if a name is empty, a number not finite, or a value of another type
     */
    public static Config of(Map<String, ?> values) {
        TreeMap<String, Object> copy = new TreeMap<>();
        values.forEach((name, value) -> copy.put(name, normalise(name, value)));
        return new Config(Collections.unmodifiableMap(copy));
    }

    private static Object normalise(String name, Object value) {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("a setting's name must not be empty");
        }
        if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
            return ((Number) value).longValue();
        }
        if (value instanceof Float || value instanceof Double) {
            double number = ((Number) value).doubleValue();
            if (!Double.isFinite(number)) {
                throw new IllegalArgumentException("setting '" + name + "' must be finite, was " + number);
            }
            return number;
        }
        if (value instanceof Boolean || value instanceof Long || value instanceof String) {
            return value;
        }
        throw new IllegalArgumentException("setting '" + name + "' must be a boolean, number or text, was "
                + value.getClass().getName());
    }

    /** These settings and one more, or one replaced. */
    public Config with(String name, Object value) {
        return with(of(Map.of(name, value)));
    }

    /** These settings and the others; where both have a name, the other's value. */
    public Config with(Config others) {
        TreeMap<String, Object> copy = new TreeMap<>(values);
        copy.putAll(others.values);
        return new Config(Collections.unmodifiableMap(copy));
    }

    /** The names, in alphabetical order. */
    public Set<String> names() {
        return values.keySet();
    }

    /** Name and value, unmodifiable, in alphabetical order. */
    public Map<String, Object> asMap() {
        return values;
    }

    /** Whether there is no setting. */
    public boolean isEmpty() {
        return values.isEmpty();
    }

    /** The whole number of this name. */
    public Optional<Long> getLong(String name) {
        return get(name, Long.class, "a whole number");
    }

    /** The number of this name; a whole number is widened. */
    public Optional<Double> getDouble(String name) {
        if (values.get(name) instanceof Long whole) {
            return Optional.of((double) whole);
        }
        return get(name, Double.class, "a number");
    }

    /** The boolean of this name. */
    public Optional<Boolean> getBoolean(String name) {
        return get(name, Boolean.class, "a boolean");
    }

    /** The text of this name. */
    public Optional<String> getString(String name) {
        return get(name, String.class, "a text");
    }

    private <T> Optional<T> get(String name, Class<T> type, String what) {
        Object value = values.get(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException("setting '" + name + "' must be " + what + ", was "
                    + value.getClass().getSimpleName() + " " + value);
        }
        return Optional.of(type.cast(value));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Config && values.equals(((Config) other).values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
