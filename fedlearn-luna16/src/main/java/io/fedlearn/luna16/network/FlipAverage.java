package io.fedlearn.luna16.network;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Objects;

/**
 * A local model whose answer about an image is the mean of another's answers about its eight mirror images: along none, one, two
 * or all three of depth, height and width. What a nodule is does not depend on the side it is seen from; a network's error does a
 * little, and the mean of eight errs less. All but {@link #evaluate} is as with the other model, training included.
 *
 * <p>Probabilities are averaged, in double precision and always in the same order. The loss is that of the mean. Costs eight
 * times the time of the other's evaluation, and as much memory again as one batch has features. Mutable and confined to
 * one thread at a time.
 */
public final class FlipAverage implements LocalModel {
    /** How many mirror images there are: {@value}. */
    public static final int FLIPS = 8;

    private final LocalModel model;
    private final int channels;
    private final int depth;
    private final int height;
    private final int width;

    private FlipAverage(LocalModel model) {
        this.model = Objects.requireNonNull(model, "model");
        Shape shape = model.featureShape();
        if (model.objective() != Objective.BINARY || model.outputLength() != 1) {
            throw new IllegalArgumentException("the model must give one probability, was " + model.objective()
                    + " with " + model.outputLength() + " outputs");
        }
        if (shape.rank() != 4) {
            throw new IllegalArgumentException(
                    "the model must take images of shape channels x depth x height x width, took " + shape);
        }
        this.channels = Math.toIntExact(shape.length(0));
        this.depth = Math.toIntExact(shape.length(1));
        this.height = Math.toIntExact(shape.length(2));
        this.width = Math.toIntExact(shape.length(3));
    }

    /**
     * The mean over the mirror images of what this model answers.
     *
     * @param model with one output, a probability, for images of shape channels × depth × height × width; used by this one only
     */
    public static FlipAverage of(LocalModel model) {
        return new FlipAverage(model);
    }

    @Override
    public double evaluate(Batch batch, float[] outputs) {
        Batch mirrored = Batch.of(batch.capacity(), batch.featureLength(), batch.targetLength());
        mirrored.resize(batch.size());
        System.arraycopy(batch.targets(), 0, mirrored.targets(), 0, batch.size() * batch.targetLength());
        float[] answers = new float[batch.size()];
        double[] sums = new double[batch.size()];
        for (int flip = 0; flip < FLIPS; flip++) {
            for (int image = 0; image < batch.size() * channels; image++) {
                mirror(flip, batch.features(), mirrored.features(), image * depth * height * width);
            }
            model.evaluate(mirrored, answers);
            for (int i = 0; i < sums.length; i++) {
                sums[i] += answers[i];
            }
        }
        double loss = 0;
        for (int i = 0; i < sums.length; i++) {
            double probability = sums[i] / FLIPS;
            outputs[i] = (float) probability;
            double right = batch.targets()[i] > 0.5f ? probability : 1 - probability;
            loss -= StrictMath.log(Math.max(right, LunaNet.LEAST_PROBABILITY));
        }
        return loss;
    }

    /** Copies the image that starts at this place, mirrored along z, y and x by the bits of the flip. */
    private void mirror(int flip, float[] source, float[] target, int start) {
        boolean alongX = (flip & 1) != 0;
        boolean alongY = (flip & 2) != 0;
        boolean alongZ = (flip & 4) != 0;
        for (int z = 0; z < depth; z++) {
            for (int y = 0; y < height; y++) {
                int from = start + ((alongZ ? depth - 1 - z : z) * height + (alongY ? height - 1 - y : y)) * width;
                int to = start + (z * height + y) * width;
                if (alongX) {
                    for (int x = 0; x < width; x++) {
                        target[to + x] = source[from + width - 1 - x];
                    }
                } else {
                    System.arraycopy(source, from, target, to, width);
                }
            }
        }
    }

    @Override
    public ModelSpec spec() {
        return model.spec();
    }

    @Override
    public Model initialModel(long seed) {
        return model.initialModel(seed);
    }

    @Override
    public void load(Model values) {
        model.load(values);
    }

    @Override
    public Model snapshot() {
        return model.snapshot();
    }

    @Override
    public float[] trainables() {
        return model.trainables();
    }

    @Override
    public void startTraining(TrainingSettings settings, long seed) {
        model.startTraining(settings, seed);
    }

    @Override
    public void beginEpoch(int epoch) {
        model.beginEpoch(epoch);
    }

    @Override
    public void endEpoch(int epoch) {
        model.endEpoch(epoch);
    }

    @Override
    public double lossAndGradient(Batch batch, float[] gradient) {
        return model.lossAndGradient(batch, gradient);
    }

    @Override
    public void applyGradient(float[] gradient) {
        model.applyGradient(gradient);
    }

    @Override
    public Objective objective() {
        return model.objective();
    }

    @Override
    public Shape featureShape() {
        return model.featureShape();
    }

    @Override
    public int outputLength() {
        return model.outputLength();
    }
}
