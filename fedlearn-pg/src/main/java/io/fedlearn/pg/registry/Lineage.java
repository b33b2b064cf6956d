package io.fedlearn.pg.registry;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import java.util.Optional;

/**
 * Where a version comes from, as it was when the version was registered: from these two the round can be replayed. They hold the
 * strategy, settings and seed, the cohort and its outcomes, the digest of the model that the round began with, privacy spent, the audit
 * log's end and the library's version.
 *
 * @param run that made it
 * @param round that made it; empty if it is the model that the run began with
 */
public record Lineage(RunHeader run, Optional<RoundRecord> round) {
    /** The number of the round; 0 for the model that the run began with. */
    public int roundNumber() {
        return round.map(RoundRecord::round).orElse(0);
    }
}
