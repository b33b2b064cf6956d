package io.fedlearn.testkit.contract;

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
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.update.PartState;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Headers, records and checkpoints with something in every field. */
final class RunSamples {
    private static final String TEXT = "St. Märy's \u65e5\u672c \ud83d\ude00 \"quoted\" \\ / \n\t\u0001 end";
    private static final Config SETTINGS = Config.of(Map.of(
            "rounds",
            7,
            "big",
            Long.MAX_VALUE,
            "small",
            Long.MIN_VALUE,
            "rate",
            0.1,
            "tiny",
            Double.MIN_VALUE,
            "huge",
            -Double.MAX_VALUE,
            "zero",
            -0.0,
            "whole",
            3.0,
            "flag",
            true,
            "text",
            TEXT));

    private RunSamples() {}

    static RunHeader header() {
        return new RunHeader(
                "run-2026-01",
                Long.MIN_VALUE + 3,
                "FedAdam",
                SETTINGS,
                checkpoint(0).model().digest(),
                "0.1.0",
                Instant.parse("2026-01-01T00:00:00.123456789Z"));
    }

    /** Not two alike: every round has a model of its own. */
    static Checkpoint checkpoint(int round) {
        return checkpoint(round, ModelGenerator.everyTypeSpec());
    }

    static Checkpoint checkpoint(int round, ModelSpec spec) {
        Model model = ModelGenerator.of(1000 + round).nextAnyBits(spec);
        Map<String, PartState> states = round == 0
                ? Map.of()
                : Map.of(
                        "serverOptimizer",
                        new PartState(
                                Map.of(
                                        "first/moment",
                                                ModelGenerator.of(2000 + round).nextAnyBits(spec),
                                        "second",
                                                ModelGenerator.of(3000 + round).nextAnyBits(spec)),
                                Config.of(Map.of("step", round, "rate", 0.1 / round))),
                        "aggregator",
                        new PartState(Map.of(), Config.of(Map.of("rounds", round))));
        return new Checkpoint(round, model, states, round == 0 ? Optional.empty() : Optional.of(record(round, model)));
    }

    /** Odd rounds have every field filled, even ones are as empty as may be, and every fourth was aborted. */
    private static RoundRecord record(int round, Model model) {
        boolean full = round % 2 == 1;
        List<OutcomeRecord> outcomes = full
                ? List.of(
                        new OutcomeRecord(
                                "cleveland",
                                "completed",
                                "",
                                303,
                                303.0,
                                Metrics.of("loss", 0.1 / round),
                                12_345,
                                678_901,
                                0.25),
                        new OutcomeRecord(
                                TEXT.replaceAll("\\p{Cntrl}", ""), "failed", TEXT, 0, 0, Metrics.none(), 0, 0, 0))
                : List.of();
        return new RoundRecord(
                round,
                round % 4 == 0 ? Optional.of("1 of 3 updates needed: " + TEXT) : Optional.empty(),
                Long.MIN_VALUE + 3,
                "FedAdam",
                SETTINGS,
                full ? SETTINGS : Config.empty(),
                ModelGenerator.of(999 + round).nextAnyBits(model.spec()).digest(),
                model.digest(),
                full ? List.of("cleveland", TEXT.replaceAll("\\p{Cntrl}", "")) : List.of(),
                outcomes,
                full ? Metrics.of(Map.of("loss", 1.0 / 3, "tiny", -Double.MIN_VALUE)) : Metrics.none(),
                full
                        ? new EvaluationRecord(
                                Metrics.of(Map.of("auc", 0.886, "loss", 1e-300)), Metrics.of("auc", 0.5), outcomes)
                        : EvaluationRecord.none(),
                full ? List.of("run/" + (round - 1) + "/0-fit/hungarian") : List.of(),
                full ? Optional.of(new PrivacySpent(0.5 * round, 1e-6)) : Optional.empty(),
                full ? Optional.of(new AuditHead(round, "0123456789abcdef".repeat(4))) : Optional.empty(),
                "0.1.0",
                Instant.parse("2026-01-01T00:00:00.000000001Z").plusSeconds(round),
                0.1 * round);
    }
}
