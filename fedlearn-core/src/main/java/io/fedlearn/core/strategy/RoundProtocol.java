package io.fedlearn.core.strategy;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.UpdateSpool;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a round comes from a cohort to an aggregate: by one exchange as a rule, by several where a protocol such as secure
 * aggregation needs them. One object serves one round and is confined to the round loop.
 */
public interface RoundProtocol {
    /** The next exchange, or none when the round has all it needs. Called again after each exchange ended with a quorum. */
    Optional<Exchange> next();

    /**
     * What the round's updates amount to. Called once, after the last exchange.
     *
     * @throws io.fedlearn.core.update.InvalidUpdateException if they are too few or do not fit together; the round is aborted
     */
    Aggregate finish();

    /** What part each client whose update came to the aggregator has in the aggregate; asked after {@link #finish}. */
    Map<String, Contribution> contributions();

    /**
     * One client's part in a round.
     *
     * @param weight with which its update was aggregated; 0 if the rule left it out
     * @param savedBytes how much shorter its update was on its way than decoded; below 0 if it was longer
     */
    record Contribution(double weight, long savedBytes) {}

    /**
     * What a round starts with.
     *
     * @param round counted from 1
     * @param global the model that it starts from
     * @param cohort ids in order
     * @param spool where updates may wait on disk, until the round ends
     */
    record Context(int round, Model global, List<String> cohort, UpdateSpool spool) {}

    /** Starts the protocol of a round. */
    @FunctionalInterface
    interface Factory {
        /** A protocol for one round over the run's live parts. */
        RoundProtocol start(StrategyParts parts, Context context);
    }
}
