package io.fedlearn.core.record;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.metric.Metrics;
import java.util.List;
import org.junit.jupiter.api.Test;

final class EvaluationRecordTest {
    private static final Metrics OVERALL = Metrics.of("loss", 0.5).with("auc", 0.9);

    private static OutcomeRecord site(String id, Metrics metrics, long bytes) {
        return new OutcomeRecord(id, OutcomeRecord.COMPLETED, "", 10, 0, metrics, bytes, 0, 1);
    }

    private static EvaluationRecord of(OutcomeRecord... sites) {
        return new EvaluationRecord(OVERALL, Metrics.none(), List.of(sites));
    }

    @Test
    void countsTheSitesThatGaveAMetric() {
        OutcomeRecord failed = new OutcomeRecord("d", "failed", "it broke", 0, 0, Metrics.of("loss", 1), 0, 0, 1);
        EvaluationRecord record = of(
                site("a", Metrics.of("loss", 0.4).with("auc", 0.8), 0),
                site("b", Metrics.of("loss", 0.6), 0),
                site("c", Metrics.none(), 0),
                failed,
                new OutcomeRecord("e", "declined", "no test examples", 0, 0, Metrics.none(), 0, 0, 1));
        assertThat(record.sites()).isEqualTo(4);
        assertThat(record.givenBy("loss")).isEqualTo(2);
        assertThat(record.givenBy("auc")).isEqualTo(1);
        assertThat(record.givenBy("f1")).isZero();
        assertThat(EvaluationRecord.none().givenBy("loss")).isZero();
    }

    @Test
    void countsForTheAucTheSitesThatSentScores() {
        // "b" has one class only, and no AUC of its own; its scores are in that of all. "c" gave a figure that is not.
        EvaluationRecord record = of(
                site("a", Metrics.of("auc", 0.8), 8192),
                site("b", Metrics.of("loss", 0.6), 8192),
                site("c", Metrics.of("auc", 0.7), 0));
        assertThat(record.givenBy("auc")).isEqualTo(2);
        assertThat(record.givenBy("sensitivityAt90")).isEqualTo(2);
    }
}
