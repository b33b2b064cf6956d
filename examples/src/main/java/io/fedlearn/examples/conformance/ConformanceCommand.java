package io.fedlearn.examples.conformance;

import io.fedlearn.examples.console.ProgressStyle;
import io.fedlearn.examples.mnist.MnistData;
import io.fedlearn.examples.run.InputException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn bench conformance}: published results against ours. */
@Command(
        name = "conformance",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Do the training algorithms do here what their papers say?",
            "",
            "Repeats published experiments, and prints a row for each claim: where it comes from, the published figure,"
                    + " ours, the rule of the verdict, and PASS or FAIL. What needs the images of MNIST is skipped without"
                    + " --mnist. Every verdict comes with the seed that gave it; the same seed gives the same figures.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:No row failed.",
            "1:A row failed, or the suite did.",
            "2:An option, a file or a folder cannot be used as it is; nothing was measured.",
            "130:Interrupted (Ctrl-C); --out holds the experiments that were done."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn bench conformance --fast                minutes, and no data needed",
            "  fedlearn bench conformance --mnist DIR           all of it: up to two hours on two cores",
            "  fedlearn bench conformance --list                the experiments and their claims",
            "  fedlearn bench conformance --only fedprox,fednova-steps --out rows.json",
            ""
        })
public final class ConformanceCommand implements Callable<Integer> {
    private static final long DEFAULT_SEED = 1;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--mnist",
            paramLabel = "DIR",
            description = "Folder with " + MnistData.FILES + ". What needs them is skipped without.")
    private Optional<Path> mnist = Optional.empty();

    @Option(names = "--fast", description = "Leave out what trains on MNIST: minutes in place of hours.")
    private boolean fast;

    @Option(
            names = "--only",
            paramLabel = "NAME",
            split = ",",
            description = "Only these experiments; --list names them (default: all).")
    private Set<String> only = new TreeSet<>();

    @Option(names = "--list", description = "Name the experiments and what they settle, and measure nothing.")
    private boolean list;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description =
                    "Write the rows there as well, as JSON or CSV by the name's end; renewed after each experiment.")
    private Optional<Path> out = Optional.empty();

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "Where all randomness starts; the verdicts are made for the default (default:"
                    + " ${DEFAULT-VALUE}).")
    private long seed = DEFAULT_SEED;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "How many clients work at a time; changes the time taken, never a figure (default: one per"
                    + " processor).")
    private Optional<Integer> threads = Optional.empty();

    @Option(
            names = "--progress",
            paramLabel = "HOW",
            description = "auto, bars (redrawn in place) or plain (a line now and then) (default: ${DEFAULT-VALUE}).")
    private ProgressStyle progress = ProgressStyle.AUTO;

    ConformanceCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        List<Experiment> chosen = chosen();
        if (list) {
            list(chosen);
            return CommandLine.ExitCode.OK;
        }
        if (threads.isPresent() && threads.get() < 1) {
            throw new InputException("--threads must be >= 1, was " + threads.get());
        }
        out.ifPresent(RowFile::check);
        if (chosen.stream().allMatch(experiment -> obstacle(experiment).isPresent())) {
            // Rows that are all skipped would be taken for passed.
            throw new InputException("--only " + String.join(",", only) + " needs --mnist DIR, and no --fast");
        }
        Optional<MnistData> images = mnist.map(directory -> MnistData.read("--mnist", directory));
        Bench bench = new Bench(
                console(), progress, images, seed, threads.orElseGet(Runtime.getRuntime()::availableProcessors));
        List<Row> rows = measure(chosen, bench);
        print(rows);
        boolean failed = rows.stream().anyMatch(row -> row.verdict() == Verdict.FAIL);
        return failed ? CommandLine.ExitCode.SOFTWARE : CommandLine.ExitCode.OK;
    }

    private PrintWriter console() {
        return spec.commandLine().getOut();
    }

    private List<Experiment> chosen() {
        Set<String> unknown = new TreeSet<>(only);
        Suite.experiments().forEach(experiment -> unknown.remove(experiment.name()));
        if (!unknown.isEmpty()) {
            throw new InputException("--only must name experiments of "
                    + Suite.experiments().stream().map(Experiment::name).collect(Collectors.joining(", ")) + ", was "
                    + String.join(", ", unknown));
        }
        return Suite.experiments().stream()
                .filter(experiment -> only.isEmpty() || only.contains(experiment.name()))
                .toList();
    }

    private void list(List<Experiment> experiments) {
        for (Experiment experiment : experiments) {
            console()
                    .println(experiment.name() + ": " + experiment.description()
                            + (experiment.needsMnist() ? " (needs --mnist)" : ""));
            for (Claim claim : experiment.claims()) {
                console()
                        .println("  " + claim.name() + ": " + claim.published() + " (" + claim.source() + "); passes: "
                                + claim.rule());
            }
        }
        console().flush();
    }

    private List<Row> measure(List<Experiment> experiments, Bench bench) throws InterruptedException {
        List<Row> rows = new ArrayList<>();
        for (Experiment experiment : experiments) {
            Optional<String> obstacle = obstacle(experiment);
            if (obstacle.isPresent()) {
                experiment.claims().forEach(claim -> rows.add(claim.skipped(obstacle.get())));
                continue;
            }
            console().println(experiment.name() + ": " + experiment.description());
            console().flush();
            long start = System.nanoTime();
            List<Row> measured = experiment.run(bench);
            long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
            for (Row row : measured) {
                console()
                        .println("  " + row.verdict() + " " + row.claim().name() + ": " + row.ours() + " (published: "
                                + row.claim().published() + "; passes: "
                                + row.claim().rule() + ")");
            }
            console().println(String.format(Locale.ROOT, "  %s: %d s, seed %d", experiment.name(), seconds, seed));
            console().flush();
            rows.addAll(measured);
            out.ifPresent(file -> RowFile.write(file, seed, rows));
        }
        out.ifPresent(file -> RowFile.write(file, seed, rows));
        return rows;
    }

    private Optional<String> obstacle(Experiment experiment) {
        if (!experiment.needsMnist()) {
            return Optional.empty();
        }
        return fast ? Optional.of("--fast") : mnist.isEmpty() ? Optional.of("no --mnist") : Optional.empty();
    }

    private void print(List<Row> rows) {
        console().println();
        RowTable.lines(rows).forEach(console()::println);
        console()
                .println(count(rows, Verdict.PASS) + " passed, " + count(rows, Verdict.FAIL) + " failed, "
                        + count(rows, Verdict.SKIPPED) + " skipped; seed " + seed);
        out.ifPresent(file -> console().println("Rows: " + file));
        console().flush();
    }

    private static long count(List<Row> rows, Verdict verdict) {
        return rows.stream().filter(row -> row.verdict() == verdict).count();
    }
}
