package io.fedlearn.examples.run;

import java.nio.channels.ClosedByInterruptException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ends a run in order when the process is told to end: the thread that runs it is interrupted, and the JVM waits until
 * it has closed what it had open. Closed by the thread that opened it.
 */
public final class Interruption implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 10;

    private final CountDownLatch done = new CountDownLatch(1);
    private final Thread hook;
    private volatile boolean hasCome;

    private Interruption(Thread running) {
        this.hook = new Thread(
                () -> {
                    hasCome = true;
                    running.interrupt();
                    await();
                },
                "fedlearn-interruption");
    }

    /** From now on, the end of the process interrupts the calling thread first. */
    public static Interruption ofThisThread() {
        Interruption interruption = new Interruption(Thread.currentThread());
        java.lang.Runtime.getRuntime().addShutdownHook(interruption.hook);
        return interruption;
    }

    /**
     * Whether this failure is no more than what becomes of work whose thread is interrupted: files and connections that it was at are
     * closed under it.
     */
    public boolean explains(Throwable failure) {
        if (hasCome) {
            return true;
        }
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof InterruptedException || cause instanceof ClosedByInterruptException) {
                return true;
            }
        }
        return false;
    }

    private void await() {
        try {
            if (!done.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                System.err.println(
                        "fedlearn: the run did not stop in time; what was saved can be resumed all the same");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        done.countDown();
        try {
            java.lang.Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending already: the hook is what waits for this call.
            return;
        }
    }
}
