package io.fedlearn.examples.chaos;

import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.examples.run.InputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fedlearn bench chaos}: federations across processes, through every fault. */
@Command(
        name = "chaos",
        sortOptions = false,
        abbreviateSynopsis = true,
        description = {
            "Does a federation across processes end as if nothing had happened, whatever happens?",
            "",
            "Each schedule, made from its seed, runs a server and clients in processes of their own, with a network between"
                    + " them that cuts, holds, delays, slows, refuses and replays connections, and kills server and clients"
                    + " (kill -9), which are started again. In the end the records of all rounds, who counted with how"
                    + " many examples, and the models must be those of the same run in one process left alone; a failure"
                    + " that the library names is allowed, and is shown.",
            ""
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:Every schedule ended with the same model or a typed failure, and nothing counted twice.",
            "1:A schedule did not.",
            "2:An option or a folder cannot be used as it is; nothing was run.",
            "130:Interrupted (Ctrl-C)."
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  fedlearn bench chaos                               20 schedules, in a minute or two",
            "  fedlearn bench chaos --schedules 200 --out DIR     a soak; DIR keeps the logs of what fails",
            "  fedlearn bench chaos --schedules 1 --seed 17       that one again",
            ""
        })
public final class ChaosCommand implements Callable<Integer> {
    private static final int DEFAULT_SCHEDULES = 20;
    private static final int DEFAULT_CLIENTS = 4;
    private static final int DEFAULT_ROUNDS = 10;
    private static final int PROCESSES = 2;

    /** Of the data; schedules of all seeds disturb the same two runs. */
    private static final long TASK_SEED = 1;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--schedules",
            paramLabel = "N",
            description = "How many; each has the seed after that of the one before (default: ${DEFAULT-VALUE}).")
    private int schedules = DEFAULT_SCHEDULES;

    @Option(names = "--seed", paramLabel = "S", description = "Seed of the first (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(names = "--clients", paramLabel = "K", description = "How many clients (default: ${DEFAULT-VALUE}).")
    private int clients = DEFAULT_CLIENTS;

    @Option(names = "--rounds", paramLabel = "R", description = "How many rounds (default: ${DEFAULT-VALUE}).")
    private int rounds = DEFAULT_ROUNDS;

    @Option(
            names = "--parallel",
            paramLabel = "N",
            description = "How many schedules at a time (default: ${DEFAULT-VALUE}).")
    private int parallel = 2;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description =
                    "Folder that keeps the logs and run folders of schedules that fail (default: a temporary one).")
    private Optional<Path> out = Optional.empty();

    ChaosCommand() {}

    @Override
    public Integer call() throws InterruptedException, ExecutionException {
        requirePositive("--schedules", schedules);
        requirePositive("--clients", clients);
        requirePositive("--rounds", rounds);
        requirePositive("--parallel", parallel);
        Path folder = folder();
        Map<ChaosTask.Method, ChaosTask> tasks = new EnumMap<>(ChaosTask.Method.class);
        Map<ChaosTask.Method, List<RoundRecord>> expected = new EnumMap<>(ChaosTask.Method.class);
        for (ChaosTask.Method method : ChaosTask.Method.values()) {
            ChaosTask task = new ChaosTask(method, clients, rounds, TASK_SEED);
            Run run = task.undisturbed();
            tasks.put(method, task);
            expected.put(method, run.records());
            console()
                    .printf(
                            Locale.ROOT,
                            "%s left alone: %s%n",
                            method,
                            run.model().digest());
        }
        console().println();
        console()
                .println(String.format(
                        Locale.ROOT,
                        "%8s  %-9s %6s  %-14s %7s %10s  %s",
                        "schedule",
                        "method",
                        "faults",
                        "outcome",
                        "seconds",
                        "reconnects",
                        "what happened"));
        console().flush();
        List<ChaosResult> results = runAll(folder, tasks, expected);
        summary(results, folder);
        return results.stream().allMatch(ChaosResult::isGood) ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    private PrintWriter console() {
        return spec.commandLine().getOut();
    }

    private static void requirePositive(String option, int value) {
        if (value < 1) {
            throw new InputException(option + " must be >= 1, was " + value);
        }
    }

    private Path folder() {
        try {
            return out.isPresent() ? Files.createDirectories(out.get()) : Files.createTempDirectory("chaos");
        } catch (IOException e) {
            throw InputException.of("--out " + out.map(Path::toString).orElse("") + " cannot be used", e);
        }
    }

    private List<ChaosResult> runAll(
            Path folder, Map<ChaosTask.Method, ChaosTask> tasks, Map<ChaosTask.Method, List<RoundRecord>> expected)
            throws InterruptedException, ExecutionException {
        Children children = new Children();
        Runtime.getRuntime().addShutdownHook(new Thread(children::close));
        ExecutorService threads = Executors.newFixedThreadPool(parallel);
        try {
            ExecutorCompletionService<ChaosResult> running = new ExecutorCompletionService<>(threads);
            int processes = Math.min(PROCESSES, clients);
            for (int i = 0; i < schedules; i++) {
                ChaosSchedule schedule = ChaosSchedule.seeded(seed + i, clients, processes);
                running.submit(() -> {
                    Path own = fresh(folder.resolve("schedule-" + schedule.seed()));
                    ChaosResult result = new ChaosRun(
                                    schedule,
                                    Objects.requireNonNull(tasks.get(schedule.method())),
                                    Objects.requireNonNull(expected.get(schedule.method())),
                                    own,
                                    processes,
                                    children)
                            .run();
                    if (result.isGood()) {
                        delete(own);
                    }
                    return result;
                });
            }
            List<ChaosResult> results = new ArrayList<>();
            for (int i = 0; i < schedules; i++) {
                ChaosResult result = running.take().get();
                print(result);
                results.add(result);
            }
            return results;
        } finally {
            threads.shutdownNow();
            children.close();
        }
    }

    private void print(ChaosResult result) {
        Map<String, Integer> words = new TreeMap<>();
        result.schedule()
                .faults()
                .subList(0, result.happened())
                .forEach(fault -> words.merge(fault.word(), 1, Integer::sum));
        console()
                .println(String.format(
                        Locale.ROOT,
                        "%8d  %-9s %6d  %-14s %7.1f %10d  %s",
                        result.schedule().seed(),
                        result.schedule().method(),
                        result.happened(),
                        result.ending(),
                        result.seconds(),
                        result.reconnects(),
                        words.entrySet().stream()
                                .map(entry -> entry.getKey() + (entry.getValue() > 1 ? " x" + entry.getValue() : ""))
                                .collect(Collectors.joining(", "))));
        result.problems().forEach(problem -> console().println("          " + problem));
        console().flush();
    }

    private void summary(List<ChaosResult> results, Path folder) {
        console().println();
        console()
                .println(String.format(
                        Locale.ROOT,
                        "%d schedules, %d faults, %d reconnects: %d the same model, %d typed failures, %d broken",
                        results.size(),
                        results.stream().mapToInt(ChaosResult::happened).sum(),
                        results.stream().mapToInt(ChaosResult::reconnects).sum(),
                        count(results, ChaosResult.Ending.SAME),
                        count(results, ChaosResult.Ending.FAILED),
                        count(results, ChaosResult.Ending.BROKEN)));
        if (results.stream().anyMatch(result -> !result.isGood())) {
            console().println("Logs: " + folder);
        }
        console().flush();
    }

    private static long count(List<ChaosResult> results, ChaosResult.Ending ending) {
        return results.stream().filter(result -> result.ending() == ending).count();
    }

    private static Path fresh(Path folder) throws IOException {
        delete(folder);
        return Files.createDirectories(folder);
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(path);
            }
        }
    }
}
