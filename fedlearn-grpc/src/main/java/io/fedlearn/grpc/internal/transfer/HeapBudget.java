package io.fedlearn.grpc.internal.transfer;

import java.time.Duration;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How much of the heap answers that are being received may take together. As long as they take less than the limit, one more may
 * begin, however large: a small budget slows a server down but never stops it, and two models that each are a little more than half
 * of the limit still come side by side. At most the limit and one answer are taken. Thread-safe.
 */
public final class HeapBudget {
    /** What a server's answers may take unless its builder says otherwise: {@value}, 64 MiB. */
    public static final long DEFAULT_BYTES = 64L << 20;

    /** How long an answer waits for room on the heap, since some was last given back, before it goes to the spool. */
    public static final Duration PATIENCE = Duration.ofMillis(250);

    private final long limit;
    // Guards what follows.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final SortedSet<Waiter> waiting = new TreeSet<>();
    private long reserved;
    private long releases;
    private long waiters;

    /** Two answers to one task may wait, if the first is no longer wanted: they are told apart by when they came. */
    private record Waiter(String name, long number) implements Comparable<Waiter> {
        @Override
        public int compareTo(Waiter other) {
            int order = name.compareTo(other.name);
            return order != 0 ? order : Long.compare(number, other.number);
        }
    }

    private HeapBudget(long limit) {
        this.limit = limit;
    }

    /** A budget of so many bytes. */
    public static HeapBudget of(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("bytes must be >= 0, was " + bytes);
        }
        return new HeapBudget(bytes);
    }

    /**
     * Takes so many bytes as soon as there is room for them. Who waits gets room in the order of names, because answers are
     * aggregated in the order of clients, and an answer that comes before its turn would have to be laid aside.
     *
     * @param name of the task that is answered
     * @param patience how long to wait since room was last given back: while that goes on, waiting is worth it
     * @return whether there was room
     * @throws InterruptedException if the waiting thread is interrupted
     */
    public boolean reserve(String name, long bytes, Duration patience) throws InterruptedException {
        lock.lockInterruptibly();
        Waiter waiter = new Waiter(name, waiters++);
        try {
            waiting.add(waiter);
            long left = patience.toNanos();
            long seen = releases;
            while (!hasRoom(waiter)) {
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
                if (releases != seen) {
                    seen = releases;
                    left = patience.toNanos();
                }
            }
            reserved += bytes;
            return true;
        } finally {
            // Whoever is next may have room, or none to wait for.
            if (waiting.remove(waiter)) {
                changed.signalAll();
            }
            lock.unlock();
        }
    }

    private boolean hasRoom(Waiter waiter) {
        return waiting.first().equals(waiter) && (reserved == 0 || reserved < limit);
    }

    /** Takes so many bytes though there may be no room for them. */
    public void overdraw(long bytes) {
        lock.lock();
        try {
            reserved += bytes;
        } finally {
            lock.unlock();
        }
    }

    /** Gives bytes back. */
    public void release(long bytes) {
        lock.lock();
        try {
            reserved -= bytes;
            releases++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** How many bytes are taken. */
    public long reserved() {
        lock.lock();
        try {
            return reserved;
        } finally {
            lock.unlock();
        }
    }

    /** How many wait for room. */
    int waiting() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }
}
