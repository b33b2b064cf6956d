package io.fedlearn.examples.privacy;

import io.fedlearn.examples.report.Figures;
import io.fedlearn.examples.report.LineChart;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.privacy.accounting.AccountingMethod;
import io.fedlearn.privacy.accounting.PrivacyAccountant;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn dp plan}: what each round of a planned federation will have cost. */
@Command(
        name = "plan",
        sortOptions = false,
        description = {
            "Prints the epsilon of a planned federation by round, and draws it.",
            "",
            "Client-level: --q, or --cohort of --population, is the share of clients in a round, and a round is one step."
                    + " Record-level (DP-SGD at the sites): --q is the share of a site's records in a batch, and --local-steps"
                    + " says how many batches a round has.",
            "",
            "Give --sigma, or --epsilon to have the least noise found that lasts for all rounds; with both, the plan says how"
                    + " many rounds epsilon lasts.",
            "",
            AccountingOptions.CONVENTIONS,
            ""
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn dp plan --cohort 100 --population 10000 --epsilon 4 --rounds 500 --delta 1e-5",
            "  fedlearn dp plan --q 0.01 --sigma 1.1 --rounds 40 --local-steps 25 --delta 1e-5 --out plan.svg",
            ""
        })
final class DpPlanCommand implements Callable<Integer> {
    private static final long ROWS = 20;
    private static final long MOST_ROUNDS = 1_000_000_000_000L;

    @Spec
    private CommandSpec spec;

    @Option(names = "--rounds", paramLabel = "N", required = true, description = "How many rounds, at least 1.")
    private long rounds;

    @Option(names = "--q", paramLabel = "Q", description = "Sampling rate of one step, in (0, 1]; 1 for no sampling.")
    private Optional<Double> rate = Optional.empty();

    @Option(
            names = "--cohort",
            paramLabel = "K",
            description = "In place of --q: how many clients a round has (expected).")
    private Optional<Long> cohort = Optional.empty();

    @Option(names = "--population", paramLabel = "N", description = "With --cohort: of how many clients.")
    private Optional<Long> population = Optional.empty();

    @Option(
            names = "--sigma",
            paramLabel = "S",
            description = "Noise multiplier: standard deviation over sensitivity, > 0.")
    private Optional<Double> sigma = Optional.empty();

    @Option(names = "--epsilon", paramLabel = "E", description = "The most that all rounds together may cost, > 0.")
    private Optional<Double> epsilon = Optional.empty();

    @Option(
            names = "--local-steps",
            paramLabel = "L",
            defaultValue = "1",
            description = "How many steps a round has, each sampled afresh (default: ${DEFAULT-VALUE}).")
    private long localSteps;

    @Option(
            names = "--every",
            paramLabel = "N",
            description = "Print every N-th round, and the first and the last (default: so that there are some " + ROWS
                    + ").")
    private Optional<Long> every = Optional.empty();

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description = "Draw the curve there, as SVG or PNG by the name's end; may be given twice.")
    private List<Path> out = new ArrayList<>();

    @Mixin
    private AccountingOptions options = new AccountingOptions();

    private record Row(long round, double epsilon) {}

    @Override
    public Integer call() {
        ChartFile.check(out);
        Step step = Step.ofSomebody(options.relation(), rate());
        long count = Step.atLeastOne("--rounds", rounds);
        long steps = Step.atLeastOne("--local-steps", localSteps);
        if (count > MOST_ROUNDS / steps) {
            throw new InputException("--rounds times --local-steps must be at most " + MOST_ROUNDS);
        }
        long apart = Step.atLeastOne("--every", every.orElse(Math.max(1, count / ROWS)));
        double delta = options.delta();
        AccountingMethod method = options.method(step.with(1));
        OptionalDouble target =
                epsilon.isPresent() ? OptionalDouble.of(Step.epsilon(epsilon.get())) : OptionalDouble.empty();
        double noise;
        if (sigma.isPresent()) {
            noise = Step.sigma(sigma.get());
        } else if (target.isPresent()) {
            noise = DpSigmaCommand.leastSigma(method, step, count * steps, target.getAsDouble(), delta);
        } else {
            throw new InputException("--sigma or --epsilon is needed: the noise, or the target that it must meet");
        }
        PrivacyEvent event = step.with(noise);
        List<Row> rows = new ArrayList<>();
        for (long round = 1; round <= count; round = next(round, apart, count)) {
            rows.add(new Row(round, epsilon(method, step, event, round * steps, delta)));
            if (round == count) {
                break;
            }
        }
        OptionalLong lasts = sigma.isPresent() && target.isPresent()
                ? OptionalLong.of(lasts(method, step, event, steps, count, target.getAsDouble(), delta))
                : OptionalLong.empty();
        print(method, step, noise, steps, rows, delta);
        lasts.ifPresent(last -> spec.commandLine()
                .getOut()
                .println("epsilon " + target.getAsDouble() + " lasts for " + last + " of " + count + " rounds"));
        spec.commandLine().getOut().flush();
        ChartFile.write(out, chart(rows, target));
        return 0;
    }

    private double rate() {
        if (rate.isPresent() == cohort.isPresent()) {
            throw new InputException(
                    "one of --q and --cohort is needed: the share of clients in a round, or their number");
        }
        if (rate.isPresent()) {
            return rate.get();
        }
        long all = Step.atLeastOne(
                "--population",
                population.orElseThrow(() -> new InputException("--cohort needs --population: of how many clients")));
        long some = Step.atLeastOne("--cohort", cohort.orElseThrow());
        if (some > all) {
            throw new InputException("--cohort must be at most --population = " + all + ", was " + some);
        }
        // Upwards, so that the rate is no less than the fraction.
        double share = (double) some / all;
        return some == all ? 1 : Math.min(1, share * all < some ? Math.nextUp(share) : share);
    }

    /** The first and, while epsilon rises fastest, every doubling; then multiples, and the last. */
    private long next(long round, long apart, long last) {
        if (every.isEmpty() && round < (apart + 1) / 2) {
            return Math.min(last, 2 * round);
        }
        return Math.min(last, (round / apart + 1) * apart);
    }

    private static double epsilon(AccountingMethod method, Step step, PrivacyEvent event, long count, double delta) {
        PrivacyAccountant accountant = method.start(step.relation());
        return AccountingOptions.composed(accountant, event, count).epsilon(delta);
    }

    /** The last round that the target still covers, by bisection. */
    private static long lasts(
            AccountingMethod method,
            Step step,
            PrivacyEvent event,
            long steps,
            long rounds,
            double target,
            double delta) {
        if (epsilon(method, step, event, rounds * steps, delta) <= target) {
            return rounds;
        }
        long fits = 0;
        long exceeds = rounds;
        while (exceeds - fits > 1) {
            long middle = fits + (exceeds - fits) / 2;
            if (epsilon(method, step, event, middle * steps, delta) <= target) {
                fits = middle;
            } else {
                exceeds = middle;
            }
        }
        return fits;
    }

    private void print(AccountingMethod method, Step step, double noise, long steps, List<Row> rows, double delta) {
        PrintWriter writer = spec.commandLine().getOut();
        writer.println(step.explained());
        writer.println("accountant: " + method + ", delta " + delta);
        writer.println(
                "noise multiplier: " + noise + (steps == 1 ? ", one step a round" : ", " + steps + " steps a round"));
        writer.println();
        int width = Math.max(5, Long.toString(rows.get(rows.size() - 1).round()).length());
        writer.println(String.format(Locale.ROOT, "%" + width + "s  %12s", "round", "epsilon"));
        for (Row row : rows) {
            writer.println(String.format(
                    Locale.ROOT, "%" + width + "d  %12s", row.round(), Figures.metric(ceiling(row.epsilon()))));
        }
    }

    /** So that the four decimals that are printed are an upper bound too. */
    private static double ceiling(double value) {
        double rounded = Math.ceil(value * 1e4) / 1e4;
        return Double.isFinite(rounded) ? rounded : value;
    }

    private static LineChart chart(List<Row> rows, OptionalDouble target) {
        List<LineChart.Point> points = rows.stream()
                .filter(row -> Double.isFinite(row.epsilon()))
                .map(row -> new LineChart.Point(row.round(), row.epsilon()))
                .toList();
        LineChart chart = LineChart.of("round", "epsilon").with("epsilon so far", points);
        if (target.isEmpty() || points.isEmpty()) {
            return chart;
        }
        double last = points.get(points.size() - 1).x();
        return chart.with(
                "target",
                List.of(new LineChart.Point(1, target.getAsDouble()), new LineChart.Point(last, target.getAsDouble())));
    }
}
