package io.fedlearn.testkit.network;

import java.time.Duration;

/** What a proxy's network is like at the moment. */
record Weather(Duration delay, long bytesPerSecond, boolean isHeld, boolean isRefusing) {
    /** No limit to the bandwidth. */
    static final long UNLIMITED = Long.MAX_VALUE;

    static final Weather FAIR = new Weather(Duration.ZERO, UNLIMITED, false, false);

    Weather withDelay(Duration value) {
        return new Weather(value, bytesPerSecond, isHeld, isRefusing);
    }

    Weather withBytesPerSecond(long value) {
        return new Weather(delay, value, isHeld, isRefusing);
    }

    Weather withHeld(boolean value) {
        return new Weather(delay, bytesPerSecond, value, isRefusing);
    }

    Weather withRefusing(boolean value) {
        return new Weather(delay, bytesPerSecond, isHeld, value);
    }
}
