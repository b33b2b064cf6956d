package io.fedlearn.aggregators.personal;

import io.fedlearn.core.random.SeededRandom;
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

/**
 * A line through the origin in a body, an offset in a head, and between them a layer that counts batches and follows the mean
 * of the features, as batch norm does, and shifts them: {@code y = body.weight (x + norm.shift) + head.bias}. The loss is half
 * the squared error.
 */
final class LineModel implements LocalModel {
    private float[] trainables = new float[3];
    private float mean;
    private long batches;
    private SgdOptimizer optimizer = SgdOptimizer.of(TrainingSettings.defaults());

    static Model model(float weight, float shift, float bias, float mean, long batches) {
        return Model.builder()
                .trainable("body.weight", Tensor.copyOf(new float[] {weight}))
                .trainable("norm.shift", Tensor.copyOf(new float[] {shift}))
                .trainable("head.bias", Tensor.copyOf(new float[] {bias}))
                .buffer("norm.mean", Tensor.copyOf(new float[] {mean}))
                .counter("norm.batches", Tensor.scalar(batches))
                .build();
    }

    /** Where the runs of the tests start. */
    static Model start() {
        return model(0.5f, 0.25f, -0.125f, 0.75f, 3);
    }

    /** Examples of {@code y = 2 x + offset} with features around 1. */
    static InMemoryExamples examples(int count, float offset, long seed) {
        float[] features = new float[count];
        float[] targets = new float[count];
        SeededRandom random = SeededRandom.of(seed);
        for (int i = 0; i < count; i++) {
            features[i] = 1 + (float) random.nextGaussian();
            targets[i] = 2 * features[i] + offset;
        }
        return InMemoryExamples.wrap(Shape.of(1), features, targets);
    }

    /** A site whose targets have this offset. */
    static LocalTrainingClient site(float offset) {
        return LocalTrainingClient.of(LineModel::new, examples(40, offset, 1), examples(20, offset, 2));
    }

    @Override
    public ModelSpec spec() {
        return snapshot().spec();
    }

    @Override
    public Model initialModel(long seed) {
        return start();
    }

    @Override
    public void load(Model model) {
        for (int i = 0; i < 3; i++) {
            trainables[i] = (float) model.tensors().get(i).get(0);
        }
        mean = (float) model.tensors().get(3).get(0);
        batches = model.tensors().get(4).toLongArray()[0];
    }

    @Override
    public Model snapshot() {
        return model(trainables[0], trainables[1], trainables[2], mean, batches);
    }

    @Override
    public float[] trainables() {
        return trainables;
    }

    @Override
    public void startTraining(TrainingSettings settings, long seed) {
        trainables = trainables.clone();
        optimizer = SgdOptimizer.of(settings);
    }

    @Override
    public double lossAndGradient(Batch batch, float[] gradient) {
        double[] sums = new double[3];
        double loss = 0;
        double features = 0;
        for (int i = 0; i < batch.size(); i++) {
            float x = batch.features()[i];
            double error = predict(x) - batch.targets()[i];
            sums[0] += error * (x + trainables[1]);
            sums[1] += error * trainables[0];
            sums[2] += error;
            loss += error * error / 2;
            features += x;
        }
        for (int i = 0; i < 3; i++) {
            gradient[i] = (float) (sums[i] / batch.size());
        }
        mean = (float) (0.9 * mean + 0.1 * features / batch.size());
        batches++;
        return loss / batch.size();
    }

    private float predict(float x) {
        return trainables[0] * (x + trainables[1]) + trainables[2];
    }

    @Override
    public void applyGradient(float[] gradient) {
        optimizer.step(trainables, gradient);
    }

    @Override
    public Objective objective() {
        return Objective.REGRESSION;
    }

    @Override
    public Shape featureShape() {
        return Shape.of(1);
    }

    @Override
    public int outputLength() {
        return 1;
    }

    @Override
    public double evaluate(Batch batch, float[] outputs) {
        double loss = 0;
        for (int i = 0; i < batch.size(); i++) {
            outputs[i] = predict(batch.features()[i]);
            double error = outputs[i] - batch.targets()[i];
            loss += error * error / 2;
        }
        return loss;
    }
}
