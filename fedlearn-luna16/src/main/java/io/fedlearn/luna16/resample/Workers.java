package io.fedlearn.luna16.resample;

import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Who does the parts of a piece of work: the calling thread, and tasks on an executor beside it. The caller never waits for a
 * task that has not begun, so an executor that is busy, or whose thread the caller is, makes work slower and never stops it.
 * Which parts there are does not depend on who does them, so neither do results. Thread-safe.
 */
public final class Workers {
    private static final Workers CALLER = new Workers(1, Runnable::run);

    private final int threads;
    private final Executor executor;

    private Workers(int threads, Executor executor) {
        this.threads = threads;
        this.executor = executor;
    }

    /** The calling thread alone, which is the default everywhere: no thread is used that nobody asked for. */
    public static Workers caller() {
        return CALLER;
    }

    /**
     * The calling thread and up to {@code threads - 1} short tasks at a time on an executor, which stays the caller's. What it
     * rejects the calling thread does.
     *
     * @param threads {@code >= 1}
     */
    public static Workers of(int threads, Executor executor) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be >= 1, was " + threads);
        }
        return new Workers(threads, Objects.requireNonNull(executor, "executor"));
    }

    /** How many threads work at the same time at most. */
    public int threads() {
        return threads;
    }

    /** Has parts 0 to {@code parts - 1} done, in any order, and waits for them. The first failure is thrown on. */
    public void run(int parts, IntConsumer part) {
        start(parts, part).finish();
    }

    /** Has parts begun on the executor while the caller does something else; nothing is done for certain before {@link Job#finish}. */
    Job start(int parts, IntConsumer part) {
        Job job = new Job(parts, part);
        for (int i = 1; i < threads && i <= parts; i++) {
            try {
                executor.execute(job::drain);
            } catch (RejectedExecutionException e) {
                // The caller does it all.
                break;
            }
        }
        return job;
    }

    /** A piece of work that has begun. */
    static final class Job {
        private final int parts;
        private final IntConsumer part;
        private final AtomicInteger next = new AtomicInteger();
        private final CountDownLatch left;
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        private Job(int parts, IntConsumer part) {
            this.parts = parts;
            this.part = part;
            this.left = new CountDownLatch(parts);
        }

        private void drain() {
            for (int i = next.getAndIncrement(); i < parts; i = next.getAndIncrement()) {
                try {
                    if (failure.get() == null) {
                        part.accept(i);
                    }
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                } finally {
                    left.countDown();
                }
            }
        }

        /** Does what nobody has begun, and waits for what others have. */
        void finish() {
            drain();
            boolean interrupted = false;
            while (true) {
                try {
                    left.await();
                    break;
                } catch (InterruptedException e) {
                    // Others are at work on arrays of ours, for milliseconds.
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            Throwable thrown = failure.get();
            if (thrown instanceof Error error) {
                throw error;
            }
            if (thrown instanceof RuntimeException exception) {
                throw exception;
            }
        }
    }
}
