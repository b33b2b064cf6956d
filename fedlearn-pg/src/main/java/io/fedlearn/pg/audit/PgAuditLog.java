package io.fedlearn.pg.audit;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.audit.AuditRecord;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.PgSchema;
import io.fedlearn.pg.internal.AuditTrail;
import io.fedlearn.pg.internal.Database;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.ResultSet;

/**
 * An audit log in PostgreSQL: the rows of {@code audit_record} that have its name, each a record that is chained to the one before by
 * its hash, as {@code audit.jsonl} has them.
 *
 * <p>Any number of processes may append at once: each takes its turn at the row that holds the log's end, for as long as its transaction
 * takes. A trigger lets in only the next record, with the hash that follows from the end, and refuses to change or delete one; no role but
 * the tables' owner can get around it. Immutable and thread-safe.
 */
public final class PgAuditLog implements AuditLog {
    private final Database database;
    private final AuditTrail trail;

    private PgAuditLog(Database database, AuditTrail trail) {
        this.database = database;
        this.trail = trail;
    }

    /**
     * The log of this name, which has no records until one is appended.
     *
     * @throws IllegalArgumentException if the name is empty or holds U+0000
     * @throws PgException if the schema is not as this version of the library needs it
     */
    public static PgAuditLog of(PgSchema schema, String log) {
        Database database = schema.require().database();
        return new PgAuditLog(database, AuditTrail.of(database, log));
    }

    /** This log, whose records are signed with this key from here on. */
    public PgAuditLog signedBy(AuditSigner key) {
        return new PgAuditLog(database, trail.signedBy(key));
    }

    /** The log's name. */
    public String name() {
        return trail.log();
    }

    /**
     * {@inheritDoc}
     *
     * @throws PgException if the database cannot do it; the log is as before, unless {@link PgException#isOutcomeUnknown}
     */
    @Override
    public AuditHead append(AuditEvent event) {
        return database.inTransaction(
                "an event cannot be saved in " + this, connection -> trail.append(connection, event));
    }

    @Override
    public AuditHead head() {
        return database.inTransaction(this + " cannot be read", trail::head);
    }

    /**
     * {@inheritDoc} It looks at this one record: whether those before it are as they were is for verification to tell.
     */
    @Override
    public boolean contains(AuditHead earlierHead) {
        if (earlierHead.sequence() == 0) {
            return earlierHead.equals(AuditHead.empty());
        }
        return database.inTransaction(this + " cannot be read", connection -> {
            try (PreparedStatement select = connection.prepareStatement(
                    database.sql("SELECT record FROM {s}.audit_record WHERE log = ? AND sequence = ?"))) {
                select.setString(1, trail.log());
                select.setLong(2, earlierHead.sequence());
                try (ResultSet rows = select.executeQuery()) {
                    return rows.next() && isHead(rows.getString(1), earlierHead);
                }
            }
        });
    }

    private boolean isHead(String record, AuditHead head) {
        try {
            return AuditRecord.decode(record.getBytes(StandardCharsets.UTF_8), toString())
                    .head()
                    .equals(head);
        } catch (FormatException e) {
            return false;
        }
    }

    /** Does nothing: connections are those of the data source, which its owner closes. */
    @Override
    public void close() {}

    @Override
    public String toString() {
        return "audit log '" + trail.log() + "' in " + database;
    }
}
