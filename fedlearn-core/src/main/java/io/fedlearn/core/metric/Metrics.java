package io.fedlearn.core.metric;

import java.util.Collections;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;

/**
 * Named numbers that were measured, in alphabetical order. Every value is finite: what is undefined, such as the AUC of one
 * class, is absent. Immutable.
 */
public final class Metrics {
    /** The most metrics that one client may report: {@value}. */
    public static final int MAX_COUNT = 1024;

    private static final Metrics NONE = new Metrics(Collections.emptyMap());

    private final Map<String, Double> values;

    private Metrics(Map<String, Double> values) {
        this.values = values;
    }

    /** No metric at all. */
    public static Metrics none() {
        return NONE;
    }

    /** One metric. */
    public static Metrics of(String name, double value) {
        return NONE.with(name, value);
    }

    /**
     * These metrics.
     *
     * @throws IllegalArgumentException if a value is NaN or infinite, or a name empty
     */
    public static Metrics of(Map<String, Double> values) {
        TreeMap<String, Double> copy = new TreeMap<>(values);
        copy.forEach(Metrics::check);
        return new Metrics(Collections.unmodifiableMap(copy));
    }

    private static void check(String name, double value) {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("a metric's name must not be empty");
        }
        if (!Double.isFinite(value)) {
            throw new IllegalArgumentException(
                    "metric '" + name + "' must be finite, was " + value + " (leave an undefined metric out)");
        }
    }

    /** These metrics and one more, or one replaced. */
    public Metrics with(String name, double value) {
        check(name, value);
        TreeMap<String, Double> copy = new TreeMap<>(values);
        copy.put(name, value);
        return new Metrics(Collections.unmodifiableMap(copy));
    }

    /** These metrics and the others; where both have a name, the other's value. */
    public Metrics with(Metrics others) {
        TreeMap<String, Double> copy = new TreeMap<>(values);
        copy.putAll(others.values);
        return new Metrics(Collections.unmodifiableMap(copy));
    }

    /** The value of this name, empty if it was not measured or is undefined. */
    public OptionalDouble get(String name) {
        Double value = values.get(name);
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    /** The names, in alphabetical order. */
    public Set<String> names() {
        return values.keySet();
    }

    /** Whether nothing was measured. */
    public boolean isEmpty() {
        return values.isEmpty();
    }

    /** Name and value, unmodifiable, in alphabetical order. */
    public Map<String, Double> asMap() {
        return values;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Metrics && values.equals(((Metrics) other).values);
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
