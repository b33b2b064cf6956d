package io.fedlearn.grpc.internal.transfer;

import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Notices that something stands still. Thread-safe. */
final class IdleWatch {
    private final AtomicBoolean hasMoved = new AtomicBoolean(true);
    private final Runnable onIdle;
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final ScheduledFuture<?> checks;

    private IdleWatch(ScheduledExecutorService timer, Duration timeout, Runnable onIdle) {
        this.onIdle = onIdle;
        // A call that stands still is noticed after one to two times the timeout.
        long nanos = Math.max(1, timeout.toNanos());
        this.checks = timer.scheduleWithFixedDelay(this::check, nanos, nanos, TimeUnit.NANOSECONDS);
    }

    static IdleWatch start(ScheduledExecutorService timer, Duration timeout, Runnable onIdle) {
        return new IdleWatch(timer, timeout, onIdle);
    }

    private void check() {
        if (!hasMoved.getAndSet(false) && isOver.compareAndSet(false, true)) {
            onIdle.run();
        }
    }

    void moved() {
        hasMoved.lazySet(true);
    }

    void stop() {
        isOver.set(true);
        checks.cancel(false);
    }
}
