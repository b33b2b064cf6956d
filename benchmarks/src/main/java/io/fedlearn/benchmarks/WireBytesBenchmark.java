package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.transform.RandomMask;
import io.fedlearn.aggregators.transform.ReducedPrecision;
import io.fedlearn.aggregators.transform.StochasticQuantization;
import io.fedlearn.aggregators.transform.TopK;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.client.FederatedClient;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.server.FederatedServer;
import io.fedlearn.testkit.network.Direction;
import io.fedlearn.testkit.network.FaultyProxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How many bytes does a round send, each way, beside the 4 bytes of each parameter, by the codec of the updates and with and without
 * compression? Counted by a proxy between server and clients, from the second round on: all of TCP's bytes, so that frames, messages,
 * heartbeats and receipts are in.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xmx2g -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" io.fedlearn.benchmarks.WireBytesBenchmark \
 *       [parameters [rounds]]
 * </pre>
 *
 * <p>Normally distributed weights (deviation 0.05), and updates that move each by a normally distributed step (0.001), without TLS,
 * which adds 29 bytes to each record of up to 16 KiB. The baseline is the first row.
 */
public final class WireBytesBenchmark {
    private static final int CLIENTS = 2;
    private static final int LAYERS = 4;

    private WireBytesBenchmark() {}

    /** Counts and prints a table. */
    public static void main(String[] arguments) throws Exception {
        QuietLog.install();
        int parameters = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1_000_000;
        int rounds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 6;
        System.out.println(Machine.description());
        System.out.printf(
                Locale.ROOT,
                "%n%,d float32 parameters, %d clients, %d rounds; bytes as a share of 4 x parameters%n%n",
                parameters,
                CLIENTS,
                rounds);
        System.out.println("| updates | to client | to server | to client, zstd | to server, zstd |");
        System.out.println("|---|---|---|---|---|");
        for (Map.Entry<String, Strategy> way : strategies().entrySet()) {
            double[] plain = shares(way.getValue(), parameters, rounds, false);
            double[] compressed = shares(way.getValue(), parameters, rounds, true);
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.2f %% | %.2f %% | %.2f %% | %.2f %% |%n",
                    way.getKey(),
                    100 * plain[0],
                    100 * plain[1],
                    100 * compressed[0],
                    100 * compressed[1]);
        }
    }

    private static Map<String, Strategy> strategies() {
        Strategy mean = FedAvg.create();
        Map<String, Strategy> strategies = new LinkedHashMap<>();
        strategies.put("as they are", mean);
        strategies.put("float16", ReducedPrecision.float16().appliedTo(mean));
        strategies.put("bfloat16", ReducedPrecision.bfloat16().appliedTo(mean));
        strategies.put("int8", StochasticQuantization.create().appliedTo(mean));
        strategies.put("top-k 10 %", TopK.withShare(0.1).appliedTo(mean));
        strategies.put("top-k 1 %", TopK.withShare(0.01).appliedTo(mean));
        strategies.put(
                "top-k 1 %, then int8",
                StochasticQuantization.create().appliedTo(TopK.withShare(0.01).appliedTo(mean)));
        strategies.put("random mask 10 %", RandomMask.withShare(0.1).appliedTo(mean));
        return strategies;
    }

    /** Of one client and round: to the client, and to the server. */
    private static double[] shares(Strategy strategy, int parameters, int rounds, boolean isCompressed)
            throws InterruptedException {
        // Nobody is there yet.
        try (FaultyProxy proxy = FaultyProxy.to(new InetSocketAddress(InetAddress.getLoopbackAddress(), 1))) {
            List<Thread> threads = new ArrayList<>();
            Counts counts = new Counts(proxy);
            try (FederatedServer server = FederatedServer.builder()
                    .security(ServerSecurity.insecure())
                    .compression(isCompressed)
                    .start()) {
                proxy.redirect(server.address());
                for (int i = 0; i < CLIENTS; i++) {
                    threads.add(start(proxy, "client-" + i, isCompressed));
                }
                run(server, strategy, parameters, rounds, counts);
            }
            for (Thread thread : threads) {
                thread.join();
            }
            return counts.shares(4L * parameters * CLIENTS);
        }
    }

    private static void run(FederatedServer server, Strategy strategy, int parameters, int rounds, Counts counts)
            throws InterruptedException {
        for (RoundRecord round : Federation.of(server)
                .strategy(strategy)
                .initialModel(model(parameters))
                .rounds(rounds)
                .evaluateEvery(0)
                .minClients(CLIENTS)
                .clientWait(Duration.ofMinutes(1))
                .listener(counts)
                .run()
                .records()) {
            if (!round.outcomes().stream().allMatch(outcome -> outcome.isCompleted())) {
                throw new IllegalStateException("round " + round.round() + " lost a client: " + round.outcomes());
            }
        }
    }

    private static Thread start(FaultyProxy proxy, String id, boolean isCompressed) {
        Thread thread = new Thread(() -> {
            try (FederatedClient federated = FederatedClient.builder()
                    .server("localhost", proxy.address().getPort())
                    .clientId(id)
                    .security(ClientSecurity.insecure())
                    .compression(isCompressed)
                    .client(new Walker())
                    .build()) {
                federated.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        thread.start();
        return thread;
    }

    /** What had been forwarded at the end of each round. */
    private static final class Counts implements RoundListener {
        private final FaultyProxy proxy;
        private final List<Long> toClient = new ArrayList<>();
        private final List<Long> toServer = new ArrayList<>();

        Counts(FaultyProxy proxy) {
            this.proxy = proxy;
        }

        @Override
        public void roundFinished(RoundRecord record) {
            toClient.add(proxy.forwardedBytes(Direction.TO_CLIENT));
            toServer.add(proxy.forwardedBytes(Direction.TO_SERVER));
        }

        double[] shares(long bytesPerRound) {
            return new double[] {share(toClient, bytesPerRound), share(toServer, bytesPerRound)};
        }

        private static double share(List<Long> counts, long bytesPerRound) {
            int rounds = counts.size() - 1;
            return (counts.get(rounds) - counts.get(0)) / (double) rounds / bytesPerRound;
        }
    }

    private static Model model(int parameters) {
        SeededRandom random = SeededRandom.of(1);
        Model.Builder model = Model.builder();
        for (int layer = 0; layer < LAYERS; layer++) {
            float[] values = new float[parameters / LAYERS];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (0.05 * random.nextGaussian());
            }
            model.trainable("layer" + layer, Tensor.wrap(values));
        }
        return model.build();
    }

    /** Moves each weight by a small step. */
    private static final class Walker implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            SeededRandom random = SeededRandom.of(task.seed());
            List<Tensor> tensors = new ArrayList<>();
            for (Tensor tensor : task.model().tensors()) {
                float[] values = tensor.toFloatArray();
                for (int i = 0; i < values.length; i++) {
                    values[i] += (float) (0.001 * random.nextGaussian());
                }
                tensors.add(Tensor.wrap(values));
            }
            return ClientUpdate.ofModel(Model.of(task.model().spec(), tensors), 1);
        }
    }
}
