package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.client.FederatedClient;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.server.FederatedServer;
import io.fedlearn.grpc.server.ServerLimits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * What does a client cost that is connected and has nothing to do? Servers with some thousand clients, each with a connection and
 * heartbeats of its own, which live in another JVM; then small rounds with a hundred of them.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   ulimit -n 20000
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" io.fedlearn.benchmarks.IdleClientsBenchmark \
 *       [number of clients ...]                                                                    (default: 1000 5000)
 * </pre>
 *
 * <p>Memory: the live heap after a collection, and what is resident, each less the same before the first client came, by client; taken
 * after three heartbeats. Rounds: 256 parameters, 100 clients drawn anew for each; the time of the slowest in a hundred. The baseline
 * is the first row: the same rounds when 100 clients are all there are.
 */
public final class IdleClientsBenchmark {
    private static final int COHORT = 100;
    private static final int PARAMETERS = 256;
    private static final int ROUNDS = 600;
    private static final int WARM_UP = 200;
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);

    private IdleClientsBenchmark() {}

    /** Measures for each number of clients. */
    public static void main(String[] arguments) throws Exception {
        QuietLog.install();
        if (arguments.length > 0 && arguments[0].equals("server")) {
            serve(Integer.parseInt(arguments[1]));
            return;
        }
        if (arguments.length > 0 && arguments[0].equals("clients")) {
            load(Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2]));
            return;
        }
        List<String> numbers = new ArrayList<>(List.of(Integer.toString(COHORT)));
        numbers.addAll(arguments.length > 0 ? List.of(arguments) : List.of("1000", "5000"));
        System.out.println(Machine.description());
        System.out.println("\n| clients | joined in s | heap KiB per client | resident KiB per client |"
                + " s/round of 100, median | p99 | the same / baseline |");
        System.out.println("|---|---|---|---|---|---|---|");
        double baseline = 0;
        for (String number : numbers) {
            try (ChildProgram server = ChildProgram.java(
                    List.of("-Xmx2g", "-XX:+UseSerialGC"), IdleClientsBenchmark.class, "server", number)) {
                try (ChildProgram clients = ChildProgram.java(
                        List.of("-Xmx3g", "-Xss256k", "-XX:+UseSerialGC"),
                        IdleClientsBenchmark.class,
                        "clients",
                        number,
                        server.await("PORT"))) {
                    String[] figures = server.await("FIGURES").split(" ");
                    double p99 = Double.parseDouble(figures[4]);
                    baseline = baseline == 0 ? p99 : baseline;
                    System.out.printf(
                            Locale.ROOT,
                            "| %s | %s | %s | %s | %s | %.4f | %.1f |%n",
                            number,
                            figures[0],
                            figures[1],
                            figures[2],
                            figures[3],
                            p99,
                            p99 / baseline);
                    clients.kill();
                }
            }
        }
    }

    private static void serve(int count) throws InterruptedException {
        try (FederatedServer server = FederatedServer.builder()
                .security(ServerSecurity.insecure())
                .heartbeat(HEARTBEAT)
                .limits(limits(count))
                .start()) {
            long heap = ProcessMemory.liveHeap();
            long resident = ProcessMemory.resident();
            System.out.println("PORT " + server.address().getPort());
            long start = System.nanoTime();
            if (!server.awaitClients(count, Duration.ofMinutes(5))) {
                throw new IllegalStateException("only " + server.clients().size() + " clients came");
            }
            double joined = (System.nanoTime() - start) / 1e9;
            TimeUnit.NANOSECONDS.sleep(HEARTBEAT.multipliedBy(3).toNanos());
            if (server.clients().size() != count) {
                throw new IllegalStateException("only " + server.clients().size() + " clients stayed");
            }
            long heapWith = ProcessMemory.liveHeap();
            long residentWith = ProcessMemory.resident();
            List<Double> seconds = rounds(server, count);
            System.out.printf(
                    Locale.ROOT,
                    "FIGURES %.1f %.1f %.1f %.4f %.4f%n",
                    joined,
                    (heapWith - heap) / 1024.0 / count,
                    (residentWith - resident) / 1024.0 / count,
                    seconds.get(seconds.size() / 2),
                    seconds.get(seconds.size() * 99 / 100));
            // The clients are in no hurry to hear that it is over.
            java.lang.Runtime.getRuntime().halt(0);
        }
    }

    private static ServerLimits limits(int count) {
        return ServerLimits.builder()
                .maxClients(count)
                .maxConnectionsPerAddress(2 * count)
                .build();
    }

    /** Sorted. */
    private static List<Double> rounds(FederatedServer server, int count) throws InterruptedException {
        List<Double> seconds = new ArrayList<>();
        List<RoundRecord> records = Federation.of(server)
                .strategy(FedAvg.create().withSelector(ClientSelector.uniform(COHORT)))
                .initialModel(Model.builder()
                        .trainable("w", Tensor.wrap(new float[PARAMETERS]))
                        .build())
                .rounds(ROUNDS)
                .evaluateEvery(0)
                .minClients(count)
                .listener(new RoundListener() {
                    private long last = System.nanoTime();

                    @Override
                    public void roundFinished(RoundRecord record) {
                        long now = System.nanoTime();
                        if (record.round() > WARM_UP) {
                            seconds.add((now - last) / 1e9);
                        }
                        last = now;
                    }
                })
                .run()
                .records();
        for (RoundRecord round : records) {
            if (!round.outcomes().stream().allMatch(outcome -> outcome.isCompleted())) {
                throw new IllegalStateException("round " + round.round() + " lost a client: " + round.outcomes());
            }
        }
        Collections.sort(seconds);
        return seconds;
    }

    private static void load(int count, int port) throws InterruptedException {
        Client client = (task, context) -> ClientUpdate.ofModel(task.model(), 1);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String id = String.format(Locale.ROOT, "client-%05d", i);
            Thread thread = new Thread(() -> {
                try (FederatedClient federated = FederatedClient.builder()
                        .server("localhost", port)
                        .clientId(id)
                        .security(ClientSecurity.insecure())
                        .client(client)
                        .build()) {
                    federated.run();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
