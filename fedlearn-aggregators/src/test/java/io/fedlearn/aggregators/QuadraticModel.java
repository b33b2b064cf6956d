package io.fedlearn.aggregators;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.SgdOptimizer;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Arrays;

/**
 * A model whose loss on an example is {@code 1/2 sum_j a_j (w_j - b_j)^2}, where the example's features are the curvatures
 * {@code a} and then the minimum {@code b}: everything about training it can be computed by hand.
 */
final class QuadraticModel implements LocalModel {
    private final int size;
    private float[] parameters;
    private SgdOptimizer optimizer = SgdOptimizer.of(TrainingSettings.defaults());

    QuadraticModel(int size) {
        this.size = size;
        this.parameters = new float[size];
    }

    static Model model(float... parameters) {
        return Model.builder().trainable("w", Tensor.copyOf(parameters)).build();
    }

    /** A client with one example for each of these, curvatures first. */
    static Client client(int size, float[]... examples) {
        return LocalTrainingClient.of(() -> new QuadraticModel(size), examples(size, examples));
    }

    static InMemoryExamples examples(int size, float[]... examples) {
        float[] features = new float[examples.length * 2 * size];
        for (int i = 0; i < examples.length; i++) {
            System.arraycopy(examples[i], 0, features, i * 2 * size, 2 * size);
        }
        return InMemoryExamples.wrap(Shape.of(2L * size), features, new float[examples.length]);
    }

    @Override
    public ModelSpec spec() {
        return model(parameters).spec();
    }

    @Override
    public Model initialModel(long seed) {
        return model(new float[size]);
    }

    @Override
    public void load(Model model) {
        parameters = model.tensor("w").toFloatArray();
    }

    @Override
    public Model snapshot() {
        return model(parameters);
    }

    @Override
    public float[] trainables() {
        return parameters;
    }

    @Override
    public void startTraining(TrainingSettings settings, long seed) {
        optimizer = SgdOptimizer.of(settings);
    }

    @Override
    public double lossAndGradient(Batch batch, float[] gradient) {
        Arrays.fill(gradient, 0);
        for (int i = 0; i < batch.size(); i++) {
            for (int j = 0; j < size; j++) {
                float curvature = batch.features()[i * 2 * size + j];
                float minimum = batch.features()[i * 2 * size + size + j];
                gradient[j] += curvature * (parameters[j] - minimum) / batch.size();
            }
        }
        return loss(batch) / batch.size();
    }

    private double loss(Batch batch) {
        double loss = 0;
        for (int i = 0; i < batch.size(); i++) {
            for (int j = 0; j < size; j++) {
                double distance = parameters[j] - batch.features()[i * 2 * size + size + j];
                loss += 0.5 * batch.features()[i * 2 * size + j] * distance * distance;
            }
        }
        return loss;
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
        return Shape.of(2L * size);
    }

    @Override
    public int outputLength() {
        return 1;
    }

    @Override
    public double evaluate(Batch batch, float[] outputs) {
        Arrays.fill(outputs, 0, batch.size(), 0);
        return loss(batch);
    }
}
