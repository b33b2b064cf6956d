package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.task.Config;
import io.fedlearn.formats.audit.AuditRecord;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.formats.audit.AuditTrust;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FileAuditLogTest {
    @TempDir
    private Path directory;

    private Path file() {
        return directory.resolve("run").resolve(FileAuditLog.FILE_NAME);
    }

    private FileAuditLog open() {
        return FileAuditLog.at(file());
    }

    private static AuditEvent event(int number) {
        return new AuditEvent(
                Instant.ofEpochSecond(number),
                "round-committed",
                Config.of(Map.of("round", number, "seconds", 0.1 * number, "by", "z\u00fcrich\n\ud800")));
    }

    /** A log of this many events, and the end it had after each. */
    private List<AuditHead> write(int events) {
        List<AuditHead> heads = new ArrayList<>();
        try (FileAuditLog log = open()) {
            for (int i = 1; i <= events; i++) {
                heads.add(log.append(event(i)));
            }
        }
        return heads;
    }

    @Test
    void writesAChainOfRecords() throws IOException {
        List<AuditHead> heads = write(3);
        List<String> lines = Files.readAllLines(file());
        assertThat(lines).hasSize(3);
        AuditHead end = AuditHead.empty();
        for (int i = 0; i < 3; i++) {
            AuditRecord record = AuditRecord.decode(lines.get(i).getBytes(StandardCharsets.UTF_8), "line");
            assertThat(record.follows(end)).isTrue();
            assertThat(record).isEqualTo(AuditRecord.next(end, event(i + 1)));
            end = record.head();
            assertThat(end).isEqualTo(heads.get(i));
        }
        assertThat(AuditVerifier.verify(file())).isEqualTo(new AuditReport(end, Optional.empty()));
        assertThat(AuditVerifier.verify(file()))
                .hasToString("3 records are whole and chained, and there are no others");
    }

    @Test
    void goesOnWhereItEnded() {
        List<AuditHead> heads = write(2);
        try (FileAuditLog log = open()) {
            assertThat(log.notices()).isEmpty();
            assertThat(log.head()).isEqualTo(heads.get(1));
            assertThat(log.append(event(3)).sequence()).isEqualTo(3);
        }
        AuditReport report = AuditVerifier.verify(file(), heads.get(1));
        assertThat(report.isWhole()).isTrue();
        assertThat(report.recordCount()).isEqualTo(3);
    }

    @Test
    void startsEmpty() {
        try (FileAuditLog log = open()) {
            assertThat(log.head()).isEqualTo(AuditHead.empty());
        }
        assertThat(AuditVerifier.verify(file()).isWhole()).isTrue();
        assertThat(AuditVerifier.verify(file()).recordCount()).isZero();
    }

    @Test
    void cutsOffALineThatWasNotWrittenToItsEnd() throws IOException {
        List<AuditHead> heads = write(3);
        byte[] whole = Files.readAllBytes(file());
        String text = new String(whole, StandardCharsets.ISO_8859_1);
        int second = text.indexOf('\n', text.indexOf('\n') + 1) + 1;
        for (int length = second + 1; length < whole.length; length++) {
            Files.write(file(), Arrays.copyOf(whole, length));
            assertThat(AuditVerifier.verify(file()).firstBreak().orElseThrow().line())
                    .isEqualTo(3);
            assertThat(AuditVerifier.verify(file()).head()).isEqualTo(heads.get(1));
            try (FileAuditLog log = FileAuditLog.at(file(), Disk.unsynced())) {
                assertThat(log.notices())
                        .containsExactly("the last line of the audit log " + file()
                                + " was not written to its end and was cut off; 2 records are whole");
                assertThat(log.head()).isEqualTo(heads.get(1));
                assertThat(log.append(event(3))).isEqualTo(heads.get(2));
            }
            assertThat(file()).hasBinaryContent(whole);
        }
    }

    static List<Arguments> tampering() {
        return List.of(
                tampered(
                        "a digit changed",
                        lines -> set(lines, 1, lines.get(1).replace("\"round\":2", "\"round\":7")),
                        2),
                tampered("a time changed", lines -> set(lines, 2, lines.get(2).replace("1970", "1971")), 3),
                tampered("a hash changed", lines -> set(lines, 0, flipHash(lines.get(0))), 1),
                tampered(
                        "a record spelled otherwise",
                        lines -> set(lines, 1, lines.get(1).replace(",", ", ")),
                        2),
                tampered("the first deleted", lines -> without(lines, 0), 1),
                tampered("one in the middle deleted", lines -> without(lines, 2), 3),
                tampered("two swapped", lines -> set(set(lines, 1, lines.get(2)), 2, lines.get(1)), 2),
                tampered("one repeated", lines -> insert(lines, 2, lines.get(1)), 3),
                tampered("an empty line", lines -> insert(lines, 1, ""), 2),
                tampered("one forged with a right hash of its own", FileAuditLogTest::forged, 4),
                tampered("one that is no JSON", lines -> set(lines, 4, "x"), 5));
    }

    private static Arguments tampered(String what, UnaryOperator<List<String>> how, long line) {
        return Arguments.of(what, how, line);
    }

    private static List<String> set(List<String> lines, int index, String line) {
        List<String> changed = new ArrayList<>(lines);
        changed.set(index, line);
        assertThat(line).isNotEqualTo(lines.get(index));
        return changed;
    }

    private static List<String> insert(List<String> lines, int index, String line) {
        List<String> changed = new ArrayList<>(lines);
        changed.add(index, line);
        return changed;
    }

    private static List<String> without(List<String> lines, int index) {
        List<String> changed = new ArrayList<>(lines);
        changed.remove(index);
        return changed;
    }

    private static String flipHash(String line) {
        int at = line.indexOf("\"hash\":\"") + 8;
        return line.substring(0, at) + (line.charAt(at) == '0' ? '1' : '0') + line.substring(at + 1);
    }

    /** The third record made anew, as somebody can who knows how: the fourth does not follow it. */
    private static List<String> forged(List<String> lines) {
        AuditHead second = AuditRecord.decode(lines.get(1).getBytes(StandardCharsets.UTF_8), "line")
                .head();
        return set(lines, 2, new String(AuditRecord.next(second, event(9)).encode(), StandardCharsets.UTF_8));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("tampering")
    void findsTheFirstLinkThatDoesNotHold(String what, UnaryOperator<List<String>> how, long line) throws IOException {
        write(5);
        Files.write(file(), how.apply(Files.readAllLines(file())));
        byte[] tampered = Files.readAllBytes(file());
        AuditReport report = AuditVerifier.verify(file());
        assertThat(report.isWhole()).isFalse();
        assertThat(report.recordCount()).isEqualTo(line - 1);
        assertThat(report.firstBreak().orElseThrow().line()).isEqualTo(line);
        assertThatThrownBy(this::open)
                .isInstanceOf(RunStoreException.class)
                .hasMessageStartingWith("the audit log " + file() + " is not as it was written: line " + line + ": ");
        assertThat(file()).hasBinaryContent(tampered);
    }

    @Test
    void findsACutTailAndANewChainAgainstAKnownEnd() throws IOException {
        List<AuditHead> heads = write(5);
        List<String> lines = Files.readAllLines(file());
        for (AuditHead known : heads) {
            assertThat(AuditVerifier.verify(file(), known).isWhole()).isTrue();
        }
        Files.write(file(), lines.subList(0, 3));
        assertThat(AuditVerifier.verify(file()).isWhole()).isTrue();
        assertThat(AuditVerifier.verify(file(), heads.get(2)).isWhole()).isTrue();
        AuditReport cut = AuditVerifier.verify(file(), heads.get(4));
        assertThat(cut.firstBreak())
                .contains(new AuditReport.Break(
                        4, "is missing: the log must go on to the known end 5, it ends with record 3"));
        Files.write(file(), List.of());
        assertThat(AuditVerifier.verify(file(), heads.get(0))
                        .firstBreak()
                        .orElseThrow()
                        .line())
                .isEqualTo(1);
        try (FileAuditLog log = open()) {
            for (int i = 0; i < 5; i++) {
                log.append(event(i + 10));
            }
        }
        assertThat(AuditVerifier.verify(file()).isWhole()).isTrue();
        assertThat(AuditVerifier.verify(file(), heads.get(4)).firstBreak())
                .contains(new AuditReport.Break(5, "its hash is not that of the known end 5"));
    }

    @Test
    void isAsBeforeWhateverStepOfAnAppendFails() throws IOException {
        for (int failing = 1; failing <= 2; failing++) {
            int[] left = {-1};
            Disk disk = new Disk(
                    (what, path) -> {
                        if (--left[0] == 0) {
                            throw new FileSystemException(path.toString(), null, "No space left on device");
                        }
                    },
                    false);
            try (FileAuditLog log = FileAuditLog.at(file(), disk)) {
                AuditHead head = log.append(event(1));
                left[0] = failing;
                assertThatThrownBy(() -> log.append(event(2)))
                        .isInstanceOf(RunStoreException.class)
                        .hasMessage(
                                "event 2 cannot be saved in the audit log: " + file() + ": No space left on device");
                assertThat(log.head()).isEqualTo(head);
                assertThat(AuditVerifier.verify(file()).isWhole()).isTrue();
                log.append(event(2));
            }
            assertThat(AuditVerifier.verify(file()).recordCount()).isEqualTo(2);
            Files.delete(file());
        }
    }

    @Test
    void letsOneOwnerAtATimeHaveIt() {
        try (FileAuditLog log = open()) {
            assertThatThrownBy(this::open)
                    .isInstanceOf(RunStoreException.class)
                    .hasMessage("the audit log " + file() + " cannot be used: it is open in this process already");
            log.append(event(1));
        }
        FileAuditLog log = open();
        log.close();
        log.close();
        assertThatIllegalStateException().isThrownBy(() -> log.append(event(1)));
    }

    @Test
    void namesAFileThatCannotBeRead() throws IOException {
        assertThatThrownBy(() -> AuditVerifier.verify(file()))
                .isInstanceOf(RunStoreException.class)
                .hasMessageContaining(file().toString());
        Files.createDirectories(file());
        assertThatThrownBy(this::open).isInstanceOf(RunStoreException.class).hasMessageContaining(file().toString());
        Files.delete(file());
        write(1);
    }

    @Test
    void signsFromThenOnWithTheKeyItIsGiven() throws Exception {
        write(2);
        KeyPair keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        AuditSigner signer = AuditSigner.of(keys.getPrivate());
        try (FileAuditLog log = FileAuditLog.at(file(), signer)) {
            log.append(event(3));
        }
        AuditTrust trust = AuditTrust.of(List.of(keys.getPublic()));
        AuditReport report = AuditVerifier.verify(file(), AuditHead.empty(), trust.requiringSignaturesFrom(3));
        assertThat(report.isWhole()).isTrue();
        assertThat(report.signatures()).isEqualTo(Map.of(signer.keyId(), 1L));
        assertThat(AuditVerifier.verify(file(), AuditHead.empty(), trust.requiringSignatures())
                        .firstBreak())
                .contains(new AuditReport.Break(1, "must be signed, is not"));

        // Without the key it goes on unsigned, which whoever requires signatures notices.
        try (FileAuditLog log = open()) {
            log.append(event(4));
        }
        assertThat(AuditVerifier.verify(file(), AuditHead.empty(), trust.requiringSignaturesFrom(3))
                        .firstBreak())
                .contains(new AuditReport.Break(4, "must be signed, is not"));
    }
}
