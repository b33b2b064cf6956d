package io.fedlearn.pg;

import io.fedlearn.core.FedLearnException;
import java.io.FileNotFoundException;
import java.security.GeneralSecurityException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Optional;
import org.postgresql.util.PSQLException;
import org.postgresql.util.PSQLState;

/** Thrown when the database cannot do what it was asked; the message says what, where and why, and holds no value of a row. */
public final class PgException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private static final int MOST_CAUSES = 10;

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
        if (isConnectionRefusedByDriver()) {
            return false;
        }
        // 08: connection; 57P: stopped or starting; 53300: too many connections; 25006: read-only, as a standby is;
        // 25P03: a transaction that fell silent was ended. A pool that has no connection to give need not say why.
        return getCause() instanceof SQLTransientConnectionException
                || sqlState.startsWith("08")
                || sqlState.startsWith("57P")
                || sqlState.equals("53300")
                || sqlState.equals("25006")
                || sqlState.equals("25P03");
    }

    /**
     * Whether the driver did not want the connection, for which it has the codes of lost ones: the server has no TLS, or a certificate
     * that is not trusted or of another host; a file with certificates cannot be read. Waiting does not mend that.
     */
    private boolean isConnectionRefusedByDriver() {
        Throwable cause = getCause();
        for (int depth = 0; cause != null && depth < MOST_CAUSES; depth++) {
            if (cause instanceof GeneralSecurityException || cause instanceof FileNotFoundException) {
                return true;
            }
            if (cause instanceof PSQLException && ((PSQLException) cause).getServerErrorMessage() == null) {
                String state = ((PSQLException) cause).getSQLState();
                // A connection that was lost has a cause.
                if (PSQLState.CONNECTION_REJECTED.getState().equals(state)
                        || PSQLState.CONNECTION_FAILURE.getState().equals(state) && cause.getCause() == null) {
                    return true;
                }
            }
            cause = cause.getCause();
        }
        return false;
    }
}
