package io.fedlearn.privacy.internal;

import io.fedlearn.core.strategy.AggregateTransform;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.Disclosure;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.StrategyParts;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.update.UpdateTransform;
import java.util.Set;
import java.util.stream.Collectors;

/** Strategies whose server learns a mean of the clients' models and nothing else, so that a private mean makes them private. */
public final class PlainStrategy {
    /** By each of them something beside the model reaches the server or its model. */
    private static final Set<Capability> BESIDE_THE_MODEL =
            Set.of(Capability.SIDE_TENSORS, Capability.CLIENT_STATE, Capability.FURTHER_TASK_KINDS);

    private PlainStrategy() {}

    /**
     * Refuses any other strategy.
     *
     * @throws IllegalArgumentException naming what it has
     */
    public static void require(Strategy strategy) {
        if (strategy.disclosure() != Disclosure.EVERYTHING) {
            throw refusal(strategy, "it is private already");
        }
        if (!strategy.isPlainMean()) {
            throw refusal(strategy, "its rule is not a plain mean of the clients' models");
        }
        for (Capability capability : Capability.values()) {
            if (BESIDE_THE_MODEL.contains(capability) && strategy.requirements().contains(capability)) {
                throw refusal(strategy, "it needs " + capability.description());
            }
        }
        StrategyParts parts = strategy.start(Config.empty());
        if (!parts.serverTransforms().isEmpty()) {
            throw refusal(
                    strategy,
                    "its server transforms updates before the mean, by "
                            + parts.serverTransforms().stream()
                                    .map(UpdateTransform::description)
                                    .collect(Collectors.joining(", ")));
        }
        if (!parts.aggregateTransforms().isEmpty()) {
            throw refusal(
                    strategy,
                    "its server transforms the mean, by "
                            + parts.aggregateTransforms().stream()
                                    .map(AggregateTransform::description)
                                    .collect(Collectors.joining(", ")));
        }
    }

    private static IllegalArgumentException refusal(Strategy strategy, String reason) {
        return new IllegalArgumentException("strategy " + strategy.name() + " cannot be made private: " + reason);
    }
}
