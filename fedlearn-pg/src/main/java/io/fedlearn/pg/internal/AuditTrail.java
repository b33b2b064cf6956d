package io.fedlearn.pg.internal;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.formats.audit.AuditRecord;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.formats.json.CanonicalJson;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * The end of an audit log, where records are appended within a transaction of whoever has something to record. Immutable and
 * thread-safe.
 */
public final class AuditTrail {
    // What PostgreSQL's texts and jsonb cannot hold, and what stands for it in the columns that are there to be
    // queried.
    private static final char NUL = '\0';
    private static final char REPLACEMENT = '\ufffd';
    private static final String READ = "SELECT sequence, hash FROM {s}.audit_log WHERE log = ?";
    private static final String LOCK =
            "SELECT sequence, hash, " + Database.BOUND_SILENCE + " FROM {s}.audit_log WHERE log = ? FOR UPDATE";
    private static final String ESCAPED_NUL = "\\u0000";

    private final Database database;
    private final String log;
    private final Optional<AuditSigner> signer;

    private AuditTrail(Database database, String log, Optional<AuditSigner> signer) {
        this.database = database;
        this.log = log;
        this.signer = signer;
    }

    /**
     * The log of this name.
     *
     * @throws IllegalArgumentException if the name is empty or holds U+0000
     */
    public static AuditTrail of(Database database, String log) {
        if (log.isEmpty() || log.indexOf(NUL) >= 0) {
            throw new IllegalArgumentException("an audit log's name must not be empty nor hold U+0000");
        }
        return new AuditTrail(database, log, Optional.empty());
    }

    /** This log, whose records are signed from here on. */
    public AuditTrail signedBy(AuditSigner key) {
        return new AuditTrail(database, log, Optional.of(key));
    }

    /** The log's name. */
    public String log() {
        return log;
    }

    /**
     * Appends an event in the transaction that is open on {@code connection}: it is on record if and only if that commits. Until then,
     * nobody else can append to this log; so append last, and commit soon: the server ends a transaction that is silent for a minute.
     *
     * @return the end that the log has once the transaction is committed
     */
    public AuditHead append(Connection connection, AuditEvent event) throws SQLException {
        AuditHead end = lock(connection);
        AuditRecord record =
                signer.map(key -> AuditRecord.next(end, event, key)).orElseGet(() -> AuditRecord.next(end, event));
        try (PreparedStatement insert = connection.prepareStatement(
                database.sql("INSERT INTO {s}.audit_record (log, sequence, at, type, fields, hash, record)"
                        + " VALUES (?, ?, ?, ?, ?::jsonb, ?, ?)"))) {
            insert.setString(1, log);
            insert.setLong(2, record.sequence());
            insert.setObject(3, column(record.at()));
            insert.setString(4, column(record.type()));
            insert.setString(5, fieldsColumn(record));
            insert.setString(6, record.hash());
            insert.setString(7, new String(record.encode(), StandardCharsets.UTF_8));
            insert.executeUpdate();
        }
        return record.head();
    }

    /** The log's end as this transaction sees it; the empty one if there is no such log. */
    public AuditHead head(Connection connection) throws SQLException {
        return end(connection, READ).orElse(AuditHead.empty());
    }

    private AuditHead lock(Connection connection) throws SQLException {
        Optional<AuditHead> end = end(connection, LOCK);
        if (end.isPresent()) {
            return end.get();
        }
        try (PreparedStatement insert = connection.prepareStatement(
                database.sql("INSERT INTO {s}.audit_log (log) VALUES (?) ON CONFLICT DO NOTHING"))) {
            insert.setString(1, log);
            insert.executeUpdate();
        }
        return end(connection, LOCK).orElseThrow(() -> new SQLException("audit log " + log + " has no end"));
    }

    private Optional<AuditHead> end(Connection connection, String sql) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(database.sql(sql))) {
            select.setString(1, log);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next() ? Optional.of(new AuditHead(rows.getLong(1), rows.getString(2))) : Optional.empty();
            }
        }
    }

    /** A record's time as its column has it: to the microsecond. */
    public static OffsetDateTime column(Instant at) {
        return at.truncatedTo(ChronoUnit.MICROS).atOffset(ZoneOffset.UTC);
    }

    /** A record's text as a column has it. */
    public static String column(String text) {
        return text.replace(NUL, REPLACEMENT);
    }

    /** A record's fields as their column has them, as canonical JSON. */
    public static String fieldsColumn(AuditRecord record) {
        String json = new String(CanonicalJson.encode(record.fields().asMap()), StandardCharsets.UTF_8);
        return json.contains(ESCAPED_NUL) ? withoutNul(json) : json;
    }

    private static String withoutNul(String json) {
        StringBuilder out = new StringBuilder(json.length());
        for (int i = 0; i < json.length(); i++) {
            if (json.startsWith(ESCAPED_NUL, i)) {
                out.append(REPLACEMENT);
                i += ESCAPED_NUL.length() - 1;
            } else {
                out.append(json.charAt(i));
                // What follows a backslash is part of the same escape: \\u0000 is a backslash and u0000.
                if (json.charAt(i) == '\\') {
                    i++;
                    out.append(json.charAt(i));
                }
            }
        }
        return out.toString();
    }
}
