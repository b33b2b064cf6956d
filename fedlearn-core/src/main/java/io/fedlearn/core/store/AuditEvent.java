package io.fedlearn.core.store;

import io.fedlearn.core.task.Config;
import java.time.Instant;

/**
 * Something that happened in a run and that somebody may have to prove later.
 *
 * @param at by the coordinator's clock
 * @param type lower-case words joined by dashes, such as {@code round-committed}
 * @param fields what there is to say; never examples, labels, weights or secrets
 */
public record AuditEvent(Instant at, String type, Config fields) {
    /** Validates that the type is not empty. */
    public AuditEvent {
        if (type.isEmpty()) {
            throw new IllegalArgumentException("an audit event's type must not be empty");
        }
    }
}
