package io.fedlearn.pg.run;

import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.record.EvaluationRecord;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.update.PartState;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A run whose rounds have all that the views show. */
public final class TestRuns {
    /** The run's name. */
    public static final String RUN = "heart";

    private static final Config SETTINGS = Config.of(Map.of("rounds", 3, "serverLearningRate", 0.1));

    private TestRuns() {}

    /** The run. */
    public static RunHeader header() {
        return new RunHeader(
                RUN, 7, "FedAdam", SETTINGS, model(0).digest(), "0.1.0", Instant.parse("2026-01-01T00:00:00Z"));
    }

    /** The model after a round. */
    public static Model model(int round) {
        return ModelGenerator.of(1000 + round).nextModerate(ModelGenerator.networkSpec());
    }

    /** The checkpoint after a round. */
    public static Checkpoint checkpoint(int round) {
        if (round == 0) {
            return new Checkpoint(0, model(0), Map.of(), Optional.empty());
        }
        PartState adam = new PartState(Map.of("moment", model(100 + round)), Config.of(Map.of("step", round)));
        return new Checkpoint(round, model(round), Map.of("serverOptimizer", adam), Optional.of(record(round)));
    }

    private static RoundRecord record(int round) {
        return new RoundRecord(
                round,
                Optional.empty(),
                7,
                "FedAdam",
                SETTINGS,
                Config.empty(),
                model(round - 1).digest(),
                model(round).digest(),
                List.of("cleveland", "zürich\0"),
                List.of(
                        new OutcomeRecord(
                                "cleveland", "completed", "", 300, 300, Metrics.of("loss", 0.5), 4000, 100, 1.5),
                        new OutcomeRecord(
                                "zürich\0",
                                round == 2 ? "failed" : "completed",
                                round == 2 ? "out of \ud800 memory\0" : "",
                                100,
                                round == 2 ? 0 : 100,
                                Metrics.of("odd\0name", 1e-300),
                                1000,
                                0,
                                0.5)),
                Metrics.of("loss", 0.75 / round),
                new EvaluationRecord(
                        Metrics.of(Map.of("loss", 0.5 / round, "auc", 0.6875 + 0.0625 * round)),
                        Metrics.none(),
                        List.of(new OutcomeRecord(
                                "cleveland", "completed", "", 60, 60, Metrics.of("auc", 0.9), 0, 0, 0.1))),
                List.of(),
                Optional.of(new PrivacySpent(0.5 * round, 1e-6)),
                Optional.of(new AuditHead(10 + round, "0123456789abcdef".repeat(4))),
                "0.1.0",
                Instant.parse("2026-01-01T00:00:00Z").plusSeconds(round),
                2.5);
    }
}
