package io.fedlearn.grpc.internal.transfer;

import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;

/** One call of a client, run by the thread that waits for it. Confined to that thread. */
abstract class ClientTransfer<Q, R> extends ClientCall.Listener<R> {
    private final CallerThread thread;
    private final ClientCall<Q, R> call;
    private Optional<Status> status = Optional.empty();
    private boolean isMoving;

    ClientTransfer(ClientCall<Q, R> call, CallerThread thread) {
        this.call = call;
        this.thread = thread;
    }

    ClientCall<Q, R> call() {
        return call;
    }

    /** Begins, once the call has started. */
    abstract void begin();

    /** Notes that the call does not stand still. */
    void moved() {
        isMoving = true;
    }

    /**
     * Runs the call to its end.
     *
     * @param idleTimeout how long it may stand still
     * @throws InterruptedException if the thread is interrupted, after the call has been cancelled
     */
    Status run(Duration idleTimeout) throws InterruptedException {
        call.start(this, new Metadata());
        try {
            begin();
            long deadline = System.nanoTime() + idleTimeout.toNanos();
            while (status.isEmpty()) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    return Status.UNAVAILABLE.withDescription("the call stood still for " + idleTimeout);
                }
                thread.runNext(left);
                if (isMoving) {
                    isMoving = false;
                    deadline = System.nanoTime() + idleTimeout.toNanos();
                }
            }
            return status.orElseThrow();
        } finally {
            if (status.isEmpty()) {
                call.cancel("given up", null);
                // So that what has come for the call is let go of.
                while (status.isEmpty()) {
                    thread.runNextUninterruptibly();
                }
            }
        }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        this.status = Optional.of(status);
    }
}
