package io.fedlearn.pg.run;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.internal.Database;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * The right to lead a run, for a while: a row with holder, term and end, by the database's clock alone. Whoever finds it ended takes it
 * over with the next term. It is renewed every third of its time.
 *
 * <p>What makes it safe is not the clocks but {@link #requireHeld}, the last statement of each transaction that saves something: it
 * locks the row and finds holder and term unchanged, so that a holder that was paused, cut off or late saves nothing once another
 * leads. The end of the lease only decides when another may begin. A holder past its own deadline, by its monotonic clock, does not
 * {@linkplain #isHeld() hold} the lease until the database has confirmed it again.
 *
 * <p>Thread-safe. Renewals run in the executor that is given, or in a daemon thread of its own from the first {@link #acquire} on.
 */
final class Lease implements AutoCloseable {
    /** How long a lease lasts, unless it is said: {@value} seconds. */
    static final int DEFAULT_SECONDS = 10;

    /** The least time of a lease in milliseconds: {@value}. */
    static final int LEAST_MILLIS = 100;

    private static final System.Logger LOGGER = System.getLogger(Lease.class.getName());

    /** How much of its time passes between two renewals: one part in {@value}. */
    private static final int RENEWALS = 3;

    /** The server is given at least so long to answer. */
    private static final Duration LEAST_ANSWER = Duration.ofSeconds(1);

    /** How much earlier than the database's the holder's own deadline is: one part of the time in {@value}. */
    private static final int MARGIN = 10;

    // Whoever falls silent between one of these statements and its commit must not lock the row for longer than its
    // lease.
    private static final String BOUND =
            " FROM (SELECT set_config('idle_in_transaction_session_timeout', ?, true)) AS bound";
    private static final String HOLD =
            "UPDATE {s}.run_lease SET expires_at = clock_timestamp() + ? * interval '1 millisecond'"
                    + BOUND
                    + " WHERE run_id = ? AND holder = ? AND term = ? AND expires_at > 'epoch'";
    private static final String TAKE = "INSERT INTO {s}.run_lease AS lease (run_id, holder, term, expires_at)"
            + " SELECT ?, ?, 1, clock_timestamp() + ? * interval '1 millisecond'"
            + BOUND
            + " ON CONFLICT (run_id) DO UPDATE SET holder = excluded.holder, term = lease.term + 1,"
            + " expires_at = clock_timestamp() + ? * interval '1 millisecond'"
            + " WHERE lease.expires_at <= clock_timestamp() RETURNING term";
    // Ended at the beginning of time, it is not renewed even by a renewal that was under way.
    private static final String RELEASE =
            "UPDATE {s}.run_lease SET expires_at = 'epoch'" + BOUND + " WHERE run_id = ? AND holder = ? AND term = ?";
    private static final String LEADER = "SELECT holder, term,"
            + " (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint FROM {s}.run_lease WHERE run_id = ?";

    private final Database database;
    private final String runId;
    private final String holder;
    private final Duration time;
    private final LongSupplier nanoTime;
    private final Optional<ScheduledExecutorService> givenExecutor;

    // Guards what follows; never held across I/O.
    private final ReentrantLock lock = new ReentrantLock();
    private Optional<ScheduledExecutorService> ownExecutor = Optional.empty();
    private Optional<ScheduledFuture<?>> renewals = Optional.empty();
    private long term;
    private long deadline;
    private boolean isFailing;
    private Optional<LeaseLostException> loss = Optional.empty();
    private boolean isClosed;

    private final CountDownLatch closed = new CountDownLatch(1);
    private final SeededRandom jitter = SeededRandom.of(System.nanoTime());

    private Lease(
            Database database,
            String runId,
            String holder,
            Duration time,
            Optional<ScheduledExecutorService> executor,
            LongSupplier nanoTime) {
        if (time.compareTo(Duration.ofMillis(LEAST_MILLIS)) < 0 || time.compareTo(Duration.ofDays(1)) > 0) {
            throw new IllegalArgumentException(
                    "leaseTime must be >= " + LEAST_MILLIS + " ms and <= 1 day, was " + time);
        }
        // So that there is time left to try again on another connection.
        Duration answer = time.dividedBy(RENEWALS);
        this.database = database.answeringWithin(answer.compareTo(LEAST_ANSWER) < 0 ? LEAST_ANSWER : answer);
        this.runId = runId;
        this.holder = holder;
        this.time = time;
        this.givenExecutor = executor;
        this.nanoTime = nanoTime;
    }

    /** A lease of this run, not yet held, that a daemon thread of its own renews. */
    static Lease of(Database database, String runId, String holder, Duration time) {
        return new Lease(database, runId, holder, time, Optional.empty(), System::nanoTime);
    }

    /** As above, renewed by an executor that the caller closes. */
    static Lease of(Database database, String runId, String holder, Duration time, ScheduledExecutorService executor) {
        return new Lease(database, runId, holder, time, Optional.of(executor), System::nanoTime);
    }

    /** As above, with the holder's clock. */
    static Lease of(
            Database database,
            String runId,
            String holder,
            Duration time,
            ScheduledExecutorService executor,
            LongSupplier nanoTime) {
        return new Lease(database, runId, holder, time, Optional.of(executor), nanoTime);
    }

    /** A name that no other process has: host, process and a random part. */
    static String newHolder() {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            host = "localhost";
        }
        return host + "/" + ProcessHandle.current().pid() + "/"
                + UUID.randomUUID().toString().substring(0, 8);
    }

    /** The name of whoever would hold it here. */
    String holder() {
        return holder;
    }

    /** How long it lasts without being renewed. */
    Duration time() {
        return time;
    }

    /**
     * Takes the lease if nobody holds it, and has it renewed from then on; if it is held here, confirms it.
     *
     * @return whether it is held; not if it was closed meanwhile
     * @throws LeaseLostException if it was held here, and another has taken it
     * @throws PgException if the database cannot say
     */
    boolean acquire() {
        if (wasAcquired()) {
            confirm();
            return true;
        }
        Optional<RunLeader> leader = leader();
        if (leader.isPresent() && !leader.get().isOver()) {
            return false;
        }
        long begin = nanoTime.getAsLong();
        // Two that come at once: the row's lock lets one after the other, and the second finds a lease that has not
        // ended.
        Optional<Long> taken = database.inTransaction("run '" + runId + "' cannot be taken over", this::take);
        if (taken.isEmpty()) {
            return false;
        }
        return acquired(taken.get(), begin);
    }

    /**
     * Waits until it is held here, asking again after {@code poll} at most, half of it at least, and when the lease of another ends. A
     * database that is away is waited for too, with a warning in the log. One thread at a time.
     *
     * @return whether it is held; not if the time is over
     * @throws IllegalStateException if it is closed meanwhile
     */
    boolean await(Duration limit, Duration poll) throws InterruptedException {
        long begin = nanoTime.getAsLong();
        boolean wasAway = false;
        while (true) {
            Duration pause =
                    poll.multipliedBy(500 + (long) (500 * jitter.nextDouble())).dividedBy(1000);
            try {
                if (acquire()) {
                    return true;
                }
                Optional<Duration> remaining =
                        leader().filter(leader -> !leader.isOver()).map(RunLeader::remaining);
                if (remaining.isPresent() && remaining.get().compareTo(pause) < 0) {
                    pause = remaining.get().plusMillis(1);
                }
                wasAway = false;
            } catch (PgException e) {
                if (!e.isUnreachable() && !e.isOutcomeUnknown()) {
                    throw e;
                }
                if (!wasAway) {
                    LOGGER.log(Level.WARNING, "{0}; tried again until it answers", e.getMessage());
                }
                wasAway = true;
            }
            Duration left = limit.minusNanos(nanoTime.getAsLong() - begin);
            if (left.isNegative() || left.isZero()) {
                return false;
            }
            Duration wait = left.compareTo(pause) < 0 ? left : pause;
            if (closed.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new IllegalStateException("the lease of run '" + runId + "' was closed while it was waited for");
            }
        }
    }

    private Optional<Long> take(Connection connection) throws SQLException {
        try (PreparedStatement take = connection.prepareStatement(database.sql(TAKE))) {
            take.setString(1, runId);
            take.setString(2, holder);
            take.setLong(3, time.toMillis());
            take.setString(4, Long.toString(time.toMillis()));
            take.setLong(5, time.toMillis());
            try (ResultSet rows = take.executeQuery()) {
                return rows.next() ? Optional.of(rows.getLong(1)) : Optional.empty();
            }
        }
    }

    /** Has it renewed from now on; not if it was closed meanwhile: then it is let go. */
    private boolean acquired(long takenTerm, long begin) {
        boolean isTooLate;
        lock.lock();
        try {
            isTooLate = isClosed;
            term = takenTerm;
            deadline = deadline(begin);
            if (!isClosed) {
                ScheduledExecutorService executor = givenExecutor.orElseGet(this::startThread);
                long period = time.toNanos() / RENEWALS;
                renewals =
                        Optional.of(executor.scheduleWithFixedDelay(this::renew, period, period, TimeUnit.NANOSECONDS));
            }
        } finally {
            lock.unlock();
        }
        if (isTooLate) {
            release();
            return false;
        }
        LOGGER.log(Level.INFO, "run ''{0}'' is led by ''{1}'' in term {2}", runId, holder, Long.toString(takenTerm));
        return true;
    }

    private ScheduledExecutorService startThread() {
        ScheduledExecutorService executor = Executors.newSingleThreadScheduledExecutor(work -> {
            Thread thread = new Thread(work, "fedlearn-lease-" + runId);
            thread.setDaemon(true);
            return thread;
        });
        ownExecutor = Optional.of(executor);
        return executor;
    }

    private long deadline(long begin) {
        return begin + time.toNanos() - time.toNanos() / MARGIN;
    }

    /**
     * The fence: to be the last statement of a transaction that saves something of the run. It locks the lease's row until the
     * transaction ends, and renews the lease if that commits.
     *
     * @throws LeaseLostException if another leads; the transaction must not commit
     */
    void requireHeld(Connection connection) throws SQLException {
        long mine = requireAcquired();
        int rows;
        try (PreparedStatement hold = connection.prepareStatement(database.sql(HOLD))) {
            hold.setLong(1, time.toMillis());
            hold.setString(2, Long.toString(time.toMillis()));
            hold.setString(3, runId);
            hold.setString(4, holder);
            hold.setLong(5, mine);
            rows = hold.executeUpdate();
        }
        if (rows == 0) {
            String successor = leader(connection).map(RunLeader::toString).orElse("nobody");
            throw lost(new LeaseLostException(runId, holder, mine, successor));
        }
    }

    /**
     * Renews it by a transaction of its own.
     *
     * @throws LeaseLostException if another leads
     * @throws PgException if the database cannot say
     */
    void confirm() {
        requireAcquired();
        long begin = nanoTime.getAsLong();
        database.inTransaction("the lease of run '" + runId + "' cannot be renewed", connection -> {
            requireHeld(connection);
            return true;
        });
        held(begin);
    }

    /** Says that the database confirmed it, by a transaction that committed, after this moment of the holder's clock. */
    void held(long begin) {
        boolean wasFailing;
        lock.lock();
        try {
            long confirmed = deadline(begin);
            if (confirmed - deadline > 0) {
                deadline = confirmed;
            }
            wasFailing = isFailing;
            isFailing = false;
        } finally {
            lock.unlock();
        }
        if (wasFailing) {
            LOGGER.log(Level.INFO, "the lease of run ''{0}'' is renewed again", runId);
        }
    }

    private void renew() {
        try {
            confirm();
        } catch (LeaseLostException e) {
            LOGGER.log(Level.WARNING, e.getMessage());
        } catch (PgException e) {
            if (firstFailure()) {
                LOGGER.log(Level.WARNING, "{0}; tried again every {1} ms", e.getMessage(), time.toMillis() / RENEWALS);
            }
        } catch (IllegalStateException e) {
            // Closed meanwhile, or a source of connections that is.
            LOGGER.log(Level.DEBUG, "a lease is not renewed", e);
        }
    }

    private boolean firstFailure() {
        lock.lock();
        try {
            boolean isFirst = !isFailing && !isClosed;
            isFailing = true;
            return isFirst;
        } finally {
            lock.unlock();
        }
    }

    /** Whether it is held by all that is known here: confirmed by the database, and its end, by this holder's clock, not near. */
    boolean isHeld() {
        lock.lock();
        try {
            return term > 0 && loss.isEmpty() && !isClosed && deadline - nanoTime.getAsLong() > 0;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets pass a lease that no other is known to have taken.
     *
     * @throws LeaseLostException if one has
     */
    void requireNotLost() {
        lock.lock();
        try {
            if (loss.isPresent()) {
                throw loss.get();
            }
        } finally {
            lock.unlock();
        }
    }

    /** The term in which it is held here; 0 if it has not been. */
    long term() {
        lock.lock();
        try {
            return term;
        } finally {
            lock.unlock();
        }
    }

    /** Who leads the run by the database, or did last; empty if nobody ever did. */
    Optional<RunLeader> leader() {
        return database.inTransaction("the leader of run '" + runId + "' cannot be read", this::leader);
    }

    private Optional<RunLeader> leader(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(database.sql(LEADER))) {
            select.setString(1, runId);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next()
                        ? Optional.of(
                                new RunLeader(rows.getString(1), rows.getLong(2), Duration.ofMillis(rows.getLong(3))))
                        : Optional.empty();
            }
        }
    }

    /** Stops renewing, and lets the next one take it at once, if the database can be reached. Closing again does nothing. */
    @Override
    public void close() {
        boolean isToRelease;
        lock.lock();
        try {
            if (isClosed) {
                return;
            }
            isClosed = true;
            closed.countDown();
            isToRelease = term > 0 && loss.isEmpty();
            stopRenewing();
        } finally {
            lock.unlock();
        }
        if (isToRelease) {
            release();
        }
    }

    private void release() {
        try {
            database.inTransaction("run '" + runId + "' cannot be released", connection -> {
                try (PreparedStatement release = connection.prepareStatement(database.sql(RELEASE))) {
                    release.setString(1, Long.toString(time.toMillis()));
                    release.setString(2, runId);
                    release.setString(3, holder);
                    release.setLong(4, term());
                    return release.executeUpdate();
                }
            });
        } catch (PgException e) {
            LOGGER.log(Level.WARNING, "{0}; it can be led by another when its lease has ended", e.getMessage());
        }
    }

    private boolean wasAcquired() {
        lock.lock();
        try {
            return term > 0;
        } finally {
            lock.unlock();
        }
    }

    private long requireAcquired() {
        lock.lock();
        try {
            if (loss.isPresent()) {
                throw loss.get();
            }
            if (term == 0 || isClosed) {
                throw new IllegalStateException("the lease of run '" + runId + "' is not held here");
            }
            return term;
        } finally {
            lock.unlock();
        }
    }

    private LeaseLostException lost(LeaseLostException e) {
        lock.lock();
        try {
            if (loss.isEmpty()) {
                loss = Optional.of(e);
            }
            stopRenewing();
            return e;
        } finally {
            lock.unlock();
        }
    }

    private void stopRenewing() {
        renewals.ifPresent(future -> future.cancel(false));
        renewals = Optional.empty();
        ownExecutor.ifPresent(ScheduledExecutorService::shutdown);
        ownExecutor = Optional.empty();
    }

    @Override
    public String toString() {
        return "lease of run '" + runId + "' for '" + holder + "'";
    }
}
