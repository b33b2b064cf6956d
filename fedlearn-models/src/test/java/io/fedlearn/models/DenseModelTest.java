package io.fedlearn.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every model of this module promises. */
class DenseModelTest {
    static Stream<Named<DenseModel>> models() {
        return Stream.of(
                Named.of("linear", LinearRegression.of(5)),
                Named.of("linear, 3 outputs", LinearRegression.of(Shape.of(5), 3)),
                Named.of("logistic", LogisticRegression.of(13)),
                Named.of("softmax", SoftmaxRegression.of(9, 4)),
                Named.of("wide softmax", SoftmaxRegression.of(7, 21)),
                Named.of("standardised logistic", LogisticRegression.of(6).standardizing(statistics(6))),
                Named.of(
                        "binary perceptron",
                        MultilayerPerceptron.builder(6).hidden(5).binary()),
                Named.of(
                        "wide perceptron",
                        MultilayerPerceptron.builder(11).hidden(19, 17).multiclass(3)),
                Named.of(
                        "deep perceptron",
                        MultilayerPerceptron.builder(Shape.of(2, 3))
                                .hidden(18, 3, 16)
                                .regression(2)),
                Named.of(
                        "standardised perceptron",
                        MultilayerPerceptron.builder(6).hidden(17).multiclass(3).standardizing(statistics(6))));
    }

    static FeatureStatistics statistics(int features) {
        SeededRandom random = SeededRandom.of(features);
        float[] values = new float[40 * features];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (2 + i % features + (0.5 + i % features) * random.nextGaussian());
        }
        return FeatureStatistics.of(InMemoryExamples.wrap(Shape.of(features), values, new float[40]));
    }

    /** Every parameter random, so that no gradient is right only at 0. */
    private static void randomise(DenseModel model, long seed) {
        SeededRandom random = SeededRandom.of(seed);
        Model initial = model.initialModel(seed);
        Model.Builder builder = Model.builder();
        for (TensorSpec spec : model.spec().tensors()) {
            Tensor tensor = initial.tensor(spec.name());
            if (spec.role() == TensorRole.TRAINABLE) {
                float[] values = new float[(int) spec.shape().elementCount()];
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (0.5 * random.nextGaussian());
                }
                tensor = Tensor.wrap(values, spec.shape().lengths());
            }
            builder.add(spec.name(), tensor, spec.role());
        }
        model.load(builder.build());
    }

    private static double lossAt(DenseModel model, Model base, int parameter, float change, Batch batch) {
        float[] flat = new float[model.trainables().length];
        Model.Builder builder = Model.builder();
        int at = 0;
        for (TensorSpec spec : base.spec().tensors()) {
            Tensor tensor = base.tensor(spec.name());
            if (spec.role() == TensorRole.TRAINABLE) {
                float[] values = tensor.toFloatArray();
                if (parameter >= at && parameter < at + values.length) {
                    values[parameter - at] += change;
                }
                System.arraycopy(values, 0, flat, at, values.length);
                at += values.length;
                tensor = Tensor.wrap(values, spec.shape().lengths());
            }
            builder.add(spec.name(), tensor, spec.role());
        }
        model.load(builder.build());
        return model.evaluate(batch, new float[batch.size() * model.outputLength()]) / batch.size();
    }

    @ParameterizedTest
    @MethodSource("models")
    void gradientIsThatOfTheMeanLoss(DenseModel model) {
        randomise(model, 3);
        Batch batch = Batches.random(model, 7, 4);
        float[] gradient = new float[model.trainables().length];
        model.lossAndGradient(batch, gradient);
        Model base = model.snapshot();
        double largest = 0;
        int far = 0;
        for (int i = 0; i < gradient.length; i++) {
            float step = 0.004f;
            double slope = (lossAt(model, base, i, step, batch) - lossAt(model, base, i, -step, batch)) / (2 * step);
            if (Math.abs(slope - gradient[i]) > 2e-3 * Math.max(1, Math.abs(slope))) {
                far++;
            }
            largest = Math.max(largest, Math.abs(gradient[i]));
        }
        assertThat(largest).isGreaterThan(0.01);
        // A finite step may cross the kink of a ReLU, at a few parameters out of hundreds.
        assertThat(far).isLessThanOrEqualTo(model instanceof MultilayerPerceptron ? gradient.length / 50 : 0);
    }

    @ParameterizedTest
    @MethodSource("models")
    void gradientsOfSingleExamplesAverageToThatOfTheBatch(DenseModel model) {
        randomise(model, 5);
        Batch batch = Batches.random(model, 9, 6);
        float[] gradient = new float[model.trainables().length];
        double loss = model.lossAndGradient(batch, gradient);
        double[] sums = new double[gradient.length];
        double[] lossSum = new double[1];
        int[] next = new int[1];
        model.forEachGradient(batch, (example, exampleLoss, exampleGradient) -> {
            assertThat(example).isEqualTo(next[0]++);
            lossSum[0] += exampleLoss;
            for (int i = 0; i < sums.length; i++) {
                sums[i] += exampleGradient[i];
            }
            Arrays.fill(exampleGradient, Float.NaN);
        });
        assertThat(next[0]).isEqualTo(9);
        assertThat(lossSum[0] / 9).isCloseTo(loss, within(1e-12));
        for (int i = 0; i < sums.length; i++) {
            assertThat(sums[i] / 9).isCloseTo(gradient[i], within(2e-6));
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void largeBatchesGoThroughInBlocks(DenseModel model) {
        randomise(model, 5);
        int size = 2 * DenseModel.BLOCK + 3;
        Batch batch = Batches.random(model, size, 6);
        float[] gradient = new float[model.trainables().length];
        double loss = model.lossAndGradient(batch, gradient);
        double[] sums = new double[gradient.length];
        model.forEachGradient(batch, (example, exampleLoss, exampleGradient) -> {
            for (int i = 0; i < sums.length; i++) {
                sums[i] += exampleGradient[i];
            }
        });
        for (int i = 0; i < sums.length; i++) {
            assertThat(sums[i] / size).isCloseTo(gradient[i], within(2e-6));
        }
        float[] outputs = new float[size * model.outputLength()];
        assertThat(model.evaluate(batch, outputs) / size).isCloseTo(loss, within(1e-9));
        int length = batch.featureLength();
        float[] last = Arrays.copyOfRange(batch.features(), (size - 1) * length, size * length);
        assertThat(model.predict(last))
                .containsExactly(Arrays.copyOfRange(outputs, outputs.length - model.outputLength(), outputs.length));
    }

    @ParameterizedTest
    @MethodSource("models")
    void trainingLowersTheLoss(DenseModel model) {
        model.load(model.initialModel(1));
        Batch batch = Batches.random(model, 32, 2);
        float[] gradient = new float[model.trainables().length];
        model.startTraining(TrainingSettings.defaults().withLearningRate(0.05).withMomentum(0.9), 1);
        double before = model.lossAndGradient(batch, gradient);
        for (int i = 0; i < 60; i++) {
            model.lossAndGradient(batch, gradient);
            model.applyGradient(gradient);
        }
        assertThat(model.lossAndGradient(batch, gradient)).isLessThan(0.98 * before);
    }

    @ParameterizedTest
    @MethodSource("models")
    void sameCallsGiveTheSameBitsWhateverCameBefore(DenseModel model) {
        Batch batch = Batches.random(model, 10, 3);
        Model first = train(model, batch);
        model.evaluate(Batches.random(model, 50, 9), new float[50 * model.outputLength()]);
        Model second = train(model, batch);
        assertThat(second.digest()).isEqualTo(first.digest());
    }

    /** The digests come from this test itself, on JDK 17; what they hold is that they never change. */
    @Test
    void trainedModelsHaveTheSameBitsOnEveryJvm() {
        DenseModel perceptron = MultilayerPerceptron.builder(30).hidden(20, 17).multiclass(5);
        DenseModel logistic = LogisticRegression.of(6).standardizing(statistics(6));
        assertThat(train(perceptron, Batches.random(perceptron, 150, 1)).digest())
                .isEqualTo("802b6dd2e220d89aa6641fe6c4de4559ceae2df854a86322710e4070c5a5ec7c");
        assertThat(train(logistic, Batches.random(logistic, 10, 1)).digest())
                .isEqualTo("c67f4d9e3ca640638835b4fdad78acef49310ab5eea43c792eea183a4bbae1b8");
    }

    private static Model train(DenseModel model, Batch batch) {
        model.load(model.initialModel(7));
        model.startTraining(TrainingSettings.defaults().withMomentum(0.5).withWeightDecay(0.01), 3);
        float[] gradient = new float[model.trainables().length];
        for (int i = 0; i < 5; i++) {
            model.lossAndGradient(batch, gradient);
            model.applyGradient(gradient);
        }
        return model.snapshot();
    }

    @ParameterizedTest
    @MethodSource("models")
    void snapshotGivesBackWhatWasLoadedAndStaysWhenTrainingGoesOn(DenseModel model) {
        randomise(model, 11);
        Model loaded = model.snapshot();
        model.load(loaded);
        Model snapshot = model.snapshot();
        assertThat(snapshot).isEqualTo(loaded);
        assertThat(snapshot.spec()).isEqualTo(model.spec());
        String digest = snapshot.digest();
        Batch batch = Batches.random(model, 4, 1);
        float[] gradient = new float[model.trainables().length];
        model.startTraining(TrainingSettings.defaults(), 1);
        model.lossAndGradient(batch, gradient);
        model.applyGradient(gradient);
        assertThat(Model.of(snapshot.spec(), snapshot.tensors()).digest()).isEqualTo(digest);
        assertThat(model.snapshot()).isNotEqualTo(loaded);
    }

    @ParameterizedTest
    @MethodSource("models")
    void flatTrainablesAreTheTensorsInOrder(DenseModel model) {
        randomise(model, 2);
        Model snapshot = model.snapshot();
        int at = 0;
        for (TensorSpec spec : snapshot.spec().tensors()) {
            if (spec.role() == TensorRole.TRAINABLE) {
                float[] values = snapshot.tensor(spec.name()).toFloatArray();
                assertThat(Arrays.copyOfRange(model.trainables(), at, at + values.length))
                        .containsExactly(values);
                at += values.length;
            }
        }
        assertThat(at).isEqualTo(model.trainables().length);
    }

    @ParameterizedTest
    @MethodSource("models")
    void refusesBatchesOfAnotherShape(DenseModel model) {
        int features = model.architecture().featureCount();
        int targets = model.architecture().targetLength();
        Batch wide = Batch.of(2, features + 1, targets);
        wide.resize(2);
        Batch manyTargets = Batch.of(2, features, targets + 1);
        manyTargets.resize(2);
        Batch empty = Batch.of(2, features, targets);
        float[] gradient = new float[model.trainables().length];
        assertThatIllegalArgumentException()
                .isThrownBy(() -> model.lossAndGradient(wide, gradient))
                .withMessageContaining((features + 1) + " and " + targets);
        assertThatIllegalArgumentException().isThrownBy(() -> model.forEachGradient(manyTargets, (i, loss, g) -> {}));
        assertThatIllegalArgumentException().isThrownBy(() -> model.lossAndGradient(empty, gradient));
        assertThatIllegalArgumentException().isThrownBy(() -> model.lossAndGradient(empty, new float[1]));
        model.forEachGradient(empty, (i, loss, g) -> assertThat(i).isNegative());
        assertThat(model.evaluate(empty, new float[0])).isZero();
    }

    @ParameterizedTest
    @MethodSource("models")
    void refusesToStepBeforeTrainingWasStarted(DenseModel model) {
        assertThatThrownBy(() -> model.applyGradient(new float[model.trainables().length]))
                .isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @MethodSource("models")
    void refusesAModelOfAnotherSpecificationByTensorName(DenseModel model) {
        Model other = LinearRegression.of(77).initialModel(0);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> model.load(other))
                .withMessageContaining(model.spec().tensors().get(0).name());
    }
}
