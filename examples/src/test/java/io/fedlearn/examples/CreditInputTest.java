package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bad input is refused with one line that names it, before a server is started. */
final class CreditInputTest {
    @TempDir
    private Path folder;

    private void refuses(int exitCode, String message, Object... more) {
        Path out = folder.resolve("run");
        Outcome outcome = Outcome.of(Stream.concat(Stream.of("credit", "--out", out), Stream.of(more))
                .toArray());
        assertThat(outcome.err()).hasLineCount(1).startsWith("fedlearn: ").contains(message);
        assertThat(outcome.exitCode()).isEqualTo(exitCode);
        assertThat(out).doesNotExist();
    }

    @Test
    void options() {
        refuses(2, "--banks must be from 1 to 100, was 0", "--banks", 0);
        refuses(2, "--quorum is 5, but there are only 4 clients", "--quorum", 5);
        refuses(2, "--skew: ", "--skew", "odd");
        refuses(2, "--dp-epsilon is not for credit", "--dp-epsilon", 1);
    }

    @Test
    void servers() {
        refuses(3, "localhost:1", "--jdbc", "jdbc:postgresql://localhost:1/x");
        refuses(2, "--jdbc must begin with", "--jdbc", "postgresql://localhost/x");
        refuses(2, "--jdbc must not hold a password", "--jdbc", "jdbc:postgresql://localhost/x?password=sesame");
    }

    @Test
    void files() throws IOException {
        refuses(2, "there is no such file", "--data", folder.resolve("none.csv"));
        Path file = Files.writeString(folder.resolve("credit.csv"), "ID,LIMIT_BAL,SEX\n1,20000,2\n");
        refuses(2, "EDUCATION", "--data", file);
    }
}
