package io.fedlearn.pg.internal;

import io.fedlearn.pg.PgException;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * A database and the schema of ours in it. Each piece of work has a connection and a transaction of its own, which commits if the work
 * returns; nothing is kept in a session, so that a pooler may stand between. Immutable and thread-safe.
 */
public final class Database {
    /**
     * In a statement that locks a row which others wait for: has the server end this transaction when it falls silent for a minute, unless
     * the server does so sooner by itself.
     */
    public static final String BOUND_SILENCE =
            "set_config('idle_in_transaction_session_timeout', CASE current_setting('idle_in_transaction_session_timeout')"
                    + " WHEN '0' THEN '60s' ELSE current_setting('idle_in_transaction_session_timeout') END, true)";

    private static final Pattern SCHEMA = Pattern.compile("[a-z_][a-z0-9_]{0,62}");
    private static final int NO_LIMIT = 0;

    private final DataSource dataSource;
    private final String schema;
    private final int answerMillis;

    private Database(DataSource dataSource, String schema, int answerMillis) {
        this.dataSource = dataSource;
        this.schema = schema;
        this.answerMillis = answerMillis;
    }

    /**
     * A database with this schema.
     *
     * @throws IllegalArgumentException if the schema's name would have to be quoted
     */
    public static Database of(DataSource dataSource, String schema) {
        if (!SCHEMA.matcher(schema).matches()) {
            throw new IllegalArgumentException(
                    "schema must be a lower-case name of letters, digits and _, up to 63, was '" + schema + "'");
        }
        return new Database(dataSource, schema, NO_LIMIT);
    }

    /** The same, but a server that does not answer for so long counts as away: a connection that hangs is given up. */
    public Database answeringWithin(Duration limit) {
        return new Database(dataSource, schema, (int) Math.max(1, Math.min(limit.toMillis(), Integer.MAX_VALUE)));
    }

    /** Where connections come from. */
    public DataSource dataSource() {
        return dataSource;
    }

    /** The name of the schema. */
    public String schema() {
        return schema;
    }

    /** The statement with {@code {s}} replaced by the schema: {@code SELECT 1 FROM {s}.run}. */
    public String sql(String statement) {
        return statement.replace("{s}", schema);
    }

    /** Work on a connection. */
    @FunctionalInterface
    public interface Work<T> {
        /** Does it. */
        T on(Connection connection) throws SQLException;
    }

    /** How a transaction sees the data. */
    public enum Mode {
        /**
         * Each statement sees what was committed before it, whatever role and database default to: who waited for a row goes on with
         * what it has become, where at other levels the transaction would fail.
         */
        READ_WRITE("READ COMMITTED"),
        /** All statements see one state, and none may write. */
        SNAPSHOT("REPEATABLE READ, READ ONLY");

        private final String level;

        Mode(String level) {
            this.level = level;
        }
    }

    /**
     * Does work in a transaction.
     *
     * @param what is done, for messages: {@code "round 3 of run 'heart' cannot be saved"}
     * @throws PgException if the database cannot do it; then nothing of it was done, unless {@link PgException#isOutcomeUnknown}
     */
    public <T> T inTransaction(String what, Mode mode, Work<T> work) {
        boolean isCommitting = false;
        try (Connection connection = dataSource.getConnection()) {
            boolean wasAutoCommit = connection.getAutoCommit();
            int wasLimit = answerMillis == NO_LIMIT ? NO_LIMIT : connection.getNetworkTimeout();
            boolean isDone = false;
            try {
                if (answerMillis != NO_LIMIT) {
                    connection.setNetworkTimeout(Runnable::run, answerMillis);
                }
                connection.setAutoCommit(false);
                begin(connection, mode);
                T result = work.on(connection);
                isCommitting = true;
                connection.commit();
                isDone = true;
                return result;
            } finally {
                finish(connection, isDone, wasAutoCommit, wasLimit);
            }
        } catch (SQLException e) {
            PgException failure = failure(what, e);
            // Whatever becomes of a connection by then, the server may have committed before.
            throw isCommitting
                            && (failure.isUnreachable()
                                    || failure.sqlState().orElse("").startsWith("08"))
                    ? PgException.ofUnknownOutcome(what + ": " + reason(e), withoutValues(e))
                    : failure;
        }
    }

    /** As {@link #inTransaction(String, Mode, Work)}, to read and write. */
    public <T> T inTransaction(String what, Work<T> work) {
        return inTransaction(what, Mode.READ_WRITE, work);
    }

    private static void begin(Connection connection, Mode mode) throws SQLException {
        // By statement and not by setReadOnly, which would stay with a pooled connection.
        try (PreparedStatement begin = connection.prepareStatement("SET TRANSACTION ISOLATION LEVEL " + mode.level)) {
            begin.execute();
        }
    }

    private void finish(Connection connection, boolean isDone, boolean wasAutoCommit, int wasLimit) {
        try {
            if (!isDone) {
                connection.rollback();
            }
            connection.setAutoCommit(wasAutoCommit);
            if (answerMillis != NO_LIMIT) {
                connection.setNetworkTimeout(Runnable::run, wasLimit);
            }
        } catch (SQLException e) {
            // The connection is lost, and with it the transaction; what went wrong before says so.
        }
    }

    /** A failure with what was tried and why it could not be done, without values of rows. */
    public static PgException failure(String what, SQLException e) {
        // What failed of a batch names the statement with the values of its parameters; its cause does not.
        SQLException cause = e instanceof BatchUpdateException && e.getCause() instanceof SQLException
                ? (SQLException) e.getCause()
                : e;
        return new PgException(what + ": " + reason(cause), withoutValues(cause));
    }

    /** What the server said, without its own words, which may quote values of rows: a stack trace shows those of every cause. */
    private static SQLException withoutValues(SQLException e) {
        if (!(e instanceof PSQLException) || ((PSQLException) e).getServerErrorMessage() == null) {
            return e;
        }
        SQLException same = new SQLException(reason(e), e.getSQLState());
        same.setStackTrace(e.getStackTrace());
        return same;
    }

    /**
     * Why: the server's sentence without its detail, which may hold values of rows. Where the sentence itself quotes a value, as for what
     * cannot be converted, or is a function's of somebody else's, only the kind of trouble and where it is.
     */
    public static String reason(SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        String code = state.isEmpty() ? "" : " (" + state + ")";
        if (e instanceof PSQLException) {
            ServerErrorMessage server = ((PSQLException) e).getServerErrorMessage();
            if (server != null && state.startsWith("22")) {
                return "a value is not of the type or in the range that is asked for" + column(server) + code;
            }
            if (server != null && state.startsWith("P0")) {
                return "a function there raised an error, which the server's log has" + code;
            }
            if (server != null && server.getMessage() != null) {
                return server.getMessage() + code;
            }
        }
        return e.getMessage() + code;
    }

    private static String column(ServerErrorMessage server) {
        return server.getColumn() == null ? "" : " in column " + quote(server.getColumn());
    }

    /** A name of a caller as an identifier. Whoever uses it has found the name in the catalogue before. */
    public static String quote(String name) {
        if (name.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a name must not hold U+0000");
        }
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    @Override
    public String toString() {
        return "schema " + schema;
    }
}
