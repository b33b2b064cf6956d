package io.fedlearn.pg.run;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** A run in the database that waits for it, or does not, if the time to wait is zero. Thread-safe. */
final class WaitingRun implements RunInDatabase.Front {
    /** The first pause in milliseconds; each is twice as long as the one before. */
    static final long FIRST_PAUSE_MILLIS = 100;

    /** The longest pause. */
    static final long LONGEST_PAUSE_MILLIS = 5_000;

    private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);
    private static final System.Logger LOGGER = System.getLogger(WaitingRun.class.getName());

    private final RunInDatabase database;
    private final Duration limit;
    private final LongSupplier nanoTime;
    private final CountDownLatch closed = new CountDownLatch(1);

    WaitingRun(RunInDatabase database, Duration limit, LongSupplier nanoTime) {
        this.database = database;
        this.limit = limit;
        this.nanoTime = nanoTime;
    }

    @Override
    public Optional<SavedRun> load() {
        return reaching("loaded", database::load);
    }

    @Override
    public void create(RunHeader header, Checkpoint initial) {
        reaching("started", () -> {
            database.create(header, initial);
            return true;
        });
    }

    @Override
    public void commit(Checkpoint checkpoint, boolean best) {
        reaching("saved after round " + checkpoint.round(), () -> {
            database.commit(List.of(), checkpoint, round -> best);
            return true;
        });
    }

    @Override
    public Optional<Model> model(int round) {
        return reaching("read", () -> database.model(round));
    }

    @Override
    public int reconcile() {
        return 0;
    }

    private <T> T reaching(String what, Supplier<T> operation) {
        FedLearnException failure;
        try {
            return operation.get();
        } catch (FedLearnException e) {
            if (limit.isZero() || !RunInDatabase.isAway(e)) {
                throw e;
            }
            failure = e;
        }
        LOGGER.log(
                Level.WARNING,
                "run ''{0}'' cannot be {1}, trying again for up to {2}: {3}",
                database.runId(),
                what,
                limit,
                failure.getMessage());
        long begin = nanoTime.getAsLong();
        // What is beyond centuries is for ever.
        long limitNanos = limit.compareTo(FOREVER) < 0 ? limit.toNanos() : FOREVER.toNanos();
        long pause = FIRST_PAUSE_MILLIS;
        while (nanoTime.getAsLong() - begin < limitNanos) {
            pause(pause, failure);
            pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
            try {
                T result = operation.get();
                LOGGER.log(
                        Level.WARNING,
                        "run ''{0}'' is {1}, the database is back after {2} ms",
                        database.runId(),
                        what,
                        TimeUnit.NANOSECONDS.toMillis(nanoTime.getAsLong() - begin));
                return result;
            } catch (FedLearnException e) {
                if (!RunInDatabase.isAway(e)) {
                    throw e;
                }
                failure = e;
            }
        }
        LOGGER.log(Level.WARNING, "run ''{0}'' could not be {1} for {2}, given up", database.runId(), what, limit);
        throw new RunStoreException(
                "run '" + database.runId() + "' could not be " + what + " for " + limit + ": " + failure.getMessage(),
                failure);
    }

    private void pause(long millis, FedLearnException failure) {
        try {
            if (closed.await(millis, TimeUnit.MILLISECONDS)) {
                throw failure;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RunStoreException(
                    "interrupted while run '" + database.runId() + "' waited for its database: " + failure.getMessage(),
                    failure);
        }
    }

    @Override
    public void close() {
        closed.countDown();
        database.close();
    }
}
