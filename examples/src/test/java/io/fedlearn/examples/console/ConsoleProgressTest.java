package io.fedlearn.examples.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ConsoleProgressTest {
    private static final Client GOOD = new Client() {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            context.progress(1, 2);
            return ClientUpdate.ofModel(task.model(), 1);
        }
    };
    private static final Client BROKEN = new Client() {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            throw new UnsupportedOperationException();
        }
    };

    private static String run(ProgressStyle style) throws InterruptedException {
        StringWriter text = new StringWriter();
        Federation.of(Map.of("a", GOOD, "b", BROKEN))
                .strategy(FedAvg.create())
                .initialModel(Model.builder()
                        .trainable("w", Tensor.copyOf(new float[] {1}))
                        .build())
                .rounds(3)
                .evaluateEvery(0)
                .listener(ConsoleProgress.of(new PrintWriter(text), style, List.of("loss")))
                .run();
        return text.toString();
    }

    @Test
    void plainStyleIsATableAndNamesATroubleOnce() throws InterruptedException {
        List<String> lines = run(ProgressStyle.PLAIN).lines().toList();
        assertThat(lines).hasSize(5);
        assertThat(lines.get(0)).containsSubsequence("round", "loss", "clients", "seconds");
        assertThat(lines.get(1)).contains("round 1, training: b failed").contains("UnsupportedOperationException");
        assertThat(lines.get(4)).contains("3/3").contains("undefined").contains("1/2");
    }

    @Test
    void marksAMetricThatOnlySomeClientsGave() throws InterruptedException {
        StringWriter text = new StringWriter();
        Federation.of(Map.of("a", testing(Metrics.of("loss", 1).with("f1", 0.5)), "b", testing(Metrics.of("loss", 2))))
                .strategy(FedAvg.create())
                .initialModel(Model.builder()
                        .trainable("w", Tensor.copyOf(new float[] {1}))
                        .build())
                .rounds(2)
                .listener(ConsoleProgress.of(new PrintWriter(text), ProgressStyle.PLAIN, List.of("loss", "f1")))
                .run();
        List<String> lines = text.toString().lines().toList();
        assertThat(lines).hasSize(4);
        assertThat(lines.get(1)).contains(" 1.5000 ", " 0.5000* ");
        assertThat(lines.get(2)).isEqualTo("  * f1 is over 1 of 2 clients that test: the others gave none");
        assertThat(lines.get(3)).contains(" 0.5000* ");
    }

    private static Client testing(Metrics metrics) {
        return new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                return ClientUpdate.ofModel(task.model(), 1);
            }

            @Override
            public ClientUpdate evaluate(Task task, TaskContext context) {
                return ClientUpdate.ofMetrics(metrics, 1);
            }
        };
    }

    @Test
    void barsAreErasedBeforeEachLineAndAtTheEnd() throws InterruptedException {
        String text = run(ProgressStyle.BARS);
        assertThat(text).contains("[---", "training 0/2", "\u001b[");
        String last = text.substring(text.lastIndexOf("\u001b[J"));
        assertThat(last).contains("3/3").doesNotContain("[--");
    }
}
