package io.fedlearn.testkit.contract;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.PerExampleGradients;
import io.fedlearn.core.training.SgdOptimizer;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Arrays;
import java.util.List;

/** Linear regression with half the squared error; open so that tests can break it. */
class LinearModel implements LocalModel, PerExampleGradients {
    static final int FEATURES = 4;

    float[] parameters = new float[FEATURES + 1];
    SgdOptimizer optimizer = SgdOptimizer.of(TrainingSettings.defaults());

    @Override
    public ModelSpec spec() {
        return ModelSpec.of(List.of(
                new TensorSpec("weights", TensorType.FLOAT32, Shape.of(FEATURES), TensorRole.TRAINABLE),
                new TensorSpec("bias", TensorType.FLOAT32, Shape.scalar(), TensorRole.TRAINABLE)));
    }

    @Override
    public Model initialModel(long seed) {
        SeededRandom random = SeededRandom.of(seed);
        float[] weights = new float[FEATURES];
        for (int j = 0; j < FEATURES; j++) {
            weights[j] = (float) (0.1 * random.nextGaussian());
        }
        return Model.of(spec(), List.of(Tensor.wrap(weights), Tensor.scalar(0f)));
    }

    @Override
    public void load(Model model) {
        model.tensors().get(0).copyTo(0, parameters, 0, FEATURES);
        model.tensors().get(1).copyTo(0, parameters, FEATURES, 1);
    }

    @Override
    public Model snapshot() {
        return Model.of(
                spec(), List.of(Tensor.wrap(Arrays.copyOf(parameters, FEATURES)), Tensor.scalar(parameters[FEATURES])));
    }

    @Override
    public float[] trainables() {
        return parameters;
    }

    @Override
    public void startTraining(TrainingSettings settings, long seed) {
        optimizer = SgdOptimizer.of(settings);
    }

    private float error(Batch batch, int example) {
        double sum = parameters[FEATURES];
        for (int j = 0; j < FEATURES; j++) {
            sum += (double) parameters[j] * batch.features()[example * FEATURES + j];
        }
        return (float) (sum - batch.targets()[example]);
    }

    @Override
    public double lossAndGradient(Batch batch, float[] gradient) {
        Arrays.fill(gradient, 0);
        double loss = 0;
        for (int i = 0; i < batch.size(); i++) {
            float error = error(batch, i);
            loss += 0.5 * error * error / batch.size();
            for (int j = 0; j < FEATURES; j++) {
                gradient[j] += error * batch.features()[i * FEATURES + j] / batch.size();
            }
            gradient[FEATURES] += error / batch.size();
        }
        return loss;
    }

    @Override
    public void forEachGradient(Batch batch, Receiver receiver) {
        Batch one = Batch.of(1, FEATURES, 1);
        one.resize(1);
        float[] gradient = new float[FEATURES + 1];
        for (int i = 0; i < batch.size(); i++) {
            System.arraycopy(batch.features(), i * FEATURES, one.features(), 0, FEATURES);
            one.targets()[0] = batch.targets()[i];
            receiver.accept(i, lossAndGradient(one, gradient), gradient);
        }
    }

    @Override
    public void applyGradient(float[] gradient) {
        optimizer.step(parameters, gradient);
    }

    @Override
    public Objective objective() {
        return Objective.REGRESSION;
    }

    @Override
    public Shape featureShape() {
        return Shape.of(FEATURES);
    }

    @Override
    public int outputLength() {
        return 1;
    }

    @Override
    public double evaluate(Batch batch, float[] outputs) {
        double loss = 0;
        for (int i = 0; i < batch.size(); i++) {
            float error = error(batch, i);
            outputs[i] = error + batch.targets()[i];
            loss += 0.5 * error * error;
        }
        return loss;
    }
}
