package io.fedlearn.core.strategy;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.LearningRateSchedule;
import io.fedlearn.core.update.PartState;
import io.fedlearn.core.update.UpdateTransform;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The working parts of a strategy in one run: what a round protocol is made of. They keep state from round to round, which
 * {@link #snapshot()} gathers for the checkpoint. Confined to the round loop.
 *
 * @param weighting how much each update counts
 * @param clientConfig what every client is told
 * @param schedule how the learning rate among it changes from round to round
 * @param instructions what single clients are told beyond that
 * @param clientTransforms what clients apply
 * @param serverTransforms what the server applies to each update
 * @param aggregator how updates become one
 * @param aggregateTransforms what the server applies to that
 * @param serverOptimizer how the global model moves
 * @param protocol how a round comes to its aggregate
 */
public record StrategyParts(
        Weighting weighting,
        Config clientConfig,
        LearningRateSchedule schedule,
        Strategy.ClientInstructions instructions,
        List<TransformSpec> clientTransforms,
        List<UpdateTransform> serverTransforms,
        Aggregator aggregator,
        List<AggregateTransform> aggregateTransforms,
        ServerOptimizer serverOptimizer,
        RoundProtocol.Factory protocol) {
    private static final String OPTIMIZER = "serverOptimizer";
    private static final String AGGREGATOR = "aggregator";

    /** Copies the lists. */
    public StrategyParts {
        clientTransforms = List.copyOf(clientTransforms);
        serverTransforms = List.copyOf(serverTransforms);
        aggregateTransforms = List.copyOf(aggregateTransforms);
    }

    /** What every client is told in a round. */
    public Config clientConfig(int round) {
        return schedule.apply(clientConfig, round);
    }

    /** What one client is told in a round: what is for it alone wins. */
    public Config clientConfig(int round, String clientId) {
        return clientConfig(round).with(instructions.settingsFor(round, clientId));
    }

    /** What the coming round will release, to be debited before it starts. */
    public List<PrivacyCharge> charges(int round) {
        List<PrivacyCharge> charges = new ArrayList<>();
        aggregator.charge(round).ifPresent(charges::add);
        for (AggregateTransform transform : aggregateTransforms) {
            transform.charge(round).ifPresent(charges::add);
        }
        return charges;
    }

    /** The next global model: the aggregate, transformed, through the server optimizer. */
    public Model step(Model global, Aggregate aggregate) {
        for (AggregateTransform transform : aggregateTransforms) {
            transform.applyInPlace(aggregate);
        }
        return serverOptimizer.step(global, aggregate);
    }

    /** The state of every part that keeps any, by the part's name. */
    public Map<String, PartState> snapshot() {
        TreeMap<String, PartState> states = new TreeMap<>();
        put(states, OPTIMIZER, serverOptimizer.snapshot());
        put(states, AGGREGATOR, aggregator.snapshot());
        for (int i = 0; i < serverTransforms.size(); i++) {
            put(states, "serverTransform" + i, serverTransforms.get(i).snapshot());
        }
        for (int i = 0; i < aggregateTransforms.size(); i++) {
            put(states, "aggregateTransform" + i, aggregateTransforms.get(i).snapshot());
        }
        return states;
    }

    private static void put(Map<String, PartState> states, String part, PartState state) {
        if (!state.isEmpty()) {
            states.put(part, state);
        }
    }

    /** Takes up what {@link #snapshot()} gave. */
    public void restore(Map<String, PartState> states) {
        serverOptimizer.restore(states.getOrDefault(OPTIMIZER, PartState.empty()));
        aggregator.restore(states.getOrDefault(AGGREGATOR, PartState.empty()));
        for (int i = 0; i < serverTransforms.size(); i++) {
            serverTransforms.get(i).restore(states.getOrDefault("serverTransform" + i, PartState.empty()));
        }
        for (int i = 0; i < aggregateTransforms.size(); i++) {
            aggregateTransforms.get(i).restore(states.getOrDefault("aggregateTransform" + i, PartState.empty()));
        }
    }
}
