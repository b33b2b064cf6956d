package io.fedlearn.core.record;

/**
 * The end of an audit log: whoever keeps it elsewhere notices when the log's tail is cut off.
 *
 * @param sequence the number of the last record, counted from 1; 0 if there is none
 * @param hash of the last record, in hexadecimal; empty if there is none
 */
public record AuditHead(long sequence, String hash) {
    /** The end of an empty log. */
    public static AuditHead empty() {
        return new AuditHead(0, "");
    }
}
