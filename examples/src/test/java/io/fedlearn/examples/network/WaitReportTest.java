package io.fedlearn.examples.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.task.TaskKind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class WaitReportTest {
    private final Members members = new Members();
    private final List<String> lines = new ArrayList<>();
    private final long start = System.nanoTime();
    private final WaitReport report = WaitReport.of(members, 2, lines::add, start);

    @AfterEach
    void close() {
        report.close();
    }

    private void lookAfter(int seconds) {
        report.report(start + TimeUnit.SECONDS.toNanos(seconds));
    }

    @Test
    void saysWhoIsThereOfThoseThatARoundNeedsAndEverLessOften() {
        lookAfter(14);
        assertThat(lines).isEmpty();
        lookAfter(15);
        assertThat(lines).containsExactly("Waiting for 2 clients; there is none yet.");
        members.ids.add("bank-1");
        lookAfter(44);
        assertThat(lines).hasSize(1);
        lookAfter(45);
        assertThat(lines).last().isEqualTo("Waiting for 2 clients; there is bank-1.");
        members.ids.add("bank-2");
        lookAfter(10_000);
        assertThat(lines).hasSize(2);
    }

    @Test
    void saysWhoseAnswersAreMissing() {
        members.ids.addAll(List.of("bank-1", "bank-2", "bank-3"));
        report.exchangeStarted(3, TaskKind.FIT, List.of("bank-1", "bank-2", "bank-3"));
        report.clientFinished(
                3,
                TaskKind.FIT,
                new OutcomeRecord("bank-2", OutcomeRecord.COMPLETED, "", 1, 0, Metrics.none(), 0, 0, 1));
        lookAfter(60);
        assertThat(lines).containsExactly("Round 3, training: waiting for bank-1, bank-3.");
    }

    @Test
    void doesNotListHundreds() {
        report.exchangeStarted(
                1,
                TaskKind.EVALUATE,
                IntStream.range(100, 200).mapToObj(i -> "c" + i).toList());
        lookAfter(60);
        assertThat(lines)
                .containsExactly(
                        "Round 1, testing: waiting for c100, c101, c102, c103, c104, c105, c106, c107 and 92 more.");
    }
}
