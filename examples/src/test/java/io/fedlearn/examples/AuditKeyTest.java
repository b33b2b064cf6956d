package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that train sign what they record. */
final class AuditKeyTest {
    @TempDir
    private Path folder;

    @BeforeEach
    void makeKeys() {
        Outcome.of("audit", "keygen", "--out", folder).done();
    }

    private Path key() {
        return folder.resolve("audit-key.pem");
    }

    private Path run() {
        return folder.resolve("run");
    }

    private Outcome heart(int rounds, Object... more) {
        Object[] arguments = new Object[5 + more.length];
        System.arraycopy(new Object[] {"heart", "--rounds", rounds, "--out", run()}, 0, arguments, 0, 5);
        System.arraycopy(more, 0, arguments, 5, more.length);
        return Outcome.of(arguments);
    }

    private Outcome verify(Object... more) {
        Object[] arguments = new Object[5 + more.length];
        System.arraycopy(
                new Object[] {
                    "audit", "verify", run().resolve("audit.jsonl"), "--public-key", folder.resolve("audit.pem")
                },
                0,
                arguments,
                0,
                5);
        System.arraycopy(more, 0, arguments, 5, more.length);
        return Outcome.of(arguments);
    }

    @Test
    void everyRecordIsSignedAfterAResumeToo() {
        Outcome first = heart(1, "--audit-key", key()).done();
        assertThat(first.out())
                .contains("Audit:   " + run().resolve("audit.jsonl") + ", signed by key ")
                .doesNotContain("Warning");
        // run-started, clients-joined, round-started, round-completed, run-finished
        assertThat(verify("--require-signatures").done().out()).contains(": 5\n", "not signed: 0\n");

        heart(2, "--resume", "--audit-key", key()).done();
        assertThat(verify("--require-signatures").done().out()).contains(": 10\n", "not signed: 0\n");
    }

    @Test
    void runWithoutAKeyIsNotSignedAndOneGoesOnWithAKey() {
        assertThat(heart(1).done().out()).doesNotContain("signed by");
        Outcome refused = verify("--require-signatures");
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("line 1: must be signed, is not");

        heart(2, "--resume", "--audit-key", key()).done();
        verify("--signed-from", 6).done();
    }

    @Test
    void signedLogDoesNotGoOnWithoutAKey() {
        heart(1, "--audit-key", key()).done();
        Outcome refused = heart(2, "--resume");
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err())
                .contains("the audit log there is signed, last by key ")
                .contains("pass --audit-key");
        verify("--require-signatures").done();

        heart(2, "--resume", "--audit-key", key()).done();
        verify("--require-signatures").done();
    }

    @Test
    void keyThatOthersCanReadIsWarnedOf() throws IOException {
        Files.setPosixFilePermissions(key(), PosixFilePermissions.fromString("rw-r-----"));
        assertThat(heart(1, "--audit-key", key()).done().out())
                .startsWith("Warning: --audit-key " + key() + " can be read by other users of this machine");
        verify("--require-signatures").done();
    }

    @Test
    void keyThatCannotBeUsedIsRefusedBeforeAnythingBegins() throws IOException {
        refuses("--audit-key nowhere.pem: there is no such file", Path.of("nowhere.pem"));
        refuses("must hold PRIVATE KEY in PEM, holds PUBLIC KEY", folder.resolve("audit.pem"));
        refuses("--audit-key " + folder, folder);
        Path text = Files.writeString(folder.resolve("text"), "c2VjcmV0");
        refuses("'fedlearn audit keygen' makes a key", text);
        assertThat(run()).doesNotExist();
    }

    private void refuses(String message, Path file) {
        Outcome outcome = heart(1, "--audit-key", file);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(message).doesNotContain("c2VjcmV0");
        assertThat(outcome.out()).isEmpty();
    }
}
