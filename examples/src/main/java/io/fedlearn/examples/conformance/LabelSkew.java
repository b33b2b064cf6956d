package io.fedlearn.examples.conformance;

import io.fedlearn.aggregators.FedAdagrad;
import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedAvgM;
import io.fedlearn.aggregators.FedNova;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.aggregators.FedYogi;
import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.CentralEvaluation;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.partition.Partition;
import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.LocalModelPool;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.console.ProgressBar;
import io.fedlearn.examples.report.Grid;
import io.fedlearn.models.DenseModel;
import io.fedlearn.models.MultilayerPerceptron;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * NIID-bench's MNIST with Dirichlet(0.5) label skew, made smaller: 10 clients that all take part, 10 local epochs, batches of 64,
 * SGD with momentum 0.9 at 0.01, as there; but {@value #IMAGES} images, {@value #ROUNDS} rounds and a perceptron with {@value
 * #HIDDEN} hidden units in place of 60,000, 50 and a convolutional network. So gaps between methods are compared, not accuracies.
 */
final class LabelSkew implements Experiment {
    private static final String SOURCE =
            "NIID-bench as run again by Flower (baselines/niid_bench): MNIST, Dirichlet(0.5), accuracy after 50 rounds";
    private static final int CLIENTS = 10;
    private static final int IMAGES = 10_000;
    private static final int ROUNDS = 15;
    private static final int LAST_ROUNDS = 3;
    private static final int HIDDEN = 64;
    private static final double ALPHA = 0.5;
    private static final double MU = 0.01;
    private static final TrainingSettings TRAINING = TrainingSettings.defaults()
            .withLocalEpochs(10)
            .withBatchSize(64)
            .withLearningRate(0.01)
            .withMomentum(0.9);

    private static final String FEDAVG = "FedAvg";
    private static final String SCAFFOLD = "SCAFFOLD";
    private static final String FEDPROX = "FedProx";
    private static final String FEDNOVA = "FedNova";

    /** The published accuracies, in per cent, best first. */
    private static final Map<String, Double> PUBLISHED = published();

    private static final double MARGIN = 1;
    private static final double INVERSION = 0.5;
    private static final double ADAPTIVE_MARGIN = 2;

    private final List<Claim> gaps = PUBLISHED.keySet().stream()
            .filter(method -> !method.equals(FEDAVG))
            .map(LabelSkew::gap)
            .toList();
    private final Claim order = new Claim(
            "label-skew/order",
            SOURCE,
            "SCAFFOLD 99.07, FedProx 99.02, FedAvg 98.89, FedNova 98.03",
            "no method is more than " + INVERSION + " points above one that is published as better");
    private final Claim adaptive = new Claim(
            "label-skew/adaptive",
            "ours: nothing is published for this setting; server learning rates tuned over half powers of ten",
            "-",
            "each of FedAvgM, FedAdagrad, FedAdam and FedYogi is at most " + ADAPTIVE_MARGIN + " points below FedAvg");

    LabelSkew() {}

    private static Map<String, Double> published() {
        Map<String, Double> accuracies = new LinkedHashMap<>();
        accuracies.put(SCAFFOLD, 99.07);
        accuracies.put(FEDPROX, 99.02);
        accuracies.put(FEDAVG, 98.89);
        accuracies.put(FEDNOVA, 98.03);
        return accuracies;
    }

    private static double publishedGap(String method) {
        return of(PUBLISHED, method) - of(PUBLISHED, FEDAVG);
    }

    private static double of(Map<String, Double> accuracies, String method) {
        return Optional.ofNullable(accuracies.get(method)).orElseThrow();
    }

    private static Claim gap(String method) {
        return new Claim(
                "label-skew/" + method.toLowerCase(Locale.ROOT),
                SOURCE,
                String.format(Locale.ROOT, "%+.2f points to FedAvg", publishedGap(method)),
                (method.equals(SCAFFOLD) ? "above FedAvg, and " : "") + "within " + MARGIN + " points of that gap");
    }

    @Override
    public String name() {
        return "label-skew";
    }

    @Override
    public String description() {
        return "FedAvg, FedProx, SCAFFOLD, FedNova and adaptive servers on MNIST, Dirichlet(0.5), NIID-bench made smaller";
    }

    @Override
    public boolean needsMnist() {
        return true;
    }

    @Override
    public List<Claim> claims() {
        List<Claim> claims = new ArrayList<>(gaps);
        claims.add(order);
        claims.add(adaptive);
        return claims;
    }

    /** Methods by name, those of the published table first. */
    private static Map<String, Strategy> published(int clients) {
        Map<String, Strategy> methods = new LinkedHashMap<>();
        methods.put(FEDAVG, FedAvg.create());
        methods.put(FEDPROX, FedProx.withMu(MU));
        methods.put(SCAFFOLD, Scaffold.withClients(clients));
        methods.put(FEDNOVA, FedNova.create());
        return methods;
    }

    private static Map<String, Strategy> adaptive() {
        Map<String, Strategy> methods = new LinkedHashMap<>();
        methods.put(FedAvgM.NAME, FedAvgM.create());
        methods.put(FedAdagrad.NAME, FedAdagrad.withServerLearningRate(0.03));
        methods.put(FedAdam.NAME, FedAdam.withServerLearningRate(0.1));
        methods.put(FedYogi.NAME, FedYogi.withServerLearningRate(0.03));
        return methods;
    }

    @Override
    public List<Row> run(Bench bench) throws InterruptedException {
        Map<String, Strategy> methods = new LinkedHashMap<>(published(CLIENTS));
        methods.putAll(adaptive());
        Images images = Images.of(bench.images(), IMAGES, bench.seed());
        Partition parts = Partitioner.dirichlet(ALPHA, CLIENTS)
                .partition(images.classes(), CLIENTS, SeededRandom.derive(bench.seed(), "partition"));
        Map<String, Double> accuracies = new LinkedHashMap<>();
        Grid grid = Grid.of("method", "accuracy", "to FedAvg", "published", "to FedAvg");
        try (ProgressBar bar = bench.begin(name() + ", methods")) {
            for (Map.Entry<String, Strategy> method : methods.entrySet()) {
                double accuracy = accuracy(method.getValue(), images, images.divided(parts), bench);
                accuracies.put(method.getKey(), accuracy);
                Optional<Double> known = Optional.ofNullable(PUBLISHED.get(method.getKey()));
                grid = grid.with(
                        method.getKey(),
                        String.format(Locale.ROOT, "%.2f", accuracy),
                        String.format(Locale.ROOT, "%+.2f", accuracy - of(accuracies, FEDAVG)),
                        known.map(value -> String.format(Locale.ROOT, "%.2f", value))
                                .orElse("-"),
                        known.map(value -> String.format(Locale.ROOT, "%+.2f", publishedGap(method.getKey())))
                                .orElse("-"));
                bar.update(accuracies.size(), methods.size());
            }
        }
        bench.print(
                name() + ": test accuracy in per cent after " + ROUNDS + " rounds, mean of the last " + LAST_ROUNDS,
                grid);
        return rows(accuracies);
    }

    private List<Row> rows(Map<String, Double> accuracies) {
        List<Row> rows = new ArrayList<>();
        List<String> best = List.copyOf(PUBLISHED.keySet());
        int claimed = 0;
        for (String method : best) {
            if (!method.equals(FEDAVG)) {
                double ours = of(accuracies, method) - of(accuracies, FEDAVG);
                boolean above = !method.equals(SCAFFOLD) || ours > 0;
                rows.add(gaps.get(claimed)
                        .measured(above && Math.abs(ours - publishedGap(method)) <= MARGIN, "%+.2f points", ours));
                claimed++;
            }
        }
        double inversion = 0;
        StringBuilder figures = new StringBuilder();
        for (int i = 0; i < best.size(); i++) {
            for (String worse : best.subList(i + 1, best.size())) {
                inversion = Math.max(inversion, of(accuracies, worse) - of(accuracies, best.get(i)));
            }
            figures.append(i == 0 ? "" : ", ")
                    .append(String.format(Locale.ROOT, "%s %.2f", best.get(i), of(accuracies, best.get(i))));
        }
        rows.add(order.measured(inversion <= INVERSION, figures.toString()));
        double lag = adaptive().keySet().stream()
                .mapToDouble(method -> of(accuracies, FEDAVG) - of(accuracies, method))
                .max()
                .orElseThrow();
        rows.add(adaptive.measured(lag <= ADAPTIVE_MARGIN, "the last of them is %+.2f points to FedAvg", -lag));
        return rows;
    }

    private static double accuracy(Strategy strategy, Images images, List<ExampleSource> sources, Bench bench)
            throws InterruptedException {
        Supplier<DenseModel> network = () ->
                MultilayerPerceptron.builder(images.shape()).hidden(HIDDEN).multiclass(Images.CLASSES);
        LocalModelPool models = LocalModelPool.of(network);
        List<Client> clients = new ArrayList<>();
        sources.forEach(source -> clients.add(LocalTrainingClient.of(models, source)));
        DenseModel tester = network.get();
        CentralEvaluation evaluation = model -> {
            tester.load(model);
            return Metrics.of(Evaluation.ACCURACY, Accuracy.of(tester, images.test()));
        };
        List<RoundRecord> records = Federation.of(clients)
                .strategy(strategy)
                .training(TRAINING)
                .initialModel(network.get().initialModel(bench.seed()))
                .rounds(ROUNDS)
                .seed(bench.seed())
                .parallelism(bench.threads())
                .federatedEvaluation(false)
                .centralEvaluation(evaluation)
                .run()
                .records();
        return 100
                * records.subList(ROUNDS - LAST_ROUNDS, ROUNDS).stream()
                        .mapToDouble(record ->
                                record.metrics().get(Evaluation.ACCURACY).orElseThrow())
                        .average()
                        .orElseThrow();
    }
}
