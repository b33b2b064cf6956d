package io.fedlearn.core.strategy;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.update.PartState;
import java.util.List;
import java.util.Optional;

/**
 * Combines the updates of a cohort. A rule is either {@link Streaming} (means) or needs the {@link WholeCohort} (medians, Krum).
 *
 * <p>Rules for implementers, tested by {@code AggregatorContract}: (1) the coordinator gives updates in the order of client ids,
 * whatever the order of arrival, so plain sums give the same bits every time; (2) how they are split over calls changes
 * nothing; (3) equal updates of form {@code MODEL} return themselves; (4) scaling all weights changes at most the last bit;
 * (5) updates are neither changed nor kept after {@code finish} or {@code aggregate}; (6) after {@link #snapshot()} and
 * {@link #restore} the next round gives the same bits. Confined to one thread at a time; scratch memory may be kept from round
 * to round.
 */
public sealed interface Aggregator {
    /** Name and settings, for the run's record. The default is the name of the class. */
    default String description() {
        return getClass().getTypeName();
    }

    /**
     * Tells the rule, once and before its first round, what every client is told: a method whose equation holds the client
     * learning rate or momentum reads it here. A rule that was told nothing takes what clients take then, the defaults. The
     * default needs none of it.
     *
     * @throws IllegalArgumentException if the rule cannot work with clients that train so
     */
    default void configure(Config clientConfig) {}

    /**
     * Refuses an update that fits the global model and yet not this rule, for want of a metric or a side tensor that it reads;
     * the update is its client's outcome then, and the round goes on. Called when an update arrives, from any thread and several
     * at a time; after the server's transforms, if there are any. The default takes every update.
     *
     * @throws io.fedlearn.core.update.InvalidUpdateException if the rule cannot take it
     */
    default void check(ClientUpdate update, ModelSpec global) {}

    /**
     * How many updates the rule needs, such as {@code 2f + 3} to bear {@code f} bad clients: a round that has fewer is aborted
     * before it asks anybody, where that can be known. The default is 1.
     */
    default int leastUpdates() {
        return 1;
    }

    /**
     * Whether the rule is a mean of the updates' models and of nothing else, so that a private mean can take its place: its
     * server optimizer sees no more of the clients than that mean. The default is no.
     */
    default boolean isPlainMean() {
        return false;
    }

    /**
     * Whether the rule takes updates of form {@code MODEL_DELTA} as they are. The default is no: they come as models then, the
     * global model plus the delta, rounded to the tensors' types.
     */
    default boolean takesModelDeltas() {
        return false;
    }

    /**
     * What this round's release will cost, if the rule adds noise; debited before the round starts. It does not depend on who is
     * asked, which may be secret. The default is nothing.
     */
    default Optional<PrivacyCharge> charge(int round) {
        return Optional.empty();
    }

    /** What must survive a restart of the coordinator. The default is nothing. */
    default PartState snapshot() {
        return PartState.empty();
    }

    /** Takes up what {@link #snapshot()} gave. */
    default void restore(PartState state) {}

    /** A rule that takes one update after the other, in memory of the size of a model. */
    non-sealed interface Streaming extends Aggregator {
        /** Starts a round from this global model; whatever was accumulated before is forgotten. */
        void begin(Model global);

        /** Takes in further updates, in order. */
        void accumulate(List<WeightedUpdate> updates);

        /**
         * What the updates since {@link #begin} amount to; valid until the next {@link #begin}.
         *
         * @throws IllegalStateException if there was none; a rule that adds noise gives the noise alone instead
         */
        Aggregate finish();
    }

    /**
     * A rule that looks at all updates at once. They may lie on disk: it reads them block by block, as often as it needs.
     */
    non-sealed interface WholeCohort extends Aggregator {
        /**
         * What these updates amount to; valid until the next call.
         *
         * @param global the model that the updates start from
         * @param updates in the order of client ids, at least one
         * @throws io.fedlearn.core.update.InvalidUpdateException if they are too few for the rule; the round is aborted
         */
        Aggregate aggregate(Model global, List<WeightedUpdate> updates);
    }
}
