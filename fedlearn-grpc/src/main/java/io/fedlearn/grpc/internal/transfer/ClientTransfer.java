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
    private Optional<Throwable> failure = Optional.empty();
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

    /** Takes a message, and gives back the memory in which it came. */
    abstract void take(R message);

    /** Sends what the call is ready for, if there is something to send. */
    void proceed() {}

    @Override
    public final void onMessage(R message) {
        guard(() -> take(message));
    }

    @Override
    public final void onReady() {
        guard(this::proceed);
    }

    /** What fails here fails each time, such as for want of memory; gRPC would make of it a call that was cancelled. */
    private void guard(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            if (failure.isEmpty()) {
                failure = Optional.of(e);
            }
        }
    }

    /** Whether the call has failed at this end. */
    final boolean hasFailed() {
        return failure.isPresent();
    }

    /** Notes that the call does not stand still. */
    void moved() {
        isMoving = true;
    }

    /**
     * Runs the call to its end.
     *
     * @param idleTimeout how long it may stand still
     * @throws InterruptedException if the thread is interrupted, after the call has been cancelled
     * @throws RuntimeException or an error, whatever this end has thrown at a message, after the call has been cancelled
     */
    Status run(Duration idleTimeout) throws InterruptedException {
        call.start(this, new Metadata());
        try {
            begin();
            long deadline = System.nanoTime() + idleTimeout.toNanos();
            while (status.isEmpty() && failure.isEmpty()) {
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
        } finally {
            if (status.isEmpty()) {
                call.cancel("given up", null);
                // So that what has come for the call is let go of.
                while (status.isEmpty()) {
                    thread.runNextUninterruptibly();
                }
            }
        }
        if (failure.isPresent()) {
            if (failure.get() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failure.get();
        }
        return status.orElseThrow();
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        this.status = Optional.of(status);
    }
}
