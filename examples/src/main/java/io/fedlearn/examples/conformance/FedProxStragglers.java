package io.fedlearn.examples.conformance;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.models.SoftmaxRegression;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * FedProx against FedAvg on {@code synthetic(1, 1)} with and without stragglers, and on IID data where it must lose.
 *
 * <p>As published: softmax regression from 0, 10 of 30 users a round, batches of 10, 20 epochs, learning rate 0.01, {@code mu}
 * 1; FedAvg drops stragglers, FedProx keeps what they got done. The relations are held after 60 rounds, over several data sets.
 */
final class FedProxStragglers implements Experiment {
    private static final String PAPER = "Li et al. 2020 (FedProx)";
    private static final int COHORT = 10;
    private static final int EPOCHS = 20;
    private static final int BATCH_SIZE = 10;
    private static final double LEARNING_RATE = 0.01;
    private static final double MU = 1;
    private static final int STRAGGLERS = 9;
    private static final int ROUNDS = 60;
    private static final int DATA_SETS = 10;
    private static final int MOST_IID_DATA_SETS = 3;

    private final int rounds;
    private final int dataSets;
    private final int iidDataSets;
    private final Claim loss;
    private final Claim order;
    private final Claim stable;
    private final Claim gap;
    private final Claim reversal;

    private FedProxStragglers(int rounds, int dataSets) {
        this.rounds = rounds;
        this.dataSets = dataSets;
        this.iidDataSets = Math.min(MOST_IID_DATA_SETS, dataSets);
        String setting = ", synthetic(1,1), " + rounds + " rounds, " + dataSets + " data sets";
        this.loss = new Claim(
                "fedprox/loss",
                PAPER + setting,
                "less loss than FedAvg, with and without stragglers",
                "mean training loss below FedAvg's, at 0 and 90 % stragglers");
        this.order = new Claim(
                "fedprox/order",
                "ours: the relation above, data set by data set" + setting,
                "-",
                "less loss than FedAvg on at least " + fewest() + " of " + dataSets + ", at 0 and at 90 %");
        this.stable = new Claim(
                "fedprox/stable",
                PAPER + setting,
                "hardly moved by stragglers",
                "mean accuracies at 0 and 90 % differ by less than 0.02");
        this.gap = new Claim(
                "fedprox/gap",
                "README of the authors' code (litian96/FedProx): 22 % on average over the paper's data sets" + setting,
                "+22 points of accuracy over FedAvg at 90 % stragglers",
                "at least +10 points of mean accuracy");
        this.reversal = new Claim(
                "fedprox/iid",
                PAPER + ", figure 2: synthetic IID, " + rounds + " rounds, " + iidDataSets + " data sets",
                "mu = 1 is worse than FedAvg",
                "mean training loss above FedAvg's");
    }

    /** All of it. */
    static FedProxStragglers whole() {
        return new FedProxStragglers(ROUNDS, DATA_SETS);
    }

    /** A part of it, for tests. */
    static FedProxStragglers part(int rounds, int dataSets) {
        return new FedProxStragglers(rounds, dataSets);
    }

    /** Nine of ten. */
    private int fewest() {
        return (9 * dataSets + 9) / 10;
    }

    @Override
    public String name() {
        return "fedprox";
    }

    @Override
    public String description() {
        return "FedProx and FedAvg on synthetic(1,1) with 0 and 90 % stragglers, and on IID data";
    }

    @Override
    public boolean needsMnist() {
        return false;
    }

    @Override
    public List<Claim> claims() {
        return List.of(loss, order, stable, gap, reversal);
    }

    /** What a model is worth: its loss on what it was trained on, its accuracy on what it was not. */
    private record Score(double loss, double accuracy) {
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%.3f / %.3f", loss, accuracy);
        }
    }

    /** FedAvg's score and FedProx's. */
    private record Pair(Score average, Score proximal) {
        boolean isProximalLower() {
            return proximal.loss() < average.loss();
        }
    }

    @Override
    public List<Row> run(Bench bench) throws InterruptedException {
        List<Pair> prompt = new ArrayList<>();
        List<Pair> late = new ArrayList<>();
        List<Pair> iid = new ArrayList<>();
        int runs = 2 * (2 * dataSets + iidDataSets);
        Grid grid = Grid.of("data set (examples)", "stragglers", "FedAvg", "FedProx");
        try (ProgressBar bar = bench.begin("fedprox, runs")) {
            for (int i = 0; i < dataSets; i++) {
                long seed = SeededRandom.derive(bench.seed(), i);
                SyntheticUsers users = SyntheticUsers.heterogeneous(1, 1, seed);
                prompt.add(pair(users, seed, 0, bench));
                grid = with(grid, "synthetic(1,1) " + i, users, "0 %", prompt.get(i));
                late.add(pair(users, seed, STRAGGLERS, bench));
                grid = with(grid, "synthetic(1,1) " + i, users, "90 %", late.get(i));
                bar.update(4L * (i + 1), runs);
            }
            for (int i = 0; i < iidDataSets; i++) {
                long seed = SeededRandom.derive(bench.seed(), i);
                SyntheticUsers users = SyntheticUsers.iid(seed);
                iid.add(pair(users, seed, 0, bench));
                grid = with(grid, "IID " + i, users, "0 %", iid.get(i));
                bar.update(4L * dataSets + 2L * (i + 1), runs);
            }
        }
        bench.print("training loss / test accuracy after " + rounds + " rounds", grid);
        return rows(prompt, late, iid);
    }

    private static Grid with(Grid grid, String data, SyntheticUsers users, String stragglers, Pair pair) {
        return grid.with(
                data + " (" + users.exampleCount() + ")",
                stragglers,
                pair.average().toString(),
                pair.proximal().toString());
    }

    private Pair pair(SyntheticUsers users, long seed, int stragglers, Bench bench) throws InterruptedException {
        return new Pair(train(users, seed, stragglers, false, bench), train(users, seed, stragglers, true, bench));
    }

    private List<Row> rows(List<Pair> prompt, List<Pair> late, List<Pair> iid) {
        double averageLoss = mean(prompt, pair -> pair.average().loss());
        double proximalLoss = mean(prompt, pair -> pair.proximal().loss());
        double averageLateLoss = mean(late, pair -> pair.average().loss());
        double proximalLateLoss = mean(late, pair -> pair.proximal().loss());
        long promptCount = prompt.stream().filter(Pair::isProximalLower).count();
        long lateCount = late.stream().filter(Pair::isProximalLower).count();
        double accuracy = mean(prompt, pair -> pair.proximal().accuracy());
        double lateAccuracy = mean(late, pair -> pair.proximal().accuracy());
        double gain = lateAccuracy - mean(late, pair -> pair.average().accuracy());
        double iidAverage = mean(iid, pair -> pair.average().loss());
        double iidProximal = mean(iid, pair -> pair.proximal().loss());
        return List.of(
                loss.measured(
                        proximalLoss < averageLoss && proximalLateLoss < averageLateLoss,
                        "%.3f against %.3f; at 90 %% %.3f against %.3f",
                        proximalLoss,
                        averageLoss,
                        proximalLateLoss,
                        averageLateLoss),
                order.measured(
                        promptCount >= fewest() && lateCount >= fewest(),
                        "%d of %d; at 90 %% %d",
                        promptCount,
                        dataSets,
                        lateCount),
                stable.measured(Math.abs(lateAccuracy - accuracy) < 0.02, "%.3f and %.3f", accuracy, lateAccuracy),
                gap.measured(gain >= 0.1, "%+.1f points", 100 * gain),
                reversal.measured(iidProximal > iidAverage, "%.3f against %.3f", iidProximal, iidAverage));
    }

    private static double mean(List<Pair> all, ToDoubleFunction<Pair> value) {
        return all.stream().mapToDouble(value).average().orElse(Double.NaN);
    }

    private Score train(SyntheticUsers users, long seed, int stragglers, boolean isProximal, Bench bench)
            throws InterruptedException {
        LocalModelPool models =
                LocalModelPool.of(() -> SoftmaxRegression.of(SyntheticUsers.FEATURES, SyntheticUsers.CLASSES));
        Map<String, Client> clients = new TreeMap<>();
        for (int k = 0; k < users.training().size(); k++) {
            clients.put(
                    String.format(Locale.ROOT, "user-%02d", k),
                    LocalTrainingClient.of(models, users.training().get(k)));
        }
        Stragglers plan = new Stragglers(List.copyOf(clients.keySet()), COHORT, stragglers, EPOCHS, seed);
        Strategy strategy = isProximal ? plan.keptBy(FedProx.withMu(MU)) : plan.droppedBy(FedAvg.create());
        Model model = Federation.of(clients)
                .strategy(strategy)
                .rounds(rounds)
                .seed(seed)
                .parallelism(bench.threads())
                .training(TrainingSettings.defaults()
                        .withLearningRate(LEARNING_RATE)
                        .withBatchSize(BATCH_SIZE)
                        .withLocalEpochs(EPOCHS))
                .evaluateEvery(0)
                .run()
                .model();
        return score(model, users);
    }

    private static Score score(Model model, SyntheticUsers users) {
        SoftmaxRegression tester = SoftmaxRegression.of(SyntheticUsers.FEATURES, SyntheticUsers.CLASSES);
        tester.load(model);
        double lossSum = 0;
        for (InMemoryExamples examples : users.training()) {
            lossSum += examples.exampleCount()
                    * Evaluation.of(tester, examples)
                            .metrics()
                            .get(Evaluation.LOSS)
                            .orElseThrow();
        }
        return new Score(
                lossSum / users.exampleCount(),
                Evaluation.of(tester, users.test())
                        .metrics()
                        .get(Evaluation.ACCURACY)
                        .orElseThrow());
    }
}
