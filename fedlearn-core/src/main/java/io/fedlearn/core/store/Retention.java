package io.fedlearn.core.store;

import java.util.OptionalInt;

/**
 * Which checkpoints a {@link RunStore} that survives its process keeps. Whatever the rule, the latest two and the best are kept: the one
 * before the latest takes its place should that be damaged. Records of rounds are always kept, all of them. Immutable.
 */
public final class Retention {
    private static final int ONLY_NEEDED = 0;

    private final int interval;

    private Retention(int interval) {
        this.interval = interval;
    }

    /** The latest two and the best, and no more: the default. */
    public static Retention latestAndBest() {
        return new Retention(ONLY_NEEDED);
    }

    /**
     * Those, and the checkpoints of the rounds that {@code rounds} divides, with that of round 0.
     *
     * @param rounds {@code >= 1}
     */
    public static Retention every(int rounds) {
        if (rounds < 1) {
            throw new IllegalArgumentException("rounds must be >= 1, was " + rounds);
        }
        return new Retention(rounds);
    }

    /** The checkpoints of all rounds. */
    public static Retention all() {
        return every(1);
    }

    /**
     * Whether the checkpoint of a round is kept.
     *
     * @param round that it was taken after
     * @param latest the latest round
     * @param best the best round, if there is one
     */
    public boolean keeps(int round, int latest, OptionalInt best) {
        return round >= latest - 1
                || best.isPresent() && best.getAsInt() == round
                || interval != ONLY_NEEDED && round % interval == 0;
    }

    /** The rule in words. */
    @Override
    public String toString() {
        return "latest two, best" + (interval == ONLY_NEEDED ? "" : ", every " + interval);
    }
}
