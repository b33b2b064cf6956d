package io.fedlearn.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.formats.audit.AuditRecord;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FilePrivacyLedgerTest {
    @TempDir
    private Path directory;

    private Path file() {
        return directory.resolve("privacy").resolve("ledger.jsonl");
    }

    private Path headFile() {
        return file().resolveSibling("ledger.jsonl.head");
    }

    private FilePrivacyLedger open() {
        return Ledgers.unsynced(file());
    }

    /** Makes a ledger of this many entries and gives its ends, that of the opening first. */
    private List<AuditHead> write(int count) {
        List<AuditHead> heads = new ArrayList<>();
        try (FilePrivacyLedger ledger = open()) {
            heads.add(ledger.head());
            for (int i = 1; i <= count; i++) {
                String scope = i % 3 == 0 ? "b" : "a";
                Ledgers.append(
                        ledger, Ledgers.charge(scope, i), ledger.entries(scope).size());
                heads.add(ledger.head());
            }
        }
        return heads;
    }

    private void assertRefused(long line) throws IOException {
        byte[] before = Files.readAllBytes(file());
        assertThatThrownBy(this::open)
                .isInstanceOf(PrivacyLedgerException.class)
                .hasMessageStartingWith(
                        "the privacy ledger " + file() + " is not as it was written: line " + line + ": ");
        assertThatThrownBy(() -> FilePrivacyLedger.read(file()))
                .isInstanceOf(PrivacyLedgerException.class)
                .hasMessageStartingWith(
                        "the privacy ledger " + file() + " is not as it was written: line " + line + ": ");
        assertThat(file()).hasBinaryContent(before);
    }

    @Test
    void isReadableByPeopleAndByTheVerifierOfAuditLogs() throws IOException {
        List<AuditHead> heads = write(3);
        List<String> lines = Files.readAllLines(file());
        assertThat(lines).hasSize(4);
        assertThat(lines.get(0)).contains("\"schema\":\"fedlearn-privacy-ledger/1\"");
        assertThat(lines.get(3))
                .startsWith("{\"at\":\"2026-11-21T08:30:00.000000001Z\",\"fields\":{"
                        + "\"mechanism\":\"gaussian(noiseMultiplier=2.5)\",\"number\":1,"
                        + "\"parameter.purpose\":\"round 3 of run z\u00fcrich\",\"parameter.relation\":\"add-remove\","
                        + "\"scope\":\"b\"},\"hash\":\"" + heads.get(3).hash() + "\",\"previous\":\""
                        + heads.get(2).hash() + "\",\"sequence\":4,\"type\":\"privacy-debit\",\"version\":1}");
        for (AuditHead head : heads) {
            assertThat(AuditVerifier.verify(file(), head).isWhole()).isTrue();
        }
        assertThat(Files.readString(headFile()))
                .contains("{\"sequence\":4,\"hash\":\"" + heads.get(3).hash());
    }

    @Test
    void isReadWithoutBeingOpened() throws IOException {
        write(4);
        List<LedgerEntry> entries;
        try (FilePrivacyLedger ledger = open()) {
            entries = FilePrivacyLedger.read(file());
            assertThat(entries)
                    .extracting(entry -> entry.charge().scope() + entry.number())
                    .containsExactly("a1", "a2", "b1", "a3");
            assertThat(ledger.entries("b")).containsExactly(entries.get(2));
        }
        byte[] whole = Files.readAllBytes(file());
        Files.write(file(), "{\"at\":".getBytes(StandardCharsets.UTF_8), StandardOpenOption.APPEND);
        assertThat(FilePrivacyLedger.read(file())).isEqualTo(entries);
        assertThat(file()).hasSize(whole.length + 6);
        Files.delete(file());
        assertThatThrownBy(() -> FilePrivacyLedger.read(file()))
                .isInstanceOf(PrivacyLedgerException.class)
                .hasMessageContaining(file().toString());
    }

    @Test
    void refusesAParameterThatItCannotKeep() {
        try (FilePrivacyLedger ledger = open()) {
            for (Object value : List.of(1L << 60, "\ud800", -(1L << 53))) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> ledger.append(
                                new PrivacyCharge("a", "x", Config.empty().with("count", value)), 0))
                        .withMessageContaining("count");
            }
            assertThat(ledger.scopes()).isEmpty();
            PrivacyCharge charge = new PrivacyCharge(
                    "a", "x", Config.of(Map.of("whole", 2.0, "zero", -0.0, "small", Double.MIN_VALUE, "scope", "b")));
            assertThat(ledger.append(charge, 0).orElseThrow().charge().parameters())
                    .isEqualTo(Config.of(Map.of("whole", 2, "zero", 0, "small", Double.MIN_VALUE, "scope", "b")));
        }
    }

    static List<Arguments> tampering() {
        return List.of(
                tampered("a digit", lines -> set(lines, 2, lines.get(2).replace("2.5", "9.5")), 3),
                tampered("a scope", lines -> set(lines, 3, lines.get(3).replace("\"b\"", "\"a\"")), 4),
                tampered("a hash", lines -> set(lines, 0, flipHash(lines.get(0))), 1),
                tampered("a space", lines -> set(lines, 1, lines.get(1).replace(",", ", ")), 2),
                tampered("the opening deleted", lines -> without(lines, 0), 1),
                tampered("one deleted", lines -> without(lines, 2), 3),
                tampered("two swapped", lines -> set(set(lines, 1, lines.get(2)), 2, lines.get(1)), 2),
                tampered("one repeated", lines -> insert(lines, 2, lines.get(1)), 3),
                tampered("an empty line", lines -> insert(lines, 1, ""), 2),
                tampered("one forged with a right hash of its own", FilePrivacyLedgerTest::forged, 4),
                tampered("the last forged likewise", FilePrivacyLedgerTest::forgedLast, 6),
                tampered("an entry with a wrong number appended", FilePrivacyLedgerTest::misnumbered, 7),
                tampered("an event of another kind appended", FilePrivacyLedgerTest::ofAnotherKind, 7),
                tampered("the last deleted", lines -> without(lines, 5), 6),
                tampered("all but the opening deleted", lines -> lines.subList(0, 1), 2),
                tampered("all deleted", lines -> List.of(), 1));
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

    private static AuditHead headOf(String line) {
        return AuditRecord.decode(line.getBytes(StandardCharsets.UTF_8), "line").head();
    }

    private static String text(AuditRecord record) {
        return new String(record.encode(), StandardCharsets.UTF_8);
    }

    private static String debit(String before, long number) {
        return text(LedgerRecord.debit(headOf(before), number, Ledgers.TIME, Ledgers.charge("a", 99)));
    }

    private static List<String> forged(List<String> lines) {
        return set(lines, 2, debit(lines.get(1), 2));
    }

    private static List<String> forgedLast(List<String> lines) {
        return set(lines, 5, debit(lines.get(4), 4));
    }

    private static List<String> misnumbered(List<String> lines) {
        return insert(lines, 6, debit(lines.get(5), 4));
    }

    private static List<String> ofAnotherKind(List<String> lines) {
        AuditEvent event = new AuditEvent(Ledgers.TIME, "privacy-refund", Config.empty());
        return insert(lines, 6, text(AuditRecord.next(headOf(lines.get(5)), event)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("tampering")
    void refusesALedgerThatIsNotAsItWasWritten(String what, UnaryOperator<List<String>> how, long line)
            throws IOException {
        write(5);
        Files.write(file(), how.apply(Files.readAllLines(file())));
        assertRefused(line);
    }

    @Test
    void refusesAChangeOfAnyByte() throws IOException {
        write(1);
        byte[] whole = Files.readAllBytes(file());
        for (int i = 0; i < whole.length; i++) {
            byte[] changed = whole.clone();
            changed[i] ^= 1;
            Files.write(file(), changed);
            assertThatThrownBy(() -> FilePrivacyLedger.read(file()))
                    .as("byte %d", i)
                    .isInstanceOf(PrivacyLedgerException.class);
        }
    }

    @Test
    void refusesACutAtAnyByte() throws IOException {
        write(1);
        byte[] whole = Files.readAllBytes(file());
        for (int length = 0; length < whole.length; length++) {
            Files.write(file(), Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> FilePrivacyLedger.read(file()))
                    .as("%d bytes", length)
                    .isInstanceOf(PrivacyLedgerException.class);
        }
        assertThatThrownBy(this::open).isInstanceOf(PrivacyLedgerException.class);
        assertThat(file()).hasSize(whole.length - 1);
    }

    @Test
    void refusesALedgerThatWasDeletedOrExchanged() throws IOException {
        write(2);
        Path first = directory.resolve("first");
        Files.move(file(), first);
        assertThatThrownBy(this::open)
                .isInstanceOf(PrivacyLedgerException.class)
                .hasMessage("the privacy ledger " + file() + " is missing: it ended with line 3");
        assertThat(file()).doesNotExist();

        Files.delete(headFile());
        write(2);
        Files.copy(first, file(), StandardCopyOption.REPLACE_EXISTING);
        assertRefused(3);
    }

    @Test
    void refusesALedgerWithoutItsHeadUnlessAnEndIsKnown() throws IOException {
        List<AuditHead> heads = write(4);
        Files.delete(headFile());
        assertRefused(6);
        Files.write(headFile(), new byte[512]);
        assertRefused(6);
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(file(), heads.get(3))) {
            assertThat(ledger.head()).isEqualTo(heads.get(4));
        }
        open().close();
        assertThatThrownBy(() -> FilePrivacyLedger.at(
                        file(), new AuditHead(6, heads.get(4).hash())))
                .isInstanceOf(PrivacyLedgerException.class)
                .hasMessageContaining("line 6: is missing: the ledger must go on to the known end 6");
        assertThatThrownBy(() -> FilePrivacyLedger.at(
                        file(), new AuditHead(4, heads.get(4).hash())))
                .isInstanceOf(PrivacyLedgerException.class)
                .hasMessageContaining("line 4: its hash is not that of the known end 4");
        // Both cut together: only an end that was kept elsewhere tells.
        Files.write(file(), Files.readAllLines(file()).subList(0, 1));
        Files.delete(headFile());
        assertThatThrownBy(() -> FilePrivacyLedger.at(file(), heads.get(4))).isInstanceOf(PrivacyLedgerException.class);
    }

    @Test
    void leavesAFileAloneThatIsNoLedger() throws IOException {
        Files.createDirectories(file().getParent());
        for (String content : List.of("notes", "notes\n", "{\"at\":\"2026", "\n")) {
            Files.writeString(file(), content);
            assertRefused(1);
        }
        Files.delete(file());
        try (FileAuditLog log = FileAuditLog.at(file())) {
            log.append(new AuditEvent(Ledgers.TIME, "round-committed", Config.empty()));
        }
        assertRefused(1);
        assertThat(headFile()).doesNotExist();
    }

    @Test
    void cutsOffAnUnacknowledgedLineThatIsNotWhole() throws IOException {
        write(3);
        byte[] whole = Files.readAllBytes(file());
        byte[] head = Files.readAllBytes(headFile());
        write(0);
        try (FilePrivacyLedger ledger = open()) {
            Ledgers.append(ledger, Ledgers.charge("a", 4), 2);
        }
        byte[] longer = Files.readAllBytes(file());
        for (int length = whole.length + 1; length < longer.length; length += 13) {
            Files.write(file(), Arrays.copyOf(longer, length));
            Files.write(headFile(), head);
            try (FilePrivacyLedger ledger = open()) {
                assertThat(ledger.notices())
                        .containsExactly("the last line of the privacy ledger " + file()
                                + " was not written to its end and was cut off; it was never acknowledged");
                assertThat(ledger.entries("a")).hasSize(2);
            }
            assertThat(file()).hasBinaryContent(whole);
        }
        // Whole, but not acknowledged: it stays, for it may have been.
        Files.write(file(), longer);
        Files.write(headFile(), head);
        try (FilePrivacyLedger ledger = open()) {
            assertThat(ledger.entries("a")).hasSize(3);
            assertThat(ledger.notices()).isEmpty();
        }
        Files.write(file(), whole);
        assertRefused(5);
    }

    @Test
    void isAsBeforeOrAsAfterWhateverStepWasTheLast() throws IOException {
        int[] acknowledged = {-1};
        int[] copies = {0};
        Disk disk = new Disk(
                (what, path) -> {
                    Path copy = directory.resolve("copy-" + copies[0]++);
                    Runs.copy(directory.resolve("privacy"), copy);
                    try (FilePrivacyLedger ledger = Ledgers.unsynced(copy.resolve(file().getFileName()))) {
                        int count = ledger.entries("a").size();
                        assertThat(count).isBetween(Math.max(acknowledged[0], 0), acknowledged[0] + 1);
                        Ledgers.append(ledger, Ledgers.charge("a", count + 1), count);
                    }
                    Runs.delete(copy);
                },
                false);
        Files.createDirectories(file().getParent());
        try (FilePrivacyLedger ledger = Ledgers.on(file(), disk)) {
            acknowledged[0] = 0;
            for (int i = 1; i <= 4; i++) {
                Ledgers.append(ledger, Ledgers.charge("a", i), i - 1);
                acknowledged[0] = i;
            }
        }
        assertThat(copies[0]).isGreaterThan(12);
    }

    @Test
    void saysThatNothingMayBeReleasedWhateverStepOfADebitFails() {
        for (int failing = 1; failing <= 3; failing++) {
            int[] left = {-1};
            Disk disk = new Disk(
                    (what, path) -> {
                        if (--left[0] == 0) {
                            throw new FileSystemException(path.toString(), null, "No space left on device");
                        }
                    },
                    false);
            Path path = directory.resolve("ledger-" + failing);
            try (FilePrivacyLedger ledger = Ledgers.on(path, disk)) {
                Ledgers.append(ledger, Ledgers.charge("a", 1), 0);
                left[0] = failing;
                assertThatThrownBy(() -> ledger.append(Ledgers.charge("a", 2), 1))
                        .isInstanceOf(PrivacyLedgerException.class)
                        .hasMessageStartingWith(
                                "the privacy ledger " + path + " could not be debited: nothing may be released: ")
                        .hasMessageEndingWith("No space left on device");
                int count = ledger.entries("a").size();
                assertThat(count).isEqualTo(failing < 3 ? 1 : 2);
                Ledgers.append(ledger, Ledgers.charge("a", 3), count);
            }
            try (FilePrivacyLedger ledger = Ledgers.unsynced(path)) {
                assertThat(ledger.notices()).isEmpty();
                assertThat(ledger.entries("a")).hasSize(failing < 3 ? 2 : 3);
            }
        }
    }

    @Test
    void noticesThatItIsChangedWhileItIsOpen() throws IOException {
        write(3);
        byte[] whole = Files.readAllBytes(file());
        try (FilePrivacyLedger ledger = open()) {
            Files.write(file(), Arrays.copyOf(whole, whole.length - 10));
            assertThatThrownBy(() -> ledger.append(Ledgers.charge("a", 4), 2))
                    .isInstanceOf(PrivacyLedgerException.class)
                    .hasMessageContaining("line 4: was cut while the ledger was open");
            Files.write(
                    file(), (new String(whole, StandardCharsets.UTF_8) + "forged\n").getBytes(StandardCharsets.UTF_8));
            assertThatThrownBy(() -> ledger.entries("a"))
                    .isInstanceOf(PrivacyLedgerException.class)
                    .hasMessageContaining("is not as it was written: line 5: ");
            Path other = directory.resolve("other");
            Files.write(other, whole);
            Files.move(other, file(), StandardCopyOption.REPLACE_EXISTING);
            assertThatThrownBy(ledger::head)
                    .isInstanceOf(PrivacyLedgerException.class)
                    .hasMessageContaining("was exchanged for another file while it was open");
            Files.delete(file());
            assertThatThrownBy(ledger::scopes)
                    .isInstanceOf(PrivacyLedgerException.class)
                    .hasMessageContaining("was deleted while it was open");
        }
    }

    @Test
    void isSharedByProcesses() throws IOException {
        List<Long> mine = new ArrayList<>();
        List<Long> theirs = new ArrayList<>();
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(file());
                ChildJvm child = ChildJvm.start(LedgerLoop.class, Optional.empty(), file().toString(), "x")) {
            theirs.add(Long.parseLong(child.readLine()));
            long known = 0;
            while (mine.size() < 100) {
                Optional<LedgerEntry> entry = ledger.append(Ledgers.charge("a", (int) known + 1), known);
                entry.ifPresent(mineToo -> mine.add(mineToo.number()));
                known += entry.isPresent() ? 1 : ledger.entries("a", known).size();
            }
            // It takes its turn as well.
            for (long last = 0; last < known; theirs.add(last)) {
                last = Long.parseLong(child.readLine());
            }
            child.kill();
            List<Long> numbers =
                    ledger.entries("a").stream().map(LedgerEntry::number).collect(Collectors.toList());
            assertThat(numbers)
                    .doesNotHaveDuplicates()
                    .isSorted()
                    .containsAll(mine)
                    .containsAll(theirs);
            assertThat(mine).doesNotContainAnyElementsOf(theirs);
        }
        assertThat(AuditVerifier.verify(file()).isWhole()).isTrue();
        open().close();
    }

    @Test
    void saysSoWhenTheDiskTakesNoMore() throws IOException {
        try (ChildJvm child = ChildJvm.start(
                LedgerLoop.class, Optional.of(ChildJvm.MAX_FILE_KILOBYTES), file().toString(), "x".repeat(5000))) {
            String line = child.readLine();
            int count = 0;
            while (!line.startsWith("the privacy ledger")) {
                count = Integer.parseInt(line);
                line = child.readLine();
            }
            assertThat(line)
                    .startsWith("the privacy ledger " + file() + " could not be debited: nothing may be released: ")
                    .containsIgnoringCase("too large");
            try (FilePrivacyLedger ledger = open()) {
                assertThat(ledger.notices()).isEmpty();
                assertThat(ledger.entries("a")).hasSize(count);
                Ledgers.append(ledger, Ledgers.charge("a", count + 1), count);
            }
        }
    }

    @Test
    void waitsForAnotherProcessNotForEver() throws IOException {
        write(1);
        try (ChildJvm child = ChildJvm.start(LockHolder.class, Optional.empty(), file() + ".lock")) {
            assertThat(child.readLine()).isEqualTo("locked");
            assertThatThrownBy(() -> FilePrivacyLedger.at(
                            file(), AuditHead.empty(), Disk.unsynced(), InstantSource.system(), Duration.ofMillis(1)))
                    .isInstanceOf(PrivacyLedgerException.class)
                    .hasMessageContaining("another process has " + file() + ".lock for more than");
            Thread.currentThread().interrupt();
            assertThatThrownBy(this::open)
                    .isInstanceOf(PrivacyLedgerException.class)
                    .hasMessageContaining("interrupted while another process has");
            assertThat(Thread.interrupted()).isTrue();
            child.kill();
        }
        open().close();
    }

    @Test
    void debitsForAnInterruptedThreadThatNeedNotWait() {
        try (FilePrivacyLedger ledger = FilePrivacyLedger.at(file())) {
            Thread.currentThread().interrupt();
            assertThat(ledger.append(Ledgers.charge("a", 1), 0)).isPresent();
            assertThat(ledger.append(Ledgers.charge("a", 2), 1)).isPresent();
            assertThat(Thread.interrupted()).isTrue();
            assertThat(ledger.entries("a")).hasSize(2);
        }
    }

    @Test
    void isOneByWhateverLinkItIsReached() throws IOException {
        write(2);
        Path link = Files.createSymbolicLink(directory.resolve("link"), file());
        assertThat(FilePrivacyLedger.read(link)).hasSize(2);
        FilePrivacyLedger ledger = open();
        assertThatThrownBy(() -> FilePrivacyLedger.at(link))
                .isInstanceOf(PrivacyLedgerException.class)
                .hasMessageEndingWith("it is open in this process already");
        ledger.close();
        try (FilePrivacyLedger same = Ledgers.unsynced(link)) {
            Ledgers.append(same, Ledgers.charge("a", 3), 2);
        }
        assertThat(FilePrivacyLedger.read(file())).hasSize(3);
    }

    @Test
    void noticesThatItsLockIsDeleted() throws IOException {
        try (FilePrivacyLedger ledger = open()) {
            Files.delete(file().resolveSibling("ledger.jsonl.lock"));
            assertThatThrownBy(() -> ledger.append(Ledgers.charge("a", 1), 0))
                    .isInstanceOf(PrivacyLedgerException.class)
                    .hasMessageContaining("ledger.jsonl.lock was deleted while it was in use");
        }
        try (FilePrivacyLedger ledger = open()) {
            assertThat(ledger.scopes()).isEmpty();
        }
    }

    @Test
    void isOpenedOnceInAProcess() {
        FilePrivacyLedger ledger = open();
        assertThatThrownBy(this::open)
                .isInstanceOf(PrivacyLedgerException.class)
                .hasMessage("the privacy ledger " + file() + " cannot be opened: it is open in this process already");
        Ledgers.fill(ledger, 1);
        ledger.close();
        assertThatIllegalStateException().isThrownBy(() -> ledger.entries("a"));
        open().close();
    }
}
