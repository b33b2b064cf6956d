package io.fedlearn.grpc.metrics;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/** Hands on what is counted, and keeps what the one who counts throws away from the one who tells. Thread-safe. */
final class GuardedMetrics implements TransportMetrics {
    private static final System.Logger LOG = System.getLogger(TransportMetrics.class.getName());

    private final TransportMetrics counter;
    private final AtomicBoolean hasFailed = new AtomicBoolean();

    GuardedMetrics(TransportMetrics counter) {
        this.counter = counter;
    }

    private void tell(Runnable event) {
        try {
            event.run();
        } catch (RuntimeException | Error e) {
            // Once: what fails for each chunk would fill a log.
            if (hasFailed.compareAndSet(false, true)) {
                LOG.log(System.Logger.Level.WARNING, "metrics threw; this is logged once", e);
            }
        }
    }

    @Override
    public void sessionJoined() {
        tell(counter::sessionJoined);
    }

    @Override
    public void sessionEnded(String reason) {
        tell(() -> counter.sessionEnded(reason));
    }

    @Override
    public void sessionRefused(String reason) {
        tell(() -> counter.sessionRefused(reason));
    }

    @Override
    public void reconnected() {
        tell(counter::reconnected);
    }

    @Override
    public void clients(int members, int connected) {
        tell(() -> counter.clients(members, connected));
    }

    @Override
    public void bytesSent(Content content, long bytes) {
        tell(() -> counter.bytesSent(content, bytes));
    }

    @Override
    public void bytesReceived(Content content, long bytes) {
        tell(() -> counter.bytesReceived(content, bytes));
    }

    @Override
    public void transferred(Content content, Duration time) {
        tell(() -> counter.transferred(content, time));
    }

    @Override
    public void transferResumed(Content content) {
        tell(() -> counter.transferResumed(content));
    }

    @Override
    public void answerRefused(String verdict) {
        tell(() -> counter.answerRefused(verdict));
    }

    @Override
    public void taskFinished(String outcome, Duration time) {
        tell(() -> counter.taskFinished(outcome, time));
    }
}
