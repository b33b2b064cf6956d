package io.fedlearn.core.strategy;

import io.fedlearn.core.task.ClientUpdate;
import java.util.function.ToDoubleFunction;

/**
 * How much an update counts. Example counts are what clients say; where that is not to be trusted, they are capped or ignored.
 * Immutable and thread-safe.
 */
public final class Weighting {
    private final String description;
    private final ToDoubleFunction<ClientUpdate> weights;

    private Weighting(String description, ToDoubleFunction<ClientUpdate> weights) {
        this.description = description;
        this.weights = weights;
    }

    /** By the number of examples that the client says it trained on, as in the FedAvg paper. */
    public static Weighting byExamples() {
        return new Weighting("by-examples", update -> update.exampleCount());
    }

    /**
     * By the number of examples, but as if no client had more than so many.
     *
     * @param most at least 1
     */
    public static Weighting byExamplesUpTo(long most) {
        if (most < 1) {
            throw new IllegalArgumentException("most must be >= 1, was " + most);
        }
        return new Weighting("by-examples-up-to(" + most + ")", update -> Math.min(most, update.exampleCount()));
    }

    /** Every update alike; example counts are ignored. */
    public static Weighting uniform() {
        return new Weighting("uniform", update -> 1);
    }

    /** The aggregation weight of this update: {@code > 0} and finite. */
    public double weight(ClientUpdate update) {
        return weights.applyAsDouble(update);
    }

    /** Name and settings, for the run's record. */
    public String description() {
        return description;
    }
}
