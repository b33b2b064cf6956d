package io.fedlearn.pg.run;

import io.fedlearn.core.store.Retention;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.internal.models.PgModels;
import java.lang.System.Logger.Level;
import java.util.List;

/** Removes what a run that is led here needs no more: old checkpoints, what is damaged, models of nobody. Immutable. */
final class RunUpkeep {
    private static final System.Logger LOGGER = System.getLogger(RunUpkeep.class.getName());

    private final Database database;
    private final PgModels models;
    private final RunRows rows;
    private final Fence fence;
    private final String runId;
    private final Retention retention;

    RunUpkeep(Database database, PgModels models, RunRows rows, Fence fence, String runId, Retention retention) {
        this.database = database;
        this.models = models;
        this.rows = rows;
        this.fence = fence;
        this.runId = runId;
        this.retention = retention;
    }

    /** Removes what is newer than the newest whole checkpoint, and sets right what the run's row says of it. */
    void mend(RunReading.Found found, OpenRun run) {
        fence.write("what is damaged of run '" + runId + "' cannot be removed", connection -> {
            rows.deleteCheckpoints(connection, List.copyOf(found.damaged().keySet()));
            rows.deleteRoundsAfter(connection, run.latest());
            rows.updateRun(connection, run.latest(), run.best());
            for (String digest : found.damagedModels()) {
                models.markDamaged(connection, digest);
            }
        });
    }

    /** Deletes the checkpoints that need not be kept. What cannot be deleted now is deleted later. */
    void prune(OpenRun run) {
        List<Integer> unneeded = run.unneeded(retention);
        if (unneeded.isEmpty()) {
            return;
        }
        try {
            fence.write("old checkpoints of run '" + runId + "' cannot be deleted", connection -> {
                models.collect(connection, rows.deleteCheckpoints(connection, unneeded));
            });
            run.deleted(unneeded);
        } catch (PgException | LeaseLostException e) {
            LOGGER.log(Level.WARNING, e.getMessage());
        }
    }

    /** Deletes the models that nothing in the schema refers to; if that cannot be done now, later. */
    void collectGarbage() {
        try {
            database.inTransaction("models that nothing refers to cannot be deleted", models::collectAll);
        } catch (PgException e) {
            LOGGER.log(Level.WARNING, e.getMessage());
        }
    }
}
