package io.fedlearn.core.store;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import java.util.List;

/**
 * What a store holds of a run.
 *
 * @param header of the run
 * @param latest the newest checkpoint that is whole
 * @param records of the rounds up to it, in order
 * @param notices what the store had to put right to get there, for a person: a damaged checkpoint that was passed over
 */
public record SavedRun(RunHeader header, Checkpoint latest, List<RoundRecord> records, List<String> notices) {
    /** Copies the lists. */
    public SavedRun {
        records = List.copyOf(records);
        notices = List.copyOf(notices);
    }
}
