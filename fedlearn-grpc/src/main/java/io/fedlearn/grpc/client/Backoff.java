package io.fedlearn.grpc.client;

import io.fedlearn.core.random.SeededRandom;
import java.time.Duration;
import java.util.Optional;

/**
 * How long a client waits before it tries again to reach its server: after the {@code n}th failure in a row a random time between
 * a half and the whole of {@code min(max, initial * 2^(n-1))}, so that the clients of a server that was restarted do not all come
 * at once. Immutable.
 *
 * <p><b>Settings</b> (default): {@link #initial()} (0.2 s), {@link #max()} (30 s), {@link #giveUpAfter()} (never).
 */
public final class Backoff {
    /** Default of {@link #initial()}, in milliseconds: {@value}. */
    public static final long DEFAULT_INITIAL_MILLIS = 200;

    /** Default of {@link #max()}, in milliseconds: {@value}. */
    public static final long DEFAULT_MAX_MILLIS = 30_000;

    private static final Duration LONGEST = Duration.ofDays(36_500);
    private static final double JITTER = 0.5;

    private final Duration initial;
    private final Duration max;
    private final Optional<Duration> giveUpAfter;

    private Backoff(Duration initial, Duration max, Optional<Duration> giveUpAfter) {
        if (initial.compareTo(max) > 0) {
            throw new IllegalArgumentException("max must be >= initial " + initial + ", was " + max);
        }
        this.initial = initial;
        this.max = max;
        this.giveUpAfter = giveUpAfter;
    }

    /** 0.2 s after the first failure, up to 30 s, and never give up. */
    public static Backoff defaults() {
        return new Backoff(
                Duration.ofMillis(DEFAULT_INITIAL_MILLIS), Duration.ofMillis(DEFAULT_MAX_MILLIS), Optional.empty());
    }

    /**
     * Waits that start with {@code initial} and double up to {@code max}, and never give up.
     *
     * @throws IllegalArgumentException if one is not positive, or the first above the second
     */
    public static Backoff of(Duration initial, Duration max) {
        return new Backoff(positive("initial", initial), positive("max", max), Optional.empty());
    }

    /**
     * This backoff for a client that gives up when it has not been with its server for so long; it gives up at once if the server
     * refuses it for good.
     */
    public Backoff withGiveUpAfter(Duration limit) {
        return new Backoff(initial, max, Optional.of(positive("giveUpAfter", limit)));
    }

    /** The longest wait after a first failure. */
    public Duration initial() {
        return initial;
    }

    /** The longest wait of all. */
    public Duration max() {
        return max;
    }

    /** For how long in a row the server may be out of reach; without it, for ever. */
    public Optional<Duration> giveUpAfter() {
        return giveUpAfter;
    }

    /**
     * How long to wait now.
     *
     * @param failures in a row so far, at least 1
     */
    public Duration delay(int failures, SeededRandom random) {
        // Above 2^40 the product is above every max, and a shift by more would lose it.
        double longest = Math.min(nanos(max), nanos(initial) * (double) (1L << Math.min(failures - 1, 40)));
        return Duration.ofNanos((long) (longest * (1 - JITTER * random.nextDouble())));
    }

    private static double nanos(Duration duration) {
        return duration.getSeconds() * 1e9 + duration.getNano();
    }

    private static Duration positive(String name, Duration value) {
        if (value.isZero() || value.isNegative() || value.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    name + " must be > 0 and at most " + LONGEST.toDays() + " days, was " + value);
        }
        return value;
    }

    @Override
    public String toString() {
        return "Backoff[initial=" + initial + ", max=" + max + ", giveUpAfter="
                + giveUpAfter.map(Duration::toString).orElse("never") + "]";
    }
}
