package io.fedlearn.formats.audit;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.formats.FormatException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Follows the records of an audit log from the first on, wherever they come from, and finds the first that does not hold: one that is not
 * whole, not chained to the one before, or not signed by whom it should. Keeps no record. Confined to one thread.
 */
public final class AuditChain {
    private final AuditHead known;
    private final AuditTrust trust;
    private final Map<String, Long> signatures = new TreeMap<>();
    private AuditHead head = AuditHead.empty();
    private boolean knownFound;
    private Optional<String> lastKeyId = Optional.empty();

    private AuditChain(AuditHead known, AuditTrust trust) {
        this.known = known;
        this.trust = trust;
        this.knownFound = known.sequence() == 0;
    }

    /**
     * A chain that must hold {@code known}, an end that the log once had.
     *
     * @param known as it was kept elsewhere; the empty one if none was
     */
    public static AuditChain of(AuditHead known, AuditTrust trust) {
        return new AuditChain(known, trust);
    }

    /**
     * Adds the next record.
     *
     * @return why it does not hold, if it does not; then nothing more may be added
     */
    public Optional<String> add(byte[] encoded) {
        AuditRecord record;
        try {
            record = AuditRecord.decode(encoded, "record " + (head.sequence() + 1));
        } catch (FormatException e) {
            return Optional.of(e.reason());
        }
        return add(record);
    }

    /**
     * Adds the next record, which was {@linkplain AuditRecord#decode decoded} and so has the hash that it says.
     *
     * @return why it does not hold, if it does not; then nothing more may be added
     */
    public Optional<String> add(AuditRecord record) {
        if (record.sequence() != head.sequence() + 1) {
            return Optional.of("its sequence must be " + (head.sequence() + 1) + ", was " + record.sequence());
        }
        if (!record.follows(head)) {
            return Optional.of("is not chained to the record before");
        }
        Optional<String> problem = trust.problem(record);
        if (problem.isPresent()) {
            return problem;
        }
        head = record.head();
        lastKeyId = record.signature().map(AuditSignature::keyId);
        lastKeyId.ifPresent(keyId -> signatures.merge(keyId, 1L, Long::sum));
        if (head.sequence() == known.sequence()) {
            if (!head.equals(known)) {
                return Optional.of("its hash is not that of the known end " + known.sequence());
            }
            knownFound = true;
        }
        return Optional.empty();
    }

    /** The end of the records that were added and are whole and chained. */
    public AuditHead head() {
        return head;
    }

    /** The key that signed the last of them; empty if none did. */
    public Optional<String> lastKeyId() {
        return lastKeyId;
    }

    /** What to report when all records were added. */
    public AuditReport end() {
        return knownFound
                ? new AuditReport(head, Optional.empty(), signatures)
                : broken("is missing: the log must go on to the known end " + known.sequence()
                        + ", it ends with record " + head.sequence());
    }

    /** What to report of the record that comes next, if it does not hold. */
    public AuditReport broken(String reason) {
        return broken(head.sequence() + 1, reason);
    }

    /** What to report of this line, if it does not hold. */
    public AuditReport broken(long line, String reason) {
        return new AuditReport(head, Optional.of(new AuditReport.Break(line, reason)), signatures);
    }
}
