package io.fedlearn.testkit.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.runtime.TaskRunner;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.testkit.generator.ModelGenerator;
import org.junit.jupiter.api.Test;

class ToyClientsTest {
    private static final Model MODEL = ModelGenerator.of(1).nextModerate(ModelGenerator.networkSpec());

    private static ClientUpdate fit(Client client, long seed) {
        Task task = Task.builder(TaskKind.FIT, "client").seed(seed).model(MODEL).build();
        ClientOutcome outcome =
                TaskRunner.of(InMemoryClientStateStore.create()).run(client, task, (done, total) -> {}, () -> false);
        return ((ClientOutcome.Completed) outcome).update();
    }

    @Test
    void driftMovesEveryFloatingValueALittle() {
        Model drifted = fit(DriftClient.withExamples(7), 3).model().orElseThrow();

        assertThat(drifted.spec()).isEqualTo(MODEL.spec());
        double[] before = MODEL.tensor("dense/weights").toDoubleArray();
        double[] after = drifted.tensor("dense/weights").toDoubleArray();
        for (int i = 0; i < before.length; i++) {
            assertThat(Math.abs(after[i] - before[i])).isGreaterThan(0).isLessThanOrEqualTo(DriftClient.STEP + 1e-6);
        }
        assertThat(drifted.tensor("norm/batches")).isEqualTo(MODEL.tensor("norm/batches"));
    }

    @Test
    void driftFollowsTheSeed() {
        DriftClient client = DriftClient.withExamples(7);

        assertThat(fit(client, 3).model())
                .isEqualTo(fit(client, 3).model())
                .isNotEqualTo(fit(client, 4).model());
        assertThat(fit(client, 3).exampleCount()).isEqualTo(7);
    }

    @Test
    void noOpGivesTheModelBack() {
        assertThat(fit(NoOpClient.withExamples(9), 1).model()).contains(MODEL);
        assertThat(fit(NoOpClient.withExamples(9), 1).exampleCount()).isEqualTo(9);
    }
}
