package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.FedDyn;
import io.fedlearn.aggregators.FedProx;
import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.formats.json.CanonicalJson;
import io.fedlearn.grpc.security.ServerSecurity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs with clients in Python that were written from the facts of the wire, and share no code with ours. */
@Timeout(240)
class FlowerServerIT {
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    @TempDir
    private Path folder;

    private final List<Process> processes = new ArrayList<>();
    private String python = "";

    @BeforeEach
    void findPython() {
        python = PythonPeers.python("grpc, numpy, google.protobuf").orElse("");
        assumeTrue(!python.isEmpty(), "needs a python3 with grpcio, protobuf and numpy");
    }

    @AfterEach
    void killAll() {
        processes.forEach(Process::destroyForcibly);
    }

    private static FlowerServer listen() {
        return FlowerServer.builder()
                .security(ServerSecurity.insecure())
                .limits(FlowerLimits.defaults().withTimeouts(Duration.ofSeconds(30), Duration.ofSeconds(1)))
                .start();
    }

    private void startClients(FlowerServer server, String... variants) throws Exception {
        for (int i = 0; i < variants.length; i++) {
            processes.add(PythonPeers.start(
                    python,
                    "flower_client_peer.py",
                    folder.resolve("client" + i),
                    List.of("127.0.0.1:" + server.address().getPort(), String.valueOf(i + 1), variants[i])));
        }
        assertThat(server.awaitClients(variants.length, PATIENCE)).isTrue();
    }

    private int exitCode(int client) throws InterruptedException {
        Process process = processes.get(client);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    private Map<?, ?> said(int client) throws Exception {
        return (Map<?, ?>)
                CanonicalJson.parse(Files.readAllBytes(folder.resolve("client" + client)), "client " + client);
    }

    private static Federation.Builder rounds(FlowerServer server, Strategy strategy, int rounds) {
        return Federation.of(server)
                .strategy(strategy)
                .training(TrainingSettings.defaults().withLocalEpochs(2))
                .rounds(rounds);
    }

    @Test
    void trainsWithEveryLayoutAndTypeThatNumpySends() throws Exception {
        Run run;
        try (FlowerServer server = listen()) {
            startClients(server, "plain", "fortran", "float64", "bigendian");
            run = rounds(server, FedAvg.create(), 3).run();
        }

        assertThat(run.model().spec().tensors())
                .extracting(TensorSpec::name, TensorSpec::type, TensorSpec::role)
                .containsExactly(
                        tuple("tensor-000", TensorType.FLOAT32, TensorRole.TRAINABLE),
                        tuple("tensor-001", TensorType.FLOAT32, TensorRole.TRAINABLE),
                        tuple("tensor-002", TensorType.INT64, TensorRole.COUNTER));
        float[] weights = run.model().tensor("tensor-000").toFloatArray();
        float[] expected = {1, -2, 0.5f, 3, -1.5f, 0.25f};
        for (int i = 0; i < expected.length; i++) {
            assertThat(weights[i]).isCloseTo(expected[i], within(0.01f));
        }
        assertThat(run.model().tensor("tensor-002").toLongArray()).containsExactly(60);
        for (RoundRecord round : run.records()) {
            assertThat(round.outcomes()).hasSize(4).allMatch(OutcomeRecord::isCompleted);
            assertThat(round.metrics().get("rows")).isPresent();
        }
        for (int client = 0; client < 4; client++) {
            assertThat(exitCode(client)).as("client %d", client).isZero();
            assertThat(said(client).get("seconds")).isEqualTo(0L);
        }
        checkWhatAClientWasAsked(said(1));
    }

    private static void checkWhatAClientWasAsked(Map<?, ?> said) {
        List<?> fits = ((List<?>) Objects.requireNonNull(said.get("asked")))
                .stream()
                        .filter(asked -> "fit_ins".equals(((Map<?, ?>) asked).get("kind")))
                        .toList();
        assertThat(fits).hasSize(3);
        Map<?, ?> last = (Map<?, ?>) fits.get(2);
        Map<?, ?> config = (Map<?, ?>) Objects.requireNonNull(last.get("config"));
        assertThat(config.get("server_round")).isEqualTo(3L);
        assertThat(config.get("localEpochs")).isEqualTo(2L);
        assertThat(last.get("types")).isEqualTo(List.of("<f4", "<f4", "<i8"));
        assertThat(last.get("shapes")).isEqualTo(List.of(List.of(3L, 2L), List.of(2L), List.of()));
    }

    @Test
    void goesOnWithoutClientsThatDie() throws Exception {
        Run run;
        try (FlowerServer server = listen()) {
            startClients(server, "plain", "crash", "deaf");
            run = rounds(server, FedAvg.create(), 3).run();
            assertThat(server.clients()).hasSize(2);
        }

        assertThat(run.records().get(0).outcomes()).hasSize(3).allMatch(OutcomeRecord::isCompleted);
        assertThat(run.records().get(1).outcomes())
                .extracting(OutcomeRecord::outcome)
                .containsExactlyInAnyOrder("completed", "failed", "completed");
        assertThat(run.records().get(2).outcomes()).hasSize(2).allMatch(OutcomeRecord::isCompleted);
        assertThat(exitCode(0)).isZero();
        assertThat(exitCode(1)).isOne();
        // What ignores its goodbye is cut off when the server has gone.
        assertThat(exitCode(2)).isNotZero();
    }

    @Test
    void userCodeThatRaisesFailsItsTaskAlone() throws Exception {
        Run run;
        try (FlowerServer server = listen()) {
            startClients(server, "plain", "raises");
            run = rounds(server, FedProx.withMu(0.1), 1).run();
        }

        assertThat(run.records().get(0).outcomes())
                .extracting(OutcomeRecord::outcome)
                .containsExactlyInAnyOrder("completed", "failed");
        assertThat(exitCode(0)).isZero();
        Map<?, ?> fit = (Map<?, ?>) ((List<?>) Objects.requireNonNull(said(0).get("asked")))
                .stream()
                        .filter(asked -> "fit_ins".equals(((Map<?, ?>) asked).get("kind")))
                        .findFirst()
                        .orElseThrow();
        Map<?, ?> config = (Map<?, ?>) Objects.requireNonNull(fit.get("config"));
        assertThat(config.get("mu")).isEqualTo(0.1);
        assertThat(config.get("proximal_mu")).isEqualTo(0.1);
    }

    @Test
    void refusesStrategiesByWhatTheProtocolLacks() {
        try (FlowerServer server = listen()) {
            assertRefused(server, Scaffold.withClients(2), "tensors beside the model", "stable client ids", "state");
            assertRefused(server, FedDyn.of(2, 0.1), "stable client ids", "state kept at the client");
            assertRefused(
                    server,
                    FedAvg.create().withInstructions("fewer for one", (round, client) -> Config.empty()),
                    "stable client ids");
        }
    }

    private static void assertRefused(FlowerServer server, Strategy strategy, String... missing) {
        assertThatThrownBy(() -> rounds(server, strategy, 1).run())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(strategy.name())
                .hasMessageContainingAll(missing);
    }

    @Test
    void cautionsAgainstWhatMayDoNothing() {
        try (FlowerServer server = listen()) {
            assertThat(server.cautions(FedAvg.create(), false)).isEmpty();
            assertThat(server.cautions(FedProx.withMu(0.1), false))
                    .singleElement()
                    .asString()
                    .contains("'mu' and 'proximal_mu' = 0.1", "only if the client's own code reads it");
            assertThat(server.cautions(FedProx.withMu(0), false)).isEmpty();
            assertThat(server.cautions(FedAdam.create(), false))
                    .singleElement()
                    .asString()
                    .contains("FedAdam", "batch-norm");
            assertThat(server.cautions(FedAdam.create(), true)).isEmpty();
        }
    }
}
