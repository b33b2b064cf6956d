package io.fedlearn.core.federation;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * When a round has enough, how long it waits, and what happens when it gets too little. Immutable.
 *
 * <p>An answer that comes after its task was given up is late: it never enters a model, and the next round's record names it.
 */
public final class RoundPolicy {
    /** Default of {@link #quorum()}: {@value}. */
    public static final int DEFAULT_QUORUM = 1;

    /** The longest deadline: 36,500 days. Without a deadline there is no limit. */
    public static final Duration MAX_DEADLINE = Duration.ofDays(36_500);

    private final int quorum;
    private final OptionalInt closeAfter;
    private final Optional<Duration> clientDeadline;
    private final Optional<Duration> roundDeadline;
    private final int toleratedAborts;

    private RoundPolicy(
            int quorum,
            OptionalInt closeAfter,
            Optional<Duration> clientDeadline,
            Optional<Duration> roundDeadline,
            int toleratedAborts) {
        this.quorum = quorum;
        this.closeAfter = closeAfter;
        this.clientDeadline = clientDeadline;
        this.roundDeadline = roundDeadline;
        this.toleratedAborts = toleratedAborts;
    }

    /** One good update is enough, all are waited for, and an aborted round ends the run. */
    public static RoundPolicy defaults() {
        return new RoundPolicy(DEFAULT_QUORUM, OptionalInt.empty(), Optional.empty(), Optional.empty(), 0);
    }

    /** This policy with so many good updates needed, at least 1. */
    public RoundPolicy withQuorum(int updates) {
        if (updates < 1) {
            throw new IllegalArgumentException("quorum must be >= 1, was " + updates);
        }
        return new RoundPolicy(updates, closeAfter, clientDeadline, roundDeadline, toleratedAborts);
    }

    /**
     * This policy with rounds that close after the first so many good updates; the tasks of all others are cancelled. With a
     * selector that chooses more, this is over-selection.
     */
    public RoundPolicy withCloseAfter(int updates) {
        if (updates < 1) {
            throw new IllegalArgumentException("closeAfter must be >= 1, was " + updates);
        }
        return new RoundPolicy(quorum, OptionalInt.of(updates), clientDeadline, roundDeadline, toleratedAborts);
    }

    /**
     * This policy with a limit to how long one client may work on a task, counted from when it starts, and to how long tasks may
     * wait to be started while nobody is at work (a second more, for the start itself).
     */
    public RoundPolicy withClientDeadline(Duration limit) {
        return new RoundPolicy(
                quorum, closeAfter, Optional.of(positive("clientDeadline", limit)), roundDeadline, toleratedAborts);
    }

    /** This policy with a limit to how long the training of a round, or its evaluation, may take in all. */
    public RoundPolicy withRoundDeadline(Duration limit) {
        return new RoundPolicy(
                quorum, closeAfter, clientDeadline, Optional.of(positive("roundDeadline", limit)), toleratedAborts);
    }

    /** This policy with runs that go on after up to so many aborted rounds. */
    public RoundPolicy withToleratedAborts(int rounds) {
        if (rounds < 0) {
            throw new IllegalArgumentException("toleratedAborts must be >= 0, was " + rounds);
        }
        return new RoundPolicy(quorum, closeAfter, clientDeadline, roundDeadline, rounds);
    }

    private static Duration positive(String name, Duration limit) {
        // A clock of nanoseconds in a long goes no further than 292 years.
        if (limit.isZero() || limit.isNegative() || limit.compareTo(MAX_DEADLINE) > 0) {
            throw new IllegalArgumentException(name + " must be > 0 and <= " + MAX_DEADLINE + ", was " + limit);
        }
        return limit;
    }

    /** How many good updates a round needs. */
    public int quorum() {
        return quorum;
    }

    /** After how many good updates a round closes. */
    public OptionalInt closeAfter() {
        return closeAfter;
    }

    /** How long one client may work on a task. */
    public Optional<Duration> clientDeadline() {
        return clientDeadline;
    }

    /** How long training in a round, or its evaluation, may take. */
    public Optional<Duration> roundDeadline() {
        return roundDeadline;
    }

    /** How many aborted rounds a run tolerates. */
    public int toleratedAborts() {
        return toleratedAborts;
    }

    @Override
    public String toString() {
        return "quorum " + quorum
                + closeAfter.stream()
                        .mapToObj(count -> ", close after " + count)
                        .findFirst()
                        .orElse("")
                + clientDeadline.map(limit -> ", client deadline " + limit).orElse("")
                + roundDeadline.map(limit -> ", round deadline " + limit).orElse("")
                + ", tolerated aborts " + toleratedAborts;
    }
}
