package io.fedlearn.grpc.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.grpc.TransportException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenFileTest {
    @TempDir
    private Path folder;

    @Test
    void knowsWhoseTokenItIs() throws IOException {
        String first = TokenFile.newToken();
        String second = TokenFile.newToken();
        String renewed = TokenFile.newToken();
        TokenFile tokens = TokenFile.at(write("# who may join\n\n" + TokenFile.line("hospital-a", first) + "\n"
                + TokenFile.line("St. Mary's hospital", second) + "\r\n" + TokenFile.line("hospital-a", renewed)));

        assertThat(tokens.clientId(first)).contains("hospital-a");
        assertThat(tokens.clientId(renewed)).contains("hospital-a");
        assertThat(tokens.clientId(second)).contains("St. Mary's hospital");
        assertThat(tokens.clientId(first + "x")).isEmpty();
        assertThat(tokens.clientId("")).isEmpty();
    }

    @Test
    void makesAnotherTokenEachTimeAndWritesItsDigestOnly() {
        String token = TokenFile.newToken();

        assertThat(token).hasSize(43).matches("[A-Za-z0-9_-]+").isNotEqualTo(TokenFile.newToken());
        assertThat(TokenFile.line("hospital-a", token))
                .matches("hospital-a sha256:[0-9a-f]{64}")
                .doesNotContain(token);
        // echo -n secret | sha256sum
        assertThat(TokenFile.line("hospital-a", "secret"))
                .endsWith("sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
    }

    @Test
    void takesUpAChangedFile() throws IOException {
        String old = TokenFile.newToken();
        String renewed = TokenFile.newToken();
        TokenFile tokens = TokenFile.at(write(TokenFile.line("hospital-a", old)));

        write(TokenFile.line("hospital-a", renewed));

        assertThat(tokens.clientId(old)).isEmpty();
        assertThat(tokens.clientId(renewed)).contains("hospital-a");
    }

    @Test
    void keepsToWhatItReadWhenTheFileBreaksOrGoes() throws IOException {
        String token = TokenFile.newToken();
        Path file = write(TokenFile.line("hospital-a", token));
        TokenFile tokens = TokenFile.at(file);

        write("half a li");
        assertThat(tokens.clientId(token)).contains("hospital-a");
        Files.delete(file);
        assertThat(tokens.clientId(token)).contains("hospital-a");
        write("");
        assertThat(tokens.clientId(token)).isEmpty();
    }

    @Test
    void namesTheLineThatIsNoneWithoutQuotingIt() throws IOException {
        Path file = write("# tokens\nhospital-a verysecret\n");

        assertThatThrownBy(() -> TokenFile.at(file))
                .isInstanceOfSatisfying(
                        TransportException.class,
                        e -> assertThat(e.reason()).isEqualTo(TransportException.Reason.SECURITY))
                .hasMessageContaining(file.toString())
                .hasMessageContaining("line 2")
                .hasMessageNotContaining("verysecret");
    }

    @Test
    void rejectsOneTokenForTwoClients() throws IOException {
        Path file = write(TokenFile.line("hospital-a", "t") + "\n" + TokenFile.line("hospital-b", "t"));

        assertThatThrownBy(() -> TokenFile.at(file)).hasMessageContaining("line 2 has the token of hospital-a again");
    }

    @Test
    void rejectsIdsThatMakeNoLine() {
        assertThatThrownBy(() -> TokenFile.line("a\nb", "t")).hasMessageContaining("control characters");
        assertThatThrownBy(() -> TokenFile.line("#a", "t")).hasMessageContaining("#");
        assertThatThrownBy(() -> TokenFile.line(" ", "t")).hasMessageContaining("empty");
    }

    @Test
    void saysWhichFileIsMissing() {
        Path missing = folder.resolve("nowhere");

        assertThatThrownBy(() -> TokenFile.at(missing)).hasMessage("tokens " + missing + " does not exist");
    }

    private Path write(String content) throws IOException {
        Path temporary = Files.writeString(folder.resolve("tokens.tmp"), content);
        return TestAuthority.replace(temporary, folder.resolve("tokens"));
    }
}
