package io.fedlearn.files;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.audit.AuditRecord;
import io.fedlearn.formats.internal.run.DamagedException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A privacy ledger in a file: one JSON object per line for each debit, chained to the one before by its hash, as in an audit log
 * ({@link AuditRecord}); {@link AuditVerifier} verifies it too. The first line opens the ledger; a debit's line, of type
 * {@code privacy-debit}, has the fields {@code scope}, {@code number} (in the scope, from 1), {@code mechanism} and, for each
 * parameter of the charge, {@code parameter.} and its name.
 *
 * <p>An entry is on the disk before {@link #append} returns. Beside the ledger lie a file of the same name and {@code .head},
 * which holds the ledger's end, and one with {@code .lock}. Opening verifies the whole chain and that the end is in it. A last
 * line without a line break behind that end, which a crash may leave and which was never acknowledged, is cut off, with a
 * {@linkplain #notices() notice}, and an end that falls behind is brought up; whatever else is not as it was written, a missing
 * end too, is refused with the number of the line. Who can write both files can cut both: keep {@link #head} elsewhere, and open
 * with {@link #at(Path, AuditHead)}.
 *
 * <p>Any number of processes on one machine can have a ledger open: each operation locks it. Within a process it is opened once
 * and shared between threads. A symbolic link to a ledger is that ledger; a hard link, which has no lock beside it, must not be
 * used. On a network file system that does not lock, or does not sync, nothing of this holds. Thread-safe.
 */
public final class FilePrivacyLedger implements PrivacyLedger {
    private static final System.Logger LOGGER = System.getLogger(FilePrivacyLedger.class.getName());
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path path;
    private final Path headPath;
    private final Disk disk;
    private final InstantSource clock;
    private final TurnLock turns;
    private final List<String> notices = new ArrayList<>();

    // Guards what follows and the files, hence is held while they are written: a chain has one end. Fair, for one
    // thread must not keep the others waiting. The lock between processes is taken within it.
    private final ReentrantLock lock = new ReentrantLock(true);
    private final RandomAccessFile file;
    private final RandomAccessFile headFile;
    private final Object fileKey;
    private final Contents contents;
    private boolean closed;

    private FilePrivacyLedger(
            Path path,
            Disk disk,
            InstantSource clock,
            TurnLock turns,
            RandomAccessFile file,
            RandomAccessFile headFile,
            Contents contents)
            throws IOException {
        this.path = path;
        this.headPath = headPath(path);
        this.disk = disk;
        this.clock = clock;
        this.turns = turns;
        this.file = file;
        this.headFile = headFile;
        this.contents = contents;
        this.fileKey = Disk.fileKey(path);
    }

    /** The lines that were read and found whole, and what they say. */
    private static final class Contents {
        AuditHead head = AuditHead.empty();
        long end;
        final Map<String, List<LedgerEntry>> byScope = new TreeMap<>();
        final List<LedgerEntry> all = new ArrayList<>();

        void add(AuditRecord record, long lineEnd) throws DamagedException {
            if (!record.follows(head)) {
                throw new DamagedException(
                        record.sequence() == head.sequence() + 1
                                ? "is not chained to the line before"
                                : "its sequence must be " + (head.sequence() + 1) + ", was " + record.sequence());
            }
            if (record.sequence() == 1) {
                LedgerRecord.requireOpening(record);
            } else {
                LedgerEntry entry = LedgerRecord.entry(record);
                String scope = entry.charge().scope();
                if (entry.number() != count(scope) + 1L) {
                    throw new DamagedException("its number in scope '" + scope + "' must be " + (count(scope) + 1L)
                            + ", was " + entry.number());
                }
                byScope.computeIfAbsent(scope, name -> new ArrayList<>()).add(entry);
                all.add(entry);
            }
            head = record.head();
            end = lineEnd;
        }

        int count(String scope) {
            return byScope.getOrDefault(scope, List.of()).size();
        }
    }

    /**
     * Opens the ledger in this file, which is created if neither it nor its head is there.
     *
     * @throws PrivacyLedgerException if it is open in this process already, cannot be read or written, or is not as it was written
     */
    public static FilePrivacyLedger at(Path file) {
        return at(file, AuditHead.empty(), Disk.durable(), InstantSource.system(), PATIENCE);
    }

    /**
     * Opens the ledger in this file and verifies that it holds the line that {@code known} names: it may have grown since, but not
     * have been cut before it or written anew. With such an end it does not matter if the file beside the ledger was lost; it is
     * written again.
     *
     * @param known an end that the ledger had, as it was kept elsewhere
     * @throws PrivacyLedgerException as {@link #at(Path)}, or if the ledger does not hold the known end
     */
    public static FilePrivacyLedger at(Path file, AuditHead known) {
        return at(file, known, Disk.durable(), InstantSource.system(), PATIENCE);
    }

    static FilePrivacyLedger at(Path file, AuditHead known, Disk disk, InstantSource clock, Duration patience) {
        List<AutoCloseable> open = new ArrayList<>();
        try {
            disk.createDirectories(Disk.directoryOf(file));
            Path path = real(file);
            TurnLock turns = TurnLock.open(path.resolveSibling(path.getFileName() + ".lock"), patience);
            open.add(turns);
            TurnLock.Held held = turns.take();
            try {
                return open(path, known, disk, clock, turns, open);
            } finally {
                held.close();
            }
        } catch (IOException e) {
            closeAfter(e, open);
            throw new PrivacyLedgerException("the privacy ledger " + file + " cannot be opened: " + Disk.reason(e), e);
        } catch (RuntimeException | Error e) {
            closeAfter(e, open);
            throw e;
        }
    }

    private static FilePrivacyLedger open(
            Path path, AuditHead known, Disk disk, InstantSource clock, TurnLock turns, List<AutoCloseable> open)
            throws IOException {
        Optional<AuditHead> head = LedgerHead.read(headPath(path));
        long length = Files.exists(path) ? Files.size(path) : 0;
        if (length == 0 && head.isEmpty() && known.sequence() == 0) {
            // Aside, so that a first line that is not whole is not that of a ledger, and is never cut off.
            disk.replace(path, Disk.Content.of(line(LedgerRecord.opening(clock.instant()))));
        } else if (!Files.exists(path)) {
            throw new PrivacyLedgerException("the privacy ledger " + path + " is missing: it ended with line "
                    + Math.max(head.map(AuditHead::sequence).orElse(0L), known.sequence()));
        }
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
        open.add(file);
        Contents contents = new Contents();
        boolean torn = scan(path, contents, head, known);
        RandomAccessFile headFile = new RandomAccessFile(headPath(path).toFile(), "rw");
        open.add(headFile);
        FilePrivacyLedger ledger = new FilePrivacyLedger(path, disk, clock, turns, file, headFile, contents);
        ledger.heal(torn);
        disk.syncDirectory(Disk.directoryOf(path));
        return ledger;
    }

    /**
     * All entries of the ledger in this file, in the order in which they were debited, verified as if it were opened; nothing is
     * written and nothing locked, so it need not be writable and may be in use.
     *
     * @throws PrivacyLedgerException if it cannot be read, or is not as it was written
     */
    public static List<LedgerEntry> read(Path file) {
        return read(file, AuditHead.empty());
    }

    /**
     * As {@link #read(Path)}, with the verification of {@link #at(Path, AuditHead)}.
     *
     * @param known an end that the ledger had, as it was kept elsewhere
     * @throws PrivacyLedgerException as {@link #read(Path)}, or if the ledger does not hold the known end
     */
    public static List<LedgerEntry> read(Path file, AuditHead known) {
        try {
            // First: what is appended while the ledger is read, is behind it.
            Path path = real(file);
            Optional<AuditHead> head = LedgerHead.read(headPath(path));
            Contents contents = new Contents();
            scan(path, contents, head, known);
            return List.copyOf(contents.all);
        } catch (IOException e) {
            throw new PrivacyLedgerException("the privacy ledger " + file + " cannot be read: " + Disk.reason(e), e);
        }
    }

    private static Path headPath(Path path) {
        return path.resolveSibling(path.getFileName() + ".head");
    }

    /** The one name of a ledger: what lies beside it lies there for whoever comes by a link, too. */
    private static Path real(Path path) throws IOException {
        return Files.exists(path)
                ? path.toRealPath()
                : Disk.directoryOf(path).toRealPath().resolve(path.getFileName());
    }

    private static void closeAfter(Throwable failure, List<AutoCloseable> open) {
        for (AutoCloseable resource : open) {
            try {
                resource.close();
            } catch (Exception e) {
                failure.addSuppressed(e);
            }
        }
    }

    /** Puts right what a crash left behind: a line that is not whole, or an end that is not up to date. */
    private void heal(boolean torn) throws IOException {
        if (torn) {
            cutOff();
        }
        if (!LedgerHead.read(headPath).equals(Optional.of(contents.head))) {
            disk.sync(file, path); // whoever wrote the last lines may not have come to that
            LedgerHead.write(disk, headFile, headPath, contents.head);
        }
    }

    private void cutOff() throws IOException {
        String notice = "the last line of the privacy ledger " + path
                + " was not written to its end and was cut off; it was never acknowledged";
        LOGGER.log(Level.WARNING, notice);
        notices.add(notice);
        disk.truncate(file, path, contents.end);
    }

    /** Reads a ledger from its beginning; whether its last line is torn. */
    private static boolean scan(Path path, Contents contents, Optional<AuditHead> head, AuditHead known)
            throws IOException {
        try (Lines lines = Lines.of(path)) {
            boolean torn = readLines(path, lines, 0, contents, List.of(head.orElse(AuditHead.empty()), known));
            if (contents.head.sequence() == 0) {
                throw damaged(path, 1, "must be the opening of a privacy ledger");
            }
            // A ledger that was opened and not used yet may have lost its head to a crash.
            if (head.isEmpty() && known.sequence() == 0 && contents.head.sequence() > 1) {
                throw damaged(
                        path,
                        contents.head.sequence() + 1,
                        "may be missing: the ledger's end is to be in " + headPath(path)
                                + ", which is not there or damaged. Open it with an end that was kept elsewhere");
            }
            return torn;
        }
    }

    /** Reads what follows, which must hold the known ends; whether the last line is torn. */
    private static boolean readLines(Path path, Lines lines, long offset, Contents contents, List<AuditHead> knownEnds)
            throws IOException {
        boolean torn = false;
        for (Optional<Lines.Line> next = lines.next(); next.isPresent(); next = lines.next()) {
            Lines.Line line = next.get();
            long number = contents.head.sequence() + 1;
            if (!line.isEnded()) {
                torn = true;
                break;
            }
            try {
                contents.add(AuditRecord.decode(line.text().bytes(), path.toString()), offset + line.end());
            } catch (FormatException e) {
                throw damaged(path, number, e.reason());
            } catch (DamagedException e) {
                throw damaged(path, number, String.valueOf(e.getMessage()));
            }
            for (AuditHead known : knownEnds) {
                if (known.sequence() == number && !known.hash().equals(contents.head.hash())) {
                    throw damaged(path, number, "its hash is not that of the known end " + number);
                }
            }
        }
        for (AuditHead known : knownEnds) {
            if (known.sequence() > contents.head.sequence()) {
                throw damaged(
                        path,
                        contents.head.sequence() + 1,
                        "is " + (torn ? "cut off" : "missing") + ": the ledger must go on to the known end "
                                + known.sequence());
            }
        }
        return torn;
    }

    private static PrivacyLedgerException damaged(Path path, long line, String reason) {
        return new PrivacyLedgerException(
                "the privacy ledger " + path + " is not as it was written: line " + line + ": " + reason);
    }

    /** What had to be put right, for a person. */
    public List<String> notices() {
        lock.lock();
        try {
            return List.copyOf(notices);
        } finally {
            lock.unlock();
        }
    }

    /**
     * The ledger's end, to be kept where who can write the ledger cannot write.
     *
     * @throws PrivacyLedgerException if it cannot be read, or is not as it was written
     */
    public AuditHead head() {
        return locked("cannot be read", () -> contents.head);
    }

    /**
     * {@inheritDoc}
     *
     * @throws PrivacyLedgerException if entries are missing, another process does not let go of the ledger, the thread is
     *     interrupted while it waits for one, or the entry cannot be written; in the last case alone it may be there all the same
     */
    @Override
    public Optional<LedgerEntry> append(PrivacyCharge charge, long known) {
        return locked("could not be debited: nothing may be released", () -> {
            int count = count(charge.scope(), known);
            if (count > known) {
                return Optional.empty();
            }
            append(LedgerRecord.debit(contents.head, count + 1L, clock.instant(), charge));
            return Optional.of(contents.all.get(contents.all.size() - 1));
        });
    }

    @Override
    public List<LedgerEntry> entries(String scope, long known) {
        return locked("cannot be read", () -> {
            int count = count(scope, known);
            return List.copyOf(contents.byScope.getOrDefault(scope, List.of()).subList((int) known, count));
        });
    }

    @Override
    public Set<String> scopes() {
        return locked("cannot be read", () -> new TreeSet<>(contents.byScope.keySet()));
    }

    private int count(String scope, long known) {
        if (known < 0) {
            throw new IllegalArgumentException("known must be >= 0, was " + known);
        }
        int count = contents.count(scope);
        if (count < known) {
            throw new PrivacyLedgerException("the privacy ledger " + path + " has " + count + " entries of scope '"
                    + scope + "', of which " + known + " were known");
        }
        return count;
    }

    /** Does something to the ledger. */
    @FunctionalInterface
    private interface Operation<T> {
        T run() throws IOException;
    }

    /** Runs an operation when no other thread and no other process is at it, on the ledger as it is now. */
    private <T> T locked(String failure, Operation<T> operation) {
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the privacy ledger " + path + " is closed");
            }
            try {
                TurnLock.Held held = turns.take();
                try {
                    catchUp();
                    return operation.run();
                } finally {
                    held.close();
                }
            } catch (IOException e) {
                throw new PrivacyLedgerException(
                        "the privacy ledger " + path + " " + failure + ": " + Disk.reason(e), e);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Reads what other processes appended. */
    private void catchUp() throws IOException {
        try {
            if (!Disk.fileKey(path).equals(fileKey)) {
                throw new PrivacyLedgerException(
                        "the privacy ledger " + path + " was exchanged for another file while it was open");
            }
        } catch (NoSuchFileException e) {
            throw new PrivacyLedgerException("the privacy ledger " + path + " was deleted while it was open", e);
        }
        long length = file.length();
        if (length < contents.end) {
            throw damaged(
                    path,
                    contents.head.sequence(),
                    "was cut while the ledger was open: it had " + contents.end + " bytes, has " + length);
        }
        if (length > contents.end) {
            file.seek(contents.end);
            byte[] tail = new byte[Math.toIntExact(length - contents.end)];
            file.readFully(tail);
            heal(readLines(path, Lines.of(tail), contents.end, contents, List.of()));
        }
    }

    private static byte[] line(AuditRecord record) {
        byte[] bytes = record.encode();
        byte[] line = Arrays.copyOf(bytes, bytes.length + 1);
        line[bytes.length] = '\n';
        return line;
    }

    private void append(AuditRecord record) throws IOException {
        byte[] line = line(record);
        try {
            disk.writeTail(file, path, contents.end, line);
        } catch (IOException e) {
            try {
                file.setLength(contents.end);
            } catch (IOException notCut) {
                e.addSuppressed(notCut); // the next operation takes it for an entry if it is whole, or cuts it off
            }
            throw e;
        }
        try {
            contents.add(record, contents.end + line.length);
        } catch (DamagedException e) {
            throw new IllegalStateException("what was appended to " + path + " does not belong there", e);
        }
        // Behind the ledger, never before it: so a crash leaves an end that is in the ledger.
        LedgerHead.write(disk, headFile, headPath, contents.head);
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                try (turns;
                        headFile;
                        file) {
                    LOGGER.log(Level.DEBUG, () -> path + " ends with line " + contents.head.sequence());
                }
            }
        } catch (IOException e) {
            LOGGER.log(Level.WARNING, path + " cannot be closed", e);
        } finally {
            lock.unlock();
        }
    }
}
