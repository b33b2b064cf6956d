package io.fedlearn.aggregators.robust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every robust rule against NumPy; {@code src/test/python/robust_golden.py} wrote the values. */
class RobustRulesGoldenTest {
    private static final int TRAINABLES = 11;

    record Result(String rule, Map<String, String> settings, double[] values) {
        double number(String name) {
            return Double.parseDouble(settings.getOrDefault(name, ""));
        }

        Aggregator.WholeCohort aggregator() {
            Supplier<Aggregator> supplier = switch (rule) {
                case "median" -> CoordinateMedian.aggregator();
                case "trimmed" ->
                    settings.containsKey("trimmedShare")
                            ? TrimmedMean.aggregatorWithTrimmedShare(number("trimmedShare"))
                            : TrimmedMean.aggregator((int) number("badClients"));
                case "krum" -> Krum.aggregator((int) number("badClients"));
                case "multi-krum" ->
                    settings.containsKey("selected")
                            ? MultiKrum.aggregator((int) number("badClients"), (int) number("selected"))
                            : MultiKrum.aggregator((int) number("badClients"));
                case "bulyan" -> Bulyan.aggregator((int) number("badClients"));
                case "rfa" ->
                    GeometricMedian.builder()
                            .smoothing(number("smoothing"))
                            .iterations((int) number("iterations"))
                            .aggregator();
                default -> throw new AssertionError(rule);
            };
            return (Aggregator.WholeCohort) supplier.get();
        }
    }

    record Case(String kind, TensorType type, List<double[]> updates, List<Result> results) {
        @Override
        public String toString() {
            return updates.size() + " " + kind + " " + type;
        }
    }

    static List<Case> cases() throws IOException {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                RobustRulesGoldenTest.class.getResourceAsStream("golden.csv"), StandardCharsets.US_ASCII))) {
            return reader
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(","))
                    .collect(
                            Collectors.groupingBy(line -> Integer.parseInt(line[0]), TreeMap::new, Collectors.toList()))
                    .values()
                    .stream()
                    .map(RobustRulesGoldenTest::parse)
                    .toList();
        }
    }

    private static Case parse(List<String[]> lines) {
        String[] head = lines.get(0);
        List<double[]> updates = new ArrayList<>();
        List<Result> results = new ArrayList<>();
        for (String[] line : lines.subList(1, lines.size())) {
            if (line[1].equals("update")) {
                updates.add(numbers(line, 2));
            } else {
                Map<String, String> settings = new TreeMap<>();
                for (String setting : line[3].isEmpty() ? new String[0] : line[3].split(";")) {
                    settings.put(
                            setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
                }
                results.add(new Result(line[2], settings, numbers(line, 4)));
            }
        }
        return new Case(head[2], TensorType.valueOf(head[3].toUpperCase(Locale.ROOT)), updates, results);
    }

    private static double[] numbers(String[] line, int from) {
        return Stream.of(line).skip(from).mapToDouble(Double::parseDouble).toArray();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void computesWhatTheReferenceComputes(Case golden) {
        List<WeightedUpdate> updates = new ArrayList<>();
        double[] largest = new double[golden.updates().get(0).length - 1];
        for (double[] update : golden.updates()) {
            double[] values = Arrays.copyOfRange(update, 1, update.length);
            updates.add(new WeightedUpdate(
                    String.format("client%03d", updates.size()),
                    ClientUpdate.ofModel(model(golden.type(), values), 1),
                    update[0]));
            for (int i = 0; i < values.length; i++) {
                largest[i] = Math.max(largest[i], Math.abs(values[i]));
            }
        }
        Model global = Model.zeros(updates.get(0).update().model().orElseThrow().spec());

        for (Result result : golden.results()) {
            if (updates.size() < result.aggregator().leastUpdates()) {
                // The reference trims nothing there and calls it a trimmed mean.
                assertThat(result.rule()).isEqualTo("trimmed");
                continue;
            }
            Aggregate aggregate = result.aggregator().aggregate(global, updates);
            double[] actual = values(aggregate);
            for (int i = 0; i < actual.length; i++) {
                // A weight of RFA divides by a distance, which rounding moves by some units in the last place.
                double rounding = (result.rule().equals("rfa") ? 1e-11 : 1e-14) * largest[i];
                assertThat(actual[i])
                        .as("%s %s [%s]", result.rule(), result.settings(), i)
                        .isCloseTo(result.values()[i], within(rounding));
            }
        }
    }

    private static double[] values(Aggregate aggregate) {
        double[] values = new double[TRAINABLES + aggregate.values(2).length];
        System.arraycopy(aggregate.values(0), 0, values, 0, 5);
        System.arraycopy(aggregate.values(1), 0, values, 5, TRAINABLES - 5);
        System.arraycopy(aggregate.values(2), 0, values, TRAINABLES, values.length - TRAINABLES);
        return values;
    }

    /** Two trainables, so that distances must go over both. */
    private static Model model(TensorType type, double[] values) {
        return Model.builder()
                .trainable("layer/weight", Tensor.rounded(type, Shape.of(5), Arrays.copyOfRange(values, 0, 5)))
                .trainable(
                        "layer/bias",
                        Tensor.rounded(type, Shape.of(TRAINABLES - 5), Arrays.copyOfRange(values, 5, TRAINABLES)))
                .buffer(
                        "norm/mean",
                        Tensor.rounded(
                                TensorType.FLOAT32,
                                Shape.of(values.length - TRAINABLES),
                                Arrays.copyOfRange(values, TRAINABLES, values.length)))
                .build();
    }
}
