package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What server and client refuse before they open anything. */
final class NetworkInputTest {
    @TempDir
    private Path folder;

    private Outcome server(Object... more) {
        return Outcome.of(Stream.concat(
                        Stream.of("server", "--listen", "127.0.0.1:0", "--out", folder.resolve("run")), Stream.of(more))
                .toArray());
    }

    private Outcome client(Object... more) {
        return Outcome.of(Stream.concat(
                        Stream.of("client", "--server", "127.0.0.1:1", "--label", "took", "--model", "logistic"),
                        Stream.of(more))
                .toArray());
    }

    private static void assertRefused(Outcome outcome, String... words) {
        assertThat(outcome.err()).contains(words);
        assertThat(outcome.exitCode()).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void serverWithoutTlsMustBeAskedFor() {
        assertRefused(server(), "--tls-cert", "--client-ca", "fedlearn certs", "--insecure");
        assertThat(folder.resolve("run")).doesNotExist();
    }

    @Test
    void serverRefusesSecurityThatContradictsItself() {
        assertRefused(server("--insecure", "--tokens", "t"), "--insecure excludes");
        assertRefused(server("--tls-cert", "c"), "--tls-cert and --tls-key go together");
        assertRefused(server("--tls-cert", "c", "--tls-key", "k"), "--client-ca or --tokens");
        assertRefused(
                server("--tls-cert", "c", "--tls-key", "k", "--client-ca", "a", "--tokens", "t"), "exclude each other");
        assertRefused(server("--tls-cert", "c", "--tls-key", "k", "--tokens", "t", "--crl", "r"), "--crl needs");
    }

    @Test
    void serverNamesTheFileThatItCannotRead() {
        Path gone = folder.resolve("gone.pem");
        assertRefused(server("--tls-cert", gone, "--tls-key", gone, "--client-ca", gone), "gone.pem");
        assertRefused(server("--insecure", "--initial", folder.resolve("gone.safetensors")), "--initial", "gone");
    }

    @Test
    void serverRefusesOptionsOutOfRange() {
        assertRefused(server("--insecure", "--min-clients", 0), "--min-clients must be >= 1");
        assertRefused(server("--insecure", "--rounds", 0), "--rounds");
        assertRefused(server("--insecure", "--quorum", 3), "--quorum is 3, but there are only 2");
        assertRefused(server("--insecure", "--strategy", "nothing"), "--strategy");
        assertRefused(server("--insecure", "--client-deadline", "soon"), "30s");
        assertRefused(server("--insecure", "--round-deadline", "0s"), "--round-deadline must be > 0");
        assertRefused(server("--insecure", "--flower-listen", "127.0.0.1:0"), "--protocol both");
        assertRefused(server("--insecure", "--protocol", "both"), "--flower-listen");
        assertRefused(server("--insecure", "--listen", "8443"), "127.0.0.1:8443");
        assertRefused(
                server("--insecure", "--protocol", "flower", "--reconnect-grace", "1m"), "Flower's do not come back");
        assertRefused(server("--insecure", "--any-schema", "--fit-config", "schema=s1"), "exclude each other");
    }

    @Test
    void serverHasNoOptionsOfClientsInTheSameProcess() {
        assertThat(Outcome.of("server", "--help").out())
                .contains("--min-clients", "--round-deadline")
                .doesNotContain("--threads=", "--dp-epsilon");
        assertRefused(server("--insecure", "--threads", 1), "--threads");
    }

    @Test
    void clientWithoutTlsMustBeAskedForAndNamed() {
        assertRefused(client("--data", "x.csv"), "--ca", "--insecure");
        assertRefused(client("--data", "x.csv", "--insecure"), "--insecure needs --id");
        assertRefused(client("--data", "x.csv", "--insecure", "--ca", "ca.pem"), "--insecure excludes");
        assertRefused(client("--data", "x.csv", "--ca", "a", "--cert", "c"), "--cert and --key go together");
    }

    @Test
    void clientDoesNotSayThatItJoinsBeforeItsFilesAreRead() throws IOException {
        Path file = Files.writeString(folder.resolve("a.csv"), "age,took\n30,0\n40,1\n50,0\n60,1\n");
        Path gone = folder.resolve("gone.pem");
        Outcome outcome =
                client("--data", file, "--ca", gone, "--cert", gone, "--key", gone, "--state", folder.resolve("state"));
        assertRefused(outcome, "gone.pem");
        assertThat(outcome.out()).contains("Learns:").doesNotContain("Joining");
    }

    @Test
    void clientNamesFileAndColumnThatItCannotUse() throws IOException {
        Object[] insecure = {"--insecure", "--id", "a"};
        assertRefused(client(with(insecure, "--data", folder.resolve("gone.csv"))), "gone.csv does not exist");
        Path file = Files.writeString(folder.resolve("a.csv"), "age,job,took\n30,clerk,0\n");
        assertRefused(client(with(insecure, "--data", file)), "column 'job'", "--category job=");
        Path other = Files.writeString(folder.resolve("b.csv"), "age,job\n30,clerk\n");
        assertRefused(client(with(insecure, "--data", other)), "--label names column 'took'", "has only age, job");
        assertRefused(client(with(insecure, "--data", file, "--hidden", 3)), "--hidden is of --model mlp");
    }

    private static Object[] with(Object[] some, Object... more) {
        return Stream.concat(Stream.of(some), Stream.of(more)).toArray();
    }

    @Test
    void trialDataIsTheSameForTheSameSeed() throws IOException {
        Outcome.of("trial-data", "--out", folder.resolve("a"), "--rows", 50).done();
        Outcome.of("trial-data", "--out", folder.resolve("b"), "--rows", 50).done();
        Outcome.of("trial-data", "--out", folder.resolve("c"), "--rows", 50, "--seed", 1)
                .done();
        List<String> lines = Files.readAllLines(folder.resolve("a/bank-1.csv"));
        assertThat(lines).hasSize(51).first().isEqualTo("age,balance,calls,contact,subscribed");
        assertThat(Files.readAllLines(folder.resolve("b/bank-1.csv"))).isEqualTo(lines);
        assertThat(Files.readAllLines(folder.resolve("a/bank-2.csv"))).isNotEqualTo(lines);
        assertThat(Files.readAllLines(folder.resolve("c/bank-1.csv"))).isNotEqualTo(lines);
    }
}
