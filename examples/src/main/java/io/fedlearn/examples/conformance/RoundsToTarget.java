package io.fedlearn.examples.conformance;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.CentralEvaluation;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.mnist.MnistData;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.models.DenseModel;
import io.fedlearn.models.MultilayerPerceptron;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * FedAvg's 2NN on MNIST: how many rounds it takes to 97 % on the test images.
 *
 * <p>As published: 784-200-200-10 with ReLU, 199,210 parameters; 100 clients, a tenth of them a round, batches of 10, one local
 * epoch. The curve is made monotone and its crossing interpolated. The learning rate is tuned here as there, over three values
 * with successive halving: after an eighth of the rounds the worst goes, after a quarter the second, and the best goes on. The
 * images are evaluated every {@value #EVALUATE_EVERY} rounds.
 */
final class RoundsToTarget implements Experiment {
    private static final int CLIENTS = 100;
    private static final int COHORT = 10;
    private static final int BATCH_SIZE = 10;
    private static final int EVALUATE_EVERY = 5;
    private static final double TARGET = 0.97;
    private static final List<Double> LEARNING_RATES = List.of(0.05, 0.1, 0.2);
    private static final int HIDDEN = 200;
    private static final int CLASSES = 10;

    private final String name;
    private final String division;
    private final Partitioner partitioner;
    private final int publishedRounds;
    private final Claim claim;

    private RoundsToTarget(String name, String division, Partitioner partitioner, int publishedRounds) {
        this.name = name;
        this.division = division;
        this.partitioner = partitioner;
        this.publishedRounds = publishedRounds;
        this.claim = new Claim(
                name + "/rounds",
                "McMahan et al. 2017, table 1: MNIST 2NN, C=0.1, B=10, E=1, " + division,
                publishedRounds + " rounds to 97 %",
                "at most " + limit() + " (2 x the paper's)");
    }

    /** Every client has 600 images of all digits. */
    static RoundsToTarget iid() {
        return new RoundsToTarget("fedavg-iid", "IID", Partitioner.iid(), 87);
    }

    /** Every client has two shards of 300 images that were sorted by digit. */
    static RoundsToTarget shards() {
        return new RoundsToTarget("fedavg-shards", "two shards of the sorted images", Partitioner.shards(2), 664);
    }

    private int limit() {
        return 2 * publishedRounds;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        return "FedAvg on MNIST, " + division + ": rounds to 97 % of the 2NN";
    }

    @Override
    public boolean needsMnist() {
        return true;
    }

    @Override
    public List<Claim> claims() {
        return List.of(claim);
    }

    @Override
    public List<Row> run(Bench bench) throws InterruptedException {
        MnistData images = bench.images();
        Partition parts = partitioner.partition(
                images.training().classes(), CLIENTS, SeededRandom.derive(bench.seed(), "partition"));
        List<Trial> all = new ArrayList<>();
        for (double rate : LEARNING_RATES) {
            all.add(new Trial(bench, images, parts, rate));
        }
        List<Trial> left = new ArrayList<>(all);
        int eighth = evaluated(limit() / 8);
        int quarter = evaluated(limit() / 4);
        int most = eighth + quarter + evaluated(limit());
        try (ProgressBar bar = bench.begin(name + ", rounds of all learning rates at most")) {
            advance(left, eighth, () -> bar.update(rounds(all), most));
            left.remove(worst(left));
            advance(left, quarter, () -> bar.update(rounds(all), most));
            left.remove(worst(left));
            advance(left, evaluated(limit()), () -> bar.update(rounds(all), most));
            bar.update(rounds(all), rounds(all));
        }
        Trial best = left.get(0);
        Grid grid = Grid.of("learning rate", "rounds", "best accuracy", "rounds to 97 %");
        for (Trial trial : all) {
            grid = grid.with(
                    Double.toString(trial.learningRate),
                    Integer.toString(trial.rounds),
                    percent(trial.bestAccuracy()),
                    trial.crossing().isPresent()
                            ? String.format(
                                    Locale.ROOT, "%.1f", trial.crossing().getAsDouble())
                            : "-");
        }
        bench.print(name, grid);
        OptionalDouble rounds = best.crossing();
        return List.of(
                rounds.isPresent()
                        ? claim.measured(
                                rounds.getAsDouble() <= limit(),
                                "%.1f rounds (learning rate %s)",
                                rounds.getAsDouble(),
                                best.learningRate)
                        : claim.measured(
                                false,
                                "%s after %d rounds (learning rate %s)",
                                percent(best.bestAccuracy()),
                                best.rounds,
                                best.learningRate));
    }

    /** The first round from this one on that is evaluated. */
    private static int evaluated(int round) {
        return (round + EVALUATE_EVERY - 1) / EVALUATE_EVERY * EVALUATE_EVERY;
    }

    private static int rounds(List<Trial> trials) {
        return trials.stream().mapToInt(trial -> trial.rounds).sum();
    }

    private static void advance(List<Trial> trials, int rounds, Runnable shown) throws InterruptedException {
        for (Trial trial : trials) {
            while (trial.rounds < rounds && trial.crossing().isEmpty()) {
                trial.goOn(trial.rounds + EVALUATE_EVERY);
                shown.run();
            }
        }
    }

    /** One that has reached the target is better than any that has not, and the sooner the better. */
    private static Trial worst(List<Trial> trials) {
        return trials.stream()
                .min(Comparator.comparingDouble(
                                (Trial trial) -> -trial.crossing().orElse(Double.POSITIVE_INFINITY))
                        .thenComparingDouble(Trial::bestAccuracy))
                .orElseThrow();
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * share);
    }

    /** Training with one learning rate, taken up again as often as there are rounds to add. */
    private static final class Trial {
        private final double learningRate;
        private final Federation.Builder federation;
        private final List<double[]> curve = new ArrayList<>();
        private int rounds;

        Trial(Bench bench, MnistData images, Partition parts, double learningRate) {
            this.learningRate = learningRate;
            Shape shape = images.training().featureShape();
            LocalModelPool models = LocalModelPool.of(() -> network(shape));
            List<Client> clients = new ArrayList<>();
            for (int i = 0; i < parts.clientCount(); i++) {
                clients.add(LocalTrainingClient.of(models, images.training().subset(parts.examples(i))));
            }
            DenseModel tester = network(shape);
            CentralEvaluation evaluation = model -> {
                tester.load(model);
                return Evaluation.of(tester, images.test()).metrics();
            };
            this.federation = Federation.of(clients)
                    .strategy(FedAvg.create().withSelector(ClientSelector.uniform(COHORT)))
                    .training(TrainingSettings.defaults()
                            .withBatchSize(BATCH_SIZE)
                            .withLocalEpochs(1)
                            .withLearningRate(learningRate))
                    .initialModel(network(shape).initialModel(bench.seed()))
                    .seed(bench.seed())
                    .runId("conformance")
                    .parallelism(bench.threads())
                    .evaluateEvery(EVALUATE_EVERY)
                    .federatedEvaluation(false)
                    .centralEvaluation(evaluation)
                    .store(InMemoryRunStore.create())
                    .resume(true);
        }

        private static DenseModel network(Shape shape) {
            return MultilayerPerceptron.builder(shape).hidden(HIDDEN, HIDDEN).multiclass(CLASSES);
        }

        void goOn(int untilRound) throws InterruptedException {
            List<RoundRecord> records = federation.rounds(untilRound).run().records();
            for (RoundRecord record : records.subList(rounds, records.size())) {
                Metrics metrics = record.metrics();
                metrics.get(Evaluation.ACCURACY)
                        .ifPresent(accuracy -> curve.add(new double[] {record.round(), accuracy}));
            }
            rounds = untilRound;
        }

        double bestAccuracy() {
            return curve.stream().mapToDouble(point -> point[1]).max().orElse(0);
        }

        OptionalDouble crossing() {
            return Curve.crossing(curve, TARGET);
        }
    }
}
