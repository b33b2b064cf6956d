package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.WeightedMean;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How fast is the mean of a cohort's updates, from updates to the next model, beside a plain read of the same arrays by as many threads,
 * and beside NumPy?
 *
 * <p>In turn, in one run, with NumPy in a process of its own:
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xms3g -Xmx3g -XX:+AlwaysPreTouch -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.AggregationBenchmark [turns [python3 [file for the samples]]]
 * </pre>
 *
 * <p>The same in JMH's harness, without NumPy:
 *
 * <pre>
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" org.openjdk.jmh.Main AggregationBenchmark
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 1,
        jvmArgs = {"-Xms3g", "-Xmx3g", "-XX:+AlwaysPreTouch"})
public class AggregationBenchmark {
    private static final String READ = "plain read";
    private static final String LISTS = "WeightedMean, lists of 32";
    private static final String SINGLE = "WeightedMean, one by one";
    private static final String READ_TWO = "plain read, 2 threads";
    private static final String LISTS_TWO = "WeightedMean, lists of 32, 2 threads";
    private static final String NUMPY = "NumPy";

    /** How many clients send how many parameters. */
    @Param({"10x10000000", "100x1000000"})
    public String updates = "10x10000000";

    private Updates arrays = Updates.of(1, 1, 1);
    private MeanOfUpdates mean = new MeanOfUpdates(List.of(), Model.empty());
    private MeanOfUpdates threadedMean = mean;
    private final ExecutorService executor = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "second");
        thread.setDaemon(true);
        return thread;
    });

    /** Makes the updates. */
    @Setup
    public void makeUpdates() {
        String[] sizes = updates.split("x");
        arrays = Updates.of(Integer.parseInt(sizes[0]), Integer.parseInt(sizes[1]), 1);
        List<ClientUpdate> all =
                IntStream.range(0, arrays.clients()).mapToObj(arrays::update).toList();
        Model global = Model.zeros(arrays.update(0).model().orElseThrow().spec());
        mean = new MeanOfUpdates(all, global);
        threadedMean = new MeanOfUpdates(WeightedMean.onThreads(executor, 2), all, global);
    }

    /** Ends the second thread. */
    @TearDown
    public void close() {
        executor.shutdown();
    }

    /** The baseline: reads every value once. */
    @Benchmark
    public float plainRead() {
        float sum = 0;
        for (int k = 0; k < arrays.clients(); k++) {
            sum += PlainRead.sum(arrays.values(k));
        }
        return sum;
    }

    /** The baseline of two threads: each reads half of every array. */
    @Benchmark
    public float plainReadOnTwoThreads() throws Exception {
        int middle = arrays.parameters() / 2;
        Future<Float> second = executor.submit(() -> read(middle, arrays.parameters()));
        return read(0, middle) + second.get();
    }

    private float read(int from, int to) {
        float sum = 0;
        for (int k = 0; k < arrays.clients(); k++) {
            sum += PlainRead.sum(arrays.values(k), from, to);
        }
        return sum;
    }

    /** {@link #meanInLists} with a second thread. */
    @Benchmark
    public Model meanInListsOnTwoThreads() {
        return threadedMean.inLists(32);
    }

    /** The mean where as many updates wait as the round loop hands over at a time. */
    @Benchmark
    public Model meanInLists() {
        return mean.inLists(32);
    }

    /** The mean where each update is handed over as it comes. */
    @Benchmark
    public Model meanOneByOne() {
        return mean.inLists(1);
    }

    /** Runs both sizes in turn with NumPy and prints a table. */
    public static void main(String[] arguments) throws Exception {
        int turns = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 15;
        String interpreter = arguments.length > 1 ? arguments[1] : "python3";
        System.out.println(Machine.description());
        List<String> json = new ArrayList<>();
        for (String size : List.of("10x10000000", "100x1000000")) {
            json.add("  {\"updates\": \"" + size + "\", \"seconds\": "
                    + measure(size, turns, interpreter).toJson() + "}");
        }
        if (arguments.length > 2) {
            Files.writeString(
                    Path.of(arguments[2]),
                    "{\"machine\": \"" + Machine.description() + "\", \"unit\": \"s\", \"samples\": [\n"
                            + String.join(",\n", json) + "\n]}\n");
        }
    }

    private static Samples measure(String size, int turns, String interpreter) throws Exception {
        AggregationBenchmark benchmark = new AggregationBenchmark();
        benchmark.updates = size;
        benchmark.makeUpdates();
        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        ways.put(READ, benchmark::plainRead);
        ways.put(LISTS, benchmark::meanInLists);
        ways.put(SINGLE, benchmark::meanOneByOne);
        ways.put(READ_TWO, benchmark::plainReadOnTwoThreads);
        ways.put(LISTS_TWO, benchmark::meanInListsOnTwoThreads);
        Optional<PythonPeer> numpy = PythonPeer.start(
                interpreter,
                Path.of("benchmarks", "numpy_mean.py"),
                benchmark.arrays.clients(),
                benchmark.arrays.parameters());
        try {
            // The process is asked in the same turn; the way to it and back is some microseconds.
            numpy.ifPresent(process -> ways.put(NUMPY, () -> process.seconds("mean")));
            Samples samples = Samples.inTurn(ways, 5, turns);
            print(size, benchmark.arrays.byteCount(), turns, samples, numpy.map(PythonPeer::version));
            return samples;
        } finally {
            numpy.ifPresent(PythonPeer::close);
            benchmark.close();
        }
    }

    private static void print(String size, long bytes, int turns, Samples samples, Optional<String> numpy) {
        System.out.printf("%n%s float32, medians of %d turns%n%n", size, turns);
        System.out.println("| way | s | GB/s | least s | share of plain read | NumPy's time / this |");
        System.out.println("|---|---|---|---|---|---|");
        List<String> names = new ArrayList<>(List.of(READ, LISTS, SINGLE, READ_TWO, LISTS_TWO));
        numpy.ifPresent(version -> names.add(NUMPY));
        for (String name : names) {
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.4f | %.2f | %.4f | %.2f | %s |%n",
                    name.equals(NUMPY) ? NUMPY + " " + numpy.orElseThrow() : name,
                    samples.median(name),
                    bytes / samples.median(name) / 1e9,
                    samples.least(name),
                    samples.ratio(name.equals(LISTS_TWO) ? READ_TWO : READ, name),
                    numpy.isPresent()
                            ? String.format(Locale.ROOT, "%.2f", samples.ratio(NUMPY, name))
                            : "no NumPy here");
        }
    }
}
