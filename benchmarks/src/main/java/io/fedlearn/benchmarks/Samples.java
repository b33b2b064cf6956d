package io.fedlearn.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Seconds that several ways took, measured in turn: the first way once, the second once, and so on, then all again. What else the
 * machine does meets all of them alike, so their ratios hold on a machine that is not quiet.
 */
final class Samples {
    /** Something to be timed. */
    @FunctionalInterface
    interface Work {
        void run() throws Exception;
    }

    private final Map<String, List<Double>> seconds = new LinkedHashMap<>();

    void add(String name, double value) {
        seconds.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
    }

    /** Runs each way {@code warmUp} times unmeasured, then {@code count} times measured, in turn. */
    static Samples inTurn(Map<String, Work> ways, int warmUp, int count) throws Exception {
        Samples samples = new Samples();
        for (int i = -warmUp; i < count; i++) {
            for (Map.Entry<String, Work> way : ways.entrySet()) {
                long start = System.nanoTime();
                way.getValue().run();
                double took = (System.nanoTime() - start) / 1e9;
                if (i >= 0) {
                    samples.add(way.getKey(), took);
                }
            }
        }
        return samples;
    }

    private List<Double> of(String name) {
        return Objects.requireNonNull(seconds.get(name), name);
    }

    double median(String name) {
        List<Double> sorted = new ArrayList<>(of(name));
        Collections.sort(sorted);
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    double least(String name) {
        return Collections.min(of(name));
    }

    /** The median over the turns of how many times longer {@code name} took than {@code base} in the same turn. */
    double ratio(String name, String base) {
        Samples ratios = new Samples();
        for (int i = 0; i < of(name).size(); i++) {
            ratios.add("", of(name).get(i) / of(base).get(i));
        }
        return ratios.median("");
    }

    /** All samples as JSON. */
    String toJson() {
        return seconds.entrySet().stream()
                .map(entry -> "    \"" + entry.getKey() + "\": "
                        + entry.getValue().stream()
                                .map(value -> String.format(Locale.ROOT, "%.6f", value))
                                .collect(Collectors.joining(", ", "[", "]")))
                .collect(Collectors.joining(",\n", "{\n", "\n  }"));
    }
}
