package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.robust.Bulyan;
import io.fedlearn.aggregators.robust.CoordinateMedian;
import io.fedlearn.aggregators.robust.GeometricMedian;
import io.fedlearn.aggregators.robust.Krum;
import io.fedlearn.aggregators.robust.TrimmedMean;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.UpdateSpool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * How long does each robust rule take over a cohort whose updates lie on disk, in how small a heap, beside NumPy with all of them in
 * memory?
 *
 * <p>In turn, in one run, with NumPy in a process of its own; in a heap that would not hold the updates:
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xmx160m -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.RobustRulesBenchmark [clients [parameters [turns [python3 [file for the samples]]]]]
 * </pre>
 *
 * <p>What is timed is from updates to the next model. Krum and Bulyan bear as many bad clients as Bulyan can.
 */
public final class RobustRulesBenchmark {
    private static final String NUMPY = "NumPy ";

    private RobustRulesBenchmark() {}

    /** Measures and prints a table. */
    public static void main(String[] arguments) throws Exception {
        int clients = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 50;
        int parameters = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1_000_000;
        int turns = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 5;
        String interpreter = arguments.length > 3 ? arguments[3] : "python3";
        int bad = (clients - 3) / 4;
        Map<String, Supplier<Aggregator>> rules = new LinkedHashMap<>();
        rules.put(CoordinateMedian.NAME, CoordinateMedian.aggregator());
        rules.put(TrimmedMean.NAME, TrimmedMean.aggregatorWithTrimmedShare(TrimmedMean.DEFAULT_TRIMMED_SHARE));
        rules.put(Krum.NAME, Krum.aggregator(bad));
        rules.put(Bulyan.NAME, Bulyan.aggregator(bad));
        rules.put(GeometricMedian.NAME, GeometricMedian.aggregator());

        Model global = model(new float[parameters]);
        Optional<PythonPeer> numpy =
                PythonPeer.start(interpreter, Path.of("benchmarks", "numpy_robust.py"), clients, parameters);
        try (UpdateSpool spool = UpdateSpool.inTemporaryDirectory()) {
            List<WeightedUpdate> updates = spooled(spool, clients, parameters);
            Map<String, Samples.Work> ways = new LinkedHashMap<>();
            rules.forEach((name, rule) -> {
                // A new one each time: what is kept from round to round by five rules is not in one run's heap.
                ways.put(
                        name,
                        () -> ((Aggregator.WholeCohort) rule.get())
                                .aggregate(global, updates)
                                .toModel(global));
                numpy.ifPresent(peer -> ways.put(NUMPY + name, () -> peer.seconds(name)));
            });
            Samples samples = Samples.inTurn(ways, 2, turns);
            System.out.println(Machine.description());
            System.out.printf(
                    Locale.ROOT,
                    "%d x %d float32 on disk (%d MB), f = %d, medians of %d turns, largest resident set %s%n%n",
                    clients,
                    parameters,
                    (long) clients * parameters * Float.BYTES / 1_000_000,
                    bad,
                    turns,
                    largestResidentSet());
            System.out.println("| rule | s | least s | NumPy "
                    + numpy.map(PythonPeer::version).orElse("is not here") + " s | NumPy's time / ours |");
            System.out.println("|---|---|---|---|---|");
            for (String name : rules.keySet()) {
                System.out.printf(
                        Locale.ROOT,
                        "| %s | %.3f | %.3f | %s |%n",
                        name,
                        samples.median(name),
                        samples.least(name),
                        numpy.map(peer -> String.format(
                                        Locale.ROOT,
                                        "%.3f | %.1f",
                                        samples.median(NUMPY + name),
                                        samples.ratio(NUMPY + name, name)))
                                .orElse("- | -"));
            }
            if (arguments.length > 4) {
                Files.writeString(
                        Path.of(arguments[4]),
                        "{\"machine\": \"" + Machine.description() + "\", \"unit\": \"s\", \"clients\": " + clients
                                + ", \"parameters\": " + parameters + ", \"seconds\": " + samples.toJson() + "}\n");
            }
        } finally {
            numpy.ifPresent(PythonPeer::close);
        }
    }

    private static Model model(float[] values) {
        return Model.builder().trainable("weights", Tensor.wrap(values)).build();
    }

    private static List<WeightedUpdate> spooled(UpdateSpool spool, int clients, int parameters) {
        SeededRandom random = SeededRandom.of(1);
        List<WeightedUpdate> updates = new ArrayList<>();
        for (int k = 0; k < clients; k++) {
            float[] values = new float[parameters];
            for (int i = 0; i < parameters; i++) {
                values[i] = (float) random.nextGaussian();
            }
            ClientUpdate update = ClientUpdate.ofModel(model(values), 50 + random.nextInt(4951));
            updates.add(new WeightedUpdate(String.format("client%05d", k), spool.write(update), update.exampleCount()));
        }
        return updates;
    }

    private static String largestResidentSet() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return "unknown";
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .map(line -> line.substring("VmHWM:".length()).strip())
                .findFirst()
                .orElse("unknown");
    }
}
