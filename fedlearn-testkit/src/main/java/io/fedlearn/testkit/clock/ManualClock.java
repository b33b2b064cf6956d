package io.fedlearn.testkit.clock;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;

/** A clock that stands still until a test moves it. Thread-safe. */
public final class ManualClock implements InstantSource {
    private final AtomicReference<Instant> now;

    private ManualClock(Instant start) {
        this.now = new AtomicReference<>(start);
    }

    /** A clock that shows the first moment of 2026 in UTC. */
    public static ManualClock create() {
        return at(Instant.parse("2026-01-01T00:00:00Z"));
    }

    /** A clock that shows this moment. */
    public static ManualClock at(Instant start) {
        return new ManualClock(start);
    }

    /**
     * Moves the clock on.
     *
     * @param step not negative: time does not run backwards
     * @return the moment that it shows now
     */
    public Instant advance(Duration step) {
        if (step.isNegative()) {
            throw new IllegalArgumentException("step must be >= 0, was " + step);
        }
        return now.updateAndGet(instant -> instant.plus(step));
    }

    @Override
    public Instant instant() {
        return now.get();
    }

    /** The moment that it shows. */
    @Override
    public String toString() {
        return "manual clock at " + instant();
    }
}
