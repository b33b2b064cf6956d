package io.fedlearn.pg.query;

import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.privacy.query.BoundedQuery;
import io.fedlearn.privacy.query.BoundedSums;
import io.fedlearn.privacy.query.ColumnType;
import io.fedlearn.privacy.query.QuerySource;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import javax.sql.DataSource;

/**
 * A table or view in PostgreSQL as a source of private queries: one statement for each, in a transaction that reads one state and may
 * not write.
 *
 * <p><b>Columns.</b> Numbers: {@code smallint}, {@code integer}, {@code bigint}, {@code real}, {@code double precision},
 * {@code numeric}, each value as the nearest {@code double}; NaN is a missing value. Texts: {@code text}, {@code varchar},
 * {@code char}, {@code name}, {@code boolean} ({@code true}, {@code false}), {@code uuid} and enumerations; the empty text is
 * a missing value. NULL is one too. Domains are what they are over. Columns of other types are left out, or refused
 * if they are asked for by name.
 *
 * <p><b>Persons.</b> The key column has whole numbers, texts or uuids. As long as a row of the table has none, every query fails: a row
 * of nobody could not be bounded. Texts are persons by their bytes, but for the blanks at the end of {@code char}; a collation that takes
 * different texts for one is refused. One human being under two keys is two persons, and protected as little as that.
 *
 * <p><b>Views.</b> The guarantee holds for a view if each of its rows is made of one person's rows, and of nothing else that is anybody's:
 * joins with tables of nobody's data, expressions and conditions over one row. A view with the difference from everybody's mean,
 * with the person who was there before, or with a random person shows others in a person's rows, and nothing here can notice. So does a
 * policy of row-level security that looks at other persons' rows.
 *
 * <p><b>Which rows of a person are left</b>, and which groups, is drawn by hashing each with the person and a salt that is new for
 * each query: afresh each time, for each person independently, and from that person's own rows alone. Values are drawn, not rows: one
 * that a person has in ten rows is as likely to be left as one in a single row.
 *
 * <p>The statement's text has names of columns that the catalogue has, quoted; constants, keys and bounds are bound values. No value
 * of a row can make it fail, short of expressions of a view, a policy or a virtual column, and no message has one. Functions are
 * PostgreSQL's own, whatever the search path has. The connection's role reads the table, under its row-level security if there is any:
 * whom it hides counts for nobody. Immutable and thread-safe.
 */
public final class PgQuerySource implements QuerySource {
    /** How long a query may take unless it is said: 5 minutes. */
    public static final Duration DEFAULT_STATEMENT_TIMEOUT = Duration.ofMinutes(5);

    private final Database database;
    private final String table;
    private final SourceColumn person;
    private final Map<String, SourceColumn> columns;
    private final Map<String, ColumnType> types;
    private final Duration statementTimeout;
    private final LongSupplier salts;

    private PgQuerySource(
            Builder builder, String table, SourceColumn person, Map<String, SourceColumn> columns, LongSupplier salts) {
        this.database = builder.database;
        this.table = table;
        this.person = person;
        this.columns = columns;
        Map<String, ColumnType> known = new LinkedHashMap<>();
        columns.forEach((name, column) -> known.put(name, column.columnType().orElseThrow()));
        this.types = Collections.unmodifiableMap(known);
        this.statementTimeout = builder.statementTimeout;
        this.salts = salts;
    }

    /**
     * All columns of a table or view that can be asked about.
     *
     * @throws PgException if there is no such table or column, or it cannot be read
     */
    public static PgQuerySource of(DataSource dataSource, String schema, String table, String personColumn) {
        return builder(dataSource, schema, table, personColumn).build();
    }

    /**
     * A table or view.
     *
     * @param schema where it is, such as {@code public}
     * @param table its name, as the catalogue has it
     * @param personColumn the column that says whose row it is
     */
    public static Builder builder(DataSource dataSource, String schema, String table, String personColumn) {
        return new Builder(dataSource, schema, table, personColumn);
    }

    @Override
    public Map<String, ColumnType> columns() {
        return types;
    }

    /**
     * {@inheritDoc}
     *
     * @throws PgException if it cannot be read, takes too long, or has rows of nobody; the message has no value
     */
    @Override
    public BoundedSums measure(BoundedQuery query) {
        BoundedSql statement = BoundedSql.of(table, person, columns, query, salts.getAsLong());
        return database.inTransaction(table + " cannot be queried", Database.Mode.SNAPSHOT, connection -> {
                    setStatementTimeout(connection);
                    return statement.run(connection);
                })
                .orElseThrow(() -> new PgException(table + " has rows without a person in column "
                        + Database.quote(person.name()) + ": what they contribute cannot be bounded"));
    }

    private void setStatementTimeout(Connection connection) throws SQLException {
        // Until the transaction ends: the connection is the pool's.
        try (PreparedStatement set =
                connection.prepareStatement("SELECT pg_catalog.set_config('statement_timeout', ?, true)")) {
            set.setString(1, Long.toString(statementTimeout.toMillis()));
            set.execute();
        }
    }

    /** The table, and the columns that may be asked about. */
    @Override
    public String toString() {
        return "PgQuerySource[" + table + ", " + types + "]";
    }

    /** Settles what may be asked about. Confined to one thread at a time. */
    public static final class Builder {
        private final Database database;
        private final String schema;
        private final String table;
        private final String personColumn;
        private List<String> asked = List.of();
        private Duration statementTimeout = DEFAULT_STATEMENT_TIMEOUT;

        private Builder(DataSource dataSource, String schema, String table, String personColumn) {
            // For its transactions alone: nothing of ours is in the schema of the table.
            this.database = Database.of(dataSource, PgSchema.DEFAULT_NAME);
            this.schema = schema;
            this.table = table;
            this.personColumn = personColumn;
        }

        /** The columns that may be asked about, instead of all that can be. */
        public Builder columns(String... names) {
            if (names.length == 0) {
                throw new IllegalArgumentException("columns must be at least one, were none");
            }
            this.asked = List.of(names);
            return this;
        }

        /**
         * How long a query may take; one that takes longer is over, and fails. 5 minutes unless it is said.
         *
         * @param timeout at least a millisecond, at most a day
         */
        public Builder statementTimeout(Duration timeout) {
            if (timeout.compareTo(Duration.ofMillis(1)) < 0 || timeout.compareTo(Duration.ofDays(1)) > 0) {
                throw new IllegalArgumentException("statementTimeout must be in [1 ms, 1 day], was " + timeout);
            }
            this.statementTimeout = timeout;
            return this;
        }

        /**
         * The source.
         *
         * @throws PgException if there is no such table or column, a column that was asked for is of a type that queries do not
         *     have, or the table cannot be read
         */
        public PgQuerySource build() {
            return build(new SecureRandom()::nextLong);
        }

        /** The source that draws by these salts: for tests that ask twice. */
        PgQuerySource build(LongSupplier salts) {
            String name = Database.quote(schema) + "." + Database.quote(table);
            List<SourceColumn> found = database.inTransaction(name + " cannot be read", this::read);
            if (found.isEmpty()) {
                throw new PgException("there is no table or view " + name + ", or it has no columns");
            }
            SourceColumn person = found.stream()
                    .filter(column -> column.name().equals(personColumn))
                    .findFirst()
                    .orElseThrow(() -> noColumn(name, personColumn, found));
            if (!person.canBePerson()) {
                throw new PgException("column " + Database.quote(personColumn) + " of " + name
                        + " must be of whole numbers, text or uuid to say whose row it is, is " + person.typeName());
            }
            if (person.hasTextsThatAreAlike()) {
                throw new PgException("column " + Database.quote(personColumn) + " of " + name
                        + " has a collation to which different texts are one (not deterministic), so it cannot say whose row it is;"
                        + " ask a view that has one text for each person, such as lower(" + Database.quote(personColumn)
                        + ") COLLATE \"C\"");
            }
            requireReadable(name, person);
            return new PgQuerySource(this, name, person, choose(name, found), salts);
        }

        private Map<String, SourceColumn> choose(String name, List<SourceColumn> found) {
            Map<String, SourceColumn> chosen = new LinkedHashMap<>();
            for (SourceColumn column : found) {
                // Whose row it is, is for whoever asks by name: a key is nothing to group by.
                boolean isWanted = asked.isEmpty()
                        ? column.columnType().isPresent()
                                && column.isReadable()
                                && !column.name().equals(personColumn)
                        : asked.contains(column.name());
                if (isWanted) {
                    if (column.columnType().isEmpty()) {
                        throw new PgException("column " + Database.quote(column.name()) + " of " + name
                                + " must be of numbers or texts, is " + column.typeName());
                    }
                    requireReadable(name, column);
                    chosen.put(column.name(), column);
                }
            }
            for (String wanted : asked) {
                if (!chosen.containsKey(wanted)) {
                    throw noColumn(name, wanted, found);
                }
            }
            return chosen;
        }

        private static void requireReadable(String name, SourceColumn column) {
            if (!column.isReadable()) {
                throw new PgException("column " + Database.quote(column.name()) + " of " + name
                        + " may not be read by the connection's role: grant it SELECT");
            }
        }

        private static PgException noColumn(String name, String column, List<SourceColumn> found) {
            return new PgException(name + " has no column " + Database.quote(column) + "; it has "
                    + found.stream().map(SourceColumn::name).toList());
        }

        private List<SourceColumn> read(Connection connection) throws SQLException {
            // Domains may be over domains. Table, partitioned table, view, materialized view, foreign table.
            try (PreparedStatement select = connection.prepareStatement(
                    "WITH RECURSIVE plain AS (SELECT oid AS type, oid AS base, typtype, typbasetype FROM pg_catalog.pg_type UNION ALL"
                            + " SELECT p.type, t.oid, t.typtype, t.typbasetype FROM plain p JOIN pg_catalog.pg_type t"
                            + " ON t.oid = p.typbasetype WHERE p.typtype = 'd')"
                            + " SELECT a.attname, CASE WHEN tn.nspname = 'pg_catalog' THEN t.typname"
                            + " ELSE tn.nspname || '.' || t.typname END, t.typtype = 'e',"
                            + " coalesce(co.collisdeterministic, true),"
                            + " pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')"
                            + " AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
                            + " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                            + " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
                            + " JOIN plain p ON p.type = a.atttypid AND p.typtype <> 'd'"
                            + " JOIN pg_catalog.pg_type t ON t.oid = p.base JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace"
                            + " LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation"
                            + " WHERE n.nspname = ? AND c.relname = ? AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
                            + " AND a.attnum > 0 AND NOT a.attisdropped"
                            + " ORDER BY a.attnum")) {
                select.setString(1, schema);
                select.setString(2, table);
                try (ResultSet rows = select.executeQuery()) {
                    List<SourceColumn> found = new ArrayList<>();
                    while (rows.next()) {
                        found.add(new SourceColumn(
                                rows.getString(1),
                                rows.getString(2),
                                rows.getBoolean(3),
                                rows.getBoolean(4),
                                rows.getBoolean(5)));
                    }
                    return found;
                }
            }
        }
    }
}
