package io.fedlearn.pg.run;

import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Database;
import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * The transactions in which a run's leader writes: one at a time, and each proves as its last statement that the run is still led here. A
 * transaction that a former leader has left open is ended first. Immutable.
 */
final class Fence {
    private static final System.Logger LOGGER = System.getLogger(Fence.class.getName());
    /** What befalls a commit when another leads: its row is there already, or its connection was ended. */
    private static final Set<String> TAKEN = Set.of("23505", "57P01", "25P03", "08006");

    private static final String NO_RIGHT = "42501";

    private final Database database;
    private final Lease lease;
    private final WritingTurn turn;
    private final String runId;

    Fence(Database database, Lease lease, String runId) {
        this.database = database;
        this.lease = lease;
        this.turn = WritingTurn.of(database.schema(), runId);
        this.runId = runId;
    }

    /** Writes rows in a transaction. */
    @FunctionalInterface
    interface Rows {
        /** Writes them. */
        void write(Connection connection) throws SQLException;
    }

    /**
     * Writes rows, and commits them only if the run is still led here.
     *
     * @param what cannot be done otherwise, for messages
     * @throws LeaseLostException if another leads; nothing is written
     * @throws PgException if the database cannot do it
     */
    void write(String what, Rows work) {
        if (!write(what, work, turn::begin)) {
            endFormerWriter();
            write(what, work, turn::await);
        }
    }

    @FunctionalInterface
    private interface Begin {
        boolean on(Connection connection, Duration silence) throws SQLException;
    }

    private boolean write(String what, Rows work, Begin begin) {
        long beginning = System.nanoTime();
        boolean isWritten;
        try {
            isWritten = database.inTransaction(what, connection -> {
                // A transaction whose process was paused in the middle must not keep its rows from whoever leads next.
                if (!begin.on(connection, lease.time())) {
                    return false;
                }
                work.write(connection);
                lease.requireHeld(connection);
                return true;
            });
        } catch (PgException e) {
            requireLeadIfTaken(e);
            throw e;
        }
        if (isWritten) {
            lease.held(beginning);
        }
        return isWritten;
    }

    /** Ends a transaction of whoever led before, or of a connection that this store has given up. */
    private void endFormerWriter() {
        String what = "the transaction that a former leader of run '" + runId + "' left open";
        try {
            int ended = database.inTransaction(what + " cannot be ended", connection -> {
                lease.requireHeld(connection);
                return turn.endOther(connection);
            });
            if (ended > 0) {
                LOGGER.log(Level.WARNING, "{0} was ended", what);
            }
        } catch (PgException e) {
            if (!e.sqlState().equals(Optional.of(NO_RIGHT))) {
                throw e;
            }
            LOGGER.log(Level.WARNING, "{0}: it is waited for", e.getMessage());
        }
    }

    /**
     * That another leads says more than that its round is in the way of this one, or that it has ended this transaction. Whether it does
     * cannot be known if the database is away.
     */
    private void requireLeadIfTaken(PgException failure) {
        if (!failure.isOutcomeUnknown() && TAKEN.contains(failure.sqlState().orElse(""))) {
            try {
                lease.confirm();
            } catch (LeaseLostException e) {
                e.addSuppressed(failure);
                throw e;
            } catch (PgException e) {
                failure.addSuppressed(e);
            }
        }
    }
}
