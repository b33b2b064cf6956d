package io.fedlearn.grpc.internal.transfer;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Runs a call's callbacks on the thread that waits for the call, so that they share its state without a lock. What comes after the
 * call has ended runs where it comes from.
 */
final class CallerThread implements Executor {
    private final BlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();

    @Override
    public void execute(Runnable command) {
        queue.add(command);
    }

    /**
     * Runs the next callback, waiting for it up to this time.
     *
     * @return whether there was one
     * @throws InterruptedException if the thread is interrupted before
     */
    boolean runNext(long nanos) throws InterruptedException {
        Runnable next = queue.poll(nanos, TimeUnit.NANOSECONDS);
        if (next == null) {
            return false;
        }
        next.run();
        return true;
    }

    /** Runs the next callback, waiting for it however long it takes. */
    void runNextUninterruptibly() {
        boolean isInterrupted = false;
        try {
            while (true) {
                try {
                    queue.take().run();
                    return;
                } catch (InterruptedException e) {
                    isInterrupted = true;
                }
            }
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
