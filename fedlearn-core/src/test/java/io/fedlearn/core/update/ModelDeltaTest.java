package io.fedlearn.core.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ModelDeltaTest {
    private static final Model GLOBAL = Model.builder()
            .trainable("weight", Tensor.copyOf(new float[] {1, -2, 0, 4, 8}, 5))
            .buffer("mean", Tensor.copyOf(new float[] {10}, 1))
            .build();

    private static Model model(float... weight) {
        return Model.builder()
                .trainable("weight", Tensor.copyOf(weight, 5))
                .buffer("mean", Tensor.copyOf(new float[] {17}, 1))
                .build();
    }

    @Test
    void readsTheSameFromAModelAndFromADelta() {
        ModelDelta ofModel = ModelDelta.of(ClientUpdate.ofModel(model(2, -4, 0.5f, 4, 9), 3), GLOBAL);
        ModelDelta ofDelta = ModelDelta.of(
                ClientUpdate.ofModelDelta(
                        Model.builder()
                                .trainable("weight", Tensor.copyOf(new float[] {1, -2, 0.5f, 0, 1}, 5))
                                .buffer("mean", Tensor.copyOf(new float[] {7}, 1))
                                .build(),
                        3),
                GLOBAL);
        for (ModelDelta delta : new ModelDelta[] {ofModel, ofDelta}) {
            double[] target = new double[4];
            delta.read(0, 1, target, 1, 3);
            assertThat(target).containsExactly(0, -2, 0.5, 0);
            delta.read(1, 0, target, 0, 1);
            assertThat(target[0]).isEqualTo(7);
        }
    }

    @Test
    void takesNormAndProductOverTheTrainablesAlone() {
        ModelDelta a = ModelDelta.of(ClientUpdate.ofModel(model(2, -4, 0.5f, 4, 9), 3), GLOBAL);
        ModelDelta b = ModelDelta.of(ClientUpdate.ofModel(model(0, -2, 1, 7, 6), 3), GLOBAL);

        assertThat(a.squaredNorm()).isEqualTo(1 + 4 + 0.25 + 1);
        assertThat(a.dot(b)).isEqualTo(-1 + 0.5 - 2);
        assertThat(b.dot(a)).isEqualTo(a.dot(b));
    }

    @Test
    void tellsDeltasApartThatDifferInTheLastBitsOfLargeWeights() {
        float near = Math.nextUp(8f);
        ModelDelta delta = ModelDelta.of(ClientUpdate.ofModel(model(1, -2, 0, 4, near), 3), GLOBAL);

        assertThat(delta.squaredNorm()).isEqualTo((near - 8.0) * (near - 8.0));
    }

    @Test
    void spansSeveralBlocks() {
        int length = 3 * ModelDelta.MAX_BLOCK + 7;
        float[] ones = new float[length];
        Arrays.fill(ones, 1);
        Model zeros = Model.builder()
                .trainable("weight", Tensor.copyOf(new float[length], length))
                .build();
        Model filled =
                Model.builder().trainable("weight", Tensor.copyOf(ones, length)).build();

        assertThat(ModelDelta.of(ClientUpdate.ofModel(filled, 1), zeros).squaredNorm())
                .isEqualTo(length);
    }

    @Test
    void refusesSumsOtherTensorsAndUpdatesWithoutAModel() {
        assertThatThrownBy(() -> ModelDelta.of(ClientUpdate.of(UpdateForm.WEIGHTED_SUM, GLOBAL, 3), GLOBAL))
                .isInstanceOf(InvalidUpdateException.class)
                .hasMessageContaining("over several clients");
        assertThatThrownBy(() -> ModelDelta.of(ClientUpdate.ofMetrics(Metrics.none(), 3), GLOBAL))
                .hasMessage("the update holds no model");
        Model other = Model.builder()
                .trainable("weight", Tensor.copyOf(new float[] {1}, 1))
                .buffer("mean", Tensor.copyOf(new float[] {17}, 1))
                .build();
        assertThatThrownBy(() -> ModelDelta.of(ClientUpdate.ofModel(other, 3), GLOBAL))
                .hasMessage("tensor 'weight' must have shape 5, had 1");
        Model fewer = Model.builder()
                .trainable("weight", Tensor.copyOf(new float[5], 5))
                .build();
        assertThatThrownBy(() -> ModelDelta.of(ClientUpdate.ofModel(fewer, 3), GLOBAL))
                .hasMessage("tensor 'mean' is not at its place 1");
    }
}
