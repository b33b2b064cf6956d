package io.fedlearn.grpc.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import org.bouncycastle.asn1.x509.GeneralName;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertificateIdentityTest {
    @TempDir
    private Path folder;

    private TestAuthority authority;

    @BeforeEach
    void foundAuthority() throws IOException {
        authority = TestAuthority.in(folder, "ours");
    }

    @Test
    void readsTheCommonName() throws IOException {
        assertThat(CertificateIdentity.subjectCommonName().clientId(certificate("hospital-a")))
                .contains("hospital-a");
    }

    @Test
    void refusesTwoCommonNames() throws IOException {
        assertThat(CertificateIdentity.subjectCommonName().clientId(certificate("a,CN=b")))
                .isEmpty();
    }

    @Test
    void refusesACommonNameThatIsNoId() throws IOException {
        assertThat(CertificateIdentity.subjectCommonName().clientId(certificate("\"a\nb\"")))
                .isEmpty();
    }

    @Test
    void readsTheOnlyDnsName() throws IOException {
        X509Certificate one = certificate("x", new GeneralName(GeneralName.dNSName, "Site.Hospitals.example"));
        X509Certificate two = certificate(
                "x",
                new GeneralName(GeneralName.dNSName, "a.example"),
                new GeneralName(GeneralName.dNSName, "b.example"));

        assertThat(CertificateIdentity.dnsName().clientId(one)).contains("site.hospitals.example");
        assertThat(CertificateIdentity.dnsName().clientId(two)).isEmpty();
        assertThat(CertificateIdentity.dnsName().clientId(certificate("x"))).isEmpty();
    }

    @Test
    void readsTheUriWithThePrefix() throws IOException {
        X509Certificate certificate = certificate(
                "x",
                new GeneralName(GeneralName.uniformResourceIdentifier, "https://elsewhere.example/x"),
                new GeneralName(GeneralName.uniformResourceIdentifier, "spiffe://hospitals.example/site/a"));

        assertThat(CertificateIdentity.uri("spiffe://hospitals.example/").clientId(certificate))
                .contains("site/a");
        assertThat(CertificateIdentity.uri("spiffe://others.example/").clientId(certificate))
                .isEmpty();
        assertThatThrownBy(() -> CertificateIdentity.uri(" ")).isInstanceOf(IllegalArgumentException.class);
    }

    private X509Certificate certificate(String commonName, GeneralName... names) throws IOException {
        return authority.sign(commonName, Duration.ofDays(1), names);
    }
}
