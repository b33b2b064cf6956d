package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.models.SoftmaxRegression;
import io.fedlearn.models.idx.IdxImages;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * How long does the task take by which simulators are compared: MNIST, logistic regression, 1,000 clients with images of their own,
 * 10 of them in each of 100 rounds, one epoch in batches of 10 at a learning rate of 0.03?
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.SimulationBenchmark [--mnist DIR] [--partition RULE] [--runs N]
 * </pre>
 *
 * <p>{@code DIR} holds MNIST's four files; without it images of the same size are generated and read from a temporary folder. The rule
 * is one that {@link Partitioner#parse} reads. The first run starts with the JVM: its total holds the start, reading or generating the
 * images, dividing them, the rounds, and the test every 20 rounds. Further runs, in the same JVM, are rounds and tests alone.
 */
public final class SimulationBenchmark {
    private static final int CLIENTS = 1000;
    private static final int COHORT = 10;
    private static final int ROUNDS = 100;
    private static final int EVALUATE_EVERY = 20;
    private static final int CLASSES = 10;
    private static final int PIXELS = 28;
    private static final TrainingSettings TRAINING =
            TrainingSettings.defaults().withLocalEpochs(1).withBatchSize(10).withLearningRate(0.03);

    /** Seconds on a CPU, by the README of FLUTE (https://github.com/microsoft/msrflute). */
    private static final double FLOWER_SECONDS = 30 * 60 + 14;

    private static final double FLUTE_SECONDS = 3 * 60 + 20;

    private SimulationBenchmark() {}

    /** Runs the task and prints what it took. */
    public static void main(String[] arguments) throws Exception {
        Optional<Path> mnist = Optional.empty();
        Partitioner rule = Partitioner.iid();
        int runs = 5;
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            switch (arguments[i]) {
                case "--mnist" -> mnist = Optional.of(Path.of(arguments[i + 1]));
                case "--partition" -> rule = Partitioner.parse(arguments[i + 1]);
                case "--runs" -> runs = Integer.parseInt(arguments[i + 1]);
                default -> throw new IllegalArgumentException("unknown option " + arguments[i]);
            }
        }
        if (arguments.length % 2 == 1) {
            throw new IllegalArgumentException("option " + arguments[arguments.length - 1] + " needs a value");
        }
        Data data = mnist.isPresent() ? Data.read(mnist.get(), ".gz") : Data.generated();
        Partition parts = rule.partition(data.training.classes(), CLIENTS, 1);
        double untilRounds = sinceStart();
        Run first = simulate(data, parts);
        double total = sinceStart();

        System.out.println(Machine.description());
        System.out.printf(
                Locale.ROOT,
                "%n%s images, %s, %,d clients with %d to %d of %,d images%n%n",
                mnist.isPresent() ? "MNIST's" : "generated",
                rule,
                CLIENTS,
                parts.sizes().stream().mapToInt(size -> size).min().orElseThrow(),
                parts.sizes().stream().mapToInt(size -> size).max().orElseThrow(),
                data.training.exampleCount());
        System.out.printf(
                Locale.ROOT,
                "start, images and division %.2f s, %d rounds %.2f s, in all %.2f s%n",
                untilRounds,
                ROUNDS,
                total - untilRounds,
                total);
        if (runs > 1) {
            Samples samples = Samples.inTurn(Map.of("", () -> simulate(data, parts)), 0, runs - 1);
            System.out.printf(
                    Locale.ROOT,
                    "once more in the same JVM: median %.2f s, least %.2f s of %d%n",
                    samples.median(""),
                    samples.least(""),
                    runs - 1);
        }
        System.out.printf(
                Locale.ROOT,
                "test accuracy %.4f, model %.16s%n%n",
                first.records()
                        .get(ROUNDS - 1)
                        .metrics()
                        .get(Evaluation.ACCURACY)
                        .orElseThrow(),
                first.model().digest());
        System.out.printf(
                Locale.ROOT,
                "published by FLUTE, on a machine of its own: Flower %.0f s, %.0f times as long; FLUTE %.0f s, %.0f times%n",
                FLOWER_SECONDS,
                FLOWER_SECONDS / total,
                FLUTE_SECONDS,
                FLUTE_SECONDS / total);
    }

    private static double sinceStart() {
        return (System.currentTimeMillis()
                        - ManagementFactory.getRuntimeMXBean().getStartTime())
                / 1e3;
    }

    private static Run simulate(Data data, Partition parts) throws InterruptedException {
        LocalModelPool models = LocalModelPool.of(SimulationBenchmark::model);
        List<Client> clients = new ArrayList<>(CLIENTS);
        for (int i = 0; i < CLIENTS; i++) {
            clients.add(LocalTrainingClient.of(models, data.training.subset(parts.examples(i))));
        }
        SoftmaxRegression tester = model();
        return Federation.of(clients)
                .strategy(FedAvg.create().withSelector(ClientSelector.uniform(COHORT)))
                .training(TRAINING)
                .initialModel(tester.initialModel(1))
                .rounds(ROUNDS)
                .evaluateEvery(EVALUATE_EVERY)
                .federatedEvaluation(false)
                .centralEvaluation(weights -> test(tester, weights, data.test))
                .build()
                .run();
    }

    private static Metrics test(SoftmaxRegression tester, Model weights, IdxImages images) {
        tester.load(weights);
        return Evaluation.of(tester, images).metrics();
    }

    private static SoftmaxRegression model() {
        return SoftmaxRegression.of(Shape.of(PIXELS, PIXELS), CLASSES);
    }

    private record Data(IdxImages training, IdxImages test) {
        private static Data read(Path directory, String ending) {
            return new Data(
                    IdxImages.read(
                            directory.resolve("train-images-idx3-ubyte" + ending),
                            directory.resolve("train-labels-idx1-ubyte" + ending)),
                    IdxImages.read(
                            directory.resolve("t10k-images-idx3-ubyte" + ending),
                            directory.resolve("t10k-labels-idx1-ubyte" + ending)));
        }

        /** A pattern for each class, with noise: far easier than digits, and as much work. */
        private static Data generated() throws IOException {
            Path directory = Files.createTempDirectory("digits");
            try {
                write(directory, "train", 60_000, 1);
                write(directory, "t10k", 10_000, 2);
                return read(directory, "");
            } finally {
                for (String set : List.of("train", "t10k")) {
                    Files.deleteIfExists(directory.resolve(set + "-images-idx3-ubyte"));
                    Files.deleteIfExists(directory.resolve(set + "-labels-idx1-ubyte"));
                }
                Files.delete(directory);
            }
        }

        private static void write(Path directory, String set, int count, long seed) throws IOException {
            SeededRandom strokes = SeededRandom.of(0);
            boolean[][] patterns = new boolean[CLASSES][PIXELS * PIXELS];
            for (boolean[] pattern : patterns) {
                for (int i = 0; i < pattern.length; i++) {
                    pattern[i] = strokes.nextInt(5) == 0;
                }
            }
            SeededRandom random = SeededRandom.of(seed);
            byte[] labels = new byte[count];
            try (OutputStream images = Files.newOutputStream(directory.resolve(set + "-images-idx3-ubyte"))) {
                images.write(header(count, PIXELS, PIXELS));
                byte[] image = new byte[PIXELS * PIXELS];
                for (int k = 0; k < count; k++) {
                    labels[k] = (byte) random.nextInt(CLASSES);
                    boolean[] pattern = patterns[labels[k]];
                    long bits = 0;
                    for (int i = 0; i < image.length; i++) {
                        if (i % 16 == 0) {
                            bits = random.nextLong();
                        }
                        // Every fourth pixel is that of any picture.
                        boolean isInk = (bits & 3) == 0 ? (bits & 4) != 0 : pattern[i];
                        image[i] = (byte) (isInk ? 128 + (bits & 127) : 0);
                        bits >>>= 4;
                    }
                    images.write(image);
                }
            }
            try (OutputStream out = Files.newOutputStream(directory.resolve(set + "-labels-idx1-ubyte"))) {
                out.write(header(count));
                out.write(labels);
            }
        }

        private static byte[] header(int... lengths) {
            ByteBuffer header = ByteBuffer.allocate(4 + 4 * lengths.length);
            header.put(new byte[] {0, 0, 8, (byte) lengths.length});
            for (int length : lengths) {
                header.putInt(length);
            }
            return header.array();
        }
    }
}
