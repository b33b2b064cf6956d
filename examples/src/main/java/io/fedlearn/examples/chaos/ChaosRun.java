package io.fedlearn.examples.chaos;

import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.testkit.network.FaultyProxy;
import io.fedlearn.testkit.network.NetworkFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * One schedule: a server and processes of clients, each client behind a proxy of its own, and what befalls them. Confined to one
 * thread.
 */
final class ChaosRun {
    /** For so long a run may come no further: a machine that is busy is no failure. */
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private static final Duration FAREWELL = Duration.ofSeconds(3);
    private static final int LOOK_MILLIS = 4;

    /** Slow enough that most faults meet a model on its way. */
    private static final long BYTES_PER_SECOND = 3 << 20;

    private static final List<String> JVM_OPTIONS =
            List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xmx128m");

    private final ChaosSchedule schedule;
    private final ChaosTask task;
    private final List<RoundRecord> expected;
    private final Path folder;
    private final List<FaultyProxy> proxies = new ArrayList<>();
    private final List<Process> sites = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private final int processes;
    private final Children children;
    private final long start = System.nanoTime();
    private Optional<Process> server = Optional.empty();
    private int starts;
    private boolean isServed;
    private int siteStarts;

    /**
     * Prepares a schedule.
     *
     * @param expected the records of the run that was left alone
     * @param folder for everything that the processes write; empty
     * @param processes in how many the clients are
     * @param children to which its processes belong
     */
    ChaosRun(
            ChaosSchedule schedule,
            ChaosTask task,
            List<RoundRecord> expected,
            Path folder,
            int processes,
            Children children) {
        this.schedule = schedule;
        this.task = task;
        this.expected = expected;
        this.folder = folder;
        this.processes = processes;
        this.children = children;
    }

    /** Runs it to its end. */
    ChaosResult run() throws InterruptedException {
        int happened = 0;
        try {
            Files.writeString(
                    folder.resolve("schedule.txt"),
                    "seed " + schedule.seed() + ", " + schedule.method() + "\n"
                            + String.join(
                                    "\n",
                                    schedule.faults().stream()
                                            .map(ChaosFault::toString)
                                            .toList()) + "\n");
            startServer();
            for (int k = 0; k < task.clients(); k++) {
                // Nobody is there yet.
                FaultyProxy proxy = FaultyProxy.to(new InetSocketAddress(InetAddress.getLoopbackAddress(), 1));
                proxy.limitBandwidth(BYTES_PER_SECOND);
                proxies.add(proxy);
            }
            for (int p = 0; p < processes; p++) {
                sites.add(startSites(p));
            }
            awaitServed();
            for (ChaosFault fault : schedule.faults()) {
                if (!goOn(fault.pause())) {
                    break;
                }
                happened++;
                begin(fault);
                boolean isOn = goOn(fault.lasting());
                end(fault);
                if (!isOn) {
                    break;
                }
            }
            for (FaultyProxy proxy : proxies) {
                proxy.heal();
            }
            while (problems.isEmpty() && goOn(Duration.ofMillis(20))) {
                if (secondsSinceProgress() > PATIENCE.toSeconds()) {
                    problems.add("no further for " + PATIENCE.toSeconds() + " s");
                    dumpThreads();
                    break;
                }
            }
            return judged(happened);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            server.ifPresent(Process::destroyForcibly);
            sites.forEach(Process::destroyForcibly);
            proxies.forEach(FaultyProxy::close);
        }
    }

    // ---- processes

    private void startServer() throws IOException {
        starts++;
        isServed = false;
        server = Optional.of(start(
                folder.resolve("server-" + starts + ".log"),
                ChaosServer.class,
                List.of(folder.resolve("run").toString(), portFile().toString())));
    }

    private Path portFile() {
        return folder.resolve("port-" + starts);
    }

    private Process startSites(int process) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(folder.resolve("sites").toString()));
        for (int k = process; k < task.clients(); k += processes) {
            arguments.add(task.ids().get(k));
            arguments.add(Integer.toString(proxies.get(k).address().getPort()));
        }
        siteStarts++;
        return start(folder.resolve("sites-" + process + "-" + siteStarts + ".log"), ChaosClients.class, arguments);
    }

    private Process start(Path log, Class<?> program, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JVM_OPTIONS);
        command.addAll(List.of(
                "-cp",
                System.getProperty("java.class.path"),
                program.getName(),
                task.method().name(),
                Integer.toString(task.clients()),
                Integer.toString(task.rounds()),
                Long.toString(task.seed())));
        command.addAll(arguments);
        return children.start(
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()));
    }

    private void awaitServed() throws InterruptedException, IOException {
        while (!isServed && goOn(Duration.ofMillis(LOOK_MILLIS))) {
            // It starts.
        }
    }

    /** Lets time pass; whether server and clients are at work. */
    private boolean goOn(Duration time) throws InterruptedException, IOException {
        long until = System.nanoTime() + time.toNanos();
        do {
            if (!server.orElseThrow().isAlive()) {
                return false;
            }
            for (int p = 0; p < sites.size(); p++) {
                Process site = sites.get(p);
                // One that has heard that the run is over may be gone before the server is.
                if (!site.isAlive() && site.exitValue() != 0) {
                    noteDeath(p, site);
                    return false;
                }
            }
            if (!isServed && Files.exists(portFile())) {
                int port = Integer.parseInt(Files.readString(portFile()));
                for (FaultyProxy proxy : proxies) {
                    proxy.redirect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                }
                isServed = true;
            }
            TimeUnit.MILLISECONDS.sleep(Math.min(LOOK_MILLIS, Math.max(0, (until - System.nanoTime()) / 1_000_000)));
        } while (System.nanoTime() - until < 0);
        return true;
    }

    /** Each round changes the run's folder, and each process that starts has a log of its own. */
    private long secondsSinceProgress() throws IOException {
        long newest = 0;
        for (Path place : List.of(folder, folder.resolve("run"))) {
            if (Files.isDirectory(place)) {
                newest = Math.max(newest, Files.getLastModifiedTime(place).toMillis());
            }
        }
        return TimeUnit.MILLISECONDS.toSeconds(System.currentTimeMillis() - newest);
    }

    // ---- faults

    private void begin(ChaosFault fault) throws IOException, InterruptedException {
        switch (fault.kind()) {
            case KILL_SERVER -> {
                kill(server.orElseThrow());
                startServer();
            }
            case KILL_CLIENTS -> {
                kill(sites.get(fault.target()));
                sites.set(fault.target(), startSites(fault.target()));
            }
            case CUT_UPLOAD, CUT_DOWNLOAD -> proxies.get(fault.target()).resetAfter(fault.direction(), fault.bytes());
            case NETWORK -> {
                NetworkFault.Kind network = fault.network().orElseThrow();
                if (network == NetworkFault.Kind.SLOW) {
                    proxies.get(fault.target()).halveBandwidth();
                } else {
                    proxies.get(fault.target()).begin(network);
                }
            }
        }
    }

    private void end(ChaosFault fault) {
        if (fault.network().isPresent()) {
            proxies.get(fault.target()).end(fault.network().get());
            proxies.get(fault.target()).limitBandwidth(BYTES_PER_SECOND);
        }
    }

    /** With SIGKILL. */
    private static void kill(Process process) throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    private void noteDeath(int process, Process site) {
        problems.add("clients of process " + process + " ended by themselves, exit code " + site.exitValue());
    }

    private void dumpThreads() throws InterruptedException {
        List<Process> all = new ArrayList<>(sites);
        all.add(server.orElseThrow());
        for (Process process : all) {
            if (process.isAlive()) {
                try {
                    new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "jstack")
                                            .toString(),
                                    Long.toString(process.pid()))
                            .redirectErrorStream(true)
                            .redirectOutput(folder.resolve("threads-" + process.pid() + ".txt")
                                    .toFile())
                            .start()
                            .waitFor(10, TimeUnit.SECONDS);
                } catch (IOException e) {
                    // A Java without its tools: the logs must do.
                }
            }
        }
    }

    // ---- the verdict

    private ChaosResult judged(int happened) throws InterruptedException, IOException {
        Process last = server.orElseThrow();
        ChaosResult.Ending ending = ChaosResult.Ending.BROKEN;
        if (!last.isAlive()) {
            farewell();
            ending = last.exitValue() == 0 ? ChaosResult.Ending.SAME : ChaosResult.Ending.FAILED;
            if (last.exitValue() != 0 && last.exitValue() != ChaosServer.FAILED) {
                problems.add("the server ended with exit code " + last.exitValue());
            }
            compare(last.exitValue() == 0);
        }
        trainings();
        Optional<String> failure = problems.isEmpty() ? failure() : Optional.empty();
        if (!problems.isEmpty()) {
            ending = ChaosResult.Ending.BROKEN;
        }
        failure.ifPresent(problems::add);
        return new ChaosResult(
                schedule,
                happened,
                ending,
                problems,
                (System.nanoTime() - start) / 1e9,
                proxies.stream().mapToInt(FaultyProxy::acceptedConnections).sum() - task.clients());
    }

    /** Clients that are connected hear that the run is over. */
    private void farewell() throws InterruptedException {
        long until = System.nanoTime() + FAREWELL.toNanos();
        for (int p = 0; p < sites.size(); p++) {
            boolean ended = sites.get(p).waitFor(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
            if (ended && sites.get(p).exitValue() != 0) {
                noteDeath(p, sites.get(p));
            }
        }
    }

    private void compare(boolean isWhole) {
        List<RoundRecord> records = records();
        if (isWhole && records.size() != expected.size()) {
            problems.add(records.size() + " rounds instead of " + expected.size());
        }
        for (int i = 0; i < Math.min(records.size(), expected.size()); i++) {
            if (!records.get(i).isAborted()) {
                compare(records.get(i), expected.get(i));
            }
        }
    }

    private List<RoundRecord> records() {
        try (FileRunStore store = FileRunStore.at(folder.resolve("run"))) {
            return store.load().map(run -> run.records()).orElse(List.of());
        }
    }

    /** Each client counted once, with its own examples, and the same model came of it. */
    private void compare(RoundRecord found, RoundRecord wanted) {
        String round = "round " + wanted.round() + ": ";
        if (found.round() != wanted.round()) {
            problems.add(round + "is recorded as " + found.round());
        }
        if (!found.cohort().equals(wanted.cohort())) {
            problems.add(round + "cohort " + found.cohort());
        }
        if (!counts(found).equals(counts(wanted))) {
            problems.add(round + "counted " + counts(found) + " instead of " + counts(wanted));
        }
        if (!found.modelDigest().equals(wanted.modelDigest())) {
            problems.add(round + "model " + found.modelDigest() + " instead of " + wanted.modelDigest());
        }
        if (!Objects.equals(found.metrics(), wanted.metrics())) {
            problems.add(round + "evaluated as " + found.metrics() + " instead of " + wanted.metrics());
        }
    }

    private static List<String> counts(RoundRecord record) {
        return record.outcomes().stream().map(ChaosRun::count).toList();
    }

    private static String count(OutcomeRecord outcome) {
        return outcome.clientId() + " " + outcome.outcome() + " " + outcome.exampleCount() + " x " + outcome.weight();
    }

    /** A process that lives on trains once for each task, however often it is asked. */
    private void trainings() throws IOException {
        try (Stream<Path> logs = Files.list(folder)) {
            for (Path log : logs.filter(file -> file.getFileName().toString().startsWith("sites-"))
                    .sorted()
                    .toList()) {
                Set<String> tasks = new HashSet<>();
                for (String line : Files.readAllLines(log)) {
                    if (line.startsWith(ChaosClients.TRAINS) && !tasks.add(line)) {
                        problems.add(log.getFileName() + ": trains twice for "
                                + line.substring(ChaosClients.TRAINS.length()));
                    }
                }
            }
        }
    }

    private Optional<String> failure() throws IOException {
        return Files.readAllLines(folder.resolve("server-" + starts + ".log")).stream()
                .filter(line -> line.startsWith(ChaosServer.FAILURE))
                .map(line -> line.substring(ChaosServer.FAILURE.length()))
                .findFirst();
    }
}
