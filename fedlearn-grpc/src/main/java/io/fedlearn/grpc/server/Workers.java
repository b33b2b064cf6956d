package io.fedlearn.grpc.server;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/** The application's executor, and another for what that one rejects: an outcome that no thread tells would be lost. Thread-safe. */
final class Workers implements Executor {
    private static final System.Logger LOG = System.getLogger(FederatedServer.class.getName());

    private final Executor given;
    private final Executor own;
    private final AtomicBoolean hasRejected = new AtomicBoolean();

    Workers(Executor given, Executor own) {
        this.given = given;
        this.own = own;
    }

    @Override
    public void execute(Runnable work) {
        try {
            given.execute(work);
        } catch (RejectedExecutionException e) {
            own.execute(work);
            if (hasRejected.compareAndSet(false, true)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "the executor rejects work, which threads of the server's own do; this is logged once",
                        e);
            }
        }
    }
}
