package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.examples.certs.TrialAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server in a process of its own that is killed and told to end, with clients that see it through, over mutual TLS. */
final class NetworkKillIT {
    private static final Pattern LISTENING = Pattern.compile("Listening on 127\\.0\\.0\\.1:([0-9]+), mutual TLS");
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int ROUNDS = 40;

    @TempDir
    private Path folder;

    private final List<Process> processes = new ArrayList<>();
    private Path serverCertificate = Path.of("");
    private Path serverKey = Path.of("");
    private Path authority = Path.of("");
    private int logs;

    @BeforeEach
    void makeDataAndCertificates() {
        Outcome.of("trial-data", "--out", folder, "--rows", 100).done();
        TrialAuthority trial = TrialAuthority.create(folder.resolve("authority"), "trial", 30);
        authority = trial.certificateFile();
        TrialAuthority.Issued server = trial.issueServer(List.of("127.0.0.1"), 20, folder.resolve("server"));
        serverCertificate = server.certificateFile();
        serverKey = server.keyFile();
        trial.issueClient("bank-1", 20, folder.resolve("certificates"));
        trial.issueClient("bank-2", 20, folder.resolve("certificates"));
    }

    @AfterEach
    void endProcesses() {
        processes.forEach(Process::destroyForcibly);
    }

    private Path startServer(Path run, String port, Object... more) throws IOException {
        Path log = folder.resolve("server-" + ++logs + ".log");
        List<Object> arguments = new ArrayList<>(List.of(
                "server",
                "--listen",
                "127.0.0.1:" + port,
                "--tls-cert",
                serverCertificate,
                "--tls-key",
                serverKey,
                "--client-ca",
                authority,
                "--rounds",
                ROUNDS,
                "--min-clients",
                2,
                "--strategy",
                "scaffold",
                "--out",
                run));
        arguments.addAll(List.of(more));
        processes.add(ChildProcess.start(log, "", List.of("-Xmx128m"), arguments));
        return log;
    }

    private Process newest() {
        return processes.get(processes.size() - 1);
    }

    private RunningCommand client(String port, int bank, Path states) {
        String id = "bank-" + bank;
        return RunningCommand.start(
                "client",
                "--server",
                "127.0.0.1:" + port,
                "--ca",
                authority,
                "--cert",
                folder.resolve("certificates/" + id + ".pem"),
                "--key",
                folder.resolve("certificates/" + id + "-key.pem"),
                "--data",
                folder.resolve(id + ".csv"),
                "--label",
                "subscribed",
                "--category",
                "contact=mail,none,phone",
                "--model",
                "logistic",
                "--state",
                states.resolve(id));
    }

    private String await(Path log, Pattern pattern) throws IOException, InterruptedException {
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < until) {
            Matcher matcher = pattern.matcher(Files.readString(log));
            if (matcher.find()) {
                return matcher.group(matcher.groupCount());
            }
            if (newest().waitFor(10, TimeUnit.MILLISECONDS)
                    && !pattern.matcher(Files.readString(log)).find()) {
                break;
            }
        }
        throw new AssertionError("'" + pattern + "' was not printed but:\n" + Files.readString(log));
    }

    private String digest(Path log) throws IOException, InterruptedException {
        assertThat(newest().waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(newest().exitValue()).as(Files.readString(log)).isZero();
        return Outcome.digest(Files.readString(log));
    }

    @Test
    void killedServerResumesWithTheClientsThatWaitForItToTheSameModel() throws IOException, InterruptedException {
        Path whole = startServer(folder.resolve("whole"), "0");
        String port = await(whole, LISTENING);
        try (RunningCommand first = client(port, 1, folder.resolve("whole-states"));
                RunningCommand second = client(port, 2, folder.resolve("whole-states"))) {
            first.outcome().done();
            second.outcome().done();
        }
        String digest = digest(whole);

        Path run = folder.resolve("run");
        Path killed = startServer(run, "0");
        String samePort = await(killed, LISTENING);
        try (RunningCommand first = client(samePort, 1, folder.resolve("states"));
                RunningCommand second = client(samePort, 2, folder.resolve("states"))) {
            await(killed, Pattern.compile(" (5)/" + ROUNDS + " "));
            newest().destroyForcibly().waitFor();
            Path told = startServer(run, samePort, "--resume");
            await(told, Pattern.compile(" (1[0-9])/" + ROUNDS + " "));
            newest().destroy();
            assertThat(newest().waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(Files.readString(told)).contains("Going on with run", "Interrupted", "--resume goes on");
            Path last = startServer(run, samePort, "--resume");
            assertThat(digest(last)).isEqualTo(digest);
            assertThat(first.outcome().done().out()).doesNotContain("times reconnected: 0");
            second.outcome().done();
        }
    }

    @Test
    void clientWithACertificateOfAnotherAuthorityIsRefused() throws IOException, InterruptedException {
        TrialAuthority stranger = TrialAuthority.create(folder.resolve("stranger"), "stranger", 30);
        Files.createDirectories(folder.resolve("aside"));
        Files.move(folder.resolve("certificates"), folder.resolve("aside/certificates"));
        stranger.issueClient("bank-1", 20, folder.resolve("certificates"));
        String port = await(startServer(folder.resolve("run"), "0"), LISTENING);
        try (RunningCommand client = client(port, 1, folder.resolve("states"))) {
            Outcome outcome = client.outcome();
            assertThat(outcome.exitCode()).isIn(ExitCode.REFUSED, ExitCode.USAGE);
            assertThat(outcome.err()).contains("127.0.0.1:" + port);
        }
    }
}
