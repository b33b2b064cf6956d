package io.fedlearn.grpc.internal.transfer;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How much of the heap answers that are being received may take together. One always may, however large, so that a small budget
 * slows a server down but never stops it. Thread-safe.
 */
public final class HeapBudget {
    private final long limit;
    // Guards reserved.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    private long reserved;

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
     * Takes so many bytes as soon as there is room for them.
     *
     * @return whether there was within this time
     * @throws InterruptedException if the waiting thread is interrupted
     */
    boolean reserve(long bytes, Duration patience) throws InterruptedException {
        long left = patience.toNanos();
        lock.lockInterruptibly();
        try {
            while (reserved > 0 && bytes > limit - reserved) {
                if (left <= 0) {
                    return false;
                }
                left = released.awaitNanos(left);
            }
            reserved += bytes;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Takes so many bytes though there may be no room for them. */
    void overdraw(long bytes) {
        lock.lock();
        try {
            reserved += bytes;
        } finally {
            lock.unlock();
        }
    }

    /** Gives bytes back. */
    void release(long bytes) {
        lock.lock();
        try {
            reserved -= bytes;
            released.signalAll();
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
}
