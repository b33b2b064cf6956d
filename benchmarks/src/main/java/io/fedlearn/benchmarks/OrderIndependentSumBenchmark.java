package io.fedlearn.benchmarks;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * What does it cost to add the updates of clients to the same bits in any order of arrival? Every way gets the same arrays in
 * turn, on one thread.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xms5g -Xmx5g -XX:+AlwaysPreTouch -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.OrderIndependentSumBenchmark [turns [file for the samples]]
 * </pre>
 *
 * <p>Columns: GB of updates a second (median); the time as a multiple of that of plain sums in arrival order and of that of
 * reading the arrays once (medians over turns); bytes per parameter of the sums; those with the global and the next model as a
 * multiple of a float32 model; bytes written to the spool; whether the float64 means had the same bits for four orders of
 * arrival; the largest relative error of {@value #SAMPLED} float64 means against exact arithmetic, for updates as clients send
 * them, and for values whose magnitudes differ by up to 2^40 and cancel in pairs.
 */
public final class OrderIndependentSumBenchmark {
    private static final long HELD_LIMIT = 64L << 20;
    private static final int MAX_LIST = 32;
    private static final int SAMPLED = 2000;
    private static final String ARRIVAL_ORDER = "f float64, arrival order (not reproducible)";
    private static final String READ = "g plain read";

    private OrderIndependentSumBenchmark() {}

    /** Runs both sizes and prints a table for each. */
    public static void main(String[] arguments) throws Exception {
        int turns = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 7;
        System.out.println(Machine.description());
        List<String> json = new ArrayList<>();
        json.add(measure(10, 10_000_000, turns));
        json.add(measure(100, 1_000_000, turns));
        if (arguments.length > 1) {
            write(Path.of(arguments[1]), json);
        }
    }

    private static void write(Path file, List<String> json) throws IOException {
        Files.writeString(
                file,
                "{\"machine\": \"" + Machine.description() + "\", \"unit\": \"s\", \"samples\": [\n"
                        + String.join(",\n", json) + "\n]}\n");
    }

    /** A way to sum and the order in which updates reach it. */
    private record Way(Summation summation, int[] order) {
        void run(Updates updates, float[] mean) {
            summation.begin();
            for (int client : order) {
                summation.arrive(client, updates);
            }
            summation.finish(updates.totalCount(), mean);
        }
    }

    private static String measure(int clients, int parameters, int turns) throws Exception {
        Updates updates = Updates.of(clients, parameters, 1);
        Map<String, Way> ways = ways(clients, parameters, 4);
        float[] mean = new float[parameters];
        Map<String, Samples.Work> work = new LinkedHashMap<>();
        ways.forEach((name, way) -> work.put(name, () -> way.run(updates, mean)));
        work.put(READ, () -> read(updates));
        Samples samples = Samples.inTurn(work, 3, turns);
        System.out.printf(
                Locale.ROOT,
                "%n%d updates of %,d float32, %d turns, plain read %.2f GB/s%n%n",
                clients,
                parameters,
                turns,
                updates.byteCount() / samples.median(READ) / 1e9);
        System.out.println(
                "| way | GB/s | time / f | time / g | sum B/param | memory / model | spooled MB | same bits, usual"
                        + " | same bits, cancelling | error, usual | error, cancelling |");
        System.out.println("|---|---|---|---|---|---|---|---|---|---|---|");
        Updates hard = Updates.cancelling(clients, SAMPLED, 2);
        for (Map.Entry<String, Way> entry : ways.entrySet()) {
            String name = entry.getKey();
            Way way = entry.getValue();
            way.run(updates, mean);
            double error = error(way.summation(), updates);
            long spooled = way.summation().spooledBytes();
            Summation small =
                    Objects.requireNonNull(ways(clients, SAMPLED, 24).get(name)).summation();
            new Way(small, way.order()).run(hard, new float[SAMPLED]);
            double hardError = error(small, hard);
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.2f | %.2f | %.2f | %d | %d | %.0f | %s | %s | %.1e | %.1e |%n",
                    name,
                    updates.byteCount() / samples.median(name) / 1e9,
                    samples.ratio(name, ARRIVAL_ORDER),
                    samples.ratio(name, READ),
                    way.summation().accumulatorBytes(),
                    (way.summation().accumulatorBytes() + 2 * Float.BYTES) / Float.BYTES,
                    spooled / 1e6,
                    sameBits(way.summation(), updates, mean),
                    sameBits(small, hard, new float[SAMPLED]),
                    error,
                    hardError);
        }
        return "  {\"clients\": " + clients + ", \"parameters\": " + parameters + ", \"seconds\": " + samples.toJson()
                + "}";
    }

    // valueBits: below which power of two all values are, as it is agreed beforehand for the way that needs it.
    private static Map<String, Way> ways(int clients, int parameters, int valueBits) {
        int[] inOrder = IntStream.range(0, clients).toArray();
        int[] reversed = IntStream.range(0, clients).map(k -> clients - 1 - k).toArray();
        Map<String, Way> ways = new LinkedHashMap<>();
        ways.put(
                "a ordered fold, arrival in order, one by one",
                new Way(new OrderedFold(parameters, HELD_LIMIT, 1), inOrder));
        ways.put("a ordered fold, arrival in order, 32 waiting", new Way(new Lists(parameters), inOrder));
        ways.put(
                "b ordered fold, arrival reversed, spool",
                new Way(new OrderedFold(parameters, HELD_LIMIT, MAX_LIST), reversed));
        ways.put(
                "c ordered fold, random arrival, spool",
                new Way(new OrderedFold(parameters, HELD_LIMIT, MAX_LIST), shuffled(clients, 1)));
        ways.put("d 2 fixed bins of float64", new Way(new FixedBinSum(parameters, 2), inOrder));
        ways.put("d 3 fixed bins of float64", new Way(new FixedBinSum(parameters, 3), inOrder));
        ways.put("d 1 bin, range agreed beforehand", new Way(new AgreedRangeSum(parameters, valueBits, 20), inOrder));
        ways.put("e 128-bit fixed point", new Way(new FixedPointSum(parameters), inOrder));
        ways.put(ARRIVAL_ORDER, new Way(new ArrivalOrderSum(parameters), inOrder));
        return ways;
    }

    private static int[] shuffled(int clients, long seed) {
        List<Integer> order =
                new ArrayList<>(IntStream.range(0, clients).boxed().toList());
        Collections.shuffle(order, new Random(seed));
        return order.stream().mapToInt(Integer::intValue).toArray();
    }

    private static void read(Updates updates) {
        float sum = 0;
        for (int k = 0; k < updates.clients(); k++) {
            sum += PlainRead.sum(updates.values(k));
        }
        if (Float.isNaN(sum)) {
            throw new IllegalStateException("the updates hold NaN");
        }
    }

    /** Whether all orders give the same bits, or how many of the means differ between them. */
    private static String sameBits(Summation summation, Updates updates, float[] mean) {
        double[] first = means(
                summation, updates, mean, IntStream.range(0, updates.clients()).toArray());
        float[] firstRounded = mean.clone();
        long differing = 0;
        long differingRounded = 0;
        for (long seed = 2; seed <= 4; seed++) {
            double[] other = means(summation, updates, mean, shuffled(updates.clients(), seed));
            long different = 0;
            long differentRounded = 0;
            for (int i = 0; i < mean.length; i++) {
                different += Double.doubleToRawLongBits(first[i]) == Double.doubleToRawLongBits(other[i]) ? 0 : 1;
                differentRounded +=
                        Float.floatToRawIntBits(firstRounded[i]) == Float.floatToRawIntBits(mean[i]) ? 0 : 1;
            }
            differing = Math.max(differing, different);
            differingRounded = Math.max(differingRounded, differentRounded);
        }
        return differing == 0
                ? "yes"
                : String.format(
                        Locale.ROOT,
                        "no: %.2f %% of float64, %.4f %% of float32",
                        100.0 * differing / mean.length,
                        100.0 * differingRounded / mean.length);
    }

    private static double[] means(Summation summation, Updates updates, float[] mean, int[] order) {
        new Way(summation, order).run(updates, mean);
        return IntStream.range(0, mean.length).mapToDouble(summation::mean).toArray();
    }

    private static double error(Summation summation, Updates updates) {
        double largest = 0;
        int step = Math.max(1, updates.parameters() / SAMPLED);
        for (int i = 0; i < updates.parameters(); i += step) {
            BigDecimal sum = BigDecimal.ZERO;
            for (int k = 0; k < updates.clients(); k++) {
                sum = sum.add(new BigDecimal(updates.values(k)[i]).multiply(BigDecimal.valueOf(updates.count(k))));
            }
            if (sum.signum() == 0) {
                continue;
            }
            BigDecimal exact = sum.divide(new BigDecimal(updates.totalCount()), MathContext.DECIMAL128);
            BigDecimal wrong = new BigDecimal(summation.mean(i)).subtract(exact);
            largest = Math.max(
                    largest, wrong.divide(exact, MathContext.DECIMAL128).abs().doubleValue());
        }
        return largest;
    }

    /** The fold where as many updates as are added in one pass have come: what a fast network or many threads make of it. */
    private static final class Lists implements Summation {
        private final OrderedFold fold;
        private final List<Integer> arrived = new ArrayList<>();
        private int count;

        Lists(int parameters) {
            this.fold = new OrderedFold(parameters, Long.MAX_VALUE, MAX_LIST);
        }

        @Override
        public void begin() {
            fold.begin();
            count = 0;
            arrived.clear();
        }

        @Override
        public void arrive(int client, Updates updates) {
            arrived.add(client);
            count++;
            if (arrived.size() == MAX_LIST || count == updates.clients()) {
                // The first comes last, so that all are there when it is added.
                arrived.stream().sorted(Comparator.reverseOrder()).forEach(waiting -> fold.arrive(waiting, updates));
                arrived.clear();
            }
        }

        @Override
        public void finish(double totalCount, float[] mean) {
            fold.finish(totalCount, mean);
        }

        @Override
        public double mean(int index) {
            return fold.mean(index);
        }

        @Override
        public int accumulatorBytes() {
            return fold.accumulatorBytes();
        }
    }
}
