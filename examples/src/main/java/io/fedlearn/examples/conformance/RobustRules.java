package io.fedlearn.examples.conformance;

import io.fedlearn.core.partition.Partitioner;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.models.MultilayerPerceptron;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * All rules under all attacks, 20 % of the clients being attackers: what plain averaging cannot bear and robust rules do, and
 * what they lose to averaging.
 */
final class RobustRules implements Experiment {
    private static final String KNOWN = "Blanchard et al. 2017 (Krum): averaging bears no Byzantine client";
    private static final double COLLAPSE = 20;
    private static final double BEARABLE = 6;
    private static final double CURED = 5;
    private static final List<Attack> GROSS = List.of(Attack.GAUSSIAN, Attack.SIGN_FLIP, Attack.INFLATED_COUNT);

    private static final String TABLES =
            "samuele-lolli's comparison on GitHub, tables 21, 22, 27 and 28: 40 rounds, its own data and attackers, ";
    private static final double RESCUE = 10;
    private static final double NO_LOSS = 5;
    private static final double SKEWED = 0.1;
    private static final int SKEWED_DIVISIONS = 3;
    private static final int ATTACKERS = 4;
    private static final List<String> COMPARED =
            List.of(Defence.MEAN, Defence.MEDIAN, Defence.TRIMMED, Defence.MULTI_KRUM);

    private final boolean onMnist;
    private final Claim collapse;
    private final Claim bears;
    private final Claim cure;
    private final Claim weighted;
    private final Claim noise;
    private final Claim flip;
    private final Claim skewedNoise;
    private final Claim skewedFlip;

    private RobustRules(boolean onMnist) {
        this.onMnist = onMnist;
        this.collapse = new Claim(
                name() + "/mean",
                KNOWN,
                "the mean collapses",
                String.format(
                        Locale.ROOT,
                        "FedAvg loses at least %.0f points to each of Gaussian noise, sign flip and inflated counts",
                        COLLAPSE));
        this.bears = new Claim(
                name() + "/robust",
                "Blanchard 2017, Yin 2018, El Mhamdi 2018, Pillutla 2022, Cao 2021: what each rule is for",
                "robust rules do not",
                String.format(Locale.ROOT, "none of them loses more than %.0f points to any of these", BEARABLE));
        this.cure = new Claim(
                name() + "/counts",
                "by construction: a cap or equal weights bound what a claim is worth",
                "-",
                String.format(
                        Locale.ROOT,
                        "with counts capped or ignored, inflating them costs at most %.0f points more than the flipped"
                                + " labels alone",
                        CURED));
        this.weighted = new Claim(
                name() + "/rfa-counts",
                "Pillutla et al. 2022 (RFA): bears less than half of the weight, which counts decide",
                "-",
                String.format(
                        Locale.ROOT,
                        "weighted by counts, RFA loses at least %.0f points to inflated ones; counts ignored, at most %.0f",
                        COLLAPSE,
                        BEARABLE));
        this.noise = new Claim(
                name() + "/noise-0.5",
                TABLES + "Byzantine clients, Dirichlet(0.5)",
                "FedAvg .608, median .842, trimmed mean .851, MultiKrum .856",
                String.format(
                        Locale.ROOT, "under Gaussian noise each of the three beats FedAvg by %.0f points", RESCUE));
        this.flip = new Claim(
                name() + "/flip-0.5",
                TABLES + "label flip, Dirichlet(0.5)",
                "FedAvg .772, median .790, trimmed mean .789, MultiKrum .855",
                String.format(Locale.ROOT, "none of the three is more than %.0f points below FedAvg", NO_LOSS));
        this.skewedNoise = new Claim(
                name() + "/noise-0.1",
                TABLES + "Byzantine clients, Dirichlet(0.1)",
                "FedAvg .520, median .695, trimmed mean .762, MultiKrum .788",
                String.format(
                        Locale.ROOT,
                        "under Gaussian noise each of the three beats FedAvg by %.0f points, mean of %d divisions",
                        RESCUE,
                        SKEWED_DIVISIONS));
        this.skewedFlip = new Claim(
                name() + "/flip-0.1",
                TABLES + "label flip, Dirichlet(0.1)",
                "FedAvg .754, median .634, trimmed mean .666, MultiKrum .664",
                "median and trimmed mean lose to FedAvg, mean of " + SKEWED_DIVISIONS
                        + " divisions (of MultiKrum nothing is asked)");
    }

    /** Quick, on generated images. */
    static RobustRules onGeneratedDigits() {
        return new RobustRules(false);
    }

    /** On MNIST. */
    static RobustRules onMnist() {
        return new RobustRules(true);
    }

    @Override
    public String name() {
        return onMnist ? "robust-mnist" : "robust-digits";
    }

    @Override
    public String description() {
        return "all rules under all attacks, 4 of 20 clients attacking, on "
                + (onMnist ? "MNIST, Dirichlet(0.5)" : "generated digits, IID");
    }

    @Override
    public boolean needsMnist() {
        return onMnist;
    }

    @Override
    public List<Claim> claims() {
        List<Claim> claims = new ArrayList<>(List.of(collapse, bears, cure, weighted));
        if (onMnist) {
            claims.addAll(List.of(noise, flip, skewedNoise, skewedFlip));
        }
        return claims;
    }

    @Override
    public List<Row> run(Bench bench) throws InterruptedException {
        Arena arena = onMnist ? mnist(bench, 0.5, 1, 40, bench.seed()) : digits(bench);
        Accuracies all = Accuracies.measure(name(), arena, Defence.all(arena), Arrays.asList(Attack.values()), bench);
        List<Row> rows = new ArrayList<>(rows(all));
        if (onMnist) {
            rows.addAll(mildSkew(all));
            rows.addAll(strongSkew(bench));
        }
        return rows;
    }

    private List<Row> mildSkew(Accuracies all) {
        return List.of(
                noise.measured(
                        compared().allMatch(rule -> lead(List.of(all), rule, Attack.GAUSSIAN) >= RESCUE),
                        figures(List.of(all), Attack.GAUSSIAN)),
                flip.measured(
                        compared().allMatch(rule -> lead(List.of(all), rule, Attack.LABEL_FLIP) >= -NO_LOSS),
                        figures(List.of(all), Attack.LABEL_FLIP)));
    }

    private List<Row> strongSkew(Bench bench) throws InterruptedException {
        List<Accuracies> divisions = new ArrayList<>();
        for (int i = 0; i < SKEWED_DIVISIONS; i++) {
            Arena arena = mnist(bench, SKEWED, 5, 12, SeededRandom.derive(bench.seed(), i));
            List<Defence> defences = Defence.all(arena).stream()
                    .filter(defence -> COMPARED.contains(defence.name()))
                    .toList();
            divisions.add(Accuracies.measure(
                    name() + ", Dirichlet(" + SKEWED + "), division " + (i + 1),
                    arena,
                    defences,
                    List.of(Attack.NONE, Attack.GAUSSIAN, Attack.LABEL_FLIP),
                    bench));
        }
        return List.of(
                skewedNoise.measured(
                        compared().allMatch(rule -> lead(divisions, rule, Attack.GAUSSIAN) >= RESCUE),
                        figures(divisions, Attack.GAUSSIAN)),
                skewedFlip.measured(
                        Stream.of(Defence.MEDIAN, Defence.TRIMMED)
                                .allMatch(rule -> lead(divisions, rule, Attack.LABEL_FLIP) < 0),
                        figures(divisions, Attack.LABEL_FLIP)));
    }

    /** The robust rules that the tables have. */
    private static Stream<String> compared() {
        return COMPARED.stream().filter(rule -> !rule.equals(Defence.MEAN));
    }

    private static double mean(List<Accuracies> divisions, String rule, Attack attack) {
        return divisions.stream()
                .mapToDouble(accuracies -> accuracies.of(rule, attack))
                .average()
                .orElseThrow();
    }

    /** How far a rule is above FedAvg, in points. */
    private static double lead(List<Accuracies> divisions, String rule, Attack attack) {
        return 100 * (mean(divisions, rule, attack) - mean(divisions, Defence.MEAN, attack));
    }

    private static String figures(List<Accuracies> divisions, Attack attack) {
        return COMPARED.stream()
                .map(rule -> String.format(Locale.ROOT, "%s %.3f", rule, mean(divisions, rule, attack)))
                .collect(Collectors.joining(", "));
    }

    private static Arena digits(Bench bench) {
        Images images = Images.generated(3_000, 1_000, bench.seed());
        return new Arena(
                images,
                Partitioner.iid(),
                ATTACKERS,
                () -> MultilayerPerceptron.builder(images.shape()).hidden(32).multiclass(Images.CLASSES),
                TrainingSettings.defaults().withBatchSize(10).withLearningRate(0.2),
                30,
                bench.seed(),
                bench.threads());
    }

    private static Arena mnist(Bench bench, double alpha, int localEpochs, int rounds, long seed) {
        Images images = Images.of(bench.images(), 12_000, seed);
        return new Arena(
                images,
                Partitioner.dirichlet(alpha, 20),
                ATTACKERS,
                () -> MultilayerPerceptron.builder(images.shape()).hidden(32).multiclass(Images.CLASSES),
                TrainingSettings.defaults()
                        .withBatchSize(32)
                        .withLearningRate(0.1)
                        .withLocalEpochs(localEpochs),
                rounds,
                seed,
                bench.threads());
    }

    private List<Row> rows(Accuracies all) {
        boolean collapses = GROSS.stream().allMatch(attack -> all.points(Defence.MEAN, attack) >= COLLAPSE);
        String losses = GROSS.stream()
                .map(attack -> String.format(Locale.ROOT, "%s %.0f", attack, all.points(Defence.MEAN, attack)))
                .collect(Collectors.joining(", "));
        List<Loss> worst = all.robust().stream()
                .flatMap(rule -> GROSS.stream().map(attack -> new Loss(rule, attack, all.points(rule, attack))))
                .sorted(Comparator.comparingDouble(Loss::points).reversed())
                .toList();
        double inflation = 100
                * Math.max(
                        all.of(Defence.CAPPED, Attack.LABEL_FLIP) - all.of(Defence.CAPPED, Attack.INFLATED_COUNT),
                        all.of(Defence.IGNORED, Attack.LABEL_FLIP) - all.of(Defence.IGNORED, Attack.INFLATED_COUNT));
        return List.of(
                collapse.measured(collapses, "points lost: %s", losses),
                bears.measured(
                        !worst.isEmpty() && worst.get(0).points() <= BEARABLE,
                        worst.isEmpty() ? "no such rule" : "worst: " + worst.get(0)),
                cure.measured(inflation <= CURED, "%.1f points", inflation),
                weighted.measured(
                        all.points(Defence.RFA, Attack.INFLATED_COUNT) >= COLLAPSE
                                && all.points(Defence.RFA_IGNORED, Attack.INFLATED_COUNT) <= BEARABLE,
                        "%.0f points lost; counts ignored, %.1f",
                        all.points(Defence.RFA, Attack.INFLATED_COUNT),
                        all.points(Defence.RFA_IGNORED, Attack.INFLATED_COUNT)));
    }

    private record Loss(String rule, Attack attack, double points) {
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%s loses %.1f points to %s", rule, points, attack);
        }
    }
}
