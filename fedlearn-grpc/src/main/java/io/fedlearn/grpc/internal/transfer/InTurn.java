package io.fedlearn.grpc.internal.transfer;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Runs what several threads want with one call one after the other: at once, or after what another thread is running, on that thread.
 * Thread-safe, though a call itself is not.
 */
final class InTurn {
    private final Consumer<Throwable> onFailure;
    private final Queue<Runnable> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();

    /** Tells what a turn has thrown. */
    InTurn(Consumer<Throwable> onFailure) {
        this.onFailure = onFailure;
    }

    /** Runs this when it is its turn. */
    void run(Runnable command) {
        queue.add(command);
        if (waiting.getAndIncrement() > 0) {
            return;
        }
        do {
            try {
                queue.remove().run();
            } catch (RuntimeException | Error e) {
                // Those who come after must not wait for a turn that never ends.
                onFailure.accept(e);
            }
        } while (waiting.decrementAndGet() > 0);
    }
}
