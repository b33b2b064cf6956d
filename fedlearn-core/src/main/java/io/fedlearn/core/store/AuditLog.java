package io.fedlearn.core.store;

import io.fedlearn.core.record.AuditHead;

/**
 * An append-only record of what happened. Rules for implementers, tested by {@code AuditLogContract}: (1) an event is durable
 * before {@link #append} returns; (2) each record is chained to the one before by its hash, so that one that was changed,
 * removed or moved is found. Thread-safe.
 */
public interface AuditLog extends AutoCloseable {
    /** Appends an event and gives the log's new end. */
    AuditHead append(AuditEvent event);

    /** The log's end. */
    AuditHead head();

    /**
     * Whether this was the log's end once, so that what was on record then is on record still. The end of an empty log always was.
     */
    boolean contains(AuditHead earlierHead);

    /** Releases what the log holds. Closing again does nothing. */
    @Override
    void close();
}
