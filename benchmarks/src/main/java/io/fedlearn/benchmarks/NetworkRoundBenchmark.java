package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.client.FederatedClient;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.server.FederatedServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What does a round cost over a network? Whole runs of {@link FedAvg} between a server and clients in processes of their own, on
 * loopback, with a fit that only answers a copy of the model in which a value of each layer has changed. Beside it the same between
 * Python processes that speak Flower's protocol ({@code flower_protocol_peers.py}), where Python, grpcio and numpy are at hand, and
 * what was published of Flower.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" io.fedlearn.benchmarks.NetworkRoundBenchmark \
 *       [--parameters 256,1000000,10000000] [--clients 10] [--turns 3] [--ways plain,tls,python] [--rounds N] [--python FILE]
 *   ... NetworkRoundBenchmark --heap [--parameters 10000000] [--ways plain,tls]
 *   ... NetworkRoundBenchmark --large
 * </pre>
 *
 * <p>Without a word more: seconds per round (median over the rounds of all turns after the first third of each; plain, mutual TLS and
 * Python take turns) and the most bytes that the server had resident. <b>--heap</b>: the server's peak live heap, as the least heap in
 * which two rounds end well ({@link LeastHeap}), less the same for 256 parameters. <b>--large</b>: 2 clients of 600M parameters (2.4
 * GB), whose answers are made as they are sent, and a server with a heap of invariant 2: 4 models and 64 MiB, and what 256 parameters
 * need.
 */
public final class NetworkRoundBenchmark {
    private static final int LAYERS = 4;
    private static final long LARGE = 600_000_000;
    private static final Path SCRIPT = Path.of("benchmarks/flower_protocol_peers.py");

    /** Seconds per round of Flower 1.6 with ten clients that do nothing, measured on such a machine. */
    private static final Map<Long, Double> FLOWER_SECONDS = Map.of(256L, 0.010, 1_000_000L, 0.20, 10_000_000L, 4.3);

    /** What its server had resident with 10M parameters, in bytes. */
    private static final double FLOWER_RESIDENT = 3.9e9;

    private NetworkRoundBenchmark() {}

    /** Measures what the options name. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0 && !arguments[0].startsWith("--")) {
            part(arguments);
            return;
        }
        Options options = Options.parse(arguments);
        System.out.println(Machine.description());
        if (options.isLarge) {
            large(options);
        } else if (options.isHeap) {
            heap(options);
        } else {
            rounds(options);
        }
    }

    private record Options(
            List<Long> parameters,
            int clients,
            int turns,
            List<String> ways,
            Optional<Integer> rounds,
            String python,
            boolean isHeap,
            boolean isLarge) {
        static Options parse(String[] arguments) {
            Map<String, String> values = new LinkedHashMap<>();
            for (int i = 0; i < arguments.length; i++) {
                boolean isFlag = arguments[i].equals("--heap") || arguments[i].equals("--large");
                if (!isFlag && i + 1 == arguments.length) {
                    throw new IllegalArgumentException("option " + arguments[i] + " needs a value");
                }
                values.put(arguments[i], isFlag ? "" : arguments[++i]);
            }
            boolean isHeap = values.remove("--heap") != null;
            boolean isLarge = values.remove("--large") != null;
            Options options = new Options(
                    Arrays.stream(take(values, "--parameters", isHeap ? "10000000" : "256,1000000,10000000")
                                    .split(","))
                            .map(Long::parseLong)
                            .toList(),
                    Integer.parseInt(take(values, "--clients", "10")),
                    Integer.parseInt(take(values, "--turns", "3")),
                    List.of(take(values, "--ways", isHeap || isLarge ? "plain" : "plain,tls,python")
                            .split(",")),
                    Optional.ofNullable(values.remove("--rounds")).map(Integer::parseInt),
                    take(values, "--python", "/usr/bin/python3"),
                    isHeap,
                    isLarge);
            if (!values.isEmpty()) {
                throw new IllegalArgumentException("unknown options " + values.keySet());
            }
            return options;
        }

        private static String take(Map<String, String> values, String name, String otherwise) {
            String value = values.remove(name);
            return value == null ? otherwise : value;
        }

        int roundsOf(long size) {
            return rounds.orElse(size < 1000 ? 600 : size > 2_000_000 ? 12 : 60);
        }
    }

    // ---- what is measured

    /** What one run told of itself. */
    private record Result(List<Double> seconds, long peakResident) {
        double[] steady() {
            return seconds.stream()
                    .skip(Math.max(1, seconds.size() / 3))
                    .mapToDouble(value -> value)
                    .toArray();
        }
    }

    private static void rounds(Options options) throws Exception {
        List<String> ways = new ArrayList<>(options.ways);
        List<String> python = List.of(options.python, SCRIPT.toString());
        if (ways.contains("python")) {
            Optional<String> versions = versions(python);
            versions.ifPresent(line -> System.out.println("Python peers: " + line));
            if (versions.isEmpty()) {
                System.out.println("No Python with grpcio and numpy at hand (--python).");
                ways.remove("python");
            }
        }
        Path folder = Files.createTempDirectory("network-round");
        Security security = ways.contains("tls") ? Security.tls(folder, options.clients) : Security.PLAIN;
        System.out.printf(
                Locale.ROOT,
                "%n%d clients in processes of their own; s/round: median of %d turns (least); server: most resident MB%n%n",
                options.clients,
                options.turns);
        System.out.println(
                "| parameters | way | s/round | server MB | Python peers / this | published Flower / this |");
        System.out.println("|---|---|---|---|---|---|");
        for (long size : options.parameters) {
            Map<String, Samples> samples = new LinkedHashMap<>();
            Map<String, Long> resident = new LinkedHashMap<>();
            for (int turn = 0; turn < options.turns; turn++) {
                for (String way : ways) {
                    Result result = way.equals("python")
                            ? python(python, size, options.clients, Math.max(8, options.roundsOf(size) / 2))
                            : run(
                                    size,
                                    options.clients,
                                    options.roundsOf(size),
                                    way.equals("tls") ? security : Security.PLAIN,
                                    Answer.COPY);
                    for (double seconds : result.steady()) {
                        samples.computeIfAbsent(way, key -> new Samples()).add("", seconds);
                    }
                    resident.merge(way, result.peakResident, Math::max);
                }
            }
            for (Map.Entry<String, Samples> way : samples.entrySet()) {
                double median = way.getValue().median("");
                System.out.printf(
                        Locale.ROOT,
                        "| %,d | %s | %.4f (%.4f) | %.0f | %s | %s |%n",
                        size,
                        way.getKey(),
                        median,
                        way.getValue().least(""),
                        resident.getOrDefault(way.getKey(), 0L) / 1e6,
                        Optional.ofNullable(samples.get("python"))
                                .map(peers -> String.format(Locale.ROOT, "%.1f", peers.median("") / median))
                                .orElse("-"),
                        Optional.ofNullable(FLOWER_SECONDS.get(size))
                                .map(flower -> String.format(Locale.ROOT, "%.1f", flower / median))
                                .orElse("-"));
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%npublished of Flower 1.6 on such a machine: 0.010, 0.20, 4.3 s; server %.1f GB with 10M%n",
                FLOWER_RESIDENT / 1e9);
    }

    private static void heap(Options options) throws Exception {
        Path folder = Files.createTempDirectory("network-heap");
        System.out.println(
                "\n| parameters | way | least heap MiB, 256 parameters / these | times the model | bound MiB |");
        System.out.println("|---|---|---|---|---|");
        for (String way : options.ways) {
            Security security = way.equals("tls") ? Security.tls(folder, options.clients) : Security.PLAIN;
            int small = leastHeap(256, options.clients, security, 2, 160);
            for (long size : options.parameters) {
                double model = (double) size * Float.BYTES / (1 << 20);
                int bound = (int) (4 * model) + 64 + small;
                // Twice the bound, to tell by how much it is missed.
                int large = leastHeap(size, options.clients, security, (int) (2 * model), 2 * bound);
                System.out.printf(
                        Locale.ROOT,
                        "| %,d | %s | %d / %d | %.2f | %d |%n",
                        size,
                        way,
                        small,
                        large,
                        (large - small) / model,
                        bound);
            }
        }
    }

    private static int leastHeap(long parameters, int clients, Security security, int tooLittle, int enough)
            throws Exception {
        return LeastHeap.of(
                NetworkRoundBenchmark.class,
                tooLittle,
                enough,
                "whole",
                Long.toString(parameters),
                Integer.toString(clients),
                security.folder());
    }

    private static void large(Options options) throws Exception {
        Path folder = Files.createTempDirectory("network-large");
        int mib = (int) (4 * LARGE * Float.BYTES >> 20) + 64 + 48;
        System.out.printf(Locale.ROOT, "%n2 clients of %,d parameters, server with a heap of %,d MiB%n%n", LARGE, mib);
        System.out.println("| way | s/round | server's most resident MB |");
        System.out.println("|---|---|---|");
        for (String way : options.ways) {
            Security security = way.equals("tls") ? Security.tls(folder, 2) : Security.PLAIN;
            Result result = run(
                    LARGE,
                    2,
                    options.rounds.orElse(3),
                    security,
                    Answer.MADE,
                    List.of("-XX:+UseSerialGC", "-Xmn8m", "-Xms" + mib + "m", "-Xmx" + mib + "m"));
            String seconds = result.seconds.stream()
                    .map(round -> String.format(Locale.ROOT, "%.1f", round))
                    .collect(Collectors.joining(", "));
            System.out.printf(Locale.ROOT, "| %s | %s | %.0f |%n", way, seconds, result.peakResident / 1e6);
        }
    }

    private static Result run(long size, int clients, int rounds, Security security, Answer answer) {
        return run(size, clients, rounds, security, answer, List.of("-Xmx2g"));
    }

    private static Result run(
            long size, int clients, int rounds, Security security, Answer answer, List<String> options) {
        List<Double> seconds = new ArrayList<>();
        long[] resident = new long[1];
        try (ChildProgram server = ChildProgram.java(
                options, NetworkRoundBenchmark.class, "server", size, clients, rounds, security.folder())) {
            List<ChildProgram> started = clients(size, clients, security, answer, server.await("PORT"));
            collect(server, seconds, resident);
            started.forEach(ChildProgram::close);
        }
        return new Result(seconds, resident[0]);
    }

    private static void collect(ChildProgram server, List<Double> seconds, long[] resident) {
        server.forEachLine(line -> {
            if (line.startsWith("ROUND ")) {
                seconds.add(Double.parseDouble(line.substring(6)));
            } else if (line.startsWith("RESIDENT ")) {
                resident[0] = Long.parseLong(line.substring(9));
            }
        });
        if (resident[0] == 0) {
            throw new IllegalStateException("the server did not come to its end");
        }
    }

    private static List<ChildProgram> clients(long size, int clients, Security security, Answer answer, String port) {
        // Model and copy of a few rounds, so that collections are as rare as in an application that is not short of
        // memory.
        long mib = (answer == Answer.COPY ? 12 : 1) * size * Float.BYTES / (1 << 20) + 96;
        List<ChildProgram> started = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            started.add(ChildProgram.java(
                    List.of("-XX:+UseSerialGC", "-Xmn8m", "-Xmx" + mib + "m"),
                    NetworkRoundBenchmark.class,
                    "client",
                    port,
                    name(i),
                    size,
                    answer,
                    security.folder()));
        }
        return started;
    }

    private static Result python(List<String> python, long size, int clients, int rounds) {
        List<Double> seconds = new ArrayList<>();
        long[] resident = new long[1];
        try (ChildProgram server = ChildProgram.start(with(python, "server", size, LAYERS, clients, rounds))) {
            String port = server.await("PORT");
            List<ChildProgram> started = IntStream.range(0, clients)
                    .mapToObj(i -> ChildProgram.start(with(python, "client", port)))
                    .toList();
            collect(server, seconds, resident);
            started.forEach(ChildProgram::close);
        }
        return new Result(seconds, resident[0]);
    }

    private static Optional<String> versions(List<String> python) {
        try {
            Process process = new ProcessBuilder(with(python, "versions"))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String line = new String(process.getInputStream().readAllBytes()).strip();
            return line.isEmpty() ? Optional.empty() : Optional.of(line);
        } catch (IOException e) {
            // No such interpreter.
            return Optional.empty();
        }
    }

    private static List<String> with(List<String> command, Object... arguments) {
        List<String> all = new ArrayList<>(command);
        for (Object argument : arguments) {
            all.add(argument.toString());
        }
        return all;
    }

    // ---- the parts, in processes of their own

    private static void part(String[] arguments) throws Exception {
        QuietLog.install();
        switch (arguments[0]) {
            case "server" ->
                serve(Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]), Security.in(arguments[4]));
            case "client" ->
                work(
                        Integer.parseInt(arguments[1]),
                        arguments[2],
                        Long.parseLong(arguments[3]),
                        Answer.valueOf(arguments[4]),
                        Security.in(arguments[5]));
            case "whole" ->
                whole(Long.parseLong(arguments[1]), Integer.parseInt(arguments[2]), Security.in(arguments[3]));
            default -> throw new IllegalArgumentException("unknown part " + arguments[0]);
        }
    }

    /** The initial model comes from a client, so that nobody but the run holds it. */
    private static void serve(int clients, int rounds, Security security) throws InterruptedException {
        try (FederatedServer server = server(security)) {
            System.out.println("PORT " + server.address().getPort());
            federate(server, clients, rounds);
            System.out.println("RESIDENT " + ProcessMemory.peakResident());
        }
    }

    private static FederatedServer server(Security security) {
        return FederatedServer.builder().security(security.ofServer()).start();
    }

    private static void federate(FederatedServer server, int clients, int rounds) throws InterruptedException {
        List<RoundRecord> records = Federation.of(server)
                .strategy(FedAvg.create())
                .rounds(rounds)
                .evaluateEvery(0)
                .minClients(clients)
                .clientWait(Duration.ofMinutes(3))
                .listener(new RoundListener() {
                    private long last = System.nanoTime();

                    @Override
                    public void roundFinished(RoundRecord record) {
                        long now = System.nanoTime();
                        System.out.println("ROUND " + (now - last) / 1e9);
                        last = now;
                    }
                })
                .run()
                .records();
        for (RoundRecord round : records) {
            if (round.isAborted()
                    || round.outcomes().size() != clients
                    || !round.outcomes().stream().allMatch(outcome -> outcome.isCompleted())) {
                throw new IllegalStateException("round " + round.round() + " lost a client: " + round.outcomes());
            }
        }
    }

    /** Server and clients of two rounds, for {@link LeastHeap}: the server is in this process. */
    private static void whole(long size, int clients, Security security) throws InterruptedException {
        List<ChildProgram> started = List.of();
        try (FederatedServer server = server(security)) {
            started = clients(
                    size,
                    clients,
                    security,
                    Answer.COPY,
                    Integer.toString(server.address().getPort()));
            federate(server, clients, 2);
        } catch (Throwable e) {
            // Also if memory ran out in a thread that others wait for: nothing is to keep this process.
            started.forEach(ChildProgram::kill);
            Runtime.getRuntime().halt(1);
        }
        started.forEach(ChildProgram::close);
    }

    private static void work(int port, String id, long size, Answer answer, Security security)
            throws InterruptedException {
        try (FederatedClient client = FederatedClient.builder()
                .server("localhost", port)
                .clientId(id)
                .security(security.ofClient(id))
                .client(new IdleClient(size, answer))
                .build()) {
            client.run();
        }
    }

    private static String name(int client) {
        return String.format(Locale.ROOT, "client-%02d", client);
    }

    /** What a client answers with. */
    private enum Answer {
        /** A copy of the model in which a value of each layer has changed. */
        COPY,
        /** Values that are made as they are sent: the client holds nothing but the model that it downloaded. */
        MADE
    }

    private record IdleClient(long parameters, Answer answer) implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            return ClientUpdate.ofModel(answer == Answer.COPY ? changed(task.model()) : made(task.seed()), 1);
        }

        @Override
        public ClientUpdate perform(Task task, TaskContext context) throws Exception {
            return task.kind().equals(TaskKind.INITIAL_MODEL)
                    ? ClientUpdate.ofModel(made(0), 1)
                    : Client.super.perform(task, context);
        }

        private static Model changed(Model model) {
            List<Tensor> tensors = new ArrayList<>();
            for (Tensor tensor : model.tensors()) {
                float[] values = tensor.toFloatArray();
                values[0] += 1;
                tensors.add(Tensor.wrap(values));
            }
            return Model.of(model.spec(), tensors);
        }

        private Model made(long seed) {
            Model.Builder model = Model.builder();
            for (int layer = 0; layer < LAYERS; layer++) {
                model.trainable(
                        "layer" + layer,
                        Tensor.of(TensorType.FLOAT32, Shape.of(parameters / LAYERS), new MadeValues(seed + layer)));
            }
            return model.build();
        }
    }

    /** Without TLS, or with certificates out of a folder. */
    private record Security(String folder) {
        static final Security PLAIN = new Security("-");

        static Security in(String folder) {
            return new Security(folder);
        }

        static Security tls(Path folder, int clients) throws IOException, InterruptedException {
            TrialCertificates.make(
                    folder,
                    IntStream.range(0, clients)
                            .mapToObj(NetworkRoundBenchmark::name)
                            .toList());
            return new Security(folder.toString());
        }

        ServerSecurity ofServer() {
            if (equals(PLAIN)) {
                return ServerSecurity.insecure();
            }
            TrialCertificates files = TrialCertificates.in(Path.of(folder));
            return ServerSecurity.mutualTls(files.certificate("server"), files.key("server"), files.certificate("ca"));
        }

        ClientSecurity ofClient(String id) {
            if (equals(PLAIN)) {
                return ClientSecurity.insecure();
            }
            TrialCertificates files = TrialCertificates.in(Path.of(folder));
            return ClientSecurity.mutualTls(files.certificate(id), files.key(id), files.certificate("ca"));
        }
    }
}
