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
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.dl4j.Dl4jModel;
import io.fedlearn.dl4j.Dl4jModelFile;
import io.fedlearn.luna16.patch.PatchShape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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
    void followsConvolutionsByBatchNormalisationWithStatisticsThatAreBuffers() {
        List<TensorSpec> tensors =
                small().withNormalization(Normalization.BATCH).create().spec().tensors();

        assertThat(tensors).hasSize(8 * 5 + 2);
        assertThat(tensors.subList(0, 6))
                .extracting(tensor -> tensor.name() + " " + tensor.shape() + " " + tensor.role())
                .containsExactly(
                        "layer0.weight " + Shape.of(2, 1, 3, 3, 3) + " TRAINABLE",
                        "layer1.gamma " + Shape.of(2) + " TRAINABLE",
                        "layer1.beta " + Shape.of(2) + " TRAINABLE",
                        "layer1.mean " + Shape.of(2) + " BUFFER",
                        "layer1.var " + Shape.of(2) + " BUFFER",
                        "layer3.weight " + Shape.of(2, 2, 3, 3, 3) + " TRAINABLE");
        assertThat(tensors)
                .filteredOn(tensor -> tensor.role() == TensorRole.BUFFER)
                .hasSize(8 * 2);
    }

    @Test
    void normalisesEachChannelOverAllVoxelsOfTheBatch() {
        LunaNet network = LunaNet.of(new PatchShape(3, 4, 5), List.of(3)).withNormalization(Normalization.BATCH);
        LocalModel model = network.create();
        Model start = model.initialModel(5);
        model.load(start);
        model.startTraining(TrainingSettings.defaults(), 1);
        Batch batch = Batch.of(2, 60, 1);
        for (int i = 0; i < batch.features().length; i++) {
            batch.features()[i] = i % 7 - 3;
        }
        batch.targets()[1] = 1;
        batch.resize(2);
        float[] gradient = new float[model.trainables().length];

        model.lossAndGradient(batch, gradient);
        model.applyGradient(gradient);

        for (int channel = 0; channel < 3; channel++) {
            double[] outputs = convolution(batch, start.tensor("layer0.weight").toFloatArray(), channel);
            double mean = Arrays.stream(outputs).average().orElseThrow();
            double variance = Arrays.stream(outputs)
                    .map(output -> (output - mean) * (output - mean))
                    .average()
                    .orElseThrow();
            // A tenth of the way from 0 and 1 to the batch's.
            assertThat(model.snapshot().tensor("layer1.mean").toFloatArray()[channel])
                    .isCloseTo((float) (0.1 * mean), within(1e-4f));
            assertThat(model.snapshot().tensor("layer1.var").toFloatArray()[channel])
                    .isCloseTo((float) (0.9 + 0.1 * variance), within(1e-3f));
        }
    }

    /** What one channel of the first convolution gives, at all voxels of two patches of 3×4×5. */
    private static double[] convolution(Batch batch, float[] weights, int channel) {
        double[] outputs = new double[2 * 60];
        for (int i = 0; i < outputs.length; i++) {
            int z = i % 60 / 20;
            int y = i % 20 / 5;
            int x = i % 5;
            for (int tap = 0; tap < 27; tap++) {
                int[] at = {z + tap / 9 - 1, y + tap / 3 % 3 - 1, x + tap % 3 - 1};
                if (at[0] >= 0 && at[0] < 3 && at[1] >= 0 && at[1] < 4 && at[2] >= 0 && at[2] < 5) {
                    outputs[i] += weights[channel * 27 + tap]
                            * batch.features()[i / 60 * 60 + at[0] * 20 + at[1] * 5 + at[2]];
                }
            }
        }
        return outputs;
    }

    @Test
    void writesNormalisedNetworksAsFilesThatDl4jOpensByItself(@TempDir Path folder) throws IOException {
        LunaNet network = LunaNet.of(new PatchShape(5, 4, 6), List.of(2, 3)).withNormalization(Normalization.BATCH);
        Dl4jModel model = network.create();
        model.load(model.initialModel(5));
        Path file = folder.resolve("lunanet.zip");
        Dl4jModelFile.write(model, file);

        MultiLayerNetwork plain = ModelSerializer.restoreMultiLayerNetwork(file.toFile());

        Batch batch = Batch.of(2, 120, 1);
        for (int i = 0; i < batch.features().length; i++) {
            batch.features()[i] = i % 5 - 2;
        }
        batch.resize(2);
        float[] scores = new float[2];
        model.evaluate(batch, scores);
        INDArray outputs = plain.output(Nd4j.create(batch.features(), new long[] {2, 1, 5, 4, 6}, 'c'));
        assertThat(scores).containsExactly(outputs.getFloat(0, 0), outputs.getFloat(1, 0));
        assertThat(Dl4jModelFile.read(file, model)).isEqualTo(model.snapshot());
        assertThat(plain.getLayerWiseConfigurations().toJson()).doesNotContain("fedlearn");
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
        assertThat(small().withNormalization(Normalization.BATCH).withDropout(0.5))
                .hasToString("LunaNet 16x16x16, channels 2 3 4 5, dropout 0.5, normalization batch");
        assertThat(small().withPrior(0.25)
                        .withDropout(0.5)
                        .withPatch(new PatchShape(16, 16, 17))
                        .prior())
                .isEqualTo(0.25);
    }
}
