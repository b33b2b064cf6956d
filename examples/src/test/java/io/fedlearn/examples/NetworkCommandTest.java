package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.formats.safetensors.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers and clients of the command line, on threads of this process, over real connections. */
final class NetworkCommandTest {
    private static final String LISTENING = "Listening on (127\\.0\\.0\\.1:[0-9]+), ";

    @TempDir
    private Path folder;

    @BeforeEach
    void makeData() {
        Outcome.of("trial-data", "--out", folder, "--rows", 120).done();
    }

    private RunningCommand server(Path run, Object... more) {
        List<Object> arguments = new ArrayList<>(List.of(
                "server",
                "--listen",
                "127.0.0.1:0",
                "--insecure",
                "--rounds",
                3,
                "--min-clients",
                2,
                "--out",
                run,
                "--progress",
                "plain"));
        arguments.addAll(List.of(more));
        return RunningCommand.start(arguments.toArray());
    }

    private RunningCommand client(String address, int bank, Object... more) {
        return clientAt(address, bank, "state-" + bank, more);
    }

    private RunningCommand clientAt(String address, int bank, String state, Object... more) {
        List<Object> arguments = new ArrayList<>(List.of(
                "client",
                "--server",
                address,
                "--insecure",
                "--id",
                "bank-" + bank,
                "--data",
                folder.resolve("bank-" + bank + ".csv"),
                "--label",
                "subscribed",
                "--category",
                "contact=mail,none,phone",
                "--state",
                folder.resolve(state)));
        arguments.addAll(List.of(more));
        return RunningCommand.start(arguments.toArray());
    }

    /** Runs a server and two clients to their end and gives what the server printed. */
    private Outcome run(Path run, List<?> ofServer, List<?> ofClients) throws InterruptedException {
        try (RunningCommand server = server(run, ofServer.toArray())) {
            String address = server.await(LISTENING).group(1);
            try (RunningCommand first = client(address, 1, ofClients.toArray());
                    RunningCommand second = client(address, 2, ofClients.toArray())) {
                Outcome outcome = server.outcome().done();
                for (RunningCommand client : List.of(first, second)) {
                    assertThat(client.outcome().done().out())
                            .contains("round 3: trained", "round 3: tested", "The run is over");
                }
                return outcome;
            }
        }
    }

    @Test
    void serverLeavesTheFolderThatOtherRunsLeave() throws IOException, InterruptedException {
        Path run = folder.resolve("run");
        Outcome outcome = run(run, List.of(), List.of("--model", "logistic"));

        assertThat(outcome.out())
                .contains("WITHOUT TLS", "fedlearn client --server 127.0.0.1:", "Waiting for 2 clients", "3/3");
        JsonNode history =
                new ObjectMapper().readTree(run.resolve("history.json").toFile());
        assertThat(history.get("rounds")).hasSize(3);
        assertThat(history.get("rounds").get(2).get("metrics").get("auc").asDouble())
                .isBetween(0.6, 1.0);
        Model model = Safetensors.read(run.resolve("model.safetensors")).model();
        assertThat(model.digest()).isEqualTo(outcome.digest());
        assertThat(AuditVerifier.verify(run.resolve("audit.jsonl")).isWhole()).isTrue();
        assertThat(run.resolve("audit.jsonl"))
                .content()
                .contains("\"clients\":\"bank-1 bank-2\",\"count\":2,\"present\":2");
        assertThat(run.resolve("report.html")).content().contains("bank-1", "bank-2", "Auc");
    }

    @Test
    void sameSeedGivesTheSameModelAndItsFileStartsAnotherRun() throws IOException, InterruptedException {
        List<String> mlp = List.of("--model", "mlp", "--hidden", "5");
        String digest = run(folder.resolve("a"), List.of(), mlp).digest();
        assertThat(run(folder.resolve("b"), List.of(), mlp).digest()).isEqualTo(digest);

        Path model = folder.resolve("a/model.safetensors");
        run(folder.resolve("c"), List.of("--initial", model, "--strategy", "fedadam"), mlp);
        assertThat(new ObjectMapper()
                        .readTree(folder.resolve("c/run.json").toFile())
                        .get("initialDigest")
                        .asText())
                .isEqualTo(digest);
    }

    @Test
    void scaffoldKeepsStateAtTheSites() throws IOException, InterruptedException {
        run(
                folder.resolve("run"),
                List.of("--strategy", "scaffold"),
                List.of("--model", "softmax", "--classes", "0,1"));
        for (int bank = 1; bank <= 2; bank++) {
            try (var files = Files.walk(folder.resolve("state-" + bank))) {
                assertThat(files.filter(file -> file.toString().endsWith(".safetensors")))
                        .isNotEmpty();
            }
        }
    }

    @Test
    void serverWarnsOfClientsWhoseColumnsDifferIfItIsToAdmitThem() throws InterruptedException {
        try (RunningCommand server = server(folder.resolve("run"), "--any-schema")) {
            String address = server.await(LISTENING).group(1);
            try (RunningCommand first = client(address, 1, "--model", "logistic", "--ignore", "age");
                    RunningCommand second = client(address, 2, "--model", "logistic", "--ignore", "calls")) {
                assertThat(server.outcome().out())
                        .contains("Warning: clients have different columns", "bank-1", "bank-2");
                assertThat(first.outcome().exitCode()).isZero();
                assertThat(second.outcome().exitCode()).isZero();
            }
        }
    }

    @Test
    void serverRefusesAClientWhoseColumnsDifferFromThoseOfTheFirst() throws InterruptedException {
        try (RunningCommand server = server(folder.resolve("run"))) {
            String address = server.await(LISTENING).group(1);
            try (RunningCommand first = client(address, 1, "--model", "logistic", "--ignore", "age")) {
                first.await("(?i)joined");
                try (RunningCommand other = client(address, 2, "--model", "logistic", "--ignore", "calls")) {
                    Outcome refused = other.outcome();
                    assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
                    assertThat(refused.err()).contains("does not learn from calls", "it learns from age");
                }
                server.await("refused client 'bank-2'.*does not learn from calls");
                try (RunningCommand second = client(address, 2, "--model", "logistic", "--ignore", "age")) {
                    server.outcome().done();
                    second.outcome().done();
                }
                assertThat(folder.resolve("run/audit.jsonl"))
                        .content()
                        .contains(
                                "\"client\":\"bank-2\",\"count\":1,\"proven\":false,\"reason\":\"its data does not fit")
                        .contains("\"type\":\"client-refused\"");
            }
        }
    }

    @Test
    void serverRefusesAClientWhoseSchemaIsNotTheOneItWasGiven() throws InterruptedException {
        try (RunningCommand server = server(folder.resolve("run"), "--fit-config", "schema=s000000000000")) {
            String address = server.await(LISTENING).group(1);
            try (RunningCommand first = client(address, 1, "--model", "logistic")) {
                Outcome refused = first.outcome();
                assertThat(refused.exitCode()).isEqualTo(ExitCode.REFUSED);
                assertThat(refused.err()).contains("the run's s000000000000");
            }
            server.interrupt();
            server.outcome();
        }
    }

    @Test
    void clientsOfARunThatFailedSaySo() throws InterruptedException {
        // With steps as large as that, training diverges at every client.
        try (RunningCommand server = server(folder.resolve("run"), "--learning-rate", "1e38")) {
            String address = server.await(LISTENING).group(1);
            try (RunningCommand first = client(address, 1, "--model", "mlp");
                    RunningCommand second = client(address, 2, "--model", "mlp")) {
                assertThat(server.outcome().exitCode()).isEqualTo(ExitCode.FAILED);
                for (RunningCommand client : List.of(first, second)) {
                    Outcome outcome = client.outcome();
                    assertThat(outcome.exitCode()).isEqualTo(ExitCode.FAILED);
                    assertThat(outcome.out())
                            .contains("The run has failed at the server: too few clients")
                            .doesNotContain("The run is over");
                }
            }
        }
    }

    @Test
    void twoClientsDoNotShareTheirState() throws InterruptedException {
        try (RunningCommand server = server(folder.resolve("run"))) {
            String address = server.await(LISTENING).group(1);
            try (RunningCommand first = client(address, 1, "--model", "logistic")) {
                first.await("Joining");
                first.await("joined");
                try (RunningCommand second = clientAt(address, 2, "state-1", "--model", "logistic")) {
                    Outcome outcome = second.outcome();
                    assertThat(outcome.exitCode()).isNotZero();
                    assertThat(outcome.err()).contains("state-1");
                }
            }
            server.interrupt();
        }
    }

    @Test
    void clientGivesUpOnAServerThatIsNotThere() throws InterruptedException {
        try (RunningCommand client = client("127.0.0.1:1", 1, "--model", "logistic", "--give-up-after", "500ms")) {
            Outcome outcome = client.outcome();
            assertThat(outcome.exitCode()).isEqualTo(ExitCode.UNREACHABLE);
            assertThat(outcome.err()).contains("127.0.0.1:1");
        }
    }

    @Test
    void secondClientOfAnIdTakesThePlaceOfTheFirst() throws InterruptedException {
        try (RunningCommand server = server(folder.resolve("run"))) {
            String address = server.await(LISTENING).group(1);
            try (RunningCommand first = client(address, 1, "--model", "logistic")) {
                first.await("(?i)joined");
                try (RunningCommand second = clientAt(address, 1, "elsewhere", "--model", "logistic")) {
                    assertThat(first.outcome().exitCode()).isEqualTo(ExitCode.SUPERSEDED);
                    second.interrupt();
                    assertThat(second.outcome().exitCode()).isEqualTo(ExitCode.INTERRUPTED);
                }
            }
            server.interrupt();
            Outcome outcome = server.outcome();
            assertThat(outcome.exitCode()).isEqualTo(ExitCode.INTERRUPTED);
        }
    }

    private RunningCommand clientWithToken(String address, Path token, Object... more) {
        List<Object> arguments = new ArrayList<>(List.of(
                "client",
                "--server",
                address,
                "--ca",
                folder.resolve("authority/ca.pem"),
                "--token-file",
                token,
                "--data",
                folder.resolve("bank-1.csv"),
                "--label",
                "subscribed",
                "--category",
                "contact=mail,none,phone",
                "--model",
                "logistic"));
        arguments.addAll(List.of(more));
        return RunningCommand.start(arguments.toArray());
    }

    @Test
    void tokensAdmitWhoHoldsThemUnderTheirIdsAlone() throws IOException, InterruptedException {
        Path authority = folder.resolve("authority");
        Path certificate = folder.resolve("server");
        Path tokens = folder.resolve("tokens.txt");
        Path otherAuthority = folder.resolve("other");
        Outcome.of("certs", "ca", "--out", authority).done();
        Outcome.of("certs", "ca", "--out", otherAuthority).done();
        Outcome.of("certs", "server", "--ca", authority, "--host", "127.0.0.1", "--out", certificate)
                .done();
        Outcome.of("certs", "token", "--client-id", "bank-1", "--tokens", tokens)
                .done();
        Path token = folder.resolve("bank-1.token");
        Path nobodys = Files.writeString(folder.resolve("wrong.token"), "a".repeat(43) + "\n");
        Path state = folder.resolve("state");
        try (RunningCommand server = RunningCommand.start(
                "server",
                "--listen",
                "127.0.0.1:0",
                "--tls-cert",
                certificate.resolve("server.pem"),
                "--tls-key",
                certificate.resolve("server-key.pem"),
                "--tokens",
                tokens,
                "--rounds",
                2,
                "--min-clients",
                1,
                "--out",
                folder.resolve("run"))) {
            String address = server.await(LISTENING).group(1);

            try (RunningCommand anonymous = clientWithToken(address, token, "--state", state)) {
                Outcome outcome = anonymous.outcome();
                assertThat(outcome.exitCode()).isEqualTo(ExitCode.USAGE);
                assertThat(outcome.err()).contains("--token-file", "--id");
            }
            try (RunningCommand misled = RunningCommand.start(
                    "client",
                    "--server",
                    address,
                    "--ca",
                    otherAuthority.resolve("ca.pem"),
                    "--token-file",
                    token,
                    "--id",
                    "bank-1",
                    "--data",
                    folder.resolve("bank-1.csv"),
                    "--label",
                    "subscribed",
                    "--category",
                    "contact=mail,none,phone",
                    "--model",
                    "logistic",
                    "--state",
                    state)) {
                Outcome outcome = misled.outcome();
                assertThat(outcome.exitCode()).isEqualTo(ExitCode.USAGE);
                assertThat(outcome.err()).contains("is not trusted");
            }
            try (RunningCommand impostor = clientWithToken(address, token, "--id", "bank-2", "--state", state)) {
                Outcome outcome = impostor.outcome();
                assertThat(outcome.exitCode()).isEqualTo(ExitCode.REFUSED);
                assertThat(outcome.err()).contains("bank-2", "token");
            }
            try (RunningCommand unknown = clientWithToken(address, nobodys, "--id", "bank-1", "--state", state)) {
                Outcome outcome = unknown.outcome();
                assertThat(outcome.exitCode()).isEqualTo(ExitCode.REFUSED);
                assertThat(outcome.err()).contains("the token is nobody's");
            }
            try (RunningCommand holder = clientWithToken(address, token, "--id", "bank-1", "--state", state)) {
                server.outcome().done();
                assertThat(holder.outcome().done().out()).contains("round 2: trained", "The run is over");
            }
        }
    }
}
