package io.fedlearn.testkit.network;

import java.time.Duration;

/**
 * Something that befalls a network for a while. Immutable.
 *
 * @param pause the time since the fault before has ended
 * @param lasting how long it stays; what happens in a moment ({@link Kind#isMomentary}) has none
 */
public record NetworkFault(Duration pause, Kind kind, Duration lasting) {
    /** What befalls it. */
    public enum Kind {
        /** All connections are reset: both sides get an error. */
        RESET,
        /** All connections are ended in order: both sides read the end of the stream. */
        FINISH,
        /** What connections have sent so far is sent to the server once more, on connections of its own. */
        REPLAY,
        /** Bytes arrive later. */
        DELAY,
        /** Few bytes pass in a second. */
        SLOW,
        /** Nothing passes, and nothing tells anyone: a black hole. */
        HOLD,
        /** New connections are refused; those that are open stay. */
        REFUSE;

        /** Whether it takes no time. */
        public boolean isMomentary() {
            return this == RESET || this == FINISH || this == REPLAY;
        }
    }

    /** Checks the durations. */
    public NetworkFault {
        if (pause.isNegative() || lasting.isNegative()) {
            throw new IllegalArgumentException("pause and lasting must be >= 0, were " + pause + " and " + lasting);
        }
        if (kind.isMomentary() && !lasting.isZero()) {
            throw new IllegalArgumentException("lasting must be 0 for " + kind + ", was " + lasting);
        }
    }

    @Override
    public String toString() {
        return "+" + pause.toMillis() + " ms " + kind
                + (kind.isMomentary() ? "" : " for " + lasting.toMillis() + " ms");
    }
}
