package io.fedlearn.core.strategy;

import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.update.PartState;
import java.util.Optional;

/** One step on an aggregate's way to the server optimizer, such as central noise. Confined to one thread at a time. */
public interface AggregateTransform {
    /** Changes the aggregate in place. */
    void applyInPlace(Aggregate aggregate);

    /**
     * What this round's release will cost; debited before the round starts. It does not depend on who is asked, which may be
     * secret. The default is nothing.
     */
    default Optional<PrivacyCharge> charge(int round) {
        return Optional.empty();
    }

    /** Name and settings, for the run's record. */
    String description();

    /** What must survive a restart of the coordinator. The default is nothing. */
    default PartState snapshot() {
        return PartState.empty();
    }

    /** Takes up what {@link #snapshot()} gave. */
    default void restore(PartState state) {}
}
