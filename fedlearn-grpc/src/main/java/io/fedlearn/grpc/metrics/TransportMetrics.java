package io.fedlearn.grpc.metrics;

import java.time.Duration;

/**
 * Hears what a server or a client counts. All methods do nothing by default, so that an implementation takes what it wants. They
 * are called from many threads at once, and from network threads: they must be thread-safe and quick; what they throw is logged once and otherwise passed over. Words such
 * as reasons and outcomes come from small fixed sets, so they may become labels of a time series; ids of clients never are among
 * them. What a server counts of a private run, outcomes above all, is as confidential as the server itself.
 */
public interface TransportMetrics {
    /** What bytes are for. */
    enum Content {
        /** Values of a model on their way to a client. */
        MODEL,
        /** Values of an answer on their way to the server. */
        ANSWER,
        /** Everything else: offers, heartbeats, small answers. */
        CONTROL
    }

    /** Counts nothing. */
    static TransportMetrics none() {
        return NoMetrics.NONE;
    }

    /**
     * The same, except that what it throws is logged, the first time, and goes no further: counting must not cost a task its outcome.
     * Servers and clients guard what they are given.
     */
    static TransportMetrics guarded(TransportMetrics counter) {
        return counter instanceof GuardedMetrics ? counter : new GuardedMetrics(counter);
    }

    /** A client has joined (at the server), or this client has (at a client). */
    default void sessionJoined() {}

    /** A session has ended; the reason is a word such as {@code lost}, {@code left} or {@code superseded}. */
    default void sessionEnded(String reason) {}

    /** A client was not let in; the reason is a word such as {@code identity} or {@code full}. */
    default void sessionRefused(String reason) {}

    /** A client lost its connection and came back (at the server), or this client did (at a client). */
    default void reconnected() {}

    /** So many clients are members now, whether connected or expected back. */
    default void clients(int members, int connected) {}

    /** So many bytes of messages were handed to the network. */
    default void bytesSent(Content content, long bytes) {}

    /** So many bytes of messages came from the network. */
    default void bytesReceived(Content content, long bytes) {}

    /** A model or an answer has been sent or received as a whole, in this time. */
    default void transferred(Content content, Duration time) {}

    /** A transfer broke and has gone on from where it stood. */
    default void transferResumed(Content content) {}

    /** An answer counted for nothing (at the server); the verdict is a word such as {@code late} or {@code malformed}. */
    default void answerRefused(String verdict) {}

    /** A task has ended, this long after it was submitted or taken; the outcome is a word such as {@code completed}. */
    default void taskFinished(String outcome, Duration time) {}
}
