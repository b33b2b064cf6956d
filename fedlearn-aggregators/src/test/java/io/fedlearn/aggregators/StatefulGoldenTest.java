package io.fedlearn.aggregators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.aggregators.robust.FLTrust;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.StrategyParts;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
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
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * FedNova, q-FedAvg, SCAFFOLD, FedDyn and FLTrust against NumPy: the server's side alone, and whole runs;
 * {@code src/test/python/stateful.py} wrote the values.
 */
class StatefulGoldenTest {
    private static final Shape SHAPE = Shape.of(4, 6);

    record Line(String what, double[] values) {}

    record Case(String kind, String method, TensorType type, Map<String, String> settings, List<Line> lines) {
        double number(String name) {
            return Double.parseDouble(settings.getOrDefault(name, "0.0"));
        }

        TrainingSettings training() {
            return TrainingSettings.defaults()
                    .withLearningRate(Double.parseDouble(settings.getOrDefault("learningRate", "0.1")))
                    .withMomentum(number("momentum"))
                    .withWeightDecay(number("weightDecay"))
                    .withMu(number("mu"));
        }

        @Override
        public String toString() {
            return method + " " + type + " " + settings;
        }
    }

    private static List<Case> cases(String kind) throws IOException {
        Map<Integer, List<String[]>> lines;
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                StatefulGoldenTest.class.getResourceAsStream("stateful.csv"), StandardCharsets.US_ASCII))) {
            lines = reader.lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(","))
                    .collect(Collectors.groupingBy(
                            line -> Integer.parseInt(line[0]), TreeMap::new, Collectors.toList()));
        }
        return lines.values().stream()
                .map(StatefulGoldenTest::parse)
                .filter(golden -> golden.kind().equals(kind))
                .toList();
    }

    static List<Case> rules() throws IOException {
        return cases("rule");
    }

    static List<Case> runs() throws IOException {
        return cases("run");
    }

    private static Case parse(List<String[]> lines) {
        String[] head = lines.get(0);
        Map<String, String> settings = new TreeMap<>();
        for (String setting : head[4].split(";")) {
            settings.put(setting.substring(0, setting.indexOf('=')), setting.substring(setting.indexOf('=') + 1));
        }
        return new Case(
                head[1],
                head[2],
                TensorType.valueOf(head[3].toUpperCase(Locale.ROOT)),
                settings,
                lines.stream()
                        .skip(1)
                        .map(line -> new Line(
                                line[1],
                                Stream.of(line)
                                        .skip(2)
                                        .mapToDouble(Double::parseDouble)
                                        .toArray()))
                        .toList());
    }

    private static Strategy strategy(Case golden, Client root, int clients) {
        return switch (golden.method()) {
            case "fednova" ->
                FedNova.builder()
                        .effectiveSteps(EffectiveSteps.valueOf(golden.settings().getOrDefault("effectiveSteps", "")))
                        .build();
            case "qfedavg" -> QFedAvg.withQ(golden.number("q"));
            case "scaffold" ->
                Scaffold.builder(clients)
                        .serverLearningRate(
                                Double.parseDouble(golden.settings().getOrDefault("serverLearningRate", "1.0")))
                        .build();
            case "feddyn" -> FedDyn.of(clients, golden.number("alpha"));
            default ->
                FLTrust.builder(root)
                        .serverLearningRate(golden.number("serverLearningRate"))
                        .build();
        };
    }

    private static Model model(TensorType type, double... values) {
        Tensor tensor = Tensor.rounded(type, SHAPE, values);
        return Model.of(ModelSpec.of(List.of(new TensorSpec("w", type, SHAPE, TensorRole.TRAINABLE))), List.of(tensor));
    }

    @ParameterizedTest
    @MethodSource("rules")
    void serverComputesWhatTheReferenceComputes(Case golden) {
        List<Model> own = new ArrayList<>();
        Client root = (task, context) -> ClientUpdate.ofModel(own.get(own.size() - 1), 1);
        StrategyParts parts = strategy(golden, root, (int) golden.number("clients"))
                .start(golden.training().toConfig());
        Model global = Model.empty();
        double[] scale = new double[0];
        List<WeightedUpdate> updates = new ArrayList<>();
        for (Line line : golden.lines()) {
            switch (line.what()) {
                case "initial" -> {
                    global = model(golden.type(), line.values());
                    scale = magnitudes(line.values());
                }
                case "update" -> {
                    updates.add(update(golden, line.values(), updates.size()));
                    grow(scale, Arrays.copyOfRange(line.values(), 2, line.values().length));
                }
                case "change" -> {
                    WeightedUpdate last = updates.remove(updates.size() - 1);
                    ClientUpdate changed =
                            last.update().withTensors(Scaffold.CHANGE, model(TensorType.FLOAT32, line.values()));
                    updates.add(new WeightedUpdate(last.clientId(), changed, last.weight()));
                }
                case "own" -> own.add(model(golden.type(), line.values()));
                case "w" -> {
                    Aggregator.Streaming rule = (Aggregator.Streaming) parts.aggregator();
                    rule.begin(global);
                    rule.accumulate(updates);
                    Aggregate aggregate = rule.finish();
                    global = parts.step(global, aggregate);
                    assertClose("w", global, line.values(), scale, golden.type());
                    // A client that stayed where it was would have moved by the last bits in which the models differ.
                    global = model(golden.type(), line.values());
                    updates.clear();
                }
                default -> {
                    PartState state = parts.serverOptimizer().snapshot();
                    boolean keepsState = List.of("scaffold", "feddyn").contains(golden.method());
                    assertThat(state.tensors()).hasSize(keepsState ? 1 : 0);
                    for (Model kept : state.tensors().values()) {
                        assertClose("state", kept, line.values(), scale, TensorType.FLOAT32);
                    }
                }
            }
        }
    }

    private static WeightedUpdate update(Case golden, double[] values, int index) {
        ClientUpdate update =
                ClientUpdate.ofModel(model(golden.type(), Arrays.copyOfRange(values, 2, values.length)), 1);
        if (golden.method().equals("fednova")) {
            update = update.withMetric(LocalTrainingClient.LOCAL_STEPS, values[1]);
        }
        if (golden.method().equals("qfedavg")) {
            update = update.withMetric(LocalTrainingClient.LOSS_BEFORE, values[1]);
        }
        return new WeightedUpdate("client-" + index, update, values[0]);
    }

    private static double[] magnitudes(double[] values) {
        double[] magnitudes = new double[values.length];
        grow(magnitudes, values);
        return magnitudes;
    }

    private static void grow(double[] scale, double[] values) {
        for (int i = 0; i < scale.length; i++) {
            scale[i] = Math.max(scale[i], Math.abs(values[i]));
        }
    }

    /** Within the last bits of the largest value that went into each parameter, which the orders of sums may change. */
    private static void assertClose(String what, Model actual, double[] expected, double[] scale, TensorType type) {
        double[] values = actual.tensors().get(0).toDoubleArray();
        for (int i = 0; i < expected.length; i++) {
            double most = Math.max(scale[i], Math.abs(expected[i]));
            assertThat(values[i])
                    .as("%s[%s]", what, i)
                    .isCloseTo(expected[i], within((type == TensorType.FLOAT64 ? 1e-12 : 0x1p-23) * most));
        }
    }

    @ParameterizedTest
    @MethodSource("runs")
    void federationComputesWhatTheReferenceComputes(Case golden) throws Exception {
        Map<String, Client> clients = new TreeMap<>();
        Map<String, Integer> steps = new TreeMap<>();
        List<double[]> expected = new ArrayList<>();
        Model initial = Model.empty();
        for (Line line : golden.lines()) {
            float[] numbers = Tensor.copyOf(line.values()).toFloatArray();
            switch (line.what()) {
                case "client" -> {
                    String id = "site-" + clients.size();
                    steps.put(id, (int) line.values()[0]);
                    clients.put(id, QuadraticModel.client(4, Arrays.copyOfRange(numbers, 1, numbers.length)));
                }
                case "initial" -> initial = QuadraticModel.model(numbers);
                default -> expected.add(line.values());
            }
        }
        Strategy strategy = strategy(golden, (task, context) -> ClientUpdate.ofModel(task.model(), 1), clients.size())
                .withInstructions(
                        "uneven",
                        (round, client) ->
                                Config.of(Map.of(TrainingSettings.LOCAL_EPOCHS, steps.getOrDefault(client, 1))));

        for (int rounds = 1; rounds <= expected.size(); rounds++) {
            double[] values = Federation.of(clients)
                    .strategy(strategy)
                    .training(golden.training())
                    .initialModel(initial)
                    .rounds(rounds)
                    .evaluateEvery(0)
                    .run()
                    .model()
                    .tensor("w")
                    .toDoubleArray();
            for (int i = 0; i < values.length; i++) {
                assertThat(values[i])
                        .as("round %s, w[%s]", rounds, i)
                        .isCloseTo(expected.get(rounds - 1)[i], within(2e-5));
            }
        }
    }
}
