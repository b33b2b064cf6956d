package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.transform.Codec;
import io.fedlearn.aggregators.transform.RandomMask;
import io.fedlearn.aggregators.transform.ReducedPrecision;
import io.fedlearn.aggregators.transform.StochasticQuantization;
import io.fedlearn.aggregators.transform.TopK;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.models.DenseModel;
import io.fedlearn.models.MultilayerPerceptron;
import io.fedlearn.models.idx.IdxImages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * How much accuracy does each codec lose at equal rounds, and how many bytes does it save?
 *
 * <p>MNIST, the 784-200-200-10 perceptron of McMahan et al. 2017, 100 clients with two shards of one digit each, 10 a round, batches of 10,
 * one epoch, FedAvg. Every codec sees the same clients, cohorts and seeds.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xmx2g -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.CodecAccuracyBenchmark --mnist DIR [--rounds N] [--seeds N] [--rate R]
 * </pre>
 */
public final class CodecAccuracyBenchmark {
    private static final int CLIENTS = 100;
    private static final int COHORT = 10;
    private static final int HIDDEN = 200;
    private static final int DIGITS = 10;
    // Between two rounds the accuracy of clients with few digits each moves by points.
    private static final int LAST = 10;

    private CodecAccuracyBenchmark() {}

    private static Map<String, List<Codec>> codecs() {
        Map<String, List<Codec>> codecs = new LinkedHashMap<>();
        codecs.put("none", List.of());
        codecs.put("float16", List.of(ReducedPrecision.float16()));
        codecs.put("bfloat16", List.of(ReducedPrecision.bfloat16()));
        codecs.put("int8", List.of(StochasticQuantization.create()));
        codecs.put("top-k 10 %", List.of(TopK.withShare(0.1)));
        codecs.put("top-k 1 %", List.of(TopK.withShare(0.01)));
        codecs.put("top-k 1 %, no feedback", List.of(TopK.withShare(0.01).withoutErrorFeedback()));
        codecs.put("top-k 1 %, int8", List.of(TopK.withShare(0.01), StochasticQuantization.create()));
        codecs.put("random mask 25 %", List.of(RandomMask.withShare(0.25)));
        codecs.put("random mask 10 %", List.of(RandomMask.withShare(0.1)));
        codecs.put(
                "random mask 10 %, unscaled", List.of(RandomMask.withShare(0.1).unscaled()));
        return codecs;
    }

    /** Runs every codec and prints a table. */
    public static void main(String[] arguments) throws InterruptedException {
        Map<String, String> options = new TreeMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        if (!options.containsKey("--mnist")) {
            System.err.println("--mnist DIR is needed: a folder with the four idx files of MNIST");
            System.exit(2);
        }
        Path directory = Path.of(options.getOrDefault("--mnist", ""));
        int rounds = Integer.parseInt(options.getOrDefault("--rounds", "50"));
        int seeds = Integer.parseInt(options.getOrDefault("--seeds", "1"));
        double rate = Double.parseDouble(options.getOrDefault("--rate", "0.05"));
        IdxImages training = images(directory, "train");
        IdxImages test = images(directory, "t10k");
        System.out.printf(
                Locale.ROOT,
                "%s%n%n%d rounds, learning rate %s, mean of %d runs%n%n",
                Machine.description(),
                rounds,
                rate,
                seeds);
        System.out.printf(
                "%-28s %10s %14s %10s %8s %8s%n",
                "", "best", "last " + LAST + " rounds", "MB sent", "of none", "seconds");
        double plainBytes = 0;
        for (Map.Entry<String, List<Codec>> entry : codecs().entrySet()) {
            double best = 0;
            double last = 0;
            double bytes = 0;
            long start = System.nanoTime();
            for (int seed = 1; seed <= seeds; seed++) {
                Run run = run(entry.getValue(), training, test, rounds, rate, seed);
                best += run.records().stream()
                        .mapToDouble(CodecAccuracyBenchmark::accuracy)
                        .max()
                        .orElseThrow();
                last += run.records().subList(Math.max(0, rounds - LAST), rounds).stream()
                        .mapToDouble(CodecAccuracyBenchmark::accuracy)
                        .average()
                        .orElseThrow();
                bytes += run.records().stream()
                        .flatMap(round -> round.outcomes().stream())
                        .mapToLong(OutcomeRecord::updateBytes)
                        .sum();
            }
            plainBytes = entry.getValue().isEmpty() ? bytes : plainBytes;
            System.out.printf(
                    Locale.ROOT,
                    "%-28s %9.2f%% %13.2f%% %10.2f %7.1f%% %8.0f%n",
                    entry.getKey(),
                    100 * best / seeds,
                    100 * last / seeds,
                    bytes / seeds / 1e6,
                    100 * bytes / plainBytes,
                    (System.nanoTime() - start) / 1e9);
        }
    }

    private static double accuracy(RoundRecord round) {
        return round.metrics().get(Evaluation.ACCURACY).orElseThrow();
    }

    private static IdxImages images(Path directory, String set) {
        return IdxImages.read(file(directory, set + "-images-idx3-ubyte"), file(directory, set + "-labels-idx1-ubyte"));
    }

    private static Path file(Path directory, String name) {
        Path packed = directory.resolve(name + ".gz");
        return Files.exists(packed) ? packed : directory.resolve(name);
    }

    private static DenseModel model(IdxImages images) {
        return MultilayerPerceptron.builder(images.featureShape())
                .hidden(HIDDEN, HIDDEN)
                .multiclass(DIGITS);
    }

    private static Run run(List<Codec> codecs, IdxImages training, IdxImages test, int rounds, double rate, long seed)
            throws InterruptedException {
        Partition parts = Partitioner.parse("shards:2").partition(training.classes(), CLIENTS, seed);
        LocalModelPool models = LocalModelPool.of(() -> model(training));
        Map<String, Client> clients = new TreeMap<>();
        for (int i = 0; i < CLIENTS; i++) {
            clients.put(
                    String.format(Locale.ROOT, "client-%03d", i),
                    LocalTrainingClient.of(models, training.subset(parts.examples(i))));
        }
        Strategy strategy = FedAvg.create().withSelector(ClientSelector.uniform(COHORT));
        for (Codec codec : codecs) {
            strategy = codec.appliedTo(strategy);
        }
        DenseModel tester = model(test);
        return Federation.of(clients)
                .strategy(strategy)
                .initialModel(model(training).initialModel(seed))
                .training(TrainingSettings.defaults()
                        .withLocalEpochs(1)
                        .withBatchSize(10)
                        .withLearningRate(rate))
                .rounds(rounds)
                .seed(seed)
                .federatedEvaluation(false)
                .centralEvaluation(weights -> {
                    tester.load(weights);
                    return Evaluation.of(tester, test).metrics();
                })
                .run();
    }
}
