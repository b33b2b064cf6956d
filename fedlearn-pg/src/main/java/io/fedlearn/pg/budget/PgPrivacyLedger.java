package io.fedlearn.pg.budget;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.formats.FormatException;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Columns;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.schema.PgSchema;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A privacy ledger in PostgreSQL: a row of {@code privacy_entry} for each debit, and for each scope a row of {@code privacy_budget}
 * that counts them.
 *
 * <p>A debit is one transaction that holds the lock of its scope's row: however many processes debit, each does so behind exactly the
 * entries that it weighed, and debits of other scopes do not wait. One that falls silent with the lock, its process or host frozen, is
 * ended by the server within a minute. Triggers let in only the next entry, count it, and refuse to change
 * or delete one. An entry that cannot be read, a gap in the numbers, and a count that is not that of the entries are refused by scope
 * and number. Who may drop the triggers, the tables' owner, can change entries all the same: the same debits in an audit log
 * ({@link PgBudgets#auditedIn}), whose head is kept elsewhere, show it. Times are those of the database's clock. Thread-safe.
 */
public final class PgPrivacyLedger implements PrivacyLedger {
    /** How long a scope's name may be, in characters: {@value}. */
    public static final int LONGEST_SCOPE = 500;

    private static final String LOCK = "SELECT entries, epsilon, privacy_delta, composition, " + Database.BOUND_SILENCE
            + " FROM {s}.privacy_budget WHERE scope = ? FOR UPDATE";

    private final Database database;
    private final Recorder recorder;

    private PgPrivacyLedger(Database database, Recorder recorder) {
        this.database = database;
        this.recorder = recorder;
    }

    /** Says of a debit, in its own transaction, that it was made. */
    @FunctionalInterface
    interface Recorder {
        /** Records nothing. */
        Recorder NONE = (connection, entry) -> {};

        /** Records it; if that fails, nothing is debited. */
        void record(Connection connection, LedgerEntry entry) throws SQLException;
    }

    /**
     * The ledger in this schema.
     *
     * @throws PgException if the schema is not as this version of the library needs it
     */
    public static PgPrivacyLedger of(PgSchema schema) {
        return new PgPrivacyLedger(schema.require().database(), Recorder.NONE);
    }

    PgPrivacyLedger recordedBy(Recorder other) {
        return new PgPrivacyLedger(database, other);
    }

    Database database() {
        return database;
    }

    @Override
    public Optional<LedgerEntry> append(PrivacyCharge charge, long known) {
        return append(charge, known, Optional.empty());
    }

    /**
     * Appends a charge if its scope has exactly these entries, and this limit if one is given.
     *
     * @throws LimitChangedException if the scope has another limit
     */
    Optional<LedgerEntry> append(PrivacyCharge charge, long known, Optional<PrivacyLimit> weighed) {
        requireKnown(known);
        if (charge.scope().length() > LONGEST_SCOPE) {
            throw new IllegalArgumentException("scope must have at most " + LONGEST_SCOPE + " characters, had "
                    + charge.scope().length());
        }
        String parameters = ChargeText.of(charge.parameters());
        return inTransaction(charge.scope(), "could not be debited: nothing may be released", connection -> {
            Row row = lock(connection, charge.scope());
            if (weighed.isPresent() && !weighed.equals(row.limit(charge.scope()))) {
                throw new LimitChangedException(charge.scope());
            }
            if (row.entries < known) {
                throw missing(charge.scope(), row.entries, known);
            }
            if (row.entries > known) {
                return Optional.empty();
            }
            LedgerEntry entry = insert(connection, charge, known + 1, parameters);
            recorder.record(connection, entry);
            return Optional.of(entry);
        });
    }

    /** A scope's row. */
    private static final class Row {
        final long entries;
        final double epsilon;
        final double privacyDelta;
        final Optional<String> composition;

        Row(ResultSet rows) throws SQLException {
            entries = rows.getLong("entries");
            epsilon = rows.getDouble("epsilon");
            privacyDelta = rows.getDouble("privacy_delta");
            composition = Optional.ofNullable(rows.getString("composition"));
        }

        Optional<PrivacyLimit> limit(String scope) {
            try {
                return composition.map(text -> PrivacyLimit.parse(epsilon, privacyDelta, text));
            } catch (IllegalArgumentException e) {
                throw new PrivacyLedgerException("the limit of scope '" + scope + "' is none: " + e.getMessage(), e);
            }
        }
    }

    /** Takes the lock of a scope, whose row is made if there is none. */
    private Row lock(Connection connection, String scope) throws SQLException {
        for (int attempt = 0; attempt < 2; attempt++) {
            try (PreparedStatement select = connection.prepareStatement(database.sql(LOCK))) {
                select.setString(1, scope);
                try (ResultSet rows = select.executeQuery()) {
                    if (rows.next()) {
                        return new Row(rows);
                    }
                }
            }
            try (PreparedStatement insert = connection.prepareStatement(
                    database.sql("INSERT INTO {s}.privacy_budget (scope) VALUES (?) ON CONFLICT DO NOTHING"))) {
                insert.setString(1, scope);
                insert.executeUpdate();
            }
        }
        throw new PrivacyLedgerException("the row of scope '" + scope + "' in " + database + " comes and goes");
    }

    private LedgerEntry insert(Connection connection, PrivacyCharge charge, long number, String parameters)
            throws SQLException {
        Instant time;
        try (PreparedStatement insert = connection.prepareStatement(
                database.sql("INSERT INTO {s}.privacy_entry (scope, number, recorded_at, mechanism, parameters)"
                        + " VALUES (?, ?, clock_timestamp(), ?, ?) RETURNING recorded_at"))) {
            insert.setString(1, charge.scope());
            insert.setLong(2, number);
            insert.setString(3, charge.mechanism());
            insert.setString(4, parameters);
            try (ResultSet rows = insert.executeQuery()) {
                rows.next();
                time = time(rows, 1);
            }
        }
        return new LedgerEntry(number, time, charge);
    }

    private static Instant time(ResultSet rows, int column) throws SQLException {
        return rows.getObject(column, OffsetDateTime.class).toInstant();
    }

    @Override
    public List<LedgerEntry> entries(String scope, long known) {
        requireKnown(known);
        if (isNoScope(scope)) {
            return none(scope, known);
        }
        // One statement: what it counts and what it lists are of one moment.
        return inTransaction(scope, "cannot be read", connection -> {
            try (PreparedStatement select = connection.prepareStatement(
                    database.sql("SELECT b.entries, e.number, e.recorded_at, e.mechanism, e.parameters"
                            + " FROM {s}.privacy_budget b LEFT JOIN {s}.privacy_entry e"
                            + " ON e.scope = b.scope AND e.number > ? WHERE b.scope = ? ORDER BY e.number"))) {
                select.setLong(1, known);
                select.setString(2, scope);
                try (ResultSet rows = select.executeQuery()) {
                    return read(rows, scope, known);
                }
            }
        });
    }

    private List<LedgerEntry> read(ResultSet rows, String scope, long known) throws SQLException {
        List<LedgerEntry> entries = new ArrayList<>();
        long count = 0;
        while (rows.next()) {
            count = rows.getLong(1);
            long number = rows.getLong(2);
            if (rows.wasNull()) {
                break;
            }
            long next = known + entries.size() + 1;
            if (number != next) {
                throw damaged(scope, next, "is missing; the next there is has number " + number);
            }
            try {
                PrivacyCharge charge = new PrivacyCharge(scope, rows.getString(4), ChargeText.parse(rows.getString(5)));
                entries.add(new LedgerEntry(number, time(rows, 3), charge));
            } catch (FormatException e) {
                throw damaged(scope, number, e.reason());
            } catch (IllegalArgumentException e) {
                throw damaged(scope, number, String.valueOf(e.getMessage()));
            }
        }
        if (count < known) {
            throw missing(scope, count, known);
        }
        if (known + entries.size() != count) {
            throw damaged(
                    scope,
                    Math.min(known + entries.size(), count) + 1,
                    known + entries.size() + " entries are there, and " + count + " are counted");
        }
        return List.copyOf(entries);
    }

    /** What no charge can have for its scope has no entries; a database that is asked for U+0000 would fail. */
    private static boolean isNoScope(String scope) {
        return scope.length() > LONGEST_SCOPE || !Columns.isName(scope);
    }

    private List<LedgerEntry> none(String scope, long known) {
        if (known > 0) {
            throw missing(scope, 0, known);
        }
        return List.of();
    }

    @Override
    public Set<String> scopes() {
        return inTransaction("", "cannot be read", connection -> {
            Set<String> scopes = new TreeSet<>();
            // By the entries, so that a scope whose count was set back is found too.
            try (PreparedStatement select = connection.prepareStatement(
                            database.sql("SELECT scope FROM {s}.privacy_budget b WHERE entries > 0"
                                    + " OR EXISTS (SELECT FROM {s}.privacy_entry e WHERE e.scope = b.scope)"));
                    ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    scopes.add(rows.getString(1));
                }
            }
            return scopes;
        });
    }

    /** What may be spent in a scope, and how many entries it has. */
    Optional<PrivacyLimit> limit(String scope) {
        if (isNoScope(scope)) {
            return Optional.empty();
        }
        return inTransaction(scope, "cannot be read", connection -> {
            try (PreparedStatement select = connection.prepareStatement(database.sql(
                    "SELECT entries, epsilon, privacy_delta, composition FROM {s}.privacy_budget WHERE scope = ?"))) {
                select.setString(1, scope);
                try (ResultSet rows = select.executeQuery()) {
                    return rows.next() ? new Row(rows).limit(scope) : Optional.empty();
                }
            }
        });
    }

    private <T> T inTransaction(String scope, String failure, Database.Work<T> work) {
        String what = this + (scope.isEmpty() ? "" : ", scope '" + scope + "',") + " " + failure;
        try {
            return database.inTransaction(what, work);
        } catch (PgException e) {
            throw new PrivacyLedgerException(String.valueOf(e.getMessage()), e);
        }
    }

    private static void requireKnown(long known) {
        if (known < 0) {
            throw new IllegalArgumentException("known must be >= 0, was " + known);
        }
    }

    private PrivacyLedgerException missing(String scope, long count, long known) {
        return new PrivacyLedgerException(
                this + " has " + count + " entries of scope '" + scope + "', of which " + known + " were known");
    }

    private PrivacyLedgerException damaged(String scope, long number, String reason) {
        return new PrivacyLedgerException(
                this + " is not as it was written: entry " + number + " of scope '" + scope + "': " + reason);
    }

    /** Does nothing: connections are those of the data source, which its owner closes. */
    @Override
    public void close() {}

    @Override
    public String toString() {
        return "the privacy ledger in " + database;
    }
}
