package io.fedlearn.grpc.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RevocationListTest {
    @TempDir
    private Path folder;

    private TestAuthority authority;
    private X509Certificate first;
    private X509Certificate second;

    @BeforeEach
    void foundAuthority() throws IOException {
        authority = TestAuthority.in(folder, "ours");
        first = authority.sign("hospital-a", Duration.ofDays(1));
        second = authority.sign("hospital-b", Duration.ofDays(1));
    }

    @Test
    void knowsWhatTheAuthorityRevokedAndTakesUpALongerList() throws IOException {
        RevocationList list = RevocationList.crl(authority.revoke(first), authority.authorityFile());

        assertThat(list.revocation(first))
                .hasValueSatisfying(
                        reason -> assertThat(reason).contains("CN=hospital-a").contains("was revoked on"));
        assertThat(list.revocation(second)).isEmpty();

        authority.revoke(second);

        assertThat(list.revocation(second)).isPresent();
    }

    @Test
    void readsTheListInDerToo() throws IOException {
        String pem = Files.readString(authority.revoke(first), StandardCharsets.US_ASCII);
        Path der = folder.resolve("list.der");
        Files.write(der, Base64.getMimeDecoder().decode(pem.replaceAll("-----[^-]+-----", "")));

        assertThat(RevocationList.crl(der, authority.authorityFile()).revocation(first))
                .isPresent();
    }

    @Test
    void doesNotMistakeTheSameSerialOfAnotherAuthority() throws IOException {
        TestAuthority other = TestAuthority.in(folder, "theirs");
        X509Certificate same = other.sign("hospital-c", Duration.ofDays(1));
        RevocationList list = RevocationList.crl(authority.revoke(first), authority.authorityFile());

        assertThat(same.getSerialNumber()).isEqualTo(first.getSerialNumber());
        assertThat(list.revocation(same)).isEmpty();
    }

    @Test
    void rejectsAListThatAnotherAuthoritySigned() throws IOException {
        TestAuthority impostor = TestAuthority.in(Files.createDirectory(folder.resolve("impostor")), "ours");
        Path list = impostor.revoke();

        assertThatThrownBy(() -> RevocationList.crl(list, authority.authorityFile()))
                .hasMessage(
                        "revocation list " + list + " was not signed by an authority of " + authority.authorityFile());
    }

    @Test
    void keepsToTheListInForceWhenAForgedOneReplacesIt() throws IOException {
        Path file = authority.revoke(first);
        RevocationList list = RevocationList.crl(file, authority.authorityFile());
        TestAuthority impostor = TestAuthority.in(Files.createDirectory(folder.resolve("impostor")), "ours");

        TestAuthority.replace(impostor.revoke(), file);

        assertThat(list.revocation(first)).isPresent();
    }

    @Test
    void rejectsWhatIsNoList() throws IOException {
        Path file = Files.writeString(folder.resolve("crl.pem"), "nothing\n");

        assertThatThrownBy(() -> RevocationList.crl(file, authority.authorityFile()))
                .hasMessageContaining("revocation list " + file);
    }

    @Test
    void knowsClientsByIdAndTakesUpChanges() throws IOException {
        Path file = Files.writeString(folder.resolve("revoked"), "# left the study\nhospital-a\n");
        RevocationList list = RevocationList.none().withClientIds(file);

        assertThat(list.revocation("hospital-a")).contains("client hospital-a was revoked");
        assertThat(list.revocation("hospital-b")).isEmpty();
        assertThat(list.revocation("# left the study")).isEmpty();

        Path temporary = Files.writeString(folder.resolve("revoked.tmp"), "hospital-b\n");
        TestAuthority.replace(temporary, file);

        assertThat(list.revocation("hospital-a")).isEmpty();
        assertThat(list.revocation("hospital-b")).isPresent();
    }
}
