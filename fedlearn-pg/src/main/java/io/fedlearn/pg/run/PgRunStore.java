package io.fedlearn.pg.run;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.Retention;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.internal.run.RecordJson;
import io.fedlearn.formats.internal.run.SealedJson;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Columns;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.internal.models.PgModels;
import io.fedlearn.pg.schema.PgSchema;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * A run in PostgreSQL: models in chunks, each once; rounds as the same sealed lines that {@code FileRunStore} writes, and beside them as
 * columns and views that one can query.
 *
 * <p><b>Atomic and durable.</b> A checkpoint with its round's record is one transaction. When the connection is lost while it commits,
 * the store asks the database whether it was committed, then or, if the database cannot be reached, at the next call: a round that
 * is committed again with the same record is found to be there.
 *
 * <p><b>Checked.</b> Chunks have checksums, models their digests, lines their seals. Checkpoints that are damaged and newer than the
 * newest whole one are removed, with a {@linkplain SavedRun#notices() notice}.
 *
 * <p><b>One leads.</b> To load, create or commit, a store leads the run: it holds a lease in the database until it is closed or has
 * been silent for the lease's time. Another one's attempt fails with a {@link RunStoreException}; if this one has lost the lease,
 * its next commit fails with a {@link LeaseLostException} and nothing of it is saved. {@link #model} only reads, and needs no lease.
 *
 * <p><b>Another takes over.</b> A standby {@linkplain #awaitLeadership awaits leadership} and then loads. Once the leader has fallen
 * silent that takes its lease's time, and at most a quarter of it more.
 *
 * <p><b>When the database is away,</b> the run {@linkplain WhenUnreachable stops, waits, or goes on elsewhere}.
 *
 * <p>Models that no checkpoint, client state or registered version refers to are deleted when a run is loaded and when checkpoints are.
 *
 * <p>Thread-safe: one operation at a time. Load, commit and close may take as long as the model's way to or from the database.
 */
public final class PgRunStore implements RunStore {
    /** How many bytes of values a model may have to be loaded to the heap: {@value}, which is 256 MiB. */
    public static final long DEFAULT_MAX_HEAP_MODEL_BYTES = 256L << 20;

    /** How long the right to lead a run lasts without being renewed: {@value} seconds. */
    public static final int DEFAULT_LEASE_SECONDS = Lease.DEFAULT_SECONDS;

    /** How long the server may take to answer before it counts as unreachable: {@value} seconds. */
    public static final int DEFAULT_ANSWER_SECONDS = 60;

    /** A standby asks at least so many times in the time of a lease. */
    private static final int POLLS = 4;

    private static final System.Logger LOGGER = System.getLogger(PgRunStore.class.getName());
    private static final int MAX_RUN_ID_LENGTH = 255;

    private final PgSchema schema;
    private final Database database;
    private final String runId;
    private final Retention retention;
    private final long maxHeapModelBytes;
    private final Lease lease;
    private final PgModels models;
    private final RunRows rows;
    private final Fence fence;
    private final RunInDatabase.Front front;

    // Guards what follows, and lets one operation at a time to the database, hence is held while it answers.
    private final ReentrantLock lock = new ReentrantLock();
    private boolean isSchemaChecked;
    private Optional<OpenRun> open = Optional.empty();
    // Whether the run may have been created although the answer was lost.
    private boolean isCreationInDoubt;
    private boolean isClosed;

    private PgRunStore(Builder builder) {
        this.schema = builder.schema;
        this.database = builder.schema.database().answeringWithin(builder.answerTimeout);
        this.runId = builder.runId;
        this.retention = builder.retention;
        this.maxHeapModelBytes = builder.maxHeapModelBytes;
        this.lease = builder.executor.isPresent()
                ? Lease.of(database, runId, builder.holder, builder.leaseTime, builder.executor.get())
                : Lease.of(database, runId, builder.holder, builder.leaseTime);
        this.models = PgModels.of(database);
        this.rows = new RunRows(database, models, runId);
        this.fence = new Fence(database, lease, runId);
        this.front = builder.whenUnreachable.over(new Direct());
    }

    /** The run of this name, with the defaults. Nothing is read or created yet. */
    public static PgRunStore of(PgSchema schema, String runId) {
        return builder(schema, runId).build();
    }

    /**
     * A builder for a store of the run of this name.
     *
     * @param runId the same that the federation is given
     * @throws IllegalArgumentException if it is empty, too long, or holds what a column of the database cannot
     */
    public static Builder builder(PgSchema schema, String runId) {
        return new Builder(schema, runId);
    }

    /** The run's name. */
    public String runId() {
        return runId;
    }

    /** The name under which this store leads the run. */
    public String holder() {
        return lease.holder();
    }

    /** Who leads the run, or did last; empty if nobody ever did. */
    public Optional<RunLeader> leader() {
        return reporting("the leader of run '" + runId + "' cannot be read", lease::leader);
    }

    /**
     * Waits until this store leads the run: at once if nobody does, else when the leader closes its store or its lease has ended. What
     * {@link #load} gives right after is the newest state. A database that is unreachable is waited for too. {@link #close} ends the
     * waiting.
     *
     * @param limit how long to wait
     * @return whether it leads; not if the time is over
     * @throws LeaseLostException if this store has led the run before, and another does now
     * @throws IllegalStateException if the store is closed, or is meanwhile
     */
    public boolean awaitLeadership(Duration limit) throws InterruptedException {
        try {
            return lease.await(limit, lease.time().dividedBy(POLLS));
        } catch (PgException e) {
            throw new RunStoreException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Whether this store leads the run by all that it knows: the database has confirmed it, and not too long ago. */
    public boolean isLeader() {
        return lease.isHeld();
    }

    /**
     * Copies to the database what was saved elsewhere while it was away; the next commit and load do so too.
     *
     * @return how many rounds that were
     * @throws DivergedRunException if another has led the run meanwhile; both stay as they are
     * @throws RunStoreException if the database is still away
     */
    public int reconcile() {
        return front.reconcile();
    }

    @Override
    public Optional<SavedRun> load() {
        return front.load();
    }

    @Override
    public void create(RunHeader header, Checkpoint initial) {
        if (initial.round() != 0) {
            throw new IllegalArgumentException("a run's first checkpoint must be of round 0, was " + initial.round());
        }
        if (!header.runId().equals(runId)) {
            throw new IllegalArgumentException("the run must be called '" + runId + "' as its store is, was '"
                    + header.runId() + "'; give the federation the same runId");
        }
        front.create(header, initial);
    }

    @Override
    public void commit(Checkpoint checkpoint, boolean best) {
        front.commit(checkpoint, best);
    }

    @Override
    public Optional<Model> model(int round) {
        return front.model(round);
    }

    /** Lets another lead the run. */
    @Override
    public void close() {
        front.close();
    }

    // ---- the database

    /** The run in the database as it is, whatever else is done when that is away. */
    private final class Direct implements RunInDatabase {
        @Override
        public String runId() {
            return runId;
        }

        @Override
        public Optional<SavedRun> load() {
            return loadDirectly();
        }

        @Override
        public void create(RunHeader header, Checkpoint initial) {
            createDirectly(header, initial);
        }

        @Override
        public void commit(List<RoundRecord> before, Checkpoint checkpoint, IntPredicate isBest) {
            commitDirectly(before, checkpoint, isBest);
        }

        @Override
        public Optional<Model> model(int round) {
            return modelDirectly(round);
        }

        @Override
        public boolean isLed() {
            lease.requireNotLost();
            return lease.isHeld();
        }

        @Override
        public void close() {
            closeDirectly();
        }
    }

    private Optional<SavedRun> loadDirectly() {
        lock.lock();
        try {
            return reporting("run '" + runId + "' cannot be loaded", () -> {
                lead();
                return recover();
            });
        } finally {
            lock.unlock();
        }
    }

    private void createDirectly(RunHeader header, Checkpoint initial) {
        String what = "run '" + runId + "' cannot be started";
        lock.lock();
        try {
            reporting(what, () -> {
                lead();
                Optional<SavedRun> there = open.isEmpty() ? recover() : Optional.empty();
                if (isCreationInDoubt
                        && there.map(run -> isStarted(run, header)).orElse(false)) {
                    isCreationInDoubt = false;
                    return true;
                }
                if (open.isPresent()) {
                    throw new RunStoreException(
                            database + " holds run '" + runId + "' already; resume it, or use another name");
                }
                create(what, header, initial);
                return true;
            });
        } finally {
            lock.unlock();
        }
    }

    /** Whether this is the run whose creation had an outcome that was not known. */
    private static boolean isStarted(SavedRun run, RunHeader header) {
        return run.header().equals(header) && run.latest().round() == 0;
    }

    private void create(String what, RunHeader header, Checkpoint initial) {
        computeDigests(initial);
        try {
            fence.write(what, connection -> {
                rows.insertRun(connection, header);
                rows.insertCheckpoint(connection, initial, Optional.empty());
            });
        } catch (PgException e) {
            isCreationInDoubt |= e.isOutcomeUnknown();
            throw e;
        }
        open = Optional.of(new OpenRun());
        open.get().checkpoints.add(0);
    }

    private void commitDirectly(List<RoundRecord> before, Checkpoint checkpoint, IntPredicate isBest) {
        boolean best = isBest.test(checkpoint.round());
        String what = "round " + checkpoint.round() + " of run '" + runId + "' cannot be saved";
        lock.lock();
        try {
            reporting(what, () -> {
                requireNotClosed();
                // The fence decides; this only saves the way to the database.
                if (!lease.isHeld()) {
                    lead();
                }
                if (open.isEmpty()) {
                    recover();
                }
                OpenRun run = open.orElseThrow(() -> new RunStoreException(database + " holds no run '" + runId + "'"));
                resolve(run);
                if (isCommitted(run, checkpoint, best)) {
                    return true;
                }
                if (checkpoint.round() - before.size() != run.latest + 1) {
                    throw new RunStoreException("round " + (run.latest + 1) + " of run '" + runId
                            + "' must be committed next, was " + (checkpoint.round() - before.size()));
                }
                commit(what, run, before, checkpoint, isBest);
                prune(run);
                return true;
            });
        } finally {
            lock.unlock();
        }
    }

    /** Whether this is the round whose commit had an outcome that was found out later. */
    private static boolean isCommitted(OpenRun run, Checkpoint checkpoint, boolean best) {
        return run.resolved.isPresent()
                && checkpoint.round() == run.latest
                && checkpoint.record().isPresent()
                && RecordJson.write(checkpoint.record().get(), best).sha256().equals(run.resolved.get());
    }

    private void commit(
            String what, OpenRun run, List<RoundRecord> before, Checkpoint checkpoint, IntPredicate isBest) {
        boolean best = isBest.test(checkpoint.round());
        SealedJson line = line(checkpoint, best);
        computeDigests(checkpoint);
        OptionalInt newBest = IntStream.rangeClosed(run.latest + 1, checkpoint.round())
                .filter(isBest)
                .max();
        OptionalInt bestNow = newBest.isPresent() ? newBest : run.best;
        try {
            fence.write(what, connection -> {
                for (RoundRecord record : before) {
                    boolean wasBest = isBest.test(record.round());
                    rows.insertRound(connection, record, wasBest, RecordJson.write(record, wasBest), lease.term());
                }
                rows.insertRound(connection, checkpoint.record().orElseThrow(), best, line, lease.term());
                rows.insertCheckpoint(connection, checkpoint, Optional.of(line.sha256()));
                if (!rows.advanceRun(connection, run.latest, checkpoint.round(), bestNow)) {
                    // A standby of PostgreSQL that was promoted may lack what was committed last.
                    lease.requireHeld(connection);
                    throw new RunStoreException("run '" + runId + "' in " + database + " is no longer at round "
                            + run.latest + ", after which it was left: load it again");
                }
            });
            run.committed(checkpoint.round(), bestNow);
        } catch (PgException e) {
            if (!e.isOutcomeUnknown()) {
                throw e;
            }
            run.doubt = Optional.of(new Doubt(checkpoint.round(), bestNow, line.sha256(), RunRows.text(line)));
            try {
                resolve(run);
            } catch (PgException unreachable) {
                e.addSuppressed(unreachable);
                throw e;
            }
            if (run.latest != checkpoint.round()) {
                throw e;
            }
        }
    }

    /** Before the transaction begins, which is ended when it hears nothing for long. */
    private static void computeDigests(Checkpoint checkpoint) {
        checkpoint.model().digest();
        checkpoint.states().values().forEach(state -> state.tensors().values().forEach(Model::digest));
    }

    private static SealedJson line(Checkpoint checkpoint, boolean best) {
        RoundRecord record = checkpoint.record().orElseThrow();
        String digest = checkpoint.model().digest();
        if (!record.modelDigest().equals(digest)) {
            throw new IllegalArgumentException("the record of round " + record.round()
                    + " must have its model's digest " + digest + ", was " + record.modelDigest());
        }
        return RecordJson.write(record, best);
    }

    /** Finds out what became of a commit whose outcome is not known. */
    private void resolve(OpenRun run) {
        if (run.doubt.isEmpty()) {
            return;
        }
        Doubt doubt = run.doubt.get();
        String what = "whether round " + doubt.round + " of run '" + runId + "' was saved cannot be found out";
        boolean isThere = database.inTransaction(what, connection -> {
            // The fence waits for a commit that is still under way: it has the lease's row locked.
            lease.requireHeld(connection);
            try (PreparedStatement select = connection.prepareStatement(
                    database.sql("SELECT record = ? AND term = ? FROM {s}.round WHERE run_id = ? AND round = ?"))) {
                select.setString(1, doubt.line);
                select.setLong(2, lease.term());
                select.setString(3, runId);
                select.setInt(4, doubt.round);
                try (ResultSet found = select.executeQuery()) {
                    return found.next() && found.getBoolean(1);
                }
            }
        });
        run.doubt = Optional.empty();
        if (isThere) {
            run.committed(doubt.round, doubt.bestNow);
            run.resolved = Optional.of(doubt.recordSha256);
            LOGGER.log(
                    Level.INFO,
                    "round {0} of run ''{1}'' was saved although the connection was lost",
                    Integer.toString(doubt.round),
                    runId);
        }
    }

    private Optional<Model> modelDirectly(int round) {
        lock.lock();
        try {
            return reporting("the model of round " + round + " of run '" + runId + "' cannot be loaded", () -> {
                requireNotClosed();
                requireSchema();
                return database.inTransaction(
                        "the model of round " + round + " of run '" + runId + "' cannot be loaded",
                        Database.Mode.SNAPSHOT,
                        connection -> reading().model(connection, round));
            });
        } finally {
            lock.unlock();
        }
    }

    private void closeDirectly() {
        lock.lock();
        try {
            isClosed = true;
            open = Optional.empty();
            lease.close();
        } finally {
            lock.unlock();
        }
    }

    // ---- leading and loading

    private void lead() {
        requireNotClosed();
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

    private Optional<SavedRun> recover() {
        open = Optional.empty();
        Optional<RunReading.Found> found = database.inTransaction(
                "run '" + runId + "' cannot be loaded",
                Database.Mode.SNAPSHOT,
                connection -> reading().read(connection));
        return found.map(this::reopen);
    }

    private SavedRun reopen(RunReading.Found found) {
        OpenRun run = new OpenRun();
        run.checkpoints.addAll(found.checkpoints());
        List<RoundRecord> records = new ArrayList<>();
        for (RecordJson.Line line : found.lines()) {
            records.add(line.record());
            int round = line.record().round();
            run.committed(round, line.best() ? OptionalInt.of(round) : run.best);
        }
        run.checkpoints.retainAll(found.checkpoints());
        List<String> notices = found.notices();
        if (!notices.isEmpty()) {
            mend(found, run);
        }
        open = Optional.of(run);
        prune(run);
        collectGarbage();
        return new SavedRun(found.header(), found.latest(), records, notices);
    }

    /** Removes what is newer than the newest whole checkpoint. */
    private void mend(RunReading.Found found, OpenRun run) {
        fence.write("what is damaged of run '" + runId + "' cannot be removed", connection -> {
            rows.deleteCheckpoints(connection, List.copyOf(found.damaged().keySet()));
            rows.deleteRoundsAfter(connection, run.latest);
            rows.updateRun(connection, run.latest, run.best);
            for (String digest : found.damagedModels()) {
                models.markDamaged(connection, digest);
            }
        });
    }

    private void collectGarbage() {
        try {
            database.inTransaction("models that nothing refers to cannot be deleted", models::collectAll);
        } catch (PgException e) {
            LOGGER.log(Level.WARNING, e.getMessage());
        }
    }

    /** Deletes the checkpoints that need not be kept. What cannot be deleted now is deleted later. */
    private void prune(OpenRun run) {
        List<Integer> unneeded = run.checkpoints.stream()
                .filter(round -> !retention.keeps(round, run.latest, run.best)
                        && !retention.keeps(round, run.latest, run.bestBefore))
                .toList();
        if (unneeded.isEmpty()) {
            return;
        }
        try {
            fence.write("old checkpoints of run '" + runId + "' cannot be deleted", connection -> {
                models.collect(connection, rows.deleteCheckpoints(connection, unneeded));
            });
            run.checkpoints.removeAll(unneeded);
        } catch (PgException | LeaseLostException e) {
            LOGGER.log(Level.WARNING, e.getMessage());
        }
    }

    private void requireNotClosed() {
        if (isClosed) {
            throw new IllegalStateException("the store of run '" + runId + "' is closed");
        }
    }

    // ---- errors

    @FunctionalInterface
    private interface Operation<T> {
        T run();
    }

    /** What the database, or the storage of a model's values, cannot do, is a failure of the store. */
    private static <T> T reporting(String what, Operation<T> operation) {
        try {
            return operation.run();
        } catch (PgException e) {
            throw new RunStoreException(String.valueOf(e.getMessage()), e);
        } catch (UncheckedIOException e) {
            throw new RunStoreException(what + ": " + e.getMessage(), e);
        } catch (RunStoreException | LeaseLostException e) {
            throw e;
        } catch (FedLearnException e) {
            throw new RunStoreException(what + ": " + e.getMessage(), e);
        }
    }

    /** A commit whose outcome is not known. */
    private record Doubt(int round, OptionalInt bestNow, String recordSha256, String line) {}

    /** A run that this store has led since it was read. */
    private static final class OpenRun {
        final TreeSet<Integer> checkpoints = new TreeSet<>();
        int latest;
        OptionalInt best = OptionalInt.empty();
        // Before the latest round: what the best is again, should the latest checkpoint be damaged.
        OptionalInt bestBefore = OptionalInt.empty();
        Optional<Doubt> doubt = Optional.empty();
        // The latest round's record, if it was in doubt and then found.
        Optional<String> resolved = Optional.empty();

        void committed(int round, OptionalInt bestNow) {
            latest = round;
            bestBefore = best;
            best = bestNow;
            resolved = Optional.empty();
            checkpoints.add(round);
        }
    }

    /** Settings of a {@link PgRunStore}. Not thread-safe. */
    public static final class Builder {
        private final PgSchema schema;
        private final String runId;
        private Retention retention = Retention.latestAndBest();
        private long maxHeapModelBytes = DEFAULT_MAX_HEAP_MODEL_BYTES;
        private Duration leaseTime = Duration.ofSeconds(DEFAULT_LEASE_SECONDS);
        private String holder = Lease.newHolder();
        private Duration answerTimeout = Duration.ofSeconds(DEFAULT_ANSWER_SECONDS);
        private WhenUnreachable whenUnreachable = WhenUnreachable.stop();
        private Optional<ScheduledExecutorService> executor = Optional.empty();

        private Builder(PgSchema schema, String runId) {
            if (runId.isEmpty() || runId.length() > MAX_RUN_ID_LENGTH || !Columns.isStorable(runId)) {
                throw new IllegalArgumentException("runId must be a text of 1 to " + MAX_RUN_ID_LENGTH
                        + " characters, valid Unicode and without U+0000, was '" + runId + "'");
            }
            this.schema = schema;
            this.runId = runId;
        }

        /** Which checkpoints are kept; {@link Retention#latestAndBest()} if not set. */
        public Builder retention(Retention value) {
            this.retention = value;
            return this;
        }

        /**
         * How many bytes of values a model may have to be loaded to the heap, {@value #DEFAULT_MAX_HEAP_MODEL_BYTES} if not set; a
         * larger one goes to a temporary file, which is gone when the model is.
         */
        public Builder maxHeapModelBytes(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("maxHeapModelBytes must be >= 0, was " + bytes);
            }
            this.maxHeapModelBytes = bytes;
            return this;
        }

        /**
         * How long the right to lead the run lasts without being renewed, {@value #DEFAULT_LEASE_SECONDS} seconds if not set: so long
         * another waits after this process has died.
         */
        public Builder leaseTime(Duration value) {
            this.leaseTime = value;
            return this;
        }

        /** The name under which the run is led, which no other process may use; host, process and a random part if not set. */
        public Builder holder(String value) {
            if (value.isEmpty() || !Columns.isStorable(value)) {
                throw new IllegalArgumentException(
                        "holder must not be empty, must be valid Unicode and without U+0000, was '" + value + "'");
            }
            this.holder = value;
            return this;
        }

        /**
         * How long the server may take to answer a statement before it counts as unreachable, {@value #DEFAULT_ANSWER_SECONDS} seconds
         * if not set: what a connection into a black hole takes. How long connecting may take is for the source of connections to say.
         */
        public Builder answerTimeout(Duration value) {
            if (value.isZero() || value.isNegative()) {
                throw new IllegalArgumentException("answerTimeout must be > 0, was " + value);
            }
            this.answerTimeout = value;
            return this;
        }

        /** What the run does while the database is away; {@link WhenUnreachable#stop()} if not set. */
        public Builder whenUnreachable(WhenUnreachable value) {
            this.whenUnreachable = value;
            return this;
        }

        /** What renews the lease, and is not closed with the store; a daemon thread of the store's own if not set. */
        public Builder executor(ScheduledExecutorService value) {
            this.executor = Optional.of(value);
            return this;
        }

        /**
         * The store. Nothing is read or created yet.
         *
         * @throws IllegalArgumentException if the lease's time is out of range
         */
        public PgRunStore build() {
            return new PgRunStore(this);
        }
    }
}
