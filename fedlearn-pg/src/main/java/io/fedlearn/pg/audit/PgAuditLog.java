package io.fedlearn.pg.audit;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.formats.FormatException;
import io.fedlearn.formats.audit.AuditChain;
import io.fedlearn.formats.audit.AuditRecord;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.formats.audit.AuditSignature;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.formats.audit.AuditTrust;
import io.fedlearn.formats.json.CanonicalJson;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.AuditTrail;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.schema.PgSchema;
import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * An audit log in PostgreSQL: the rows of {@code audit_record} that have its name, each a record that is chained to the one before by
 * its hash, as {@code audit.jsonl} has them.
 *
 * <p>Any number of processes may append at once: each takes its turn at the row that holds the log's end, for as long as its transaction
 * takes. A trigger lets in only the next record, with the hash that follows from the end, and refuses to change or delete one; no role but
 * the tables' owner can get around it, and {@link #verify} finds where one did. Immutable and thread-safe.
 */
public final class PgAuditLog implements AuditLog {
    private static final int FETCHED_ROWS = 500;
    private static final int BLOCK = 1 << 16;

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

    /** The names of the logs that are in this schema, in order. */
    public static List<String> names(PgSchema schema) {
        Database database = schema.require().database();
        return database.inTransaction("the audit logs in " + database + " cannot be read", connection -> {
            List<String> names = new ArrayList<>();
            try (PreparedStatement select =
                            connection.prepareStatement(database.sql("SELECT log FROM {s}.audit_log ORDER BY log"));
                    ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    names.add(rows.getString(1));
                }
            }
            return List.copyOf(names);
        });
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
     * The key that signed the last record, as {@link AuditSigner#keyId} calls it; empty if it is not signed, or there is none.
     *
     * @throws PgException if the database cannot tell
     */
    public Optional<String> lastKeyId() {
        return database.inTransaction(this + " cannot be read", connection -> {
            try (PreparedStatement select = connection.prepareStatement(
                    database.sql("SELECT record FROM {s}.audit_record WHERE log = ? ORDER BY sequence DESC LIMIT 1"))) {
                select.setString(1, trail.log());
                try (ResultSet rows = select.executeQuery()) {
                    return rows.next() ? keyId(rows.getString(1)) : Optional.empty();
                }
            }
        });
    }

    private Optional<String> keyId(String record) {
        try {
            return AuditRecord.decode(record.getBytes(StandardCharsets.UTF_8), toString())
                    .signature()
                    .map(AuditSignature::keyId);
        } catch (FormatException e) {
            // To find that out is what verify is for.
            return Optional.empty();
        }
    }

    /**
     * {@inheritDoc} It looks at this one record: whether those before it are as they were is for {@link #verify} to tell.
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

    /** As {@link #verify(AuditHead, AuditTrust)}, without a known end, and without looking at signatures. */
    public AuditReport verify() {
        return verify(AuditHead.empty(), AuditTrust.none());
    }

    /**
     * Verifies the records where they are, as they are at one moment: that each is whole, chained to the one before and signed as
     * {@code trust} says, that its columns agree with it, and that they end where the log is said to end. A break's line is the number
     * that the record has or should have.
     *
     * @param known an end that the log had, as it was kept elsewhere; the empty one if none was
     * @param trust whose signatures are taken, and whether there must be one
     */
    public AuditReport verify(AuditHead known, AuditTrust trust) {
        AuditChain chain = AuditChain.of(known, trust);
        return database.inTransaction(this + " cannot be read", Database.Mode.SNAPSHOT, connection -> {
            AuditHead end = trail.head(connection);
            String columns = "SELECT sequence, at, type, fields::text, hash, record FROM {s}.audit_record";
            try (PreparedStatement select = select(connection, columns);
                    ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    long line = chain.head().sequence() + 1;
                    Optional<String> problem = problem(rows, chain);
                    if (problem.isPresent()) {
                        return chain.broken(line, problem.get());
                    }
                }
            }
            AuditReport report = chain.end();
            return report.isWhole() && !report.head().equals(end) ? chain.broken(ending(end)) : report;
        });
    }

    private static String ending(AuditHead end) {
        return "is missing, or was never there: table audit_log says that the log ends with record " + end.sequence()
                + (end.hash().isEmpty() ? "" : ", hash " + end.hash());
    }

    private Optional<String> problem(ResultSet row, AuditChain chain) throws SQLException {
        AuditRecord record;
        try {
            record = AuditRecord.decode(row.getString("record").getBytes(StandardCharsets.UTF_8), toString());
        } catch (FormatException e) {
            return Optional.of(e.reason());
        }
        return disagreeing(row, record)
                .map(column -> "its column " + column + " is not what its record says")
                .or(() -> chain.add(record));
    }

    /** The first column that says something else than the record. */
    private static Optional<String> disagreeing(ResultSet row, AuditRecord record) throws SQLException {
        if (row.getLong("sequence") != record.sequence()) {
            return Optional.of("sequence");
        }
        if (!row.getString("hash").equals(record.hash())) {
            return Optional.of("hash");
        }
        if (!row.getString("type").equals(AuditTrail.column(record.type()))) {
            return Optional.of("type");
        }
        if (!row.getObject("at", OffsetDateTime.class).isEqual(AuditTrail.column(record.at()))) {
            return Optional.of("at");
        }
        return isSame(row.getString("fields"), AuditTrail.fieldsColumn(record))
                ? Optional.empty()
                : Optional.of("fields");
    }

    private static boolean isSame(String jsonb, String fields) {
        try {
            return Arrays.equals(
                    CanonicalJson.canonicalize(jsonb.getBytes(StandardCharsets.UTF_8), "fields"),
                    CanonicalJson.canonicalize(fields.getBytes(StandardCharsets.UTF_8), "fields"));
        } catch (FormatException e) {
            return false;
        }
    }

    /**
     * Writes all records, as they are at one moment, one per line: the bytes that {@code audit.jsonl} has of the same events. They are
     * not verified, since a log that was tampered with is to be kept too.
     *
     * @param out is flushed, not closed
     * @return the log's end, to be kept elsewhere
     * @throws IOException if it cannot be written
     */
    public AuditHead export(OutputStream out) throws IOException {
        try {
            AuditHead head = database.inTransaction(this + " cannot be read", Database.Mode.SNAPSHOT, connection -> {
                try (PreparedStatement select = select(connection, "SELECT record FROM {s}.audit_record");
                        ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        out.write(rows.getString(1).getBytes(StandardCharsets.UTF_8));
                        out.write('\n');
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                return trail.head(connection);
            });
            out.flush();
            return head;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /**
     * Writes all records to a file, which replaces one of that name once it is whole and on the disk.
     *
     * @return the log's end, to be kept elsewhere
     * @throws IOException if it cannot be written; then nothing changed
     */
    public AuditHead export(Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null) {
            throw new NoSuchFileException(file.toString());
        }
        Path aside = file.resolveSibling(file.getFileName() + ".part");
        try {
            AuditHead head;
            try (FileOutputStream sink = new FileOutputStream(aside.toFile());
                    OutputStream out = new BufferedOutputStream(sink, BLOCK)) {
                head = export(out);
                sink.getFD().sync();
            }
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
            sync(folder);
            return head;
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    private static void sync(Path folder) throws IOException {
        if (System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("windows")) {
            return; // it opens no folders, and its file systems log their changes themselves
        }
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Rows in order, a block at a time. */
    private PreparedStatement select(Connection connection, String columns) throws SQLException {
        PreparedStatement select =
                connection.prepareStatement(database.sql(columns + " WHERE log = ? ORDER BY sequence"));
        select.setFetchSize(FETCHED_ROWS);
        select.setString(1, trail.log());
        return select;
    }

    /** Does nothing: connections are those of the data source, which its owner closes. */
    @Override
    public void close() {}

    @Override
    public String toString() {
        return "audit log '" + trail.log() + "' in " + database;
    }
}
