package io.fedlearn.luna16.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.luna16.patch.PatchShape;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class LunaNetTest {
    private static LunaNet small() {
        return LunaNet.of(new PatchShape(16, 16, 16), List.of(2, 3, 4, 5));
    }

    @Test
    void hasTheParametersThatItSays() {
        LunaNet network = LunaNet.defaults();
        LocalModel model = network.create();

        assertThat(network.patch()).isEqualTo(new PatchShape(32, 48, 48));
        assertThat(network.channels()).containsExactly(8, 16, 32, 64);
        assertThat(model.spec().trainableCount()).isEqualTo(221_065);
        assertThat(model.spec().tensors()).allMatch(tensor -> tensor.role() == TensorRole.TRAINABLE);
        assertThat(model.objective()).isEqualTo(Objective.BINARY);
        assertThat(model.outputLength()).isEqualTo(1);
        assertThat(model.featureShape()).isEqualTo(network.featureShape()).isEqualTo(Shape.of(1, 32, 48, 48));
    }

    @Test
    void namesItsTensorsByLayer() {
        List<TensorSpec> tensors = small().create().spec().tensors();

        assertThat(tensors).hasSize(2 * 9);
        assertThat(tensors.subList(0, 4))
                .extracting(tensor -> tensor.name() + " " + tensor.shape())
                .containsExactly(
                        "layer0.bias " + Shape.of(2),
                        "layer0.weight " + Shape.of(2, 1, 3, 3, 3),
                        "layer1.bias " + Shape.of(2),
                        "layer1.weight " + Shape.of(2, 2, 3, 3, 3));
        // Layer 2 pools.
        assertThat(tensors.get(4).name()).isEqualTo("layer3.bias");
        assertThat(tensors.get(17).name()).isEqualTo("layer12.bias");
    }

    @Test
    void takesPatchesThatHalvingDoesNotDivideEvenly() {
        LocalModel model =
                LunaNet.of(new PatchShape(17, 20, 31), List.of(1, 1, 1, 1)).create();
        // 17 to 9, 5, 3, 2; 20 to 10, 5, 3, 2; 31 to 16, 8, 4, 2.
        assertThat(model.spec().tensor("layer12.weight").orElseThrow().shape()).isEqualTo(Shape.of(1, 8));
        model.load(model.initialModel(1));
        float[] score = new float[1];
        Batch batch = Batch.of(1, 17 * 20 * 31, 1);
        batch.resize(1);
        model.evaluate(batch, score);
        assertThat(score[0]).isBetween(0f, 1f);
    }

    @Test
    void startsFromTheSameBitsForTheSameSeed() {
        Model first = small().create().initialModel(7);

        assertThat(small().create().initialModel(7).digest()).isEqualTo(first.digest());
        assertThat(small().create().initialModel(8).digest()).isNotEqualTo(first.digest());
    }

    @Test
    void startsUndecided() {
        LocalModel model = small().create();
        model.load(model.initialModel(3));
        Batch batch = Batch.of(1, 16 * 16 * 16, 1);
        batch.resize(1);
        float[] score = new float[1];
        model.evaluate(batch, score);
        // All biases are 0, so what shows nothing comes out in the middle.
        assertThat(score[0]).isEqualTo(0.5f);
    }

    @Test
    void answersItsPriorBeforeItIsTrained() {
        LocalModel model = small().withPrior(0.01).create();
        model.load(model.initialModel(3));
        Batch batch = Batch.of(1, 16 * 16 * 16, 1);
        batch.resize(1);
        float[] score = new float[1];
        // The last layer's weights start at 0, so what the patch shows makes no difference.
        for (float value : new float[] {0, 0.7f}) {
            Arrays.fill(batch.features(), value);
            model.evaluate(batch, score);
            assertThat(score[0]).isCloseTo(0.01f, within(1e-6f));
        }
        assertThat(small().withPrior(LunaNet.DEFAULT_PRIOR)
                        .create()
                        .initialModel(1)
                        .digest())
                .isEqualTo(small().create().initialModel(1).digest());
    }

    @Test
    void dropoutChangesTrainingAndNoParameter() {
        LunaNet dropping = small().withDropout(0.5);

        assertThat(dropping.create().spec()).isEqualTo(small().create().spec());
        assertThat(dropping.create().initialModel(1).digest())
                .isEqualTo(small().create().initialModel(1).digest());
        assertThat(dropping.configuration().toJson()).contains("Dropout");
        assertThat(small().configuration().toJson()).doesNotContain("Dropout");
    }

    @Test
    void refusesPatchesThatItsBlocksCannotHalve() {
        for (PatchShape shape :
                List.of(new PatchShape(15, 16, 16), new PatchShape(16, 15, 16), new PatchShape(16, 16, 15))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> LunaNet.defaults().withPatch(shape))
                    .withMessage("patch must have at least 16 voxels along each axis, which 4 blocks halve to 1, was "
                            + shape);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> small().withChannels(List.of(1, 1, 1, 1, 1)))
                .withMessageContaining("at least 32 voxels along each axis, which 5 blocks halve to 1, was 16x16x16");
    }

    @Test
    void refusesNumbersOutOfRange() {
        for (List<Integer> channels : List.of(List.<Integer>of(), List.of(8, 0), List.of(4097))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> LunaNet.defaults().withChannels(channels))
                    .withMessage("channels must be one or more numbers from 1 to 4096, were " + channels);
        }
        for (double share : new double[] {-0.1, 1, Double.NaN}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> LunaNet.defaults().withDropout(share))
                    .withMessage("dropout must be in [0, 1), was " + share);
        }
        for (double prior : new double[] {0, 1, -1, Double.NaN}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> LunaNet.defaults().withPrior(prior))
                    .withMessage("prior must be in [1.0E-7, 1 - 1.0E-7], was " + prior);
        }
    }

    @Test
    void saysWhatItIs() {
        assertThat(LunaNet.defaults()).hasToString("LunaNet 32x48x48, channels 8 16 32 64");
        assertThat(small().withDropout(0.25)).hasToString("LunaNet 16x16x16, channels 2 3 4 5, dropout 0.25");
        assertThat(small().withPrior(0.25)).hasToString("LunaNet 16x16x16, channels 2 3 4 5, prior 0.25");
        assertThat(small().withPrior(0.25)
                        .withDropout(0.5)
                        .withPatch(new PatchShape(16, 16, 17))
                        .prior())
                .isEqualTo(0.25);
    }
}
