package io.fedlearn.pg.run;

import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.Retention;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.formats.FormatException;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Columns;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.schema.PgSchema;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;

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

    private static final int MAX_RUN_ID_LENGTH = 255;

    private final String runId;
    private final Lease lease;
    private final RunInDatabase.Front front;

    private PgRunStore(Builder builder) {
        Database database = builder.schema.database().answeringWithin(builder.answerTimeout);
        this.runId = builder.runId;
        this.lease = builder.executor.isPresent()
                ? Lease.of(database, runId, builder.holder, builder.leaseTime, builder.executor.get())
                : Lease.of(database, runId, builder.holder, builder.leaseTime);
        this.front = builder.whenUnreachable.over(
                new LedRun(builder.schema, database, runId, lease, builder.retention, builder.maxHeapModelBytes));
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
        return StoreFailures.reporting("the leader of run '" + runId + "' cannot be read", lease::leader);
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
            throw StoreFailures.of(e);
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
            if (runId.length() > MAX_RUN_ID_LENGTH || !Columns.isName(runId)) {
                throw new IllegalArgumentException("runId must be a text of 1 to " + MAX_RUN_ID_LENGTH
                        + " characters, valid Unicode and without control characters, was "
                        + FormatException.quote(runId));
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
            if (!Columns.isName(value)) {
                throw new IllegalArgumentException(
                        "holder must not be empty, must be valid Unicode and without control characters, was "
                                + FormatException.quote(value));
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
