package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.files.FileAuditLog;
import io.fedlearn.formats.audit.AuditSigner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditCommandTest {
    @TempDir
    private Path directory;

    private Path file() {
        return directory.resolve("audit.jsonl");
    }

    private static void append(FileAuditLog log, int count) {
        for (int i = 1; i <= count; i++) {
            log.append(new AuditEvent(Instant.ofEpochSecond(i), "round-committed", Config.of(Map.of("round", i))));
        }
    }

    /** A log of this many records, and its end. */
    private String write(int count) {
        try (FileAuditLog log = FileAuditLog.at(file())) {
            append(log, count);
            return text(log.head());
        }
    }

    private static String text(AuditHead head) {
        return head.sequence() + ":" + head.hash();
    }

    @Test
    void verifiesALogAndPrintsItsEnd() {
        String third = write(3);
        assertThat(Outcome.of("audit", "head", file()).done().out().strip()).isEqualTo(third);
        String fifth = write(2);
        Outcome outcome = Outcome.of("audit", "verify", file(), "--head", third).done();
        assertThat(outcome.out())
                .startsWith(file() + ": 5 records are whole and chained, and there are no others\n")
                .contains("not signed: 5\n", "the known end is in it: " + third)
                .endsWith("its end, to be kept elsewhere:\n" + fifth + "\n");
        assertThat(Outcome.of("audit", "verify", file()).done().out())
                .contains("no --head was given: a tail that was cut off cannot be told");
    }

    @Test
    void namesTheFirstRecordThatIsNotAsItWas() throws IOException {
        String end = write(5);
        List<String> lines = Files.readAllLines(file());

        Files.write(file(), lines.subList(0, 3));
        Outcome cut = Outcome.of("audit", "verify", file(), "--head", end);
        assertThat(cut.exitCode()).isEqualTo(1);
        assertThat(cut.out()).isEmpty();
        assertThat(cut.err())
                .isEqualTo("fedlearn: the audit log " + file()
                        + " is not as it was written: line 4: is missing: the log must"
                        + " go on to the known end 5, it ends with record 3 (whole and chained before it: 3)\n");

        Files.write(file(), List.of(lines.get(0), lines.get(2)));
        for (String command : List.of("verify", "head")) {
            Outcome deleted = Outcome.of("audit", command, file());
            assertThat(deleted.exitCode()).isEqualTo(1);
            assertThat(deleted.err()).contains("line 2: its sequence must be 2, was 3");
        }

        Files.writeString(file(), "\u001b[31m\n");
        Outcome steering = Outcome.of("audit", "verify", file());
        assertThat(steering.exitCode()).isEqualTo(1);
        assertThat(steering.err()).contains("line 1: ").doesNotContain("\u001b");
    }

    @Test
    void makesKeysWhoseSignaturesItChecks() throws IOException {
        Path keys = directory.resolve("keys");
        String printed = Outcome.of("audit", "keygen", "--out", keys).done().out();
        AuditSigner signer = AuditSigner.read(keys.resolve("audit-key.pem"));
        assertThat(printed).contains("key id:      " + signer.keyId());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keys.resolve("audit-key.pem"))))
                .isEqualTo("rw-------");
        Outcome again = Outcome.of("audit", "keygen", "--out", keys);
        assertThat(again.exitCode()).isEqualTo(2);
        assertThat(again.err()).contains("exists already");

        write(2);
        try (FileAuditLog log = FileAuditLog.at(file(), signer)) {
            append(log, 3);
        }
        Path key = keys.resolve("audit.pem");
        assertThat(Outcome.of("audit", "verify", file(), "--public-key", key, "--signed-from", 3)
                        .done()
                        .out())
                .contains("signed by key " + signer.keyId() + ": 3\n", "not signed: 2\n");
        assertThat(Outcome.of("audit", "verify", file()).done().out())
                .contains("signed by key " + signer.keyId() + ": 3, not checked: give --public-key");
        Outcome required = Outcome.of("audit", "verify", file(), "--require-signatures", "--public-key", key);
        assertThat(required.exitCode()).isEqualTo(1);
        assertThat(required.err()).contains("line 1: must be signed, is not");
        Path others = directory.resolve("others");
        Outcome.of("audit", "keygen", "--out", others).done();
        Outcome other = Outcome.of("audit", "verify", file(), "--public-key", others.resolve("audit.pem"));
        assertThat(other.exitCode()).isEqualTo(1);
        assertThat(other.err())
                .contains(
                        "line 3: is signed by key " + signer.keyId() + ", which is not among the keys that are known");
        Outcome.of("audit", "verify", file(), "--public-key", others.resolve("audit.pem"), "--public-key", key)
                .done();
    }

    @Test
    void refusesInputThatCannotBeUsed() throws IOException {
        refuses("there is no such file", "audit", "verify", file());
        refuses("there is no such file", "audit", "head", file());
        write(1);
        Path text = Files.writeString(directory.resolve("text"), "x");
        refuses("--head must be a number, a colon", "audit", "verify", file(), "--head", "1:abc");
        refuses("needs --public-key", "audit", "verify", file(), "--require-signatures");
        refuses("needs --public-key", "audit", "verify", file(), "--signed-from", 2);
        refuses("exclude each other", "audit", "verify", file(), "--require-signatures", "--signed-from", 2);
        refuses("must hold -----BEGIN PUBLIC KEY-----", "audit", "verify", file(), "--public-key", text);
        refuses("--public-key nowhere: there is no such", "audit", "verify", file(), "--public-key", "nowhere");
        refuses("name one log: a FILE, or a database with --jdbc", "audit", "verify");
        refuses("name one log", "audit", "verify", file(), "--jdbc", "jdbc:postgresql://localhost/x");
        refuses("--jdbc is missing", "audit", "export", "--out", directory.resolve("out"));
        refuses("is a folder", "audit", "export", "--jdbc", "jdbc:postgresql://localhost/x", "--out", directory);
        refuses("Name what to do: verify, head, export or keygen", "audit");
    }

    private static void refuses(String message, Object... arguments) {
        Outcome outcome = Outcome.of(arguments);
        assertThat(outcome.err()).contains(message);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.out()).isEmpty();
    }
}
