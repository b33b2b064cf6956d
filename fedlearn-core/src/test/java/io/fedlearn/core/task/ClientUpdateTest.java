package io.fedlearn.core.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ClientUpdateTest {
    private static final Model MODEL =
            Model.builder().trainable("w", Tensor.copyOf(new float[3])).build();
    private static final Model OTHER =
            Model.builder().buffer("c", Tensor.copyOf(new double[2])).build();

    @Test
    void saysWhatItsModelIs() {
        assertThat(ClientUpdate.ofModel(MODEL, 5).form()).isEqualTo(UpdateForm.MODEL);
        assertThat(ClientUpdate.ofModelDelta(MODEL, 5).form()).isEqualTo(UpdateForm.MODEL_DELTA);
        assertThat(ClientUpdate.of(UpdateForm.WEIGHTED_SUM, MODEL, 5).form()).isEqualTo(UpdateForm.WEIGHTED_SUM);
        assertThat(ClientUpdate.ofModel(MODEL, 5).model()).containsSame(MODEL);
        assertThat(ClientUpdate.ofModel(MODEL, 5).exampleCount()).isEqualTo(5);
    }

    @Test
    void mayHoldNoModel() {
        ClientUpdate metrics = ClientUpdate.ofMetrics(Metrics.of("loss", 0.5), 8);
        ClientUpdate values = ClientUpdate.ofValues(Config.empty().with("os", "x"));

        assertThat(metrics.model()).isEmpty();
        assertThat(metrics.metrics().get("loss")).hasValue(0.5);
        assertThat(metrics.exampleCount()).isEqualTo(8);
        assertThat(metrics.byteCount()).isZero();
        assertThat(values.model()).isEmpty();
        assertThat(values.exampleCount()).isZero();
        assertThat(values.values().getString("os")).contains("x");
    }

    @Test
    void losesAGroupOfTensors() {
        ClientUpdate update =
                ClientUpdate.ofModel(MODEL, 5).withTensors("a", OTHER).withTensors("b", MODEL);

        assertThat(update.withoutTensors("a").tensors()).containsOnlyKeys("b");
        assertThat(update.withoutTensors("c").tensors()).containsOnlyKeys("a", "b");
        assertThat(update.tensors()).containsOnlyKeys("a", "b");
    }

    @Test
    void everyWitherChangesItsPartAlone() {
        ClientUpdate update = ClientUpdate.ofModel(MODEL, 5)
                .withMetric("loss", 1)
                .withTensors("control", OTHER)
                .withValue("steps", 7);

        isUpdate(update, UpdateForm.MODEL, MODEL, 5, Metrics.of("loss", 1), Map.of("control", OTHER), 7L);
        isUpdate(
                update.withModel(UpdateForm.MODEL_DELTA, OTHER),
                UpdateForm.MODEL_DELTA,
                OTHER,
                5,
                Metrics.of("loss", 1),
                Map.of("control", OTHER),
                7L);
        isUpdate(
                update.withExampleCount(6),
                UpdateForm.MODEL,
                MODEL,
                6,
                Metrics.of("loss", 1),
                Map.of("control", OTHER),
                7L);
        isUpdate(
                update.withMetric("auc", 0.5),
                UpdateForm.MODEL,
                MODEL,
                5,
                Metrics.of("loss", 1).with("auc", 0.5),
                Map.of("control", OTHER),
                7L);
        isUpdate(
                update.withMetrics(Metrics.none()),
                UpdateForm.MODEL,
                MODEL,
                5,
                Metrics.none(),
                Map.of("control", OTHER),
                7L);
        isUpdate(
                update.withTensors("a", MODEL).withTensors("control", MODEL),
                UpdateForm.MODEL,
                MODEL,
                5,
                Metrics.of("loss", 1),
                Map.of("a", MODEL, "control", MODEL),
                7L);
        isUpdate(
                update.withValue("steps", 8),
                UpdateForm.MODEL,
                MODEL,
                5,
                Metrics.of("loss", 1),
                Map.of("control", OTHER),
                8L);
        isUpdate(update, UpdateForm.MODEL, MODEL, 5, Metrics.of("loss", 1), Map.of("control", OTHER), 7L);
    }

    private static void isUpdate(
            ClientUpdate update,
            UpdateForm form,
            Model model,
            long exampleCount,
            Metrics metrics,
            Map<String, Model> tensors,
            long steps) {
        assertThat(update.form()).isEqualTo(form);
        assertThat(update.model()).containsSame(model);
        assertThat(update.exampleCount()).isEqualTo(exampleCount);
        assertThat(update.metrics()).isEqualTo(metrics);
        assertThat(update.tensors()).isEqualTo(tensors);
        assertThat(update.values().getLong("steps")).contains(steps);
    }

    @Test
    void countsTheBytesOfAllTensors() {
        ClientUpdate update = ClientUpdate.ofModel(MODEL, 5).withTensors("control", OTHER);

        assertThat(update.byteCount()).isEqualTo(3 * 4 + 2 * 8);
        assertThat(update.heapBytes()).isEqualTo(3 * 4 + 2 * 8);
        assertThat(update).hasToString("client update (MODEL, 5 examples, 28 bytes)");
    }

    @Test
    void groupsOfTensorsCannotBeChanged() {
        ClientUpdate update = ClientUpdate.ofModel(MODEL, 5).withTensors("control", OTHER);

        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> update.tensors().clear());
    }
}
