package io.fedlearn.pg.registry;

import io.fedlearn.core.metric.Metrics;
import java.time.Instant;
import java.util.Optional;

/**
 * A version of a model, as the registry had it when it was asked.
 *
 * @param name of the model
 * @param version counted from 1
 * @param digest of its values
 * @param stage that it is in
 * @param metrics that it was registered with: those of its round, if it comes from a run
 * @param note of whoever registered it
 * @param createdAt by the database's clock
 * @param lineage where it comes from; empty if no run of this database made it
 */
public record ModelVersion(
        String name,
        int version,
        String digest,
        Stage stage,
        Metrics metrics,
        String note,
        Instant createdAt,
        Optional<Lineage> lineage) {
    @Override
    public String toString() {
        return "model '" + name + "' version " + version + " (" + stage.word() + ")";
    }
}
