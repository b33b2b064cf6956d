package io.fedlearn.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import org.junit.jupiter.api.Test;

class MultilayerPerceptronTest {
    @Test
    void tensorsAreNamedByLayerWithOutputsFirst() {
        MultilayerPerceptron model =
                MultilayerPerceptron.builder(784).hidden(200, 50).multiclass(10);
        assertThat(model.spec().tensors().stream().map(TensorSpec::name))
                .containsExactly(
                        "layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias", "layer3.weight", "layer3.bias");
        assertThat(model.spec().tensor("layer1.weight").orElseThrow().shape()).isEqualTo(Shape.of(200, 784));
        assertThat(model.spec().tensor("layer2.bias").orElseThrow().shape()).isEqualTo(Shape.of(50));
        assertThat(model.spec().tensor("layer3.weight").orElseThrow().shape()).isEqualTo(Shape.of(10, 50));
        assertThat(model.outputLength()).isEqualTo(10);
        assertThat(model.objective()).isEqualTo(Objective.MULTICLASS);
    }

    @Test
    void initialWeightsFillTheirRangeAndFollowTheSeed() {
        MultilayerPerceptron model =
                MultilayerPerceptron.builder(600).hidden(40).binary();
        Model initial = model.initialModel(8);
        double bound = Math.sqrt(6.0 / 600);
        double squares = 0;
        float[] weights = initial.tensor("layer1.weight").toFloatArray();
        for (float weight : weights) {
            assertThat((double) weight).isBetween(-bound, bound);
            squares += weight * weight;
        }
        // The variance of U(-a, a) is a^2 / 3; of 24,000 draws its estimate has a standard error of 0.6 %.
        assertThat(squares / weights.length / (bound * bound / 3)).isCloseTo(1, within(0.04));
        assertThat(initial.tensor("layer1.bias").toFloatArray()).containsOnly(0);
        for (float weight : initial.tensor("layer2.weight").toFloatArray()) {
            assertThat((double) Math.abs(weight)).isLessThan(Math.sqrt(3.0 / 40));
        }
        assertThat(model.initialModel(8)).isEqualTo(initial);
        assertThat(model.initialModel(9)).isNotEqualTo(initial);
    }

    @Test
    void learnsWhatNoLinearModelCan() {
        Batch xor = Batches.of(2, 1, new float[] {0, 0, 0, 1, 1, 0, 1, 1}, 0, 1, 1, 0);
        MultilayerPerceptron model =
                MultilayerPerceptron.builder(2).hidden(8, 8).binary();
        model.load(model.initialModel(3));
        model.startTraining(TrainingSettings.defaults().withLearningRate(0.3), 0);
        float[] gradient = new float[model.trainables().length];
        for (int i = 0; i < 800; i++) {
            model.lossAndGradient(xor, gradient);
            model.applyGradient(gradient);
        }
        assertThat(model.predict(0, 0)[0]).isLessThan(0.1f);
        assertThat(model.predict(1, 1)[0]).isLessThan(0.1f);
        assertThat(model.predict(0, 1)[0]).isGreaterThan(0.9f);
        assertThat(model.predict(1, 0)[0]).isGreaterThan(0.9f);
    }

    @Test
    void modelThatDivergedSaysSoInItsLoss() {
        MultilayerPerceptron model = MultilayerPerceptron.builder(2).hidden(3).regression(1);
        model.load(model.initialModel(3));
        model.startTraining(TrainingSettings.defaults().withLearningRate(1e30), 0);
        Batch batch = Batches.of(2, 1, new float[] {1, 1}, 5);
        float[] gradient = new float[model.trainables().length];
        double loss = 0;
        for (int i = 0; i < 5; i++) {
            loss = model.lossAndGradient(batch, gradient);
            model.applyGradient(gradient);
        }
        assertThat(Double.isFinite(loss)).isFalse();
    }

    @Test
    void refusesImpossibleArchitectures() {
        MultilayerPerceptron.Builder builder = MultilayerPerceptron.builder(4).hidden(3);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultilayerPerceptron.builder(4).binary())
                .withMessageContaining("hidden layer");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultilayerPerceptron.builder(4).hidden(3, 0).binary())
                .withMessageContaining("was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MultilayerPerceptron.builder(0).hidden(1).binary());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.multiclass(1))
                .withMessageContaining("classes");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.regression(0))
                .withMessageContaining("outputs");
        assertThatIllegalArgumentException().isThrownBy(() -> SoftmaxRegression.of(3, 1));
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        MultilayerPerceptron.builder(100_000).hidden(100_000).binary())
                .withMessageContaining("parameters must fit an array");
    }
}
