package io.fedlearn.luna16.patch;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** So many bytes to be shared by threads. Who asks for more than there are in all gets them alone. Thread-safe. */
final class ByteBudget {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    private final long total;
    /** Guarded by the lock. */
    private long used;

    ByteBudget(long total) {
        this.total = total;
    }

    /** Waits until there are so many bytes. */
    void take(long bytes) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (used > 0 && used + bytes > total) {
                released.await();
            }
            used += bytes;
        } finally {
            lock.unlock();
        }
    }

    /** Gives bytes back. */
    void give(long bytes) {
        lock.lock();
        try {
            used -= bytes;
            released.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
