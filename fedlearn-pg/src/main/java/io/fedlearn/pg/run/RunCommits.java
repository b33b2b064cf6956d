package io.fedlearn.pg.run;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Database;
import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Saves the checkpoints of a run that is led here, each with its records in one transaction. If the connection is lost while that
 * commits, what became of it is asked at once and, if that fails, before the next one. Immutable.
 */
final class RunCommits {
    private static final System.Logger LOGGER = System.getLogger(RunCommits.class.getName());

    private final Database database;
    private final RunRows rows;
    private final Lease lease;
    private final Fence fence;
    private final String runId;

    RunCommits(Database database, RunRows rows, Lease lease, Fence fence, String runId) {
        this.database = database;
        this.rows = rows;
        this.lease = lease;
        this.fence = fence;
        this.runId = runId;
    }

    /** Saves a new run with its first checkpoint. */
    void create(String what, RunHeader header, Checkpoint initial) {
        computeDigests(initial);
        fence.write(what, connection -> {
            rows.insertRun(connection, header);
            rows.insertCheckpoint(connection, initial, Optional.empty());
        });
    }

    /**
     * Saves the next round, or finds that it was saved already by a commit whose outcome was not known.
     *
     * @param before the rounds since the latest one here, without the checkpoint's own
     */
    void commit(String what, OpenRun run, List<RoundRecord> before, Checkpoint checkpoint, IntPredicate isBest) {
        resolve(run);
        if (isCommitted(run, checkpoint, isBest)) {
            return;
        }
        int first = checkpoint.round() - before.size();
        if (first != run.latest() + 1) {
            throw new RunStoreException(
                    "round " + (run.latest() + 1) + " of run '" + runId + "' must be committed next, was " + first);
        }
        SealedJson line = line(checkpoint, isBest);
        computeDigests(checkpoint);
        OptionalInt newBest =
                IntStream.rangeClosed(first, checkpoint.round()).filter(isBest).max();
        OptionalInt bestNow = newBest.isPresent() ? newBest : run.best();
        try {
            fence.write(what, connection -> {
                for (RoundRecord record : before) {
                    boolean wasBest = isBest.test(record.round());
                    rows.insertRound(connection, record, wasBest, RecordJson.write(record, wasBest), lease.term());
                }
                RoundRecord record = checkpoint.record().orElseThrow();
                rows.insertRound(connection, record, isBest.test(record.round()), line, lease.term());
                rows.insertCheckpoint(connection, checkpoint, Optional.of(line.sha256()));
                advance(connection, run, checkpoint.round(), bestNow);
            });
            run.committed(checkpoint.round(), bestNow);
        } catch (PgException e) {
            if (!e.isOutcomeUnknown()) {
                throw e;
            }
            run.doubted(new OpenRun.Doubt(checkpoint.round(), bestNow, line));
            resolveOrThrow(run, e);
        }
    }

    /** Whether this is the round whose commit had an outcome that was found out later. */
    private static boolean isCommitted(OpenRun run, Checkpoint checkpoint, IntPredicate isBest) {
        int round = checkpoint.round();
        return run.resolved().isPresent()
                && round == run.latest()
                && checkpoint.record().isPresent()
                && RecordJson.write(checkpoint.record().get(), isBest.test(round))
                        .sha256()
                        .equals(run.resolved().get());
    }

    /** Before the transaction begins, which is ended when it hears nothing for long. */
    private static void computeDigests(Checkpoint checkpoint) {
        checkpoint.model().digest();
        checkpoint.states().values().forEach(state -> state.tensors().values().forEach(Model::digest));
    }

    private static SealedJson line(Checkpoint checkpoint, IntPredicate isBest) {
        RoundRecord record = checkpoint.record().orElseThrow();
        String digest = checkpoint.model().digest();
        if (!record.modelDigest().equals(digest)) {
            throw new IllegalArgumentException("the record of round " + record.round()
                    + " must have its model's digest " + digest + ", was " + record.modelDigest());
        }
        return RecordJson.write(record, isBest.test(record.round()));
    }

    private void advance(Connection connection, OpenRun run, int round, OptionalInt bestNow) throws SQLException {
        if (!rows.advanceRun(connection, run.latest(), round, bestNow)) {
            // A standby of PostgreSQL that was promoted may lack what was committed last.
            lease.requireHeld(connection);
            throw new RunStoreException("run '" + runId + "' in " + database + " is no longer at round " + run.latest()
                    + ", after which it was left: load it again");
        }
    }

    private void resolveOrThrow(OpenRun run, PgException failure) {
        int round = run.doubt().orElseThrow().round();
        try {
            resolve(run);
        } catch (PgException unreachable) {
            failure.addSuppressed(unreachable);
            throw failure;
        }
        if (run.latest() != round) {
            throw failure;
        }
    }

    /** Finds out what became of a commit whose outcome is not known. */
    private void resolve(OpenRun run) {
        if (run.doubt().isEmpty()) {
            return;
        }
        OpenRun.Doubt doubt = run.doubt().get();
        String what = "whether round " + doubt.round() + " of run '" + runId + "' was saved cannot be found out";
        boolean isThere = database.inTransaction(what, connection -> isThere(connection, doubt));
        run.resolve(isThere);
        if (isThere) {
            LOGGER.log(
                    Level.INFO,
                    "round {0} of run ''{1}'' was saved although the connection was lost",
                    Integer.toString(doubt.round()),
                    runId);
        }
    }

    private boolean isThere(Connection connection, OpenRun.Doubt doubt) throws SQLException {
        // The fence waits for a commit that is still under way: it has the lease's row locked.
        lease.requireHeld(connection);
        try (PreparedStatement select = connection.prepareStatement(
                database.sql("SELECT record = ? AND term = ? FROM {s}.round WHERE run_id = ? AND round = ?"))) {
            select.setString(1, RunRows.text(doubt.line()));
            select.setLong(2, lease.term());
            select.setString(3, runId);
            select.setInt(4, doubt.round());
            try (ResultSet found = select.executeQuery()) {
                return found.next() && found.getBoolean(1);
            }
        }
    }
}
