package io.fedlearn.formats.audit;

import io.fedlearn.core.record.AuditHead;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What verifying an audit log found. Immutable.
 *
 * @param head the end of the records that are whole and chained, from the first on
 * @param firstBreak what is wrong right after them, if the log is not whole
 * @param signatures how many of them are signed, by the id of the key
 */
public record AuditReport(AuditHead head, Optional<Break> firstBreak, Map<String, Long> signatures) {
    /** Copies the map, in the order of the ids. */
    public AuditReport {
        signatures = Collections.unmodifiableMap(new TreeMap<>(signatures));
    }

    /** Of a log without signatures. */
    public AuditReport(AuditHead head, Optional<Break> firstBreak) {
        this(head, firstBreak, Map.of());
    }

    /**
     * The first link of a chain that does not hold.
     *
     * @param line of the file, or record of the database, counted from 1; the one after the last if it is missing
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
