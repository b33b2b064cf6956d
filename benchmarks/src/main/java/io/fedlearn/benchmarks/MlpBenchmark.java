package io.fedlearn.benchmarks;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.models.MultilayerPerceptron;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * How fast is a training step of the multilayer perceptron 784-200-200-10, beside a plain matrix product in the same JVM?
 *
 * <p>A step is loss, gradient and SGD on one batch. Only the multiplications and additions of its matrix products count as its work:
 * for a batch of {@code b}, {@code 2 b (784 200 + 200 200 + 200 10)} forward, as many for the weights' gradient, and
 * {@code 2 b (200 200 + 200 10)} backward. The plain product multiplies two matrices of 200 × 200 row by row, the loop over a row of
 * the result innermost.
 *
 * <p>In turn, in one run, with GFLOP/s on one core:
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" io.fedlearn.benchmarks.MlpBenchmark [turns [file]]
 * </pre>
 *
 * <p>The same in JMH's harness:
 *
 * <pre>
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" org.openjdk.jmh.Main MlpBenchmark
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MlpBenchmark {
    private static final int FEATURES = 784;
    private static final int HIDDEN = 200;
    private static final int CLASSES = 10;
    private static final int REPEATS = 100;
    private static final String STEP = "training step";
    private static final String GRADIENT = "of it, loss and gradient";
    private static final String FORWARD = "evaluation";
    private static final String PRODUCT = "plain matrix product";

    /** Examples in a batch. */
    @Param({"10", "32"})
    public int batchSize = 10;

    private final float[][] a = new float[HIDDEN][HIDDEN];
    private final float[][] b = new float[HIDDEN][HIDDEN];
    private final float[][] c = new float[HIDDEN][HIDDEN];
    private final MultilayerPerceptron model =
            MultilayerPerceptron.builder(FEATURES).hidden(HIDDEN, HIDDEN).multiclass(CLASSES);
    private final float[] gradient = new float[model.trainables().length];
    private Batch batch = Batch.of(1, FEATURES, 1);
    private float[] outputs = new float[0];

    /** Makes a batch and a model. */
    @Setup
    public void makeBatch() {
        SeededRandom random = SeededRandom.of(1);
        batch = Batch.of(batchSize, FEATURES, 1);
        batch.resize(batchSize);
        for (int i = 0; i < batch.features().length; i++) {
            // As in a picture of a digit: four of five pixels are black.
            batch.features()[i] = random.nextInt(5) == 0 ? (float) random.nextDouble() : 0;
        }
        for (int i = 0; i < batchSize; i++) {
            batch.targets()[i] = random.nextInt(CLASSES);
        }
        for (int i = 0; i < HIDDEN; i++) {
            for (int j = 0; j < HIDDEN; j++) {
                a[i][j] = (float) random.nextGaussian();
                b[i][j] = (float) random.nextGaussian();
            }
        }
        outputs = new float[batchSize * CLASSES];
        model.load(model.initialModel(1));
        // So slow that the model stays what it is, however long the benchmark runs.
        model.startTraining(TrainingSettings.defaults().withLearningRate(1e-9).withBatchSize(batchSize), 1);
    }

    /** Loss, gradient and SGD. */
    @Benchmark
    public double trainingStep() {
        double loss = model.lossAndGradient(batch, gradient);
        model.applyGradient(gradient);
        return loss;
    }

    /** Loss and gradient of a model that stays as it is. */
    @Benchmark
    public double lossAndGradient() {
        return model.lossAndGradient(batch, gradient);
    }

    /** Forward alone. */
    @Benchmark
    public double evaluation() {
        return model.evaluate(batch, outputs);
    }

    /** The baseline: {@code c = a b}. */
    @Benchmark
    public float plainProduct() {
        for (int i = 0; i < HIDDEN; i++) {
            float[] row = c[i];
            for (int j = 0; j < HIDDEN; j++) {
                row[j] = 0;
            }
            for (int k = 0; k < HIDDEN; k++) {
                addScaled(row, b[k], a[i][k]);
            }
        }
        return c[HIDDEN - 1][HIDDEN - 1];
    }

    private static void addScaled(float[] sum, float[] row, float scale) {
        for (int j = 0; j < sum.length; j++) {
            sum[j] += scale * row[j];
        }
    }

    /** Runs both batch sizes in turn and prints a table. */
    public static void main(String[] arguments) throws Exception {
        int turns = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 25;
        System.out.println(Machine.description());
        StringBuilder json = new StringBuilder();
        for (int size : new int[] {10, 32}) {
            MlpBenchmark benchmark = new MlpBenchmark();
            benchmark.batchSize = size;
            benchmark.makeBatch();
            Map<String, Samples.Work> ways = new LinkedHashMap<>();
            // A hundred at a time, so that looking at the clock does not count.
            ways.put(PRODUCT, () -> repeat(benchmark::plainProduct));
            ways.put(STEP, () -> repeat(benchmark::trainingStep));
            ways.put(GRADIENT, () -> repeat(benchmark::lossAndGradient));
            ways.put(FORWARD, () -> repeat(benchmark::evaluation));
            Samples samples = Samples.inTurn(ways, 25, turns);
            print(size, turns, samples);
            json.append(json.isEmpty() ? "" : ",\n")
                    .append("  {\"batch\": ")
                    .append(size)
                    .append(", \"repeats\": ")
                    .append(REPEATS)
                    .append(", \"seconds\": ")
                    .append(samples.toJson())
                    .append('}');
        }
        if (arguments.length > 1) {
            Files.writeString(
                    Path.of(arguments[1]),
                    "{\"machine\": \"" + Machine.description() + "\", \"unit\": \"s\", \"samples\": [\n" + json
                            + "\n]}\n");
        }
    }

    private static void repeat(Samples.Work work) throws Exception {
        for (int i = 0; i < REPEATS; i++) {
            work.run();
        }
    }

    /** The multiplications and additions of one call. */
    private static double flops(String name, int size) {
        double forward = 2.0 * size * (FEATURES * HIDDEN + HIDDEN * HIDDEN + HIDDEN * CLASSES);
        double backward = 2.0 * size * (HIDDEN * HIDDEN + HIDDEN * CLASSES);
        return switch (name) {
            case PRODUCT -> 2.0 * HIDDEN * HIDDEN * HIDDEN;
            case FORWARD -> forward;
            default -> 2 * forward + backward;
        };
    }

    private static void print(int size, int turns, Samples samples) {
        System.out.printf("%n784-200-200-10, batch %d, medians of %d turns of %d%n%n", size, turns, REPEATS);
        System.out.println("| what | microseconds | GFLOP/s | of the plain product's |");
        System.out.println("|---|---|---|---|");
        double plain = flops(PRODUCT, size) / samples.median(PRODUCT);
        for (String name : List.of(PRODUCT, STEP, GRADIENT, FORWARD)) {
            double rate = flops(name, size) / samples.median(name);
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.1f | %.1f | %.2f |%n",
                    name,
                    samples.median(name) / REPEATS * 1e6,
                    rate * REPEATS / 1e9,
                    rate / plain);
        }
    }
}
