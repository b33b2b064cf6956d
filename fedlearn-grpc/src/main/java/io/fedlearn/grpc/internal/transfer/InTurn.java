package io.fedlearn.grpc.internal.transfer;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs what several threads want with one call one after the other: at once, or after what another thread is running, on that thread.
 * Thread-safe, though a call itself is not.
 */
final class InTurn {
    private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();

    /** Runs this when it is its turn. */
    void run(Runnable command) {
        queue.add(command);
        if (waiting.getAndIncrement() > 0) {
            return;
        }
        do {
            queue.remove().run();
        } while (waiting.decrementAndGet() > 0);
    }
}
