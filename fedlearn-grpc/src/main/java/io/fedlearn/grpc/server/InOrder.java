package io.fedlearn.grpc.server;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Calls made one after another, in the order in which they were added, by whatever threads come to make them: how a task's
 * listener hears that the task started before it hears how it ended. Thread-safe.
 */
final class InOrder {
    private static final System.Logger LOG = System.getLogger(InOrder.class.getName());

    private final Queue<Runnable> calls = new ConcurrentLinkedQueue<>();
    private final AtomicInteger requests = new AtomicInteger();

    void add(Runnable call) {
        calls.add(call);
    }

    /** Makes the calls that wait, unless another thread is at it: then that one makes these, too. */
    void drain() {
        if (requests.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        do {
            for (Runnable call = calls.poll(); call != null; call = calls.poll()) {
                try {
                    call.run();
                } catch (RuntimeException | Error e) {
                    // A listener that throws must not keep the next call from being made.
                    LOG.log(System.Logger.Level.WARNING, "a listener threw", e);
                }
            }
            seen = requests.addAndGet(-seen);
        } while (seen != 0);
    }
}
