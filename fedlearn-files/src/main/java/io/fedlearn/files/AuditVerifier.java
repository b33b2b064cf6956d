package io.fedlearn.files;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.formats.audit.AuditChain;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.formats.audit.AuditTrust;
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
        return verify(file, known, AuditTrust.none());
    }

    /**
     * Verifies the chain of the log in this file, that it holds the record that {@code known} names, and signatures.
     *
     * @param known an end that the log had, as it was kept elsewhere; the empty one if none was
     * @param trust whose signatures are taken, and whether there must be one
     * @throws RunStoreException if the file cannot be read
     */
    public static AuditReport verify(Path file, AuditHead known, AuditTrust trust) {
        try {
            return Scan.of(file, known, trust).report();
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
    record Scan(AuditReport report, Optional<String> lastKeyId, long end, boolean torn) {
        static Scan of(Path file, AuditHead known, AuditTrust trust) throws IOException {
            AuditChain chain = AuditChain.of(known, trust);
            long end = 0;
            long number = 0;
            try (Lines lines = Lines.of(file)) {
                for (Optional<Lines.Line> next = lines.next(); next.isPresent(); next = lines.next()) {
                    number++;
                    Lines.Line line = next.get();
                    if (!line.isEnded()) {
                        String reason = "has no line break: it was not written to its end";
                        return new Scan(chain.broken(number, reason), chain.lastKeyId(), end, true);
                    }
                    Optional<String> problem = chain.add(line.text().bytes());
                    if (problem.isPresent()) {
                        return new Scan(chain.broken(number, problem.get()), chain.lastKeyId(), end, false);
                    }
                    end = line.end();
                }
            }
            return new Scan(chain.end(), chain.lastKeyId(), end, false);
        }
    }
}
