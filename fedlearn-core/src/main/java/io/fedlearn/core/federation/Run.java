package io.fedlearn.core.federation;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.tensor.Model;
import java.util.List;
import java.util.Optional;

/** What came of a federated run. Immutable. */
public final class Run {
    private final RunHeader header;
    private final List<RoundRecord> records;
    private final Model model;
    private final Optional<RoundRecord> best;
    private final Model bestModel;
    private final StopReason stopReason;

    Run(
            RunHeader header,
            List<RoundRecord> records,
            Model model,
            Optional<RoundRecord> best,
            Model bestModel,
            StopReason stopReason) {
        this.header = header;
        this.records = List.copyOf(records);
        this.model = model;
        this.best = best;
        this.bestModel = bestModel;
        this.stopReason = stopReason;
    }

    /** What was fixed when it started. */
    public RunHeader header() {
        return header;
    }

    /** Every round, in order, aborted ones too. */
    public List<RoundRecord> records() {
        return records;
    }

    /** The global model after the last round. */
    public Model model() {
        return model;
    }

    /**
     * The round with the best model by the run's goal; where nothing was evaluated, the last that was completed.
     *
     * @throws IllegalStateException if no round was completed
     */
    public RoundRecord best() {
        return best.orElseThrow(() -> new IllegalStateException("no round of the run was completed"));
    }

    /** The model of the {@link #best()} round; the initial model if no round was completed. */
    public Model bestModel() {
        return bestModel;
    }

    /** Why it ended. */
    public StopReason stopReason() {
        return stopReason;
    }

    @Override
    public String toString() {
        return "run " + header.runId() + " (" + header.strategy() + ", " + records.size() + " rounds, " + stopReason
                + ")";
    }
}
