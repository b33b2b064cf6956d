package io.fedlearn.core.store;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.PartState;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What must be saved together so that a run can go on after a round.
 *
 * @param round that it was taken after; 0 before the first
 * @param model the global model
 * @param states of the strategy's parts, by part
 * @param record of the round; none before the first
 */
public record Checkpoint(int round, Model model, Map<String, PartState> states, Optional<RoundRecord> record) {
    /** Copies the map and validates that record and round agree. */
    public Checkpoint {
        states = Collections.unmodifiableMap(new TreeMap<>(states));
        if (round == 0 ? record.isPresent() : record.isEmpty() || record.get().round() != round) {
            throw new IllegalArgumentException("the checkpoint of round " + round + " must hold that round's record");
        }
    }
}
