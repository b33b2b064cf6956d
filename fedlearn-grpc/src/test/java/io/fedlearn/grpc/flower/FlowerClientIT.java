package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.runtime.TaskRunner;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.formats.json.CanonicalJson;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.models.MultilayerPerceptron;
import io.fedlearn.testkit.generator.SyntheticExamples;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients at a server in Python that was written from the facts of the wire, and shares no code with ours. */
@Timeout(120)
class FlowerClientIT {
    private static final int ROUNDS = 3;
    private static final long SEED = 11;
    private static final Map<String, Integer> EXAMPLES = new TreeMap<>(Map.of("site-a", 90, "site-b", 40));

    private static Client client(String id) {
        int count = Objects.requireNonNull(EXAMPLES.get(id));
        return LocalTrainingClient.of(
                () -> MultilayerPerceptron.builder(6).hidden(8).multiclass(3),
                SyntheticExamples.separableClasses(id.hashCode(), count, 6, 3),
                SyntheticExamples.separableClasses(id.hashCode() + 1, 30, 6, 3));
    }

    @Test
    void averagesWithAServerInPython() throws Exception {
        Optional<String> python = PythonPeers.python("grpc, numpy");
        assumeTrue(python.isPresent(), "needs a python3 with grpcio and numpy");
        Path script = Path.of(Objects.requireNonNull(FlowerClientIT.class.getResource("flower_server_peer.py"))
                .toURI());
        Process server = new ProcessBuilder(
                        python.get(), script.toString(), String.valueOf(EXAMPLES.size()), String.valueOf(ROUNDS))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<FlowerClient> clients = new ArrayList<>();
        try (BufferedReader said =
                new BufferedReader(new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8))) {
            int port = Integer.parseInt(Objects.requireNonNull(said.readLine(), "the server did not start"));
            List<CompletableFuture<Departure>> departures = new ArrayList<>();
            for (String id : EXAMPLES.keySet()) {
                FlowerClient client = FlowerClient.builder()
                        .server("127.0.0.1", port)
                        .security(ClientSecurity.insecure())
                        .clientId(id)
                        .seed(SEED)
                        .client(client(id))
                        .build();
                clients.add(client);
                departures.add(CompletableFuture.supplyAsync(() -> run(client)));
            }
            Map<?, ?> result = (Map<?, ?>) CanonicalJson.parse(
                    Objects.requireNonNull(said.readLine(), "the server failed").getBytes(StandardCharsets.UTF_8),
                    "the server's result");
            for (CompletableFuture<Departure> departure : departures) {
                assertThat(departure.get(20, TimeUnit.SECONDS).cause()).isEqualTo(Departure.Cause.RUN_OVER);
            }
            assertThat(result.get("clients")).isEqualTo(List.copyOf(EXAMPLES.keySet()));
            compare(result);
            assertThat(server.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(server.exitValue()).isZero();
        } finally {
            clients.forEach(FlowerClient::close);
            server.destroyForcibly();
        }
    }

    private static Departure run(FlowerClient client) {
        try {
            return client.run();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static List<Double> numbers(Map<?, ?> result, String name) {
        return ((List<?>) Objects.requireNonNull(result.get(name)))
                .stream().map(value -> ((Number) value).doubleValue()).toList();
    }

    /** The same rounds, with the same seeds, averaged here. */
    private static void compare(Map<?, ?> result) {
        Model global = perform(task(TaskKind.INITIAL_MODEL, "site-a", 0).build())
                .model()
                .orElseThrow();
        List<Double> losses = new ArrayList<>();
        List<Double> trainLosses = new ArrayList<>();
        for (int round = 1; round <= ROUNDS; round++) {
            List<ClientUpdate> updates = new ArrayList<>();
            for (String id : EXAMPLES.keySet()) {
                updates.add(perform(task(TaskKind.FIT, id, round)
                        .model(global)
                        .config(Config.of(Map.of("localEpochs", 2, "learningRate", 0.25)))
                        .build()));
            }
            updates.forEach(
                    update -> trainLosses.add(update.metrics().get("loss").orElseThrow()));
            global = average(global, updates);
            double sum = 0;
            long total = 0;
            for (String id : EXAMPLES.keySet()) {
                ClientUpdate measured =
                        perform(task(TaskKind.EVALUATE, id, round).model(global).build());
                sum += (float) measured.metrics().get("loss").orElseThrow() * measured.exampleCount();
                total += measured.exampleCount();
            }
            losses.add(sum / total);
        }
        List<Double> values = new ArrayList<>();
        for (Tensor tensor : global.tensors()) {
            for (double value : tensor.toDoubleArray()) {
                values.add(value);
            }
        }
        assertThat(Set.copyOf((List<?>) Objects.requireNonNull(result.get("dtypes"))))
                .isEqualTo(Set.of("float32"));
        assertNear(numbers(result, "values"), values);
        assertNear(numbers(result, "losses"), losses);
        assertNear(numbers(result, "train_losses"), trainLosses);
        assertThat(losses.get(ROUNDS - 1)).isLessThan(losses.get(0));
    }

    private static void assertNear(List<Double> actual, List<Double> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(actual.get(i)).isCloseTo(expected.get(i), within(1e-5 * (1 + Math.abs(expected.get(i)))));
        }
    }

    private static Model average(Model global, List<ClientUpdate> updates) {
        List<Tensor> means = new ArrayList<>();
        long total = updates.stream().mapToLong(ClientUpdate::exampleCount).sum();
        for (int t = 0; t < global.tensors().size(); t++) {
            float[] sum = new float[(int) global.tensors().get(t).elementCount()];
            for (ClientUpdate update : updates) {
                float[] values = update.model().orElseThrow().tensors().get(t).toFloatArray();
                for (int i = 0; i < sum.length; i++) {
                    sum[i] += values[i] * update.exampleCount();
                }
            }
            for (int i = 0; i < sum.length; i++) {
                sum[i] /= total;
            }
            means.add(Tensor.wrap(sum, global.tensors().get(t).shape().lengths()));
        }
        return Model.of(global.spec(), means);
    }

    private static Task.Builder task(TaskKind kind, String id, int round) {
        return Task.builder(kind, id).round(round).seed(SeededRandom.derive(SeededRandom.derive(SEED, round), id));
    }

    private static ClientUpdate perform(Task task) {
        ClientOutcome outcome = TaskRunner.of(InMemoryClientStateStore.create())
                .run(client(task.clientId()), task, (done, total) -> {}, () -> false);
        return ((ClientOutcome.Completed) outcome).update();
    }
}
