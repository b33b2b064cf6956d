package io.fedlearn.privacy.site;

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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Logistic regression with tensors {@code weight} and {@code bias}, and on wish a buffer {@code seen} behind them. It has no
 * per-example gradients, {@link PerExample} has. A NaN among the features makes it throw.
 */
class Logistic implements LocalModel {
    private final int features;
    private final boolean buffered;
    private final float[] parameters;
    private float seen;
    private SgdOptimizer optimizer = SgdOptimizer.of(TrainingSettings.defaults());
    boolean countsInBuffer;
    final List<Long> seeds = new ArrayList<>();

    Logistic(int features, boolean buffered) {
        this.features = features;
        this.buffered = buffered;
        this.parameters = new float[features + 1];
    }

    static Logistic of(int features) {
        return new Logistic(features, false);
    }

    static PerExample perExample(int features) {
        return new PerExample(features, false);
    }

    static class PerExample extends Logistic implements PerExampleGradients {
        private final float[] own;

        PerExample(int features, boolean buffered) {
            super(features, buffered);
            this.own = new float[features + 1];
        }

        @Override
        public void forEachGradient(Batch batch, Receiver receiver) {
            for (int i = 0; i < batch.size(); i++) {
                Arrays.fill(own, 0);
                receiver.accept(i, add(batch, i, 1, own), own);
            }
        }
    }

    final double add(Batch batch, int example, float share, float[] gradient) {
        double score = parameters[features];
        for (int j = 0; j < features; j++) {
            score += (double) parameters[j] * batch.features()[example * features + j];
        }
        if (Double.isNaN(score)) {
            throw new IllegalArgumentException("feature is missing");
        }
        float target = batch.targets()[example];
        float error = (float) (1 / (1 + Math.exp(-score)) - target);
        for (int j = 0; j < features; j++) {
            gradient[j] += share * error * batch.features()[example * features + j];
        }
        gradient[features] += share * error;
        if (countsInBuffer) {
            seen++;
        }
        return Math.log1p(Math.exp(target > 0.5 ? -score : score));
    }

    @Override
    public ModelSpec spec() {
        List<TensorSpec> tensors = new ArrayList<>(List.of(
                new TensorSpec("weight", TensorType.FLOAT32, Shape.of(features), TensorRole.TRAINABLE),
                new TensorSpec("bias", TensorType.FLOAT32, Shape.of(1), TensorRole.TRAINABLE)));
        if (buffered) {
            tensors.add(new TensorSpec("seen", TensorType.FLOAT32, Shape.of(1), TensorRole.BUFFER));
        }
        return ModelSpec.of(tensors);
    }

    @Override
    public Model initialModel(long seed) {
        return Model.zeros(spec());
    }

    @Override
    public void load(Model model) {
        System.arraycopy(model.trainablesToFloatArray(), 0, parameters, 0, parameters.length);
        seen = buffered ? (float) model.tensor("seen").get(0) : 0;
    }

    @Override
    public Model snapshot() {
        List<Tensor> tensors = new ArrayList<>(List.of(
                Tensor.wrap(Arrays.copyOf(parameters, features)), Tensor.wrap(new float[] {parameters[features]})));
        if (buffered) {
            tensors.add(Tensor.wrap(new float[] {seen}));
        }
        return Model.of(spec(), tensors);
    }

    @Override
    public float[] trainables() {
        return parameters;
    }

    @Override
    public void startTraining(TrainingSettings settings, long seed) {
        seeds.add(seed);
        optimizer = SgdOptimizer.of(settings);
    }

    @Override
    public double lossAndGradient(Batch batch, float[] gradient) {
        Arrays.fill(gradient, 0);
        double loss = 0;
        for (int i = 0; i < batch.size(); i++) {
            loss += add(batch, i, 1f / batch.size(), gradient);
        }
        return loss / batch.size();
    }

    @Override
    public void applyGradient(float[] gradient) {
        optimizer.step(parameters, gradient);
    }

    @Override
    public Objective objective() {
        return Objective.BINARY;
    }

    @Override
    public Shape featureShape() {
        return Shape.of(features);
    }

    @Override
    public int outputLength() {
        return 1;
    }

    @Override
    public double evaluate(Batch batch, float[] outputs) {
        double loss = 0;
        for (int i = 0; i < batch.size(); i++) {
            float[] ignored = new float[features + 1];
            loss += add(batch, i, 1, ignored);
            outputs[i] = ignored[features] + batch.targets()[i];
        }
        return loss;
    }
}
