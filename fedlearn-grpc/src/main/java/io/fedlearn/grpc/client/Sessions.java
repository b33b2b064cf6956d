package io.fedlearn.grpc.client;

import io.fedlearn.grpc.client.TaskBoard.Key;
import io.fedlearn.grpc.internal.transfer.TransferConnection;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Lets transfers know over which session they may go. Thread-safe. */
final class Sessions {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by lock.
    private Optional<TransferConnection> current = Optional.empty();
    private Optional<Key> offered = Optional.empty();

    /** Thrown to a transfer whose session has ended. */
    static final class SessionOverException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        SessionOverException() {
            super("the session is over");
        }
    }

    /** A session has begun, on which no task has been offered yet. */
    void open(TransferConnection connection) {
        set(Optional.of(connection), Optional.empty());
    }

    /** There is none now. */
    void close() {
        set(Optional.empty(), Optional.empty());
    }

    private void set(Optional<TransferConnection> connection, Optional<Key> key) {
        lock.lock();
        try {
            current = connection;
            offered = key;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The server knows this task on the present session. */
    void offered(Key key) {
        lock.lock();
        try {
            offered = Optional.of(key);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Sessions on which this task has been offered: a server that was restarted knows nothing of its model before.
     *
     * @param broken hears that what was begun goes on over another call
     */
    TransferConnection.Source where(Key key, Runnable broken) {
        return new TransferConnection.Source() {
            private boolean isFirst = true;

            @Override
            public TransferConnection await() throws InterruptedException {
                if (!isFirst) {
                    broken.run();
                }
                isFirst = false;
                return awaitOffer(key);
            }
        };
    }

    private TransferConnection awaitOffer(Key key) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (current.isEmpty() || !offered.equals(Optional.of(key))) {
                changed.await();
            }
            return current.get();
        } finally {
            lock.unlock();
        }
    }

    /** The present session alone; a transfer that outlives it gets a {@link SessionOverException}. */
    TransferConnection.Source only(TransferConnection session, Runnable broken) {
        return new TransferConnection.Source() {
            private boolean isFirst = true;

            @Override
            public TransferConnection await() {
                if (!isCurrent(session)) {
                    throw new SessionOverException();
                }
                if (!isFirst) {
                    broken.run();
                }
                isFirst = false;
                return session;
            }
        };
    }

    /** Whether this session goes on. */
    boolean isCurrent(TransferConnection session) {
        lock.lock();
        try {
            // Not by value: a session begins anew with each connection.
            return current.isPresent() && current.get() == session;
        } finally {
            lock.unlock();
        }
    }
}
