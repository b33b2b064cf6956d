package io.fedlearn.pg.run;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.Retention;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.internal.models.PgModels;
import io.fedlearn.pg.schema.PgSchema;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntPredicate;

/**
 * The run in the database: takes the lease where it needs it, and does one operation at a time. Thread-safe.
 *
 * <p>What it does is done by others: {@link RunReading} reads, {@link RunCommits} saves, {@link RunUpkeep} removes.
 */
final class LedRun implements RunInDatabase {
    private final PgSchema schema;
    private final Database database;
    private final String runId;
    private final Lease lease;
    private final PgModels models;
    private final long maxHeapModelBytes;
    private final RunCommits commits;
    private final RunUpkeep upkeep;

    // Guards what follows, and lets one operation at a time to the database, hence is held while it answers.
    private final ReentrantLock lock = new ReentrantLock();
    private boolean isSchemaChecked;
    private Optional<OpenRun> open = Optional.empty();
    // Whether the run may have been created although the answer was lost.
    private boolean isCreationInDoubt;
    private boolean isClosed;

    LedRun(PgSchema schema, Database database, String runId, Lease lease, Retention retention, long maxHeapModelBytes) {
        this.schema = schema;
        this.database = database;
        this.runId = runId;
        this.lease = lease;
        this.models = PgModels.of(database);
        this.maxHeapModelBytes = maxHeapModelBytes;
        RunRows rows = new RunRows(database, models, runId);
        Fence fence = new Fence(database, lease, runId);
        this.commits = new RunCommits(database, rows, lease, fence, runId);
        this.upkeep = new RunUpkeep(database, models, rows, fence, runId, retention);
    }

    @Override
    public String runId() {
        return runId;
    }

    @Override
    public Optional<SavedRun> load() {
        return alone(unloadable(), what -> {
            lead();
            return recover();
        });
    }

    @Override
    public void create(RunHeader header, Checkpoint initial) {
        alone("run '" + runId + "' cannot be started", what -> {
            lead();
            Optional<SavedRun> there = open.isEmpty() ? recover() : Optional.empty();
            if (isCreationInDoubt && there.filter(run -> isStarted(run, header)).isPresent()) {
                isCreationInDoubt = false;
                return true;
            }
            if (open.isPresent()) {
                throw new RunStoreException(
                        database + " holds run '" + runId + "' already; resume it, or use another name");
            }
            try {
                commits.create(what, header, initial);
            } catch (PgException e) {
                isCreationInDoubt |= e.isOutcomeUnknown();
                throw e;
            }
            open = Optional.of(OpenRun.created());
            return true;
        });
    }

    /** Whether this is the run whose creation had an outcome that was not known. */
    private static boolean isStarted(SavedRun run, RunHeader header) {
        return run.header().equals(header) && run.latest().round() == 0;
    }

    @Override
    public void commit(List<RoundRecord> before, Checkpoint checkpoint, IntPredicate isBest) {
        alone("round " + checkpoint.round() + " of run '" + runId + "' cannot be saved", what -> {
            // The fence decides; this only saves the way to the database.
            if (!lease.isHeld()) {
                lead();
            }
            if (open.isEmpty()) {
                recover();
            }
            OpenRun run = open.orElseThrow(() -> new RunStoreException(database + " holds no run '" + runId + "'"));
            commits.commit(what, run, before, checkpoint, isBest);
            upkeep.prune(run);
            return true;
        });
    }

    @Override
    public Optional<Model> model(int round) {
        return alone("the model of round " + round + " of run '" + runId + "' cannot be loaded", what -> {
            requireSchema();
            return database.inTransaction(
                    what, Database.Mode.SNAPSHOT, connection -> reading().model(connection, round));
        });
    }

    @Override
    public boolean isLed() {
        lease.requireNotLost();
        return lease.isHeld();
    }

    @Override
    public void close() {
        lock.lock();
        try {
            isClosed = true;
            open = Optional.empty();
            lease.close();
        } finally {
            lock.unlock();
        }
    }

    @FunctionalInterface
    private interface Operation<T> {
        T of(String what);
    }

    /** Does one operation, while no other is done. */
    private <T> T alone(String what, Operation<T> operation) {
        lock.lock();
        try {
            if (isClosed) {
                throw new IllegalStateException("the store of run '" + runId + "' is closed");
            }
            return StoreFailures.reporting(what, () -> operation.of(what));
        } finally {
            lock.unlock();
        }
    }

    private void lead() {
        requireSchema();
        if (!lease.acquire()) {
            throw new RunStoreException("run '" + runId + "' cannot be used: it is led by "
                    + lease.leader().map(RunLeader::toString).orElse("another"));
        }
    }

    private void requireSchema() {
        if (!isSchemaChecked) {
            schema.require();
            isSchemaChecked = true;
        }
    }

    private RunReading reading() {
        return new RunReading(database, models, runId, maxHeapModelBytes);
    }

    private String unloadable() {
        return "run '" + runId + "' cannot be loaded";
    }

    private Optional<SavedRun> recover() {
        open = Optional.empty();
        Optional<RunReading.Found> found = database.inTransaction(
                unloadable(), Database.Mode.SNAPSHOT, connection -> reading().read(connection));
        return found.map(this::reopen);
    }

    private SavedRun reopen(RunReading.Found found) {
        OpenRun run = OpenRun.of(found);
        List<String> notices = found.notices();
        if (!notices.isEmpty()) {
            upkeep.mend(found, run);
        }
        open = Optional.of(run);
        upkeep.prune(run);
        upkeep.collectGarbage();
        List<RoundRecord> records =
                found.lines().stream().map(RecordJson.Line::record).toList();
        return new SavedRun(found.header(), found.latest(), records, notices);
    }
}
