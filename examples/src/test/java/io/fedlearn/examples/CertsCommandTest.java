package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.examples.certs.TrialAuthority;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.RevocationList;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.security.TokenFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CertsCommandTest {
    private static final Pattern FINGERPRINT = Pattern.compile("fingerprint: +((?:[0-9a-f]{4} ?){16})");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"ca", "server", "request", "sign", "revoke", "show", "token"})
    void helpTeachesEachCommand(String command) {
        String help = Outcome.of("certs", command, "--help").done().out();

        assertThat(help)
                .contains("Usage: fedlearn certs " + command)
                .containsPattern("Examples?:")
                .doesNotContain("${");
    }

    @Test
    void helpTeachesTheOrderOfSteps() {
        assertThat(Outcome.of("certs", "--help").done().out())
                .containsSubsequence("(ca)", "(server)", "(request)", "(sign)", "(revoke)");
        assertThat(Outcome.of("certs").exitCode()).isEqualTo(2);
    }

    @Test
    void leadsFromAnAuthorityToAClientThatAServerKnows() throws Exception {
        found();
        Outcome.of("certs", "server", "--ca", ca(), "--host", "fl.example.org,10.1.2.3", "--out", at("server"))
                .done();
        Outcome requested = request("hospital-a", "site");
        Outcome signed = sign("site/hospital-a.csr", "hospital-a.pem", fingerprint(requested))
                .done();

        assertThat(signed.out()).contains("client id:   hospital-a").contains(fingerprint(requested));
        ServerSecurity server = ServerSecurity.mutualTls(at("server/server.pem"), at("server/server-key.pem"), caFile())
                .withRevocations(RevocationList.crl(at("ca/crl.pem"), caFile()));
        X509Certificate certificate = certificate(at("hospital-a.pem"));
        assertThat(server.clientId(certificate)).contains("hospital-a");
        assertThat(server.refusal(certificate)).isEmpty();
        X509Certificate[] chain = {certificate};
        server.trustManager().orElseThrow().checkClientTrusted(chain, "EC");
        ClientSecurity client = ClientSecurity.mutualTls(at("hospital-a.pem"), at("site/hospital-a-key.pem"), caFile());
        X509Certificate[] serverChain = {certificate(at("server/server.pem"))};
        client.trustManager().orElseThrow().checkServerTrusted(serverChain, "ECDHE_ECDSA");
        // A client's certificate makes no server, nor the other way round.
        assertThatThrownBy(() -> client.trustManager().orElseThrow().checkServerTrusted(chain, "ECDHE_ECDSA"))
                .hasMessageContaining("hospital-a");
        assertThatThrownBy(() -> server.trustManager().orElseThrow().checkClientTrusted(serverChain, "EC"))
                .hasMessageContaining("fl.example.org");
        assertThat(serverChain[0].getSubjectAlternativeNames())
                .extracting(name -> String.valueOf(name.get(1)))
                .containsExactly("fl.example.org", "10.1.2.3");
    }

    @Test
    void writesKeysForTheirOwnerOnlyAndOnlyWhereTheyBelong() throws IOException {
        found();
        Outcome.of("certs", "server", "--ca", ca(), "--host", "localhost", "--out", at("server"))
                .done();
        String fingerprint = fingerprint(request("hospital-a", "site"));
        sign("site/hospital-a.csr", "out/hospital-a.pem", fingerprint);

        assertThat(files()).noneMatch(file -> file.endsWith(".part"));
        for (String file : files()) {
            boolean isKey = Files.readString(folder.resolve(file)).contains("PRIVATE KEY");
            assertThat(isKey).as(file).isEqualTo(file.endsWith("-key.pem"));
            if (isKey) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(file))))
                        .isEqualTo("rw-------");
            }
        }
        assertThat(files()).filteredOn(file -> file.endsWith("-key.pem")).hasSize(3);
    }

    @Test
    void writesOverNothing() throws IOException {
        found();
        String key = Files.readString(at("ca/ca-key.pem"));
        String fingerprint = fingerprint(request("hospital-a", "site"));
        String siteKey = Files.readString(at("site/hospital-a-key.pem"));

        assertThat(Outcome.of("certs", "ca", "--out", ca()).err())
                .contains("ca.pem exists already and is not written over");
        assertThat(Outcome.of("certs", "request", "--client-id", "hospital-a", "--out", at("site"))
                        .exitCode())
                .isEqualTo(2);
        sign("site/hospital-a.csr", "hospital-a.pem", fingerprint).done();
        assertThat(sign("site/hospital-a.csr", "hospital-a.pem", fingerprint).exitCode())
                .isEqualTo(2);

        assertThat(Files.readString(at("ca/ca-key.pem"))).isEqualTo(key);
        assertThat(Files.readString(at("site/hospital-a-key.pem"))).isEqualTo(siteKey);
    }

    @Test
    void signsNothingWithoutTheRightFingerprint() throws IOException {
        found();
        request("hospital-a", "site");

        Outcome signed = sign("site/hospital-a.csr", "hospital-a.pem", "0123 4567");

        assertThat(signed.exitCode()).isEqualTo(2);
        assertThat(signed.err()).contains("nothing was signed");
        assertThat(at("hospital-a.pem")).doesNotExist();
        assertThat(files()).noneMatch(file -> file.startsWith("ca/issued/"));
    }

    @Test
    void keepsAnIdFromAnotherKeyUnlessItIsToMoveThere() throws Exception {
        found();
        sign("site/hospital-a.csr", "first.pem", fingerprint(request("hospital-a", "site")))
                .done();
        String second = fingerprint(request("hospital-a", "elsewhere"));

        Outcome refused = sign("elsewhere/hospital-a.csr", "second.pem", second);
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err())
                .contains("'hospital-a' has a certificate with another key")
                .contains("--replace");

        sign("elsewhere/hospital-a.csr", "second.pem", second, "--replace").done();
        RevocationList list = RevocationList.crl(at("ca/crl.pem"), caFile());
        assertThat(list.revocation(certificate(at("first.pem")))).isPresent();
        assertThat(list.revocation(certificate(at("second.pem")))).isEmpty();
    }

    @Test
    void renewsACertificateWithTheSameKey() throws Exception {
        found();
        String fingerprint = fingerprint(request("hospital-a", "site"));
        sign("site/hospital-a.csr", "first.pem", fingerprint).done();

        Outcome again = Outcome.of(
                        "certs",
                        "request",
                        "--client-id",
                        "hospital-a",
                        "--key",
                        at("site/hospital-a-key.pem"),
                        "--out",
                        at("renewal"))
                .done();
        assertThat(fingerprint(again)).isEqualTo(fingerprint);
        sign("renewal/hospital-a.csr", "second.pem", fingerprint).done();

        ClientSecurity.mutualTls(at("second.pem"), at("site/hospital-a-key.pem"), caFile());
        assertThat(RevocationList.crl(at("ca/crl.pem"), caFile()).revocation(certificate(at("first.pem"))))
                .isEmpty();
    }

    @Test
    void revokesAClientOrOneCertificateAndGrowsTheList() throws Exception {
        found();
        sign("a/hospital-a.csr", "a.pem", fingerprint(request("hospital-a", "a")))
                .done();
        sign("b/hospital-b.csr", "b.pem", fingerprint(request("hospital-b", "b")))
                .done();
        RevocationList list = RevocationList.crl(at("ca/crl.pem"), caFile());
        assertThat(list.revocation(certificate(at("a.pem")))).isEmpty();

        Outcome.of("certs", "revoke", "--ca", ca(), "hospital-a").done();
        Outcome.of("certs", "revoke", "--ca", ca(), at("b.pem")).done();
        Outcome.of("certs", "revoke", "--ca", ca()).done();

        // Read anew: a list that was read before acts on a change once it has stood for a moment.
        list = RevocationList.crl(at("ca/crl.pem"), caFile());
        assertThat(list.revocation(certificate(at("a.pem")))).isPresent();
        assertThat(list.revocation(certificate(at("b.pem")))).isPresent();
        assertThat(Outcome.of("certs", "show", at("ca/crl.pem")).done().out()).contains("revoked:     2");
        Outcome unknown = Outcome.of("certs", "revoke", "--ca", ca(), "hospital-c");
        assertThat(unknown.exitCode()).isEqualTo(2);
        assertThat(unknown.err()).contains("'hospital-c' has no certificate in force");
    }

    @Test
    void saysWhatAFileIsAndShowsNothingOfAKey() throws IOException {
        found();
        String fingerprint = fingerprint(request("hospital-a", "site"));
        sign("site/hospital-a.csr", "a.pem", fingerprint).done();

        assertThat(Outcome.of("certs", "show", at("a.pem")).done().out())
                .contains("certificate of a client", "hospital-a", fingerprint);
        assertThat(Outcome.of("certs", "show", caFile()).done().out())
                .contains("certificate of an authority", "FedLearn trial");
        assertThat(Outcome.of("certs", "show", at("site/hospital-a.csr")).done().out())
                .contains("request", fingerprint);
        assertThat(Outcome.of("certs", "show", at("site/hospital-a-key.pem"))
                        .done()
                        .out()
                        .strip())
                .isEqualTo("private key (secret: it is sent to nobody)");
        Path other = Files.writeString(at("other"), "nothing");
        assertThat(Outcome.of("certs", "show", other).exitCode()).isEqualTo(2);
        assertThat(Outcome.of("certs", "show", at("missing")).err()).contains("does not exist");
    }

    @Test
    void makesTokensThatItsListKnowsAndPrintsNone() throws IOException {
        Path list = at("tokens.txt");
        Outcome first = Outcome.of("certs", "token", "--client-id", "hospital-a", "--tokens", list)
                .done();
        Outcome.of("certs", "token", "--client-id", "Charité", "--tokens", list, "--out", at("b.token"))
                .done();

        String token = Files.readString(at("hospital-a.token")).strip();
        assertThat(TokenFile.at(list).clientId(token)).contains("hospital-a");
        assertThat(TokenFile.at(list).clientId(Files.readString(at("b.token")).strip()))
                .contains("Charité");
        assertThat(first.out()).doesNotContain(token);
        assertThat(Files.readString(list, StandardCharsets.UTF_8)).doesNotContain(token);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(at("hospital-a.token"))))
                .isEqualTo("rw-------");
        assertThat(Outcome.of("certs", "token", "--client-id", "hospital-a", "--tokens", list)
                        .err())
                .contains("exists already");
    }

    @Test
    void refusesWhatCannotBe() throws IOException {
        assertThat(Outcome.of("certs", "ca", "--out", ca(), "--days", "0").err())
                .contains("--days must be at least 1");
        found();
        assertThat(Outcome.of("certs", "server", "--ca", ca(), "--host", "fl.example:8443", "--out", at("s"))
                        .err())
                .contains("--host");
        assertThat(Outcome.of("certs", "server", "--ca", ca(), "--host", "h", "--days", "9999", "--out", at("s"))
                        .err())
                .contains("beyond the end of the authority");
        assertThat(Outcome.of("certs", "server", "--ca", at("nowhere"), "--host", "h", "--out", at("s"))
                        .err())
                .contains("holds no authority");
        assertThat(Outcome.of("certs", "request", "--client-id", " a", "--out", at("s"))
                        .err())
                .contains("--client-id must not");
        assertThat(sign("ca/ca.pem", "out.pem", "00").err()).contains("holds CERTIFICATE, not CERTIFICATE REQUEST");
        assertThat(at("s")).doesNotExist();
    }

    @Test
    void servesProgramsThatNeedATrialOnOneMachine() {
        TrialAuthority authority = TrialAuthority.create(at("ca"), "Tests", 2);
        TrialAuthority.Issued server = authority.issueServer(List.of("localhost", "127.0.0.1", "::1"), 1, at("net"));
        TrialAuthority.Issued client = authority.issueClient("St. Mary's, 2nd floor", 1, at("net"));

        ServerSecurity security =
                ServerSecurity.mutualTls(server.certificateFile(), server.keyFile(), authority.certificateFile());
        assertThat(security.clientId(client.certificate())).contains("St. Mary's, 2nd floor");
        assertThat(client.keyFile().getFileName()).hasToString("St._Mary_s__2nd_floor-key.pem");
    }

    private void found() {
        Outcome.of("certs", "ca", "--out", ca()).done();
    }

    private Outcome request(String clientId, String out) {
        return Outcome.of("certs", "request", "--client-id", clientId, "--out", at(out))
                .done();
    }

    private Outcome sign(String request, String out, String fingerprint, String... more) throws IOException {
        Files.createDirectories(at(out).getParent());
        return Outcome.of(Stream.concat(
                        Stream.of(
                                "certs",
                                "sign",
                                "--ca",
                                ca(),
                                at(request),
                                "--out",
                                at(out),
                                "--fingerprint",
                                fingerprint),
                        Stream.of(more))
                .toArray());
    }

    private static String fingerprint(Outcome outcome) {
        Matcher matcher = FINGERPRINT.matcher(outcome.out());
        assertThat(matcher.find()).isTrue();
        return matcher.group(1).strip();
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(file -> folder.relativize(file).toString())
                    .toList();
        }
    }

    private Path ca() {
        return at("ca");
    }

    private Path caFile() {
        return at("ca/ca.pem");
    }

    private Path at(String path) {
        return folder.resolve(path);
    }

    private static X509Certificate certificate(Path file) throws Exception {
        try (var in = Files.newInputStream(file)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }
}
