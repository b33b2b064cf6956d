package io.fedlearn.benchmarks;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.internal.CoinSampler;
import io.fedlearn.privacy.internal.GridSampler;
import io.fedlearn.privacy.internal.NoiseSource;
import io.fedlearn.privacy.mechanism.GaussianMechanism;
import io.fedlearn.privacy.mechanism.LaplaceMechanism;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
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
 * How many exact, secure numbers a second does each sampler draw on one core, beside {@link Random#nextGaussian()} and
 * {@link SplittableRandom}, which are neither; and how long does it take to noise a model of 10M parameters?
 *
 * <p>In turn, in one run:
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xms2g -Xmx2g -XX:+AlwaysPreTouch -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.NoiseBenchmark [turns [parameters [file for the samples]]]
 * </pre>
 *
 * <p>The samplers in JMH's harness:
 *
 * <pre>
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" org.openjdk.jmh.Main NoiseBenchmark
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class NoiseBenchmark {
    private static final String RANDOM = "Random.nextGaussian";
    private static final int COUNT = 1 << 17;
    private static final int COINS = 1 << 11;

    /** What draws 2^17 numbers. */
    @Param({
        RANDOM,
        "SplittableRandom.nextGaussian",
        "secure bits",
        "rounded Gaussian",
        "rounded Laplace",
        "discrete Gaussian",
        "discrete Laplace"
    })
    public String sampler = RANDOM;

    private Samples.Work work = () -> {};

    /** Finds the sampler. */
    @Setup
    public void findSampler() {
        work = samplers().getOrDefault(sampler, work);
    }

    /** Draws numbers. */
    @Benchmark
    public void draw() throws Exception {
        work.run();
    }

    private static Map<String, Samples.Work> samplers() {
        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        double[] doubles = new double[COUNT];
        Random random = new Random(1);
        ways.put(RANDOM, () -> {
            for (int i = 0; i < COUNT; i++) {
                doubles[i] = random.nextGaussian();
            }
        });
        SplittableRandom splittable = new SplittableRandom(1);
        ways.put("SplittableRandom.nextGaussian", () -> {
            for (int i = 0; i < COUNT; i++) {
                doubles[i] = splittable.nextGaussian();
            }
        });
        long[] longs = new long[COUNT];
        NoiseSource source = NoiseSource.secure();
        ways.put("secure bits", () -> source.nextLongs(longs, 0, COUNT));
        Map<String, GridSampler> samplers = new LinkedHashMap<>();
        samplers.put("rounded Gaussian", GridSampler.roundedGaussian(1e9));
        samplers.put("rounded Laplace", GridSampler.roundedLaplace(1e9));
        samplers.put("discrete Gaussian", GridSampler.discreteGaussian(1000));
        samplers.put("discrete Laplace", GridSampler.discreteLaplace(1000));
        samplers.forEach((name, sampler) -> ways.put(name, () -> sampler.fill(source, longs, 0, COUNT)));
        return ways;
    }

    private static Map<String, Samples.Work> coins() {
        NoiseSource source = NoiseSource.secure();
        long[] longs = new long[COINS];
        GridSampler gaussian = CoinSampler.discreteGaussian(1000);
        GridSampler laplace = CoinSampler.discreteLaplace(1000);
        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        ways.put("discrete Gaussian, coins", () -> gaussian.fill(source, longs, 0, COINS));
        ways.put("discrete Laplace, coins", () -> laplace.fill(source, longs, 0, COINS));
        return ways;
    }

    private static Map<String, Samples.Work> models(int parameters) {
        float[] values = new float[parameters];
        Model model = Model.builder().trainable("w", Tensor.wrap(values)).build();
        GaussianMechanism gaussian = GaussianMechanism.builder()
                .relation(NeighboringRelation.ADD_OR_REMOVE_ONE)
                .l2Sensitivity(1)
                .noiseMultiplier(1)
                .build();
        LaplaceMechanism laplace = LaplaceMechanism.builder()
                .relation(NeighboringRelation.ADD_OR_REMOVE_ONE)
                .l1Sensitivity(1)
                .noiseMultiplier(1)
                .build();
        Random random = new Random(1);
        float[] noised = new float[parameters];
        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        ways.put("model, " + RANDOM, () -> {
            for (int i = 0; i < parameters; i++) {
                noised[i] = (float) (values[i] + random.nextGaussian());
            }
        });
        ways.put("model, GaussianMechanism", () -> gaussian.release(model));
        ways.put("model, LaplaceMechanism", () -> laplace.release(model));
        return ways;
    }

    /** Measures in turn and prints two tables. */
    public static void main(String[] arguments) throws Exception {
        int turns = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 21;
        int parameters = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 10_000_000;
        Map<String, Samples.Work> ways = new LinkedHashMap<>(samplers());
        Map<String, Samples.Work> coins = coins();
        ways.putAll(coins);
        Samples samples = Samples.inTurn(ways, 20, turns);
        System.out.printf("%s%n%nMedians of %d turns%n%n", Machine.description(), turns);
        System.out.printf(Locale.ROOT, "%-30s %14s %26s%n", "", "million/s", "times " + RANDOM);
        for (String way : ways.keySet()) {
            int count = coins.containsKey(way) ? COINS : COUNT;
            System.out.printf(
                    Locale.ROOT,
                    "%-30s %14.2f %26.2f%n",
                    way,
                    count / samples.median(way) / 1e6,
                    count / (COUNT * samples.ratio(way, RANDOM)));
        }

        Map<String, Samples.Work> models = models(parameters);
        Samples noising = Samples.inTurn(models, 2, Math.min(turns, 9));
        System.out.printf(Locale.ROOT, "%n%-30s %14s %26s%n", parameters + " parameters", "seconds", "times faster");
        for (String way : models.keySet()) {
            System.out.printf(
                    Locale.ROOT,
                    "%-30s %14.3f %26.2f%n",
                    way,
                    noising.median(way),
                    1 / noising.ratio(way, "model, " + RANDOM));
        }
        if (arguments.length > 2) {
            Files.writeString(
                    Path.of(arguments[2]),
                    "{\n\"samplers\": " + samples.toJson() + ",\n\"models\": " + noising.toJson() + "\n}\n");
        }
    }
}
