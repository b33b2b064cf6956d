package io.fedlearn.benchmarks;

import com.sun.management.UnixOperatingSystemMXBean;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.luna16.network.LunaNet;
import io.fedlearn.luna16.network.Normalization;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * Does a process that trains LunaNet for many rounds grow? Four hospitals in one process over generated patches, FedAvg with a run
 * folder and evaluation, two hospitals at a time; after each round the resident memory, the heap after a collection, open files and
 * threads. Prints every fifth round, and how much each grows per round by least squares over the second half of the rounds: in the
 * first pools fill, and the JVM still compiles. Ends with 1 if the growth is beyond 1 MiB of resident memory, 0.1 MiB of heap, or 0.05 files or threads a round.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   OMP_NUM_THREADS=1 java -Xmx512m -Dorg.bytedeco.javacpp.maxphysicalbytes=3g \
 *       -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.LunaNetMemoryBenchmark [rounds [16x16x16 [none|batch [file.csv]]]]
 * </pre>
 */
public final class LunaNetMemoryBenchmark {
    private static final int HOSPITALS = 4;
    private static final int TRAINING = 24;
    private static final int TEST = 8;
    private static final int SHOWN = 5;
    private static final double MIB = 1 << 20;

    private LunaNetMemoryBenchmark() {}

    /** What there is after a round. */
    private record Sample(double resident, double heap, double files, double threads) {
        static Sample now() {
            // Collects first: what native memory hangs on handles on the heap is free then.
            double heap = ProcessMemory.liveHeap() / MIB;
            long files = ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system
                    ? system.getOpenFileDescriptorCount()
                    : 0;
            return new Sample(
                    ProcessMemory.resident() / MIB,
                    heap,
                    files,
                    ManagementFactory.getThreadMXBean().getThreadCount());
        }
    }

    /** What must not grow, and how fast it may seem to. */
    private record Gauge(String name, ToDoubleFunction<Sample> value, double bound) {}

    private static final List<Gauge> GAUGES = List.of(
            new Gauge("resident MiB", Sample::resident, 1),
            new Gauge("heap MiB", Sample::heap, 0.1),
            new Gauge("files", Sample::files, 0.05),
            new Gauge("threads", Sample::threads, 0.05));

    /** Measures and prints a table. */
    public static void main(String[] arguments) throws Exception {
        int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 50;
        String[] axes = (arguments.length > 1 ? arguments[1] : "16x16x16").split("x");
        Normalization normalization =
                Normalization.valueOf((arguments.length > 2 ? arguments[2] : "none").toUpperCase(Locale.ROOT));
        LunaNet network = LunaNet.defaults()
                .withPatch(
                        new PatchShape(Integer.parseInt(axes[0]), Integer.parseInt(axes[1]), Integer.parseInt(axes[2])))
                .withNormalization(normalization);
        Path folder = Files.createTempDirectory("lunanet-memory");
        List<Sample> samples;
        try {
            samples = samples(network, rounds, folder);
        } finally {
            delete(folder);
        }
        if (arguments.length > 3) {
            write(Path.of(arguments[3]), samples);
        }
        System.exit(grows(samples) ? 1 : 0);
    }

    private static List<Sample> samples(LunaNet network, int rounds, Path folder) throws InterruptedException {
        System.out.printf(
                Locale.ROOT,
                "%s, %d hospitals with %d patches, batch %d, %d rounds%n%n",
                network,
                HOSPITALS,
                TRAINING,
                TRAINING / 2,
                rounds);
        System.out.printf("%5s", "round");
        GAUGES.forEach(gauge -> System.out.printf(" %13s", gauge.name()));
        System.out.println();
        LocalModelPool networks = LocalModelPool.of(network::create);
        Map<String, Client> hospitals = new TreeMap<>();
        for (int i = 0; i < HOSPITALS; i++) {
            hospitals.put(
                    "hospital-" + i,
                    LocalTrainingClient.of(networks, examples(network, TRAINING, i), examples(network, TEST, 100 + i)));
        }
        List<Sample> samples = new ArrayList<>();
        RoundListener listener = new RoundListener() {
            @Override
            public void roundFinished(RoundRecord record) {
                samples.add(Sample.now());
                if (samples.size() % SHOWN == 0 || samples.size() == 1) {
                    Sample last = samples.get(samples.size() - 1);
                    System.out.printf("%5d", samples.size());
                    GAUGES.forEach(gauge -> System.out.printf(
                            Locale.ROOT, " %13.1f", gauge.value().applyAsDouble(last)));
                    System.out.println();
                }
            }
        };
        Federation.of(hospitals)
                .strategy(FedAvg.create())
                .training(TrainingSettings.defaults()
                        .withBatchSize(TRAINING / 2)
                        .withLearningRate(0.01)
                        .withMomentum(0.9))
                .initialModel(network.create().initialModel(1))
                .parallelism(2)
                .rounds(rounds)
                .listener(listener)
                .store(FileRunStore.at(folder.resolve("run")))
                .run();
        return samples;
    }

    private static InMemoryExamples examples(LunaNet network, int count, long seed) {
        int voxels = network.patch().voxelCount();
        float[] features = new float[count * voxels];
        float[] targets = new float[count];
        SeededRandom random = SeededRandom.of(seed);
        for (int i = 0; i < features.length; i++) {
            features[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < count; i++) {
            targets[i] = i % 2;
        }
        return InMemoryExamples.wrap(network.featureShape(), features, targets);
    }

    private static boolean grows(List<Sample> samples) {
        List<Sample> settled = samples.subList(samples.size() / 2, samples.size());
        boolean grows = false;
        System.out.println();
        for (Gauge gauge : GAUGES) {
            double slope = slope(settled, gauge.value());
            boolean beyond = !(slope <= gauge.bound());
            grows |= beyond;
            System.out.printf(
                    Locale.ROOT,
                    "%-13s %+8.4f a round, bound %.2f%s%n",
                    gauge.name(),
                    slope,
                    gauge.bound(),
                    beyond ? "  GROWS" : "");
        }
        return grows;
    }

    private static double slope(List<Sample> samples, ToDoubleFunction<Sample> value) {
        double middle = (samples.size() - 1) / 2.0;
        double mean = samples.stream().mapToDouble(value).average().orElse(0);
        double products = 0;
        double squares = 0;
        for (int i = 0; i < samples.size(); i++) {
            products += (i - middle) * (value.applyAsDouble(samples.get(i)) - mean);
            squares += (i - middle) * (i - middle);
        }
        return products / squares;
    }

    private static void write(Path file, List<Sample> samples) throws IOException {
        List<String> lines = new ArrayList<>(List.of("round,resident_mib,heap_mib,files,threads"));
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            lines.add(String.format(
                    Locale.ROOT,
                    "%d,%.2f,%.2f,%.0f,%.0f",
                    i + 1,
                    sample.resident(),
                    sample.heap(),
                    sample.files(),
                    sample.threads()));
        }
        Files.write(file, lines);
    }

    private static void delete(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            files.sorted((one, other) -> other.compareTo(one)).forEach(file -> {
                try {
                    Files.delete(file);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
