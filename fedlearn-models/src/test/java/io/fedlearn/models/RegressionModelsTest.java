package io.fedlearn.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import org.junit.jupiter.api.Test;

class RegressionModelsTest {
    private static void descend(DenseModel model, Batch batch, int steps, double rate) {
        model.load(model.initialModel(0));
        model.startTraining(TrainingSettings.defaults().withLearningRate(rate), 0);
        float[] gradient = new float[model.trainables().length];
        for (int i = 0; i < steps; i++) {
            model.lossAndGradient(batch, gradient);
            model.applyGradient(gradient);
        }
    }

    @Test
    void regressionsStartAtZeroWithWeightAndBias() {
        SoftmaxRegression model = SoftmaxRegression.of(Shape.of(2, 3), 4);
        Model initial = model.initialModel(99);
        assertThat(initial.spec().tensors().stream().map(TensorSpec::name)).containsExactly("weight", "bias");
        assertThat(initial.tensor("weight").shape()).isEqualTo(Shape.of(4, 6));
        assertThat(initial).isEqualTo(Model.zeros(model.spec()));
        assertThat(model.featureShape()).isEqualTo(Shape.of(2, 3));
        assertThat(model.objective()).isEqualTo(Objective.MULTICLASS);
    }

    @Test
    void linearRegressionFindsTheLine() {
        LinearRegression model = LinearRegression.of(1);
        descend(model, Batches.of(1, 1, new float[] {-1, 0, 1, 2}, -5, -2, 1, 4), 400, 0.1);
        assertThat(model.trainables()[0]).isCloseTo(3, within(1e-4f));
        assertThat(model.trainables()[1]).isCloseTo(-2, within(1e-4f));
        assertThat(model.predict(10)[0]).isCloseTo(28, within(1e-3f));
    }

    @Test
    void weightDecayKeepsWeightsSmall() {
        LinearRegression model = LinearRegression.of(1);
        model.load(model.initialModel(0));
        model.startTraining(TrainingSettings.defaults().withWeightDecay(2).withMomentum(0.3), 0);
        Batch batch = Batches.of(1, 1, new float[] {-1, 1}, -3, 3);
        float[] gradient = new float[2];
        for (int i = 0; i < 200; i++) {
            model.lossAndGradient(batch, gradient);
            model.applyGradient(gradient);
        }
        // The gradient 2 (w - 3) + 2 w is 0 at half of what the data ask for.
        assertThat(model.trainables()[0]).isCloseTo(1.5f, within(1e-4f));
    }

    @Test
    void logisticRegressionSeparatesWhatCanBeSeparated() {
        LogisticRegression model = LogisticRegression.of(2);
        descend(model, Batches.of(2, 1, new float[] {0, 2, 1, 2, 2, 0, 3, 1}, 0, 0, 1, 1), 500, 0.5);
        assertThat(model.predict(0, 2)[0]).isLessThan(0.02f);
        assertThat(model.predict(3, 1)[0]).isGreaterThan(0.98f);
    }

    @Test
    void softmaxRegressionTellsThreeCornersApart() {
        SoftmaxRegression model = SoftmaxRegression.of(2, 3);
        descend(model, Batches.of(2, 1, new float[] {0, 0, 4, 0, 0, 4}, 0, 1, 2), 500, 0.3);
        assertThat(model.predict(0, 0)[0]).isGreaterThan(0.95f);
        assertThat(model.predict(4, 0)[1]).isGreaterThan(0.95f);
        assertThat(model.predict(0, 4)[2]).isGreaterThan(0.95f);
    }

    @Test
    void logisticAndTwoClassSoftmaxAgree() {
        Batch batch = Batches.of(2, 1, new float[] {0, 2, 1, 2, 2, 0, 3, -1}, 0, 1, 1, 0);
        LogisticRegression logistic = LogisticRegression.of(2);
        SoftmaxRegression softmax = SoftmaxRegression.of(2, 2);
        logistic.load(Model.builder()
                .trainable("weight", Tensor.copyOf(new float[] {0.7f, -1.1f}, 1, 2))
                .trainable("bias", Tensor.copyOf(new float[] {0.3f}))
                .build());
        softmax.load(Model.builder()
                .trainable("weight", Tensor.copyOf(new float[] {0, 0, 0.7f, -1.1f}, 2, 2))
                .trainable("bias", Tensor.copyOf(new float[] {0, 0.3f}))
                .build());
        assertThat(softmax.lossAndGradient(batch, new float[6]))
                .isCloseTo(logistic.lossAndGradient(batch, new float[3]), within(1e-6));
        assertThat(softmax.predict(1, 2)[1]).isCloseTo(logistic.predict(1, 2)[0], within(1e-6f));
    }

    @Test
    void predictRefusesAnotherNumberOfFeatures() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LogisticRegression.of(3).predict(1, 2))
                .withMessageContaining("3 values, were 2");
    }
}
