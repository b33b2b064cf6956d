package io.fedlearn.files;

import io.fedlearn.core.record.AuditHead;
import java.util.Optional;

/**
 * What {@link AuditVerifier} found.
 *
 * @param head the end of the records that are whole and chained, from the first on
 * @param firstBreak what is wrong right after them, if the log is not whole
 */
public record AuditReport(AuditHead head, Optional<Break> firstBreak) {
    /**
     * The first link of a chain that does not hold.
     *
     * @param line of the file, counted from 1; the one after the last if it is missing
     * @param reason what is wrong with it
     */
    public record Break(long line, String reason) {}

    /** Whether every record is what was written. */
    public boolean isWhole() {
        return firstBreak.isEmpty();
    }

    /** The number of records that are whole and chained. */
    public long recordCount() {
        return head.sequence();
    }

    /** The finding in a sentence. */
    @Override
    public String toString() {
        return recordCount() + " records are whole and chained"
                + firstBreak
                        .map(broken -> "; line " + broken.line() + ": " + broken.reason())
                        .orElse(", and there are no others");
    }
}
