package io.fedlearn.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.grpc.client.Backoff;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.client.FederatedClient;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.server.FederatedServer;
import io.fedlearn.models.SoftmaxRegression;
import io.fedlearn.testkit.generator.SyntheticExamples;
import io.fedlearn.testkit.network.Direction;
import io.fedlearn.testkit.network.FaultyProxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A federation whose network misbehaves ends with the model of one that is left alone, and trains no more than that. */
@Timeout(60)
final class NetworkFaultsTest {
    private static final int CLIENTS = 3;
    private static final int ROUNDS = 4;
    private static final int FEATURES = 2000;
    private static final int CLASSES = 10;

    /** When what befalls the network befalls it: while every client trains. */
    private static final int ROUND = 2;

    /** Within a model of 80 KB. */
    private static final int BYTES = 50_000;

    private static Run undisturbed;

    /** What befalls the network of a client. */
    @FunctionalInterface
    private interface Fault {
        Fault NONE = proxy -> {};

        void on(FaultyProxy proxy) throws InterruptedException;
    }

    @BeforeAll
    static void runUndisturbed() throws InterruptedException {
        Map<String, Client> clients = new TreeMap<>();
        for (int k = 0; k < CLIENTS; k++) {
            clients.put(id(k), client(k));
        }
        undisturbed = configured(Federation.of(clients)).run();
    }

    @Test
    void goesOnWithADownloadThatWasCut() throws Exception {
        assertUndisturbed(proxy -> proxy.resetAfter(Direction.TO_CLIENT, BYTES), Fault.NONE, 1);
    }

    @Test
    void goesOnWithAnUploadThatWasCut() throws Exception {
        assertUndisturbed(Fault.NONE, proxy -> proxy.resetAfter(Direction.TO_SERVER, BYTES), 1);
    }

    @Test
    void keepsATaskWhoseConnectionIsReset() throws Exception {
        assertUndisturbed(Fault.NONE, FaultyProxy::reset, 1);
    }

    @Test
    void keepsATaskWhoseConnectionEnds() throws Exception {
        assertUndisturbed(Fault.NONE, FaultyProxy::finish, 1);
    }

    @Test
    void leavesAConnectionThatIsSilent() throws Exception {
        assertUndisturbed(
                Fault.NONE,
                proxy -> {
                    int before = proxy.acceptedConnections();
                    proxy.hold();
                    await(() -> proxy.acceptedConnections() > before);
                    proxy.release();
                },
                1);
    }

    @Test
    void waitsForAConnectionThatPauses() throws Exception {
        assertUndisturbed(
                proxy -> proxy.delay(Duration.ofMillis(1)),
                proxy -> {
                    proxy.hold();
                    proxy.release();
                },
                0);
    }

    @Test
    void bearsDelay() throws Exception {
        assertUndisturbed(proxy -> proxy.delay(Duration.ofMillis(15)), Fault.NONE, 0);
    }

    @Test
    void bearsBandwidthThatHalves() throws Exception {
        assertUndisturbed(proxy -> proxy.limitBandwidth(4 << 20), FaultyProxy::halveBandwidth, 0);
    }

    @Test
    void countsAConnectionThatIsReplayedOnce() throws Exception {
        assertUndisturbed(Fault.NONE, FaultyProxy::replay, 0);
    }

    @Test
    void comesBackWhenConnectionsAreTakenAgain() throws Exception {
        assertUndisturbed(
                Fault.NONE,
                proxy -> {
                    proxy.refuse();
                    proxy.reset();
                    await(() -> proxy.refusedConnections() >= 2);
                    proxy.admit();
                },
                1);
    }

    /**
     * Runs the federation with one fault.
     *
     * @param before the run
     * @param training while each client trains in round {@value #ROUND}
     * @param reconnects that each client must have needed at least
     */
    private static void assertUndisturbed(Fault before, Fault training, int reconnects) throws Exception {
        Map<String, Integer> trainings = new ConcurrentHashMap<>();
        List<FaultyProxy> proxies = new ArrayList<>();
        ExecutorService threads = Executors.newCachedThreadPool();
        List<Future<Departure>> departures = new ArrayList<>();
        try {
            Run run;
            try (FederatedServer server = FederatedServer.builder()
                    .security(ServerSecurity.insecure())
                    .heartbeat(Duration.ofMillis(200))
                    .chunkBytes(8 << 10)
                    .inlineBytes(1 << 10)
                    .start()) {
                for (int k = 0; k < CLIENTS; k++) {
                    int number = k;
                    FaultyProxy proxy = FaultyProxy.to(new InetSocketAddress(
                            InetAddress.getLoopbackAddress(), server.address().getPort()));
                    proxies.add(proxy);
                    before.on(proxy);
                    Client work = new Disturbed(client(k), trainings, proxy, training);
                    departures.add(threads.submit(() -> run(proxy, id(number), work)));
                }

                run = configured(Federation.of(server)).run();
            }

            assertThat(run.model().digest()).isEqualTo(undisturbed.model().digest());
            assertThat(counts(run)).isEqualTo(counts(undisturbed));
            assertThat(run.records())
                    .allSatisfy(round -> assertThat(round.lateUpdates()).isEmpty());
            assertThat(trainings)
                    .hasSize(CLIENTS * ROUNDS)
                    .allSatisfy((task, count) -> assertThat(count).as(task).isOne());
            for (Future<Departure> departure : departures) {
                assertThat(departure.get().cause()).isEqualTo(Departure.Cause.RUN_OVER);
                assertThat(departure.get().reconnects()).isGreaterThanOrEqualTo(reconnects);
            }
        } finally {
            proxies.forEach(FaultyProxy::close);
            threads.shutdownNow();
        }
    }

    private static List<String> counts(Run run) {
        return run.records().stream().flatMap(NetworkFaultsTest::counts).toList();
    }

    private static Stream<String> counts(RoundRecord round) {
        return round.outcomes().stream()
                .map(outcome -> round.round() + " " + outcome.clientId() + " " + outcome.outcome() + " "
                        + outcome.exampleCount() + " x " + outcome.weight());
    }

    private static Departure run(FaultyProxy proxy, String id, Client work) throws InterruptedException {
        try (FederatedClient client = FederatedClient.builder()
                .server("localhost", proxy.address().getPort())
                .clientId(id)
                .security(ClientSecurity.insecure())
                .client(work)
                .backoff(Backoff.of(Duration.ofMillis(20), Duration.ofMillis(100)))
                .build()) {
            return client.run();
        }
    }

    private static Federation.Builder configured(Federation.Builder builder) {
        return builder.strategy(Scaffold.withClients(CLIENTS))
                .training(TrainingSettings.defaults().withBatchSize(8))
                .initialModel(model().initialModel(1))
                .rounds(ROUNDS)
                .seed(7)
                .runId("faults")
                .evaluateEvery(0)
                .minClients(CLIENTS)
                .policy(RoundPolicy.defaults().withQuorum(CLIENTS));
    }

    private static String id(int number) {
        return "site-" + number;
    }

    private static SoftmaxRegression model() {
        return SoftmaxRegression.of(FEATURES, CLASSES);
    }

    private static Client client(int number) {
        return LocalTrainingClient.of(
                NetworkFaultsTest::model, SyntheticExamples.separableClasses(number, 16 + number, FEATURES, CLASSES));
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(1);
        }
    }

    /** Meets a fault while it trains, and counts how often it does. */
    private record Disturbed(Client client, Map<String, Integer> trainings, FaultyProxy proxy, Fault fault)
            implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) throws Exception {
            trainings.merge(task.id(), 1, Integer::sum);
            ClientUpdate update = client.fit(task, context);
            if (task.round() == ROUND) {
                fault.on(proxy);
            }
            return update;
        }
    }
}
