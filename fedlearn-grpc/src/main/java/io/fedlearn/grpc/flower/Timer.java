package io.fedlearn.grpc.flower;

import io.fedlearn.grpc.internal.threads.Daemons;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Keeps the time of one server, on a daemon thread that begins with the first alarm that is set; what an alarm brings about happens on
 * the executor. Closed, no alarm goes off any more. Thread-safe.
 */
final class Timer implements AutoCloseable {
    private final ScheduledThreadPoolExecutor clock;
    private final Executor executor;

    private Timer(ScheduledThreadPoolExecutor clock, Executor executor) {
        this.clock = clock;
        this.executor = executor;
    }

    /** A timer whose alarms bring about what they do there. */
    static Timer on(Executor executor) {
        // An alarm that is set while the server closes has nothing to bring about.
        return of(
                new ScheduledThreadPoolExecutor(
                        1, Daemons.named("fedlearn-flower-timer"), new ThreadPoolExecutor.DiscardPolicy()),
                executor);
    }

    /** As {@link #on}, with this clock. */
    static Timer of(ScheduledThreadPoolExecutor clock, Executor executor) {
        // Else a client that is gone would stay in memory for as long as its alarm was set.
        clock.setRemoveOnCancelPolicy(true);
        return new Timer(clock, executor);
    }

    /** An alarm that is not set. */
    Alarm alarm() {
        return new Alarm();
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }

    /** Goes off once, some time after it was set, unless it is turned off before; then it may be set again. Thread-safe. */
    final class Alarm {
        // Guards what follows.
        private final ReentrantLock lock = new ReentrantLock();
        private Optional<Future<?>> pending = Optional.empty();
        private long number;

        private Alarm() {}

        /** Has the work done when so much time has passed; nothing if the alarm is set already. */
        void set(Duration delay, Runnable work) {
            lock.lock();
            try {
                if (pending.isEmpty()) {
                    long mine = ++number;
                    pending = Optional.of(clock.schedule(
                            () -> executor.execute(() -> goOff(mine, work)), delay.toNanos(), TimeUnit.NANOSECONDS));
                }
            } finally {
                lock.unlock();
            }
        }

        /** What was set does not happen, unless it does already. */
        void turnOff() {
            lock.lock();
            try {
                pending.ifPresent(future -> future.cancel(false));
                pending = Optional.empty();
            } finally {
                lock.unlock();
            }
        }

        private void goOff(long mine, Runnable work) {
            lock.lock();
            try {
                if (pending.isEmpty() || number != mine) {
                    return;
                }
                pending = Optional.empty();
            } finally {
                lock.unlock();
            }
            work.run();
        }
    }
}
