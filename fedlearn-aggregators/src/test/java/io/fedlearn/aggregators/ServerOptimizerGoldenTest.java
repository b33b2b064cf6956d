package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.aggregators.catalogue.MethodCatalogue;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.StrategyParts;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.PartState;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every server optimizer against NumPy, three rounds, to the last bit but where a power is taken, which need not be the
 * same in both; {@code src/test/python/golden.py} wrote the values.
 */
class ServerOptimizerGoldenTest {
    private static final Shape SHAPE = Shape.of(4, 6);

    record Round(List<double[]> updates, Map<String, double[]> expected) {}

    record Case(String method, TensorType type, Map<String, String> settings, double[] initial, List<Round> rounds) {
        @Override
        public String toString() {
            return method + " " + type + " " + settings;
        }
    }

    static List<Case> cases() throws IOException {
        Map<Integer, List<String[]>> lines;
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                ServerOptimizerGoldenTest.class.getResourceAsStream("golden.csv"), StandardCharsets.US_ASCII))) {
            lines = reader.lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(","))
                    .collect(Collectors.groupingBy(
                            line -> Integer.parseInt(line[0]), TreeMap::new, Collectors.toList()));
        }
        return lines.values().stream().map(ServerOptimizerGoldenTest::parse).toList();
    }

    private static Case parse(List<String[]> lines) {
        String[] head = lines.get(0);
        Map<String, String> settings = new TreeMap<>();
        for (String setting : head[5].split(";")) {
            settings.put(setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
        }
        if (head[2].equals("fedadam")) {
            settings.put("biasCorrection", head[3]);
        }
        List<Round> rounds = new ArrayList<>();
        for (String[] line : lines.subList(2, lines.size())) {
            boolean starts = line[1].equals("update")
                    && (rounds.isEmpty()
                            || !rounds.get(rounds.size() - 1).expected().isEmpty());
            if (starts) {
                rounds.add(new Round(new ArrayList<>(), new TreeMap<>()));
            }
            Round round = rounds.get(rounds.size() - 1);
            if (line[1].equals("update")) {
                round.updates().add(numbers(line));
            } else {
                round.expected().put(line[1], numbers(line));
            }
        }
        return new Case(
                head[2], TensorType.valueOf(head[4].toUpperCase(Locale.ROOT)), settings, numbers(lines.get(1)), rounds);
    }

    private static double[] numbers(String[] line) {
        return Stream.of(line).skip(2).mapToDouble(Double::parseDouble).toArray();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void computesWhatTheReferenceComputes(Case golden) {
        Strategy strategy = MethodCatalogue.parse(golden.method(), golden.settings());
        StrategyParts parts = strategy.start(Config.empty());
        Model global = model(golden.type(), golden.initial());
        for (Round round : golden.rounds()) {
            global = parts.step(global, mean(parts, global, golden.type(), round.updates()));

            assertMatches("w", global, golden, round);
            PartState state = parts.serverOptimizer().snapshot();
            for (Map.Entry<String, Model> moment : state.tensors().entrySet()) {
                assertMatches(moment.getKey(), moment.getValue(), golden, round);
            }
            assertThat(state.tensors()).hasSize(round.expected().size() - 1);
        }
    }

    private static void assertMatches(String what, Model actual, Case golden, Round round) {
        double[] expected = Objects.requireNonNull(round.expected().get(what), what);
        boolean hasPower =
                !golden.settings().getOrDefault("biasCorrection", "NONE").equals("NONE");
        if (hasPower && golden.type() == TensorType.FLOAT64) {
            // 1 - beta^t makes up to fifty times more of the last bit of a power.
            double[] values = actual.tensors().get(0).toDoubleArray();
            for (int i = 0; i < expected.length; i++) {
                assertThat(values[i])
                        .as("%s[%s]", what, i)
                        .isCloseTo(expected[i], within(1e-13 * Math.abs(expected[i])));
            }
        } else {
            assertThat(actual).as(what).isEqualTo(model(golden.type(), expected));
        }
    }

    /** The same values as a mean of model deltas, which a server gets where clients send those. */
    @ParameterizedTest
    @MethodSource("cases")
    void stepsAlikeFromModelsAndFromModelDeltas(Case golden) {
        Strategy strategy = MethodCatalogue.parse(golden.method(), golden.settings());
        StrategyParts parts = strategy.start(Config.empty());
        StrategyParts others = strategy.start(Config.empty());
        Model global = model(golden.type(), golden.initial());
        for (Round round : golden.rounds()) {
            Aggregate aggregate = mean(parts, global, golden.type(), round.updates());
            double[] modelDelta = aggregate.values(0).clone();
            double[] start = global.tensors().get(0).toDoubleArray();
            Arrays.setAll(modelDelta, i -> modelDelta[i] - start[i]);
            Model next = parts.step(global, aggregate);

            assertThat(others.step(
                            global, Aggregate.wrap(UpdateForm.MODEL_DELTA, global.spec(), List.of(modelDelta), 3, 8)))
                    .isEqualTo(next);
            global = next;
        }
    }

    private static Aggregate mean(StrategyParts parts, Model global, TensorType type, List<double[]> updates) {
        Aggregator.Streaming aggregator = (Aggregator.Streaming) parts.aggregator();
        aggregator.begin(global);
        for (double[] update : updates) {
            Model model = model(type, Arrays.copyOfRange(update, 1, update.length));
            aggregator.accumulate(List.of(new WeightedUpdate("c", ClientUpdate.ofModel(model, 1), update[0])));
        }
        return aggregator.finish();
    }

    private static Model model(TensorType type, double[] values) {
        return Model.builder()
                .trainable("layer/weight", Tensor.rounded(type, SHAPE, values))
                .build();
    }
}
