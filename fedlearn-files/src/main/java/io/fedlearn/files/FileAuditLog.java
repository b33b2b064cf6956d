package io.fedlearn.files;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.formats.audit.AuditRecord;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.formats.audit.AuditSignature;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.formats.audit.AuditTrust;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An audit log in a file, {@code audit.jsonl}: one {@link AuditRecord} per line, each chained to the one before by its
 * hash, and signed if a key is given.
 *
 * <p>An event is on the disk before {@link #append} returns. Opening a log verifies its whole chain. A last line
 * without a line break, which a crash may leave and whose event was never acknowledged, is cut off, with a
 * {@linkplain #notices() notice}; whatever else is not as it was written is refused, by the number of its line. To see
 * whether the log's tail was cut off, keep its {@link #head} elsewhere and ask {@link AuditVerifier}.
 *
 * <p>One process at a time has a log open. Thread-safe.
 */
public final class FileAuditLog implements AuditLog {
    /** What a run's audit log is called in the run's directory: {@value}. */
    public static final String FILE_NAME = "audit.jsonl";

    private static final System.Logger LOGGER = System.getLogger(FileAuditLog.class.getName());

    private final Path path;
    private final Disk disk;
    private final ProcessLock processLock;
    private final RandomAccessFile file;
    private final List<String> notices;
    private final Optional<AuditSigner> signer;

    // Guards what follows and the file, hence is held while that is written: the chain has one end.
    private final ReentrantLock lock = new ReentrantLock();
    private AuditHead head;
    private Optional<String> lastKeyId;
    private long end;
    private boolean closed;

    private FileAuditLog(
            Path path,
            Disk disk,
            Optional<AuditSigner> signer,
            ProcessLock processLock,
            RandomAccessFile file,
            Found found) {
        this.path = path;
        this.disk = disk;
        this.signer = signer;
        this.processLock = processLock;
        this.file = file;
        this.head = found.head;
        this.end = found.end;
        this.notices = found.notices;
        this.lastKeyId = found.lastKeyId;
    }

    /** What a log holds when it is opened. */
    private record Found(AuditHead head, Optional<String> lastKeyId, long end, List<String> notices) {}

    /**
     * Opens the log in this file, which is created if there is none. Beside it lies a file of the same name and
     * {@code .lock}.
     *
     * @throws RunStoreException if it is open elsewhere, cannot be read or written, or is not as it was written
     */
    public static FileAuditLog at(Path file) {
        return at(file, Disk.durable());
    }

    /**
     * As {@link #at(Path)}, but signs each record. Those that are there may be signed by another key, or not at all.
     *
     * @throws RunStoreException if it is open elsewhere, cannot be read or written, or is not as it was written
     */
    public static FileAuditLog at(Path file, AuditSigner signer) {
        return at(file, Disk.durable(), Optional.of(signer));
    }

    static FileAuditLog at(Path path, Disk disk) {
        return at(path, disk, Optional.empty());
    }

    private static FileAuditLog at(Path path, Disk disk, Optional<AuditSigner> signer) {
        ProcessLock processLock;
        try {
            disk.createDirectories(Disk.directoryOf(path));
            processLock = ProcessLock.take(path.resolveSibling(path.getFileName() + ".lock"));
        } catch (ProcessLock.HeldException e) {
            throw new RunStoreException("the audit log " + path + " cannot be used: " + e.getMessage(), e);
        } catch (IOException e) {
            throw cannotBeOpened(path, e);
        }
        try {
            RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
            try {
                Found found = read(path, disk, file);
                disk.syncDirectory(Disk.directoryOf(path));
                return new FileAuditLog(path, disk, signer, processLock, file, found);
            } catch (IOException | RuntimeException | Error e) {
                closeAfter(e, file);
                throw e;
            }
        } catch (IOException e) {
            closeAfter(e, processLock);
            throw cannotBeOpened(path, e);
        } catch (RuntimeException | Error e) {
            closeAfter(e, processLock);
            throw e;
        }
    }

    private static RunStoreException cannotBeOpened(Path path, IOException why) {
        return new RunStoreException("the audit log " + path + " cannot be opened: " + Disk.reason(why), why);
    }

    private static void closeAfter(Throwable failure, AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            failure.addSuppressed(e);
        }
    }

    private static Found read(Path path, Disk disk, RandomAccessFile file) throws IOException {
        AuditVerifier.Scan scan = AuditVerifier.Scan.of(path, AuditHead.empty(), AuditTrust.none());
        AuditReport report = scan.report();
        if (scan.torn()) {
            String notice = "the last line of the audit log " + path + " was not written to its end and was cut off; "
                    + report.recordCount() + " records are whole";
            LOGGER.log(Level.WARNING, notice);
            disk.truncate(file, path, scan.end());
            return new Found(report.head(), scan.lastKeyId(), scan.end(), List.of(notice));
        }
        if (!report.isWhole()) {
            AuditReport.Break broken = report.firstBreak().orElseThrow();
            throw new RunStoreException("the audit log " + path + " is not as it was written: line " + broken.line()
                    + ": " + broken.reason());
        }
        return new Found(report.head(), scan.lastKeyId(), scan.end(), List.of());
    }

    /** What had to be put right when the log was opened, for a person. */
    public List<String> notices() {
        return notices;
    }

    /**
     * {@inheritDoc}
     *
     * @throws RunStoreException if it cannot be written; the log is as before
     */
    @Override
    public AuditHead append(AuditEvent event) {
        lock.lock();
        try {
            requireNotClosed();
            AuditHead last = head;
            AuditRecord record = signer.map(key -> AuditRecord.next(last, event, key))
                    .orElseGet(() -> AuditRecord.next(last, event));
            byte[] bytes = record.encode();
            byte[] line = Arrays.copyOf(bytes, bytes.length + 1);
            line[bytes.length] = '\n';
            try {
                disk.writeTail(file, path, end, line);
            } catch (IOException e) {
                try {
                    file.setLength(end);
                } catch (IOException notCut) {
                    e.addSuppressed(notCut);
                }
                throw new RunStoreException(
                        "event " + record.sequence() + " cannot be saved in the audit log: " + Disk.reason(e), e);
            }
            head = record.head();
            lastKeyId = record.signature().map(AuditSignature::keyId);
            end += line.length;
            return head;
        } finally {
            lock.unlock();
        }
    }

    /** The key that signed the last record, as {@link AuditSigner#keyId} calls it; empty if it is not signed, or there is none. */
    public Optional<String> lastKeyId() {
        lock.lock();
        try {
            return lastKeyId;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public AuditHead head() {
        lock.lock();
        try {
            return head;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean contains(AuditHead earlierHead) {
        lock.lock();
        try {
            requireNotClosed();
            return AuditVerifier.verify(path, earlierHead).isWhole();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                try (processLock;
                        file) {
                    LOGGER.log(Level.DEBUG, () -> path + " ends with record " + head.sequence() + " " + head.hash());
                }
            }
        } catch (IOException e) {
            LOGGER.log(Level.WARNING, path + " cannot be closed", e);
        } finally {
            lock.unlock();
        }
    }

    private void requireNotClosed() {
        if (closed) {
            throw new IllegalStateException("the audit log " + path + " is closed");
        }
    }
}
