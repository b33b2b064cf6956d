package io.fedlearn.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class Dl4jModelTest {
    private static final TrainingSettings SETTINGS = TrainingSettings.defaults().withLearningRate(0.05);

    static Batch batch(int examples, int features, int classes, long seed) {
        Batch batch = Batch.of(examples, features, 1);
        SeededRandom random = SeededRandom.of(seed);
        for (int i = 0; i < examples * features; i++) {
            batch.features()[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < examples; i++) {
            batch.targets()[i] = random.nextInt(classes);
        }
        batch.resize(examples);
        return batch;
    }

    private static Dl4jModel dense() {
        return Dl4jModel.of(Networks.dense(), Networks.FEATURES, Objective.MULTICLASS);
    }

    private static MultiLayerConfiguration layers(NeuralNetConfiguration.Builder common) {
        return common.list()
                .layer(new DenseLayer.Builder()
                        .nIn(6)
                        .nOut(5)
                        .activation(Activation.TANH)
                        .build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(5)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build();
    }

    private static void train(Dl4jModel model, int steps) {
        train(model, steps, SETTINGS);
    }

    private static void train(Dl4jModel model, int steps, TrainingSettings settings) {
        model.startTraining(settings, 3);
        float[] gradient = new float[model.trainables().length];
        for (int step = 0; step < steps; step++) {
            Batch batch = batch(8, 6, model.outputLength() == 1 ? 2 : model.outputLength(), step);
            model.lossAndGradient(batch, gradient);
            model.applyGradient(gradient);
        }
    }

    @Test
    void namesTensorsAfterLayersAndGivesThemRoles() {
        assertThat(Dl4jModel.of(Networks.normalized(false), Networks.FEATURES, Objective.MULTICLASS)
                        .spec())
                .hasToString("[layer0.weight FLOAT32 5x6 TRAINABLE, layer0.bias FLOAT32 5 TRAINABLE,"
                        + " norm.gamma FLOAT32 5 TRAINABLE, norm.beta FLOAT32 5 TRAINABLE,"
                        + " norm.mean FLOAT32 5 BUFFER, norm.var FLOAT32 5 BUFFER,"
                        + " layer2.weight FLOAT32 3x5 TRAINABLE, layer2.bias FLOAT32 3 TRAINABLE]");
        assertThat(Dl4jModel.of(Networks.convolutional(), Networks.VOLUME, Objective.BINARY)
                        .spec())
                .hasToString("[conv1.bias FLOAT32 3 TRAINABLE, conv1.weight FLOAT32 3x1x3x3x3 TRAINABLE,"
                        + " conv2.bias FLOAT32 2 TRAINABLE, conv2.weight FLOAT32 2x3x3x3x3 TRAINABLE,"
                        + " output.weight FLOAT32 1x36 TRAINABLE, output.bias FLOAT32 1 TRAINABLE]");
        assertThat(Dl4jModel.of(Networks.residual(), Networks.FEATURES, Objective.BINARY)
                        .spec()
                        .tensors())
                .extracting(tensor -> tensor.name())
                .containsExactly(
                        "first.weight", "first.bias", "second.weight", "second.bias", "out.weight", "out.bias");
    }

    @Test
    void givesTheSameNamesToLayersThatShareAName() {
        MultiLayerConfiguration same = new NeuralNetConfiguration.Builder()
                .list()
                .layer(new DenseLayer.Builder().name("same").nIn(6).nOut(1).build())
                .layer(new OutputLayer.Builder(LossFunction.MSE)
                        .name("same")
                        .nIn(1)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .build())
                .build();

        assertThat(Dl4jModel.of(same, Networks.FEATURES, Objective.REGRESSION).spec())
                .hasToString("[layer0.weight FLOAT32 1x6 TRAINABLE, layer0.bias FLOAT32 1 TRAINABLE,"
                        + " layer1.weight FLOAT32 2x1 TRAINABLE, layer1.bias FLOAT32 2 TRAINABLE]");
    }

    @Test
    void weightsOfADenseLayerAreRowsOfOutputs() {
        MultiLayerNetwork network = new MultiLayerNetwork(Networks.dense());
        network.init();
        Model model =
                Dl4jModel.of(network, Networks.FEATURES, Objective.MULTICLASS).snapshot();

        for (int output = 0; output < 5; output++) {
            for (int input = 0; input < 6; input++) {
                assertThat(model.tensor("layer0.weight").get(output * 6 + input))
                        .isEqualTo(network.getParam("0_W").getFloat(input, output));
            }
        }
    }

    @Test
    void startsFromACopyOfAGivenNetwork() {
        MultiLayerNetwork network = new MultiLayerNetwork(Networks.dense());
        network.init();
        float[] before = network.params().toFloatVector();
        Dl4jModel model = Dl4jModel.of(network, Networks.FEATURES, Objective.MULTICLASS);
        Model start = model.snapshot();

        train(model, 2);

        assertThat(network.params().toFloatVector()).isEqualTo(before);
        assertThat(model.initialModel(1)).isEqualTo(start).isEqualTo(model.initialModel(2));
        assertThat(model.snapshot()).isNotEqualTo(start);
    }

    @Test
    void drawsOtherParametersForAnotherSeed() {
        assertThat(dense().initialModel(1)).isEqualTo(dense().initialModel(1)).isNotEqualTo(dense().initialModel(2));
    }

    /** ND4J takes 0 for no seed. */
    @Test
    void drawsTheSameParametersForSeedZero() {
        assertThat(dense().initialModel(0)).isEqualTo(dense().initialModel(0)).isNotEqualTo(dense().initialModel(1));
        Dl4jModel graph = Dl4jModel.of(Networks.residual(), Networks.FEATURES, Objective.BINARY);
        assertThat(graph.initialModel(0)).isEqualTo(graph.initialModel(0)).isNotEqualTo(graph.initialModel(1));
    }

    /** What DL4J's own {@code fit} makes of the same batches. */
    private static Model fitted(MultiLayerConfiguration configuration, Model start, int steps) {
        Dl4jModel names = Dl4jModel.of(configuration, Networks.FEATURES, Objective.MULTICLASS);
        names.load(start);
        MultiLayerNetwork network = new MultiLayerNetwork(configuration.clone());
        network.init();
        network.setParams(names.network().parameters());
        for (int step = 0; step < steps; step++) {
            Batch batch = batch(8, 6, 3, step);
            float[][] labels = new float[8][3];
            for (int i = 0; i < 8; i++) {
                labels[i][(int) batch.targets()[i]] = 1;
            }
            network.fit(Nd4j.create(batch.features(), new long[] {8, 6}, 'c'), Nd4j.createFromArray(labels));
        }
        return Dl4jModel.of(network, Networks.FEATURES, Objective.MULTICLASS).snapshot();
    }

    private static void requireAsFitted(
            MultiLayerConfiguration configuration, Dl4jModel model, TrainingSettings settings) {
        Model start = model.initialModel(4);
        model.load(start);
        train(model, 20, settings);

        Model expected = fitted(configuration, start, 20);
        Model actual = model.snapshot();
        for (int i = 0; i < expected.tensors().size(); i++) {
            assertThat(actual.tensors().get(i).toFloatArray())
                    .as(expected.spec().tensors().get(i).name())
                    .usingComparatorWithPrecision(2e-5f)
                    .containsExactly(expected.tensors().get(i).toFloatArray());
        }
    }

    @Test
    void stepsWithSgdAsDl4jDoes() {
        MultiLayerConfiguration configuration = layers(new NeuralNetConfiguration.Builder()
                .updater(new Sgd(0.05))
                .l2(0.01)
                .l1(0.02));

        requireAsFitted(configuration, Dl4jModel.of(configuration, Networks.FEATURES, Objective.MULTICLASS), SETTINGS);
    }

    @Test
    void stepsWithWeightDecayAndClippingAsDl4jDoes() {
        MultiLayerConfiguration configuration = layers(new NeuralNetConfiguration.Builder()
                .updater(new Sgd(0.05))
                .weightDecay(0.1)
                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                .gradientNormalizationThreshold(0.1));

        requireAsFitted(configuration, Dl4jModel.of(configuration, Networks.FEATURES, Objective.MULTICLASS), SETTINGS);
    }

    @Test
    void limitsGradientsAsDl4jDoes() {
        for (GradientNormalization kind : GradientNormalization.values()) {
            MultiLayerConfiguration configuration = layers(new NeuralNetConfiguration.Builder()
                    .updater(new Sgd(0.05))
                    .gradientNormalization(kind)
                    .gradientNormalizationThreshold(0.05));

            requireAsFitted(
                    configuration, Dl4jModel.of(configuration, Networks.FEATURES, Objective.MULTICLASS), SETTINGS);
        }
    }

    @Test
    void stepsWithTheNetworksUpdaterAsDl4jDoes() {
        MultiLayerConfiguration configuration = layers(
                new NeuralNetConfiguration.Builder().updater(new Adam(0.01)).weightDecay(0.1));

        requireAsFitted(
                configuration,
                Dl4jModel.builder(configuration, Networks.FEATURES, Objective.MULTICLASS)
                        .networkUpdater()
                        .build(),
                SETTINGS.withLearningRate(0.01));
    }

    @Test
    void movesStatisticsOfBatchNormAsDl4jDoes() {
        for (boolean log : new boolean[] {false, true}) {
            MultiLayerConfiguration configuration = Networks.normalized(log);
            configuration
                    .getConfs()
                    .forEach(layer -> ((org.deeplearning4j.nn.conf.layers.BaseLayer) layer.getLayer())
                            .setIUpdater(new Sgd(0.05)));

            requireAsFitted(
                    configuration, Dl4jModel.of(configuration, Networks.FEATURES, Objective.MULTICLASS), SETTINGS);
        }
    }

    @Test
    void leavesStatisticsOfBatchNormWhereGradientsAreOfSingleExamples() {
        Dl4jModel model = Dl4jModel.of(Networks.normalized(false), Networks.FEATURES, Objective.MULTICLASS);
        Model start = model.snapshot();
        model.startTraining(SETTINGS, 1);
        float[] gradient = new float[model.trainables().length];

        model.lossAndGradient(batch(8, 6, 3, 1), gradient);
        model.forEachGradient(batch(2, 6, 3, 2), (example, loss, own) -> {});
        model.applyGradient(gradient);

        for (String statistic : List.of("norm.mean", "norm.var")) {
            assertThat(model.snapshot().tensor(statistic)).isEqualTo(start.tensor(statistic));
        }
    }

    @Test
    void keepsTheConfigurationsConstraints() {
        Dl4jModel model = Dl4jModel.of(
                layers(new NeuralNetConfiguration.Builder().constrainWeights(new MaxNormConstraint(0.1, 0))),
                Networks.FEATURES,
                Objective.MULTICLASS);

        train(model, 3);

        float[] weights = model.snapshot().tensor("layer0.weight").toFloatArray();
        for (int output = 0; output < 5; output++) {
            double square = 0;
            for (int input = 0; input < 6; input++) {
                square += weights[output * 6 + input] * weights[output * 6 + input];
            }
            assertThat(Math.sqrt(square)).isLessThanOrEqualTo(0.1 + 1e-6);
        }
        assertThat(model.trainables()).startsWith(weights);
    }

    @Test
    void beginsAnewWithTheStateOfTheNetworksUpdater() {
        MultiLayerConfiguration configuration = layers(new NeuralNetConfiguration.Builder().updater(new Adam()));
        Dl4jModel used = Dl4jModel.builder(configuration, Networks.FEATURES, Objective.MULTICLASS)
                .networkUpdater()
                .build();
        Model start = used.initialModel(1);
        used.load(start);
        train(used, 5);
        Model expected = used.snapshot();

        used.load(start);
        train(used, 5);

        assertThat(used.snapshot()).isEqualTo(expected);
    }

    @Test
    void refusesMomentumBesideTheNetworksUpdater() {
        Dl4jModel model = Dl4jModel.builder(Networks.dense(), Networks.FEATURES, Objective.MULTICLASS)
                .networkUpdater()
                .build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> model.startTraining(SETTINGS.withMomentum(0.9), 1))
                .withMessageContaining("momentum and weightDecay must be 0")
                .withMessageContaining("0.9");
    }

    @Test
    void leavesFrozenLayersAsTheyAre() {
        MultiLayerConfiguration configuration = new NeuralNetConfiguration.Builder()
                .l2(0.1)
                .list()
                .layer(new FrozenLayer(new DenseLayer.Builder().nIn(6).nOut(5).build()))
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(5)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build();
        for (boolean own : new boolean[] {false, true}) {
            Dl4jModel.Builder builder = Dl4jModel.builder(configuration, Networks.FEATURES, Objective.MULTICLASS);
            Dl4jModel model = (own ? builder.networkUpdater() : builder).build();
            Model start = model.snapshot();

            train(model, 3);

            assertThat(model.spec().tensors())
                    .extracting(tensor -> tensor.role())
                    .containsExactly(TensorRole.BUFFER, TensorRole.BUFFER, TensorRole.TRAINABLE, TensorRole.TRAINABLE);
            assertThat(model.snapshot().tensors().subList(0, 2))
                    .isEqualTo(start.tensors().subList(0, 2));
            assertThat(model.snapshot().tensors().get(2))
                    .isNotEqualTo(start.tensors().get(2));
        }
    }

    @Test
    void trainsRecurrentNetworksOnSequences() {
        MultiLayerConfiguration configuration = new NeuralNetConfiguration.Builder()
                .list()
                .layer(new LSTM.Builder().nIn(2).nOut(3).build())
                .layer(new RnnOutputLayer.Builder(LossFunction.MSE)
                        .nIn(3)
                        .nOut(1)
                        .activation(Activation.IDENTITY)
                        .build())
                .build();
        Dl4jModel model = Dl4jModel.of(configuration, Shape.of(2, 4), Objective.REGRESSION);
        Batch batch = Batch.of(5, 8, 4);
        batch.features()[3] = 1;
        batch.targets()[2] = 1;
        batch.resize(5);
        float[] gradient = new float[model.trainables().length];
        model.startTraining(SETTINGS, 1);

        double loss = model.lossAndGradient(batch, gradient);

        assertThat(model.outputLength()).isEqualTo(4);
        assertThat(model.spec().tensors())
                .extracting(tensor -> tensor.toString())
                .contains("layer0.recurrentWeight FLOAT32 12x3 TRAINABLE");
        float[] outputs = new float[20];
        assertThat(model.evaluate(batch, outputs) / 5).isCloseTo(loss, within(1e-6));
    }

    @Test
    void isNotConfusedBySaturatedOutputs() {
        Dl4jModel model = Dl4jModel.of(Networks.convolutional(), Networks.VOLUME, Objective.BINARY);
        Batch batch = batch(4, 144, 2, 1);
        float[] huge = new float[36];
        java.util.Arrays.fill(huge, 1e4f);
        Model start = model.initialModel(1);
        List<io.fedlearn.core.tensor.Tensor> tensors = new ArrayList<>(start.tensors());
        tensors.set(4, io.fedlearn.core.tensor.Tensor.wrap(huge, 1, 36));
        model.load(Model.of(start.spec(), tensors));
        float[] outputs = new float[4];

        assertThat(model.evaluate(batch, outputs)).isFinite().isPositive();
        for (float output : outputs) {
            assertThat(output).isBetween(0f, 1f);
        }
    }

    @Test
    void evaluatesTheSameWhateverTheSizeOfItsParts() {
        Batch batch = batch(7, 6, 3, 1);
        float[] expected = new float[21];
        float[] actual = new float[21];
        Dl4jModel whole = dense();
        Dl4jModel parts = Dl4jModel.builder(Networks.dense(), Networks.FEATURES, Objective.MULTICLASS)
                .evaluationBatchSize(3)
                .build();
        parts.load(whole.snapshot());

        double loss = whole.evaluate(batch, expected);

        assertThat(parts.evaluate(batch, actual)).isCloseTo(loss, within(1e-6 * loss));
        assertThat(actual).usingComparatorWithPrecision(1e-6f).containsExactly(expected);
    }

    private static Model trainedWithDropout(long seed) {
        Dl4jModel model = Dl4jModel.of(Networks.withDropout(), Networks.FEATURES, Objective.REGRESSION);
        model.load(model.initialModel(1));
        model.startTraining(SETTINGS, seed);
        float[] gradient = new float[model.trainables().length];
        for (int step = 0; step < 60; step++) {
            Batch batch = Batch.of(8, 6, 2);
            System.arraycopy(batch(8, 6, 2, step).features(), 0, batch.features(), 0, 48);
            batch.resize(8);
            model.lossAndGradient(batch, gradient);
            model.applyGradient(gradient);
        }
        return model.snapshot();
    }

    @Test
    void dropsOutTheSameOnWhateverThreadAndHoweverManyTrain() throws Exception {
        Model expected = trainedWithDropout(5);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            List<Callable<Model>> tasks = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int seed = 5 + i % 2;
                tasks.add(() -> trainedWithDropout(seed));
            }
            List<Future<Model>> models = threads.invokeAll(tasks);

            assertThat(models.get(0).get()).isEqualTo(expected);
            assertThat(models.get(2).get()).isEqualTo(expected);
            assertThat(models.get(1).get()).isEqualTo(models.get(3).get()).isNotEqualTo(expected);
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void dropsOutOthersInTheNextStep() {
        Dl4jModel model = Dl4jModel.of(Networks.withDropout(), Networks.FEATURES, Objective.REGRESSION);
        Batch batch = Batch.of(8, 6, 2);
        java.util.Arrays.fill(batch.features(), 1);
        batch.resize(8);
        model.startTraining(SETTINGS, 1);
        float[] first = new float[model.trainables().length];
        float[] second = new float[first.length];

        model.lossAndGradient(batch, first);
        model.lossAndGradient(batch, second);

        assertThat(second).isNotEqualTo(first);
    }

    @Test
    void refusesFeaturesThatAreNotFinite() {
        for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            Batch batch = batch(3, 6, 3, 1);
            batch.features()[8] = value;

            assertThatExceptionOfType(InvalidExampleException.class)
                    .isThrownBy(() -> dense().evaluate(batch, new float[9]))
                    .withMessage("feature 2 of example 1 of a batch is not finite");
        }
    }

    @Test
    void refusesTargetsThatAreNoClass() {
        for (float value : new float[] {-1, 3, 0.5f, Float.NaN}) {
            Batch batch = batch(3, 6, 3, 1);
            batch.targets()[2] = value;

            assertThatExceptionOfType(InvalidExampleException.class)
                    .isThrownBy(() -> dense().lossAndGradient(batch, new float[53]))
                    .withMessage("the target of example 2 of a batch must be a class's index from 0 to 2");
        }
    }

    @Test
    void goesOnAfterAnExampleWasRefused() {
        Dl4jModel model = dense();
        Batch bad = batch(3, 6, 3, 1);
        bad.targets()[2] = 7;
        assertThatExceptionOfType(InvalidExampleException.class)
                .isThrownBy(() -> model.lossAndGradient(bad, new float[53]));

        train(model, 2);

        assertThat(model.trainables()).doesNotContain(Float.NaN);
    }

    @Test
    void refusesBatchesOfAnotherShape() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> dense().evaluate(batch(3, 5, 3, 1), new float[9]))
                .withMessage("examples must have 6 features and 1 targets, had 5 and 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> dense().lossAndGradient(batch(3, 6, 3, 1), new float[52]))
                .withMessage("gradient must have 53 values, had 52");
    }

    @Test
    void refusesAModelOfAnotherNetwork() {
        Model other = Dl4jModel.of(Networks.normalized(false), Networks.FEATURES, Objective.MULTICLASS)
                .snapshot();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> dense().load(other))
                .withMessageContaining("tensor 2 must be 'layer1.weight FLOAT32 3x5 TRAINABLE', was 'norm.gamma");
    }

    @Test
    void wantsTrainingToBeStarted() {
        assertThatIllegalStateException()
                .isThrownBy(() -> dense().applyGradient(new float[53]))
                .withMessage("startTraining must come before applyGradient");
    }

    @Test
    void refusesNetworksThatDoNotFitTheObjective() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Dl4jModel.of(Networks.dense(), Networks.FEATURES, Objective.BINARY))
                .withMessage("the output of a network for two classes must be one sigmoid or two of softmax, had shape"
                        + " [3] and softmax");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Dl4jModel.of(Networks.withDropout(), Networks.FEATURES, Objective.MULTICLASS))
                .withMessageContaining("must be a row of softmax, had shape [2] and identity");
    }

    @Test
    void refusesNetworksThatItCannotTrain() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Dl4jModel.of(
                        layers(new NeuralNetConfiguration.Builder().dataType(DataType.DOUBLE)),
                        Networks.FEATURES,
                        Objective.MULTICLASS))
                .withMessage("the network must be of data type FLOAT, was DOUBLE");
        MultiLayerConfiguration truncated = Networks.dense();
        truncated.setBackpropType(BackpropType.TruncatedBPTT);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Dl4jModel.of(truncated, Networks.FEATURES, Objective.MULTICLASS))
                .withMessageContaining("must be trained by standard backpropagation");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Dl4jModel.of(
                        new NeuralNetConfiguration.Builder()
                                .list()
                                .layer(new DenseLayer.Builder().nIn(6).nOut(3).build())
                                .build(),
                        Networks.FEATURES,
                        Objective.REGRESSION))
                .withMessageContaining("the last layer must be an output layer");
    }
}
