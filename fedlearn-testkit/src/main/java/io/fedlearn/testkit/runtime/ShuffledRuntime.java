package io.fedlearn.testkit.runtime;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A runtime that hands on the outcomes of another in an order that a seed decides: for tests that the order of arrival changes
 * nothing. Thread-safe.
 *
 * <p>Outcomes are held back until as many wait as there are clients (or as {@link Builder#withBatch} says), and handed on in the order
 * of numbers drawn for their tasks from the seed. When nothing new was submitted and nothing has arrived for a while
 * ({@link Builder#withPatience}, {@value #DEFAULT_PATIENCE_MILLIS} ms by default), those that wait are handed on all the same, so that
 * smaller cohorts and hanging clients hold nothing up for ever. One daemon thread hands on.
 */
public final class ShuffledRuntime implements Runtime {
    /** How long outcomes wait for company by default: {@value} ms. */
    public static final long DEFAULT_PATIENCE_MILLIS = 50;

    private record Held(Task task, TaskListener listener, ClientOutcome outcome) {}

    private final Runtime runtime;
    private final long seed;
    private final int batch;
    private final long patienceNanos;
    private final Thread courier;

    // Guards what follows. Never held while a listener or the other runtime is called.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Held> held = new ArrayList<>();
    private long lastChange = System.nanoTime();
    private boolean closed;

    private ShuffledRuntime(Runtime runtime, long seed, int batch, long patienceNanos) {
        this.runtime = runtime;
        this.seed = seed;
        this.batch = batch;
        this.patienceNanos = patienceNanos;
        this.courier = new Thread(this::deliver, "fedlearn-testkit-shuffled");
        this.courier.setDaemon(true);
    }

    private ShuffledRuntime start() {
        courier.start();
        return this;
    }

    /** A runtime that shuffles the outcomes of this one, which it takes over and closes. */
    public static ShuffledRuntime around(Runtime runtime, long seed) {
        return builder(runtime, seed).build();
    }

    /** A builder of a runtime that shuffles the outcomes of this one. */
    public static Builder builder(Runtime runtime, long seed) {
        return new Builder(runtime, seed);
    }

    @Override
    public List<ClientInfo> clients() {
        return runtime.clients();
    }

    @Override
    public List<Refusal> takeRefusals() {
        return runtime.takeRefusals();
    }

    @Override
    public Set<Capability> capabilities() {
        return runtime.capabilities();
    }

    @Override
    public boolean awaitClients(int count, Duration timeout) throws InterruptedException {
        return runtime.awaitClients(count, timeout);
    }

    @Override
    public void submit(Task task, TaskListener listener) {
        touch();
        runtime.submit(task, new TaskListener() {
            @Override
            public void started(Task started) {
                listener.started(started);
            }

            @Override
            public void progress(Task running, long done, long total) {
                listener.progress(running, done, total);
            }

            @Override
            public void finished(Task finished, ClientOutcome outcome) {
                hold(new Held(finished, listener, outcome));
            }
        });
    }

    private void touch() {
        lock.lock();
        try {
            lastChange = System.nanoTime();
        } finally {
            lock.unlock();
        }
    }

    private void hold(Held outcome) {
        lock.lock();
        try {
            lastChange = System.nanoTime();
            held.add(outcome);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void deliver() {
        try {
            while (true) {
                for (Held next : awaitBatch()) {
                    next.listener().finished(next.task(), next.outcome());
                }
            }
        } catch (InterruptedException e) {
            // Closed.
            Thread.currentThread().interrupt();
        }
    }

    private List<Held> awaitBatch() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (true) {
                if (held.isEmpty()) {
                    changed.await();
                    continue;
                }
                long left = lastChange + patienceNanos - System.nanoTime();
                if (held.size() >= batch || left <= 0) {
                    List<Held> ready = new ArrayList<>(held);
                    held.clear();
                    ready.sort(Comparator.comparingLong(
                            outcome -> SeededRandom.derive(seed, outcome.task().id())));
                    return ready;
                }
                changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void cancel(Task task) {
        lock.lock();
        try {
            held.removeIf(outcome -> outcome.task().id().equals(task.id()));
        } finally {
            lock.unlock();
        }
        runtime.cancel(task);
    }

    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            held.clear();
        } finally {
            lock.unlock();
        }
        courier.interrupt();
        runtime.close();
    }

    /** Collects the settings of a shuffling runtime. Not thread-safe. */
    public static final class Builder {
        private final Runtime runtime;
        private final long seed;
        private int batch;
        private Duration patience = Duration.ofMillis(DEFAULT_PATIENCE_MILLIS);

        private Builder(Runtime runtime, long seed) {
            this.runtime = runtime;
            this.seed = seed;
            this.batch = Math.max(1, runtime.clients().size());
        }

        /** How many outcomes are shuffled together, at least 1; by default as many as there are clients now. */
        public Builder withBatch(int outcomes) {
            if (outcomes < 1) {
                throw new IllegalArgumentException("outcomes must be >= 1, was " + outcomes);
            }
            this.batch = outcomes;
            return this;
        }

        /** How long outcomes wait for company, not negative. */
        public Builder withPatience(Duration duration) {
            if (duration.isNegative()) {
                throw new IllegalArgumentException("duration must be >= 0, was " + duration);
            }
            this.patience = duration;
            return this;
        }

        /** The runtime. */
        public ShuffledRuntime build() {
            return new ShuffledRuntime(runtime, seed, batch, patience.toNanos()).start();
        }
    }
}
