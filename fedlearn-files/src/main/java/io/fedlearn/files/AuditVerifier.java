package io.fedlearn.files;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.audit.AuditRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Finds out whether an audit log is what was written: every record whole, with the hash that its content gives, and
 * chained to the one before. It reads the file and changes nothing, whether or not a process has it open.
 *
 * <p>A chain alone cannot tell that its tail was cut off, or that all of it was written anew. For that, the end of the
 * log must have been kept elsewhere: in a round's record, in the coordinator's log, or where it was exported to.
 */
public final class AuditVerifier {
    private AuditVerifier() {}

    /**
     * Verifies the chain of the log in this file. A log without records is whole.
     *
     * @throws RunStoreException if the file cannot be read
     */
    public static AuditReport verify(Path file) {
        return verify(file, AuditHead.empty());
    }

    /**
     * Verifies the chain of the log in this file, and that it holds the record that {@code known} names: the log may
     * have grown since, but not have been cut before it or written anew.
     *
     * @param known an end that the log had, as it was kept elsewhere
     * @throws RunStoreException if the file cannot be read
     */
    public static AuditReport verify(Path file, AuditHead known) {
        try {
            return Scan.of(file, known).report();
        } catch (IOException e) {
            throw new RunStoreException("the audit log " + file + " cannot be read: " + Disk.reason(e), e);
        }
    }

    /**
     * A log that was read once.
     *
     * @param report on it
     * @param end of the lines that are whole, in bytes
     * @param torn whether what follows them is one last line without a line break
     */
    record Scan(AuditReport report, long end, boolean torn) {
        static Scan of(Path file, AuditHead known) throws IOException {
            AuditHead head = AuditHead.empty();
            long end = 0;
            long number = 0;
            boolean knownFound = known.sequence() == 0;
            try (Lines lines = Lines.of(file)) {
                for (Optional<Lines.Line> next = lines.next(); next.isPresent(); next = lines.next()) {
                    number++;
                    Lines.Line line = next.get();
                    if (!line.isEnded()) {
                        return broken(head, number, "has no line break: it was not written to its end", end, true);
                    }
                    AuditRecord record;
                    try {
                        record = AuditRecord.decode(line.text().bytes(), file.toString());
                    } catch (FormatException e) {
                        return broken(head, number, e.reason(), end, false);
                    }
                    if (!record.follows(head)) {
                        return broken(head, number, unchained(record, head), end, false);
                    }
                    head = record.head();
                    end = line.end();
                    if (head.sequence() == known.sequence()) {
                        if (!head.equals(known)) {
                            return broken(
                                    head,
                                    number,
                                    "its hash is not that of the known end " + known.sequence(),
                                    end,
                                    false);
                        }
                        knownFound = true;
                    }
                }
            }
            if (!knownFound) {
                return broken(
                        head,
                        number + 1,
                        "is missing: the log must go on to the known end " + known.sequence() + ", it ends with record "
                                + head.sequence(),
                        end,
                        false);
            }
            return new Scan(new AuditReport(head, Optional.empty()), end, false);
        }

        private static String unchained(AuditRecord record, AuditHead head) {
            if (record.sequence() != head.sequence() + 1) {
                return "its sequence must be " + (head.sequence() + 1) + ", was " + record.sequence();
            }
            return "is not chained to the record before";
        }

        private static Scan broken(AuditHead head, long line, String reason, long end, boolean torn) {
            return new Scan(new AuditReport(head, Optional.of(new AuditReport.Break(line, reason))), end, torn);
        }
    }
}
