package io.fedlearn.pg.run;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;

/**
 * Lets one transaction at a time write rows of a run, by an advisory lock that ends with the transaction. The server ends a transaction
 * that falls silent between two statements, but waits without a limit for the rest of a model that is being copied to it: for hours, if
 * the host that sends it was lost, and for ever, if the process there is paused. Rows of the round that it has written already would be
 * in the way of whoever leads the run next; so that one {@linkplain #endOther ends} it. Immutable.
 */
final class WritingTurn {
    private static final String BEGIN =
            "SELECT set_config('idle_in_transaction_session_timeout', ?, true), pg_try_advisory_xact_lock(?, ?)";
    private static final String AWAIT =
            "SELECT set_config('idle_in_transaction_session_timeout', ?, true), pg_advisory_xact_lock(?, ?)";
    // The two halves of the key are shown as identifiers, which have no sign.
    private static final String END = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_locks"
            + " WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = ?::integer::oid AND objid = ?::integer::oid"
            + " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()";

    private final int first;
    private final int second;

    private WritingTurn(int first, int second) {
        this.first = first;
        this.second = second;
    }

    /** The turns at this run in this schema. */
    static WritingTurn of(String schema, String runId) {
        try {
            ByteBuffer hash = ByteBuffer.wrap(MessageDigest.getInstance("SHA-256")
                    .digest(("fedlearn run " + schema + "." + runId).getBytes(StandardCharsets.UTF_8)));
            return new WritingTurn(hash.getInt(), hash.getInt());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform must have SHA-256", e);
        }
    }

    /**
     * Begins a transaction's writing, if no other writes, and bounds how long it may be silent.
     *
     * @return whether it may go on
     */
    boolean begin(Connection connection, Duration silence) throws SQLException {
        return run(connection, BEGIN, silence);
    }

    /** As {@link #begin}, once no other writes any more. */
    boolean await(Connection connection, Duration silence) throws SQLException {
        run(connection, AWAIT, silence);
        return true;
    }

    private boolean run(Connection connection, String sql, Duration silence) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(sql)) {
            select.setString(1, Long.toString(silence.toMillis()));
            select.setInt(2, first);
            select.setInt(3, second);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next() && sql.equals(BEGIN) && rows.getBoolean(2);
            }
        }
    }

    /**
     * Ends whoever writes, which needs the same role of the database, or one that may end others. Only for who leads the run, in a
     * transaction that holds the lease's row: so it cannot be the next leader that is ended.
     *
     * @return how many there were
     */
    int endOther(Connection connection) throws SQLException {
        try (PreparedStatement end = connection.prepareStatement(END)) {
            end.setInt(1, first);
            end.setInt(2, second);
            try (ResultSet rows = end.executeQuery()) {
                return rows.next() ? rows.getInt(1) : 0;
            }
        }
    }
}
