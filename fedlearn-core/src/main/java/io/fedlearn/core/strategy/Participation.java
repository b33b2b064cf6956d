package io.fedlearn.core.strategy;

import io.fedlearn.core.metric.Metrics;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What is known of a client from the rounds so far.
 *
 * @param selectedRounds in how many rounds it was asked to train
 * @param acceptedRounds in how many rounds its update entered the model
 * @param lastSelectedRound the latest round that asked it
 * @param lastAcceptedRound the latest round that its update entered
 * @param previousAcceptedRound the one before that
 * @param lastExampleCount on how many examples its latest accepted update rested
 * @param lastMetrics what its latest accepted update measured
 */
public record Participation(
        int selectedRounds,
        int acceptedRounds,
        OptionalInt lastSelectedRound,
        OptionalInt lastAcceptedRound,
        OptionalInt previousAcceptedRound,
        OptionalLong lastExampleCount,
        Metrics lastMetrics) {
    private static final Participation NONE = new Participation(
            0, 0, OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty(), OptionalLong.empty(), Metrics.none());

    /** A client that was never asked. */
    public static Participation none() {
        return NONE;
    }

    /** What is known after it was asked once more. */
    public Participation selected(int round) {
        return new Participation(
                selectedRounds + 1,
                acceptedRounds,
                OptionalInt.of(round),
                lastAcceptedRound,
                previousAcceptedRound,
                lastExampleCount,
                lastMetrics);
    }

    /** What is known after its update entered the model of a round that asked it. */
    public Participation accepted(int round, long exampleCount, Metrics metrics) {
        return new Participation(
                selectedRounds,
                acceptedRounds + 1,
                lastSelectedRound,
                OptionalInt.of(round),
                lastAcceptedRound,
                OptionalLong.of(exampleCount),
                metrics);
    }
}
