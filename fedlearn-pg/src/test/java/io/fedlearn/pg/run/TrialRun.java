package io.fedlearn.pg.run;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.EvaluationRecord;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.PartState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A run whose every checkpoint follows from the round's number and from who leads. */
final class TrialRun {
    static final String ID = "heart";

    private static final Instant START = Instant.parse("2026-03-01T10:15:30Z");

    private final float leader;

    private TrialRun(float leader) {
        this.leader = leader;
    }

    /** The run as most tests have it. */
    static TrialRun plain() {
        return new TrialRun(0);
    }

    /** The run as another leader would have gone on with it. */
    static TrialRun ofAnother() {
        return new TrialRun(1);
    }

    static RunHeader header() {
        return header(ID);
    }

    static RunHeader header(String runId) {
        return new RunHeader(
                runId,
                7,
                "FedAvg",
                Config.of(Map.of("rounds", 20)),
                plain().model(0).digest(),
                "0.1.0",
                START);
    }

    Model model(int round) {
        return Model.builder()
                .trainable("weights", Tensor.copyOf(new float[] {round, round == 0 ? 0 : leader, 0.5f}))
                .build();
    }

    Checkpoint checkpoint(int round) {
        PartState state = new PartState(
                Map.of(
                        "moments",
                        Model.builder()
                                .trainable("m", Tensor.scalar(0.25 * round))
                                .build()),
                Config.of(Map.of("step", round)));
        return new Checkpoint(
                round,
                model(round),
                Map.of("optimizer", state),
                round == 0 ? Optional.empty() : Optional.of(record(round)));
    }

    private RoundRecord record(int round) {
        OutcomeRecord outcome = new OutcomeRecord(
                "site-a", OutcomeRecord.COMPLETED, "", 303, 1, Metrics.of("loss", 1.0 / round), 12, 0, 0.25);
        return new RoundRecord(
                round,
                Optional.empty(),
                7,
                "FedAvg",
                Config.of(Map.of("rounds", 20)),
                Config.empty(),
                model(round - 1).digest(),
                model(round).digest(),
                List.of("site-a"),
                List.of(outcome),
                Metrics.of("loss", 1.0 / round),
                new EvaluationRecord(Metrics.none(), Metrics.none(), List.of()),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                "0.1.0",
                START.plusSeconds(round),
                0.5);
    }

    /** Whether the model of this round is the best so far. */
    static boolean isBest(int round) {
        return round % 4 == 2;
    }

    /** Commits these rounds. */
    void commit(RunStore store, int first, int last) {
        for (int round = first; round <= last; round++) {
            store.commit(checkpoint(round), isBest(round));
        }
    }

    /** The run after so many rounds. */
    SavedRun after(int rounds) {
        List<RoundRecord> records = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            records.add(record(round));
        }
        return new SavedRun(header(), checkpoint(rounds), records, List.of());
    }
}
