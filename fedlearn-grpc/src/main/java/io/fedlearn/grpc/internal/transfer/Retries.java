package io.fedlearn.grpc.internal.transfer;

import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** How a client goes on after broken calls: after a pause that grows as long as nothing moves. Confined to one thread. */
final class Retries {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

    /** How often the other side may fail, rather than the way to it, without any progress between. */
    static final int MAX_FAILURES = 12;

    private Duration pause = FIRST_PAUSE;
    private int failures;

    /** Whether a call that ended so may go better another time; to be asked once for each. */
    boolean mayGoBetter(Status status) {
        return switch (status.getCode()) {
            case UNAVAILABLE, CANCELLED, ABORTED, UNAUTHENTICATED, DEADLINE_EXCEEDED -> true;
            // A moment's trouble of a proxy, of a server with too many calls or of an offset damaged on its way; or
            // something that fails each time.
            case INTERNAL, UNKNOWN, RESOURCE_EXHAUSTED, OUT_OF_RANGE -> ++failures < MAX_FAILURES;
            default -> false;
        };
    }

    /** Something has moved. */
    void reset() {
        pause = FIRST_PAUSE;
        failures = 0;
    }

    /** Waits. */
    void pause() throws InterruptedException {
        long end = System.nanoTime() + pause.toNanos();
        for (long left = pause.toNanos(); left > 0; left = end - System.nanoTime()) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            LockSupport.parkNanos(this, left);
        }
        pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
    }
}
