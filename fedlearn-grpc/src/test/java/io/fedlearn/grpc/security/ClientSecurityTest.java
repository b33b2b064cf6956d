package io.fedlearn.grpc.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.grpc.security.TestAuthority.Identity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClientSecurityTest {
    @TempDir
    private Path folder;

    @Test
    void showsNoTokenWithoutTls() {
        assertThatThrownBy(() -> ClientSecurity.insecure().withToken("secret"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("over TLS only")
                .hasMessageNotContaining("secret");
    }

    @Test
    void showsACertificateOrATokenButNotBoth() throws IOException {
        TestAuthority authority = TestAuthority.in(folder, "ours");
        Identity client = authority.client("hospital-a");
        ClientSecurity security =
                ClientSecurity.mutualTls(client.certificateFile(), client.keyFile(), authority.authorityFile());

        assertThatThrownBy(() -> security.withToken("secret")).hasMessageContaining("not both");
    }

    @Test
    void readsTheTokenAgainAfterItsFileChanged() throws IOException {
        Path file = Files.writeString(folder.resolve("token"), "old\n");
        ClientSecurity security = ClientSecurity.tls().withTokenFile(file);

        assertThat(security.token()).contains("old");
        Path temporary = Files.writeString(folder.resolve("token.tmp"), "new\n");
        TestAuthority.replace(temporary, file);

        assertThat(security.token()).contains("new");
    }

    @Test
    void refusesATokenThatNoCallCouldCarry() throws IOException {
        Path file = Files.writeString(folder.resolve("token"), "two words");

        assertThatThrownBy(() -> ClientSecurity.tls().withTokenFile(file))
                .hasMessageContaining("token " + file)
                .hasMessageNotContaining("two words");
        assertThatThrownBy(() -> ClientSecurity.tls().withToken("two\nlines"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("two");
    }

    @Test
    void keepsSecretsOutOfItsText() {
        assertThat(ClientSecurity.tls().withToken("verysecret")).hasToString("ClientSecurity TLS with a token");
    }

    @Test
    void namesAServerOnlyWhereItShowsACertificate() {
        assertThat(ClientSecurity.tls().withServerName("fl.example").serverName())
                .contains("fl.example");
        assertThatThrownBy(() -> ClientSecurity.insecure().withServerName("fl.example"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
