package io.fedlearn.grpc.internal.threads;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/** The application's executor, and another for what that one rejects: an outcome that no thread tells would be lost. Thread-safe. */
public final class Workers implements Executor {
    private final Executor given;
    private final Executor own;
    private final System.Logger log;
    private final AtomicBoolean hasRejected = new AtomicBoolean();

    private Workers(Executor given, Executor own, System.Logger log) {
        this.given = given;
        this.own = own;
        this.log = log;
    }

    /**
     * The given executor, and what stands in for it.
     *
     * @param log of the server whose own threads these are
     */
    public static Workers of(Executor given, Executor own, System.Logger log) {
        return new Workers(given, own, log);
    }

    /**
     * Leaves the work to one of the two.
     *
     * @throws RejectedExecutionException if both reject it
     */
    @Override
    public void execute(Runnable work) {
        try {
            given.execute(work);
        } catch (RejectedExecutionException e) {
            own.execute(work);
            if (hasRejected.compareAndSet(false, true)) {
                log.log(
                        System.Logger.Level.WARNING,
                        "the executor rejects work, which threads of the server's own do; this is logged once",
                        e);
            }
        }
    }
}
