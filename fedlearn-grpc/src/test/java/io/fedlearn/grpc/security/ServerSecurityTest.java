package io.fedlearn.grpc.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.security.TestAuthority.Identity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import javax.net.ssl.X509ExtendedKeyManager;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServerSecurityTest {
    @TempDir
    private Path folder;

    private TestAuthority authority;
    private Identity server;

    @BeforeEach
    void foundAuthority() throws IOException {
        authority = TestAuthority.in(folder, "ours");
        server = authority.server();
    }

    @Test
    void saysWhichFileIsMissing() {
        Path missing = folder.resolve("missing.pem");

        assertThatRefused(missing, server.keyFile()).hasMessage("certificate " + missing + " does not exist");
        assertThatRefused(server.certificateFile(), missing).hasMessage("private key " + missing + " does not exist");
        assertThatThrownBy(() -> ServerSecurity.mutualTls(server.certificateFile(), server.keyFile(), missing))
                .hasMessage("CA " + missing + " does not exist");
    }

    @Test
    void saysThatAFolderCannotBeRead() {
        assertThatRefused(server.certificateFile(), folder).hasMessageStartingWith("private key " + folder);
    }

    @Test
    void refusesAKeyOfAnotherCertificate() throws IOException {
        Identity other = authority.client("hospital-a");

        assertThatRefused(server.certificateFile(), other.keyFile())
                .hasMessage("private key " + other.keyFile() + " does not belong to the first certificate of "
                        + server.certificateFile());
    }

    @Test
    void refusesAKeyOfAnotherAlgorithm() throws IOException {
        Identity rsa = authority.issue("rsa", "RSA", Duration.ofDays(1));

        assertThatRefused(server.certificateFile(), rsa.keyFile()).hasMessageContaining("does not belong");
        assertThat(ServerSecurity.tls(rsa.certificateFile(), rsa.keyFile()).mode())
                .isEqualTo(ServerSecurity.Mode.TLS);
    }

    @Test
    void refusesAnExpiredCertificateWithItsDate() throws IOException {
        Identity expired = authority.expiredClient("old");

        assertThatRefused(expired.certificateFile(), expired.keyFile())
                .hasMessage("certificate " + expired.certificateFile() + " expired on "
                        + expired.certificate().getNotAfter().toInstant());
    }

    @Test
    void refusesAnEncryptedKeyAndOldFormatsWithTheWayOut() throws IOException {
        Path encrypted = Files.writeString(
                folder.resolve("encrypted.key"), TestAuthority.pem("ENCRYPTED PRIVATE KEY", new byte[] {1, 2, 3}));
        Path old = Files.writeString(folder.resolve("old.key"), TestAuthority.pem("EC PRIVATE KEY", new byte[] {1}));

        assertThatRefused(server.certificateFile(), encrypted)
                .hasMessageContaining("is encrypted with a password")
                .hasMessageContaining("openssl pkcs8 -topk8 -nocrypt");
        assertThatRefused(server.certificateFile(), old)
                .hasMessageContaining("older format")
                .hasMessageContaining("openssl pkcs8 -topk8 -nocrypt");
    }

    @Test
    void saysWhatAFileHoldsInstead() {
        assertThatRefused(server.keyFile(), server.keyFile())
                .hasMessageContaining("holds no certificate")
                .hasMessageContaining("PRIVATE KEY");
        assertThatRefused(server.certificateFile(), server.certificateFile())
                .hasMessageContaining("holds no private key")
                .hasMessageContaining("but CERTIFICATE");
    }

    @Test
    void refusesADamagedKeyWithoutQuotingIt() throws IOException {
        Path damaged = Files.writeString(
                folder.resolve("damaged.key"),
                "-----BEGIN PRIVATE KEY-----\nc2VjcmV0IHNlY3JldCBzZWNyZXQ=\n-----END PRIVATE KEY-----\n");

        assertThatRefused(server.certificateFile(), damaged)
                .hasMessageContaining("is damaged")
                .hasMessageNotContaining("c2Vj")
                .hasMessageNotContaining("secret");
    }

    @Test
    void refusesAsAuthorityWhatIsNone() throws IOException {
        Identity client = authority.client("hospital-a");

        assertThatThrownBy(() ->
                        ServerSecurity.mutualTls(server.certificateFile(), server.keyFile(), client.certificateFile()))
                .hasMessageContaining("CN=hospital-a, which is not one of an authority");
    }

    @Test
    void takesUpARenewedCertificateOnceItsKeyIsThereToo() throws IOException {
        X509ExtendedKeyManager keys = ServerSecurity.tls(server.certificateFile(), server.keyFile())
                .keyManager()
                .orElseThrow();
        Identity renewed = authority.server();

        TestAuthority.replace(renewed.certificateFile(), server.certificateFile());
        assertThat(keys.getCertificateChain("any")).containsExactly(server.certificate());
        TestAuthority.replace(renewed.keyFile(), server.keyFile());

        assertThat(keys.getCertificateChain("any")).containsExactly(renewed.certificate());
    }

    @Test
    void refusesSettingsWithoutMeaning() {
        ServerSecurity tls = ServerSecurity.tls(server.certificateFile(), server.keyFile());

        assertThatThrownBy(() -> tls.withRevocations(RevocationList.none()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> tls.withIdentity(CertificateIdentity.dnsName()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ServerSecurity.insecure().withRevocations(RevocationList.none()))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesCertificatesThatNameNobodyOrAreRevoked() throws IOException {
        Identity client = authority.client("hospital-a");
        Path revoked = Files.writeString(folder.resolve("revoked"), "hospital-b\n");
        ServerSecurity security = ServerSecurity.mutualTls(
                        server.certificateFile(), server.keyFile(), authority.authorityFile())
                .withRevocations(RevocationList.clientIds(revoked));

        assertThat(security.refusal(client.certificate())).isEmpty();
        assertThat(security.refusal(authority.client("hospital-b").certificate()))
                .contains("client hospital-b was revoked");
        assertThat(security.withIdentity(CertificateIdentity.dnsName()).refusal(client.certificate()))
                .hasValueSatisfying(reason -> assertThat(reason).contains("does not name one client"));
        assertThat(security.refusal(authority.expiredClient("old").certificate()))
                .hasValueSatisfying(reason -> assertThat(reason).contains("expired on"));
    }

    private static AbstractThrowableAssert<?, ? extends Throwable> assertThatRefused(Path certificate, Path key) {
        return assertThatThrownBy(() -> ServerSecurity.tls(certificate, key))
                .isInstanceOfSatisfying(
                        TransportException.class,
                        e -> assertThat(e.reason()).isEqualTo(TransportException.Reason.SECURITY));
    }
}
