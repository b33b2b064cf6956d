package io.fedlearn.pg;

import io.fedlearn.core.FedLearnException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Optional;

/** Thrown when the database cannot do what it was asked; the message says what, where and why, and holds no value of a row. */
public final class PgException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final String sqlState;
    private final boolean isOutcomeUnknown;

    /** Reports what the database did not do. */
    public PgException(String message, SQLException cause) {
        this(message, cause, false);
    }

    private PgException(String message, SQLException cause, boolean isOutcomeUnknown) {
        super(message, cause);
        this.sqlState = cause.getSQLState() == null ? "" : cause.getSQLState();
        this.isOutcomeUnknown = isOutcomeUnknown;
    }

    /** Reports a transaction whose commit was under way when the connection was lost. */
    public static PgException ofUnknownOutcome(String message, SQLException cause) {
        return new PgException(message + " (it may have been committed all the same)", cause, true);
    }

    /** Reports what is wrong in the database. */
    public PgException(String message) {
        super(message);
        this.sqlState = "";
        this.isOutcomeUnknown = false;
    }

    /** The code of the error (SQLSTATE), if the database or its driver gave one. */
    public Optional<String> sqlState() {
        return sqlState.isEmpty() ? Optional.empty() : Optional.of(sqlState);
    }

    /** Whether the transaction may have been committed all the same: the connection was lost before the server could say. */
    public boolean isOutcomeUnknown() {
        return isOutcomeUnknown;
    }

    /** Whether the database is the trouble, not what it was asked: it is away, starting, stopping, a standby or full of connections. */
    public boolean isUnreachable() {
        // 08: connection; 57P: stopped or starting; 53300: too many connections; 25006: read-only, as a standby is;
        // 25P03: a transaction
        // that fell silent was ended. A pool that has no connection to give need not say why.
        return getCause() instanceof SQLTransientConnectionException
                || sqlState.startsWith("08")
                || sqlState.startsWith("57P")
                || sqlState.equals("53300")
                || sqlState.equals("25006")
                || sqlState.equals("25P03");
    }
}
