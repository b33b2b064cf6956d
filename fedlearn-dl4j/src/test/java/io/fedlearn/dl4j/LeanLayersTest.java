package io.fedlearn.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.Objective;
import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** What the lean layers compute is what DL4J's own do. */
class LeanLayersTest {
    @ParameterizedTest
    @CsvSource({
        // channels, depth, height, width, kernels, activation, bias, examples
        "1, 8, 12, 12, 3x3x3, RELU, true, 3",
        "1, 8, 12, 10, 3x3x3, IDENTITY, true, 1",
        "1, 7, 9, 11, 3x3x3, RELU, true, 2",
        "1, 6, 4, 4, 1x3x5, RELU, true, 2",
        "3, 6, 8, 6, 3x3x3, RELU, false, 2",
        "5, 4, 4, 4, 5x3x1, RELU, true, 2",
        "7, 4, 4, 4, 3x3x3, RELU, true, 2",
        "1, 2, 2, 2, 5x5x5, RELU, true, 2",
        "1, 8, 8, 8, 2x2x2, RELU, true, 2",
        "1, 8, 8, 8, 3x3x3, TANH, true, 2",
    })
    void givesTheGradientsOfDl4jsOwnLayers(
            int channels,
            int depth,
            int height,
            int width,
            String kernel,
            Activation activation,
            boolean hasBias,
            int examples) {
        MultiLayerConfiguration configuration =
                configuration(channels, depth, height, width, kernel, activation, hasBias);
        Shape shape = Shape.of(channels, depth, height, width);
        Dl4jModel model = Dl4jModel.of(configuration, shape, Objective.BINARY);
        MultiLayerNetwork plain = new MultiLayerNetwork(configuration.clone());
        plain.init();
        Network.floats(plain.params())
                .put(0, floats(((MultiLayerNetwork) model.network().model()).params()));
        Batch batch = batch(channels * depth * height * width, examples);
        float[] gradient = new float[model.trainables().length];

        double loss = model.lossAndGradient(batch, gradient);

        plain.setInput(Nd4j.create(batch.features(), new long[] {examples, channels, depth, height, width}, 'c'));
        plain.setLabels(Nd4j.create(batch.targets(), new long[] {examples, 1}, 'c'));
        plain.computeGradientAndScore(LayerWorkspaceMgr.noWorkspaces());
        float[] expected = floats(plain.getGradientsViewArray());
        assertThat(loss).isCloseTo(plain.score(), offset(1e-6));
        double largest = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i] / examples));
        }
        assertThat(largest).isGreaterThan(1e-3);
        for (int i = 0; i < expected.length; i++) {
            assertThat(gradient[i]).as("gradient %d", i).isCloseTo(expected[i] / examples, offset((float)
                    (3e-6 * largest)));
        }
    }

    @Test
    void takesThePlaceOfTheLayersThatItKnows() {
        Dl4jModel model = Dl4jModel.of(
                configuration(1, 8, 8, 8, "3x3x3", Activation.RELU, true), Shape.of(1, 8, 8, 8), Objective.BINARY);

        List<Class<?>> layers = List.of(((MultiLayerNetwork) model.network().model()).getLayers()).stream()
                .<Class<?>>map(Layer::getClass)
                .toList();

        assertThat(layers).startsWith(LeanConvolution3D.class, LeanConvolution3D.class, LeanPooling3D.class);
    }

    @Test
    void leavesActivationsAloneWhoseOutputDoesNotTellTheirInput() {
        Dl4jModel model = Dl4jModel.of(
                configuration(1, 8, 8, 8, "3x3x3", Activation.SWISH, true), Shape.of(1, 8, 8, 8), Objective.BINARY);

        assertThat(((MultiLayerNetwork) model.network().model()).getLayers()[0])
                .isNotInstanceOf(LeanConvolution3D.class);
    }

    @Test
    void takesABatchInPartsWithTheSameGradientButForTheLastBits() {
        MultiLayerConfiguration configuration = configuration(1, 8, 8, 8, "3x3x3", Activation.RELU, true);
        Dl4jModel whole = Dl4jModel.of(configuration, Shape.of(1, 8, 8, 8), Objective.BINARY);
        Dl4jModel parts = Dl4jModel.builder(configuration, Shape.of(1, 8, 8, 8), Objective.BINARY)
                .gradientBatchSize(3)
                .build();
        parts.load(whole.snapshot());
        Batch batch = batch(512, 8);
        float[] expected = new float[whole.trainables().length];
        float[] gradient = new float[expected.length];

        double loss = parts.lossAndGradient(batch, gradient);

        assertThat(loss).isCloseTo(whole.lossAndGradient(batch, expected), offset(1e-6));
        assertThat(gradient).usingComparatorWithPrecision(1e-5f).containsExactly(expected);
    }

    @Test
    void takesMaximaByItselfWhereverTheirInputLies() {
        Dl4jModel model = Dl4jModel.of(
                configuration(1, 8, 8, 8, "3x3x3", Activation.RELU, true), Shape.of(1, 8, 8, 8), Objective.BINARY);
        MultiLayerNetwork network = (MultiLayerNetwork) model.network().model();
        List<Boolean> own = new ArrayList<>();
        network.setListeners(new BaseTrainingListener() {
            @Override
            public void onForwardPass(Model trained, List<INDArray> activations) {
                own.add(LeanPooling3D.isPlain(activations.get(2)) && LeanPooling3D.isPlain(activations.get(3)));
            }
        });

        model.lossAndGradient(batch(512, 4), new float[model.trainables().length]);

        assertThat(own).containsExactly(true);
    }

    private static float[] floats(INDArray array) {
        float[] values = new float[(int) array.length()];
        Network.floats(array).get(0, values);
        return values;
    }

    private static Batch batch(int features, int examples) {
        Batch batch = Batch.of(examples, features, 1);
        SeededRandom random = SeededRandom.of(7);
        for (int i = 0; i < batch.features().length; i++) {
            batch.features()[i] = (float) (random.nextDouble() * 2 - 1);
        }
        for (int i = 0; i < examples; i++) {
            batch.targets()[i] = i % 2;
        }
        batch.resize(examples);
        return batch;
    }

    private static MultiLayerConfiguration configuration(
            int channels, int depth, int height, int width, String kernel, Activation activation, boolean hasBias) {
        String[] sizes = kernel.split("x");
        return new NeuralNetConfiguration.Builder()
                .seed(3)
                .weightInit(WeightInit.RELU)
                .activation(activation)
                .list()
                .layer(convolution(4, sizes, hasBias))
                .layer(convolution(5, sizes, hasBias))
                .layer(new Subsampling3DLayer.Builder(PoolingType.MAX)
                        .kernelSize(2, 2, 2)
                        .stride(2, 2, 2)
                        .convolutionMode(ConvolutionMode.Same)
                        .dataFormat(Convolution3D.DataFormat.NCDHW)
                        .build())
                .layer(new OutputLayer.Builder(LossFunction.XENT)
                        .nOut(1)
                        .activation(Activation.SIGMOID)
                        .build())
                .setInputType(InputType.convolutional3D(Convolution3D.DataFormat.NCDHW, depth, height, width, channels))
                .build();
    }

    private static Convolution3D convolution(int outputs, String[] sizes, boolean hasBias) {
        return new Convolution3D.Builder(
                        Integer.parseInt(sizes[0]), Integer.parseInt(sizes[1]), Integer.parseInt(sizes[2]))
                .nOut(outputs)
                .hasBias(hasBias)
                .convolutionMode(ConvolutionMode.Same)
                .dataFormat(Convolution3D.DataFormat.NCDHW)
                .build();
    }
}
