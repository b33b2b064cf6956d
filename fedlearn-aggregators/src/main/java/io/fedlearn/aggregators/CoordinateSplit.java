package io.fedlearn.aggregators;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.IntConsumer;

/**
 * Splits work on the coordinates of a model over threads: the caller's own and those of an executor. Coordinates do not
 * depend on each other, so the bits are those of one thread.
 *
 * <p>The caller takes over every part that no other thread has begun when its own is done. So an executor that is busy
 * or refuses work costs time, and one whose threads wait for the caller does not block it. Immutable and thread-safe.
 */
final class CoordinateSplit {
    /** Fewer values than this, times the updates, are added sooner than another thread wakes up. */
    private static final long WORTH_A_THREAD = 1 << 18;

    /** A boundary within a cache line would have two threads write to it. */
    private static final int LINE = 16;

    private final Executor executor;
    private final int parts;

    private CoordinateSplit(Executor executor, int parts) {
        this.executor = executor;
        this.parts = parts;
    }

    /** Everything on the caller's thread. */
    static CoordinateSplit none() {
        return new CoordinateSplit(Runnable::run, 1);
    }

    /** As many parts as threads, one of them the caller's. */
    static CoordinateSplit of(Executor executor, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be >= 1, was " + threads);
        }
        return new CoordinateSplit(executor, threads);
    }

    int parts() {
        return parts;
    }

    /** Where a part of an array of this length starts; part {@link #parts()} would start at its end. */
    int start(int length, int part) {
        return part == parts ? length : (int) ((long) length * part / parts) & -LINE;
    }

    /**
     * Does the work of every part, each once and on one thread, and returns when all are done.
     *
     * @param values how many values are worked on
     * @param work for the part that it is given, counted from 0
     */
    void run(long values, IntConsumer work) {
        List<FutureTask<Boolean>> tasks = new ArrayList<>(parts);
        for (int i = 0; i < parts; i++) {
            int part = i;
            tasks.add(new FutureTask<>(() -> work.accept(part), true));
        }
        if (values >= WORTH_A_THREAD) {
            try {
                tasks.subList(1, parts).forEach(executor::execute);
            } catch (RejectedExecutionException e) {
                // Then the caller does what is left: a task that has begun elsewhere does not run again.
            }
        }
        tasks.forEach(FutureTask::run);
        await(tasks);
    }

    /** All of them, even if one failed: none may go on writing once this returns. */
    private static void await(List<FutureTask<Boolean>> tasks) {
        Optional<Throwable> failure = Optional.empty();
        boolean isInterrupted = false;
        for (FutureTask<Boolean> task : tasks) {
            while (true) {
                try {
                    task.get();
                    break;
                } catch (InterruptedException e) {
                    isInterrupted = true;
                } catch (ExecutionException e) {
                    failure = failure.or(() -> Optional.ofNullable(e.getCause()));
                    break;
                }
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure.isPresent()) {
            if (failure.get() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failure.get();
        }
    }
}
