package io.fedlearn.core.training;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A model whose parameters move to the mean of the features: the loss of an example is half the squared distance, the
 * gradient the parameters minus the batch's mean. Its outputs are the features themselves, and its evaluation loss sums
 * the first feature, so that tests choose both. It remembers the batches that it was trained on.
 */
final class MeanModel implements LocalModel {
    private final Objective objective;
    private final int outputLength;
    private final List<List<Float>> batches = new ArrayList<>();
    private final List<String> epochs = new ArrayList<>();
    private float[] parameters;
    private SgdOptimizer optimizer = SgdOptimizer.of(TrainingSettings.defaults());
    private long seed;

    MeanModel(Objective objective, int features, int outputLength) {
        this.objective = objective;
        this.outputLength = outputLength;
        this.parameters = new float[features];
    }

    static MeanModel ofOneFeature() {
        return new MeanModel(Objective.REGRESSION, 1, 1);
    }

    static Model model(float... parameters) {
        return Model.builder().trainable("mean", Tensor.copyOf(parameters)).build();
    }

    /** The first feature of each example of each batch, since training was started. */
    List<List<Float>> batches() {
        return batches;
    }

    /** {@code "begin 0"}, {@code "end 0 after 3"} steps and so on, since training was started. */
    List<String> epochs() {
        return epochs;
    }

    /** The seed that training was started with. */
    long seed() {
        return seed;
    }

    @Override
    public ModelSpec spec() {
        return model(parameters).spec();
    }

    @Override
    public Model initialModel(long initialSeed) {
        return model((float) initialSeed);
    }

    @Override
    public void load(Model model) {
        parameters = model.tensor("mean").toFloatArray();
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
    public void startTraining(TrainingSettings settings, long trainingSeed) {
        optimizer = SgdOptimizer.of(settings);
        seed = trainingSeed;
        batches.clear();
        epochs.clear();
    }

    @Override
    public void beginEpoch(int epoch) {
        epochs.add("begin " + epoch);
    }

    @Override
    public void endEpoch(int epoch) {
        epochs.add("end " + epoch + " after " + batches.size());
    }

    @Override
    public double lossAndGradient(Batch batch, float[] gradient) {
        int length = parameters.length;
        double loss = 0;
        List<Float> seen = new ArrayList<>();
        Arrays.fill(gradient, 0);
        for (int i = 0; i < batch.size(); i++) {
            seen.add(batch.features()[i * length]);
            for (int j = 0; j < length; j++) {
                float difference = parameters[j] - batch.features()[i * length + j];
                gradient[j] += difference / batch.size();
                loss += 0.5 * difference * difference;
            }
        }
        batches.add(seen);
        return loss / batch.size();
    }

    @Override
    public void applyGradient(float[] gradient) {
        optimizer.step(parameters, gradient);
    }

    @Override
    public Objective objective() {
        return objective;
    }

    @Override
    public Shape featureShape() {
        return Shape.of(parameters.length);
    }

    @Override
    public int outputLength() {
        return outputLength;
    }

    @Override
    public double evaluate(Batch batch, float[] outputs) {
        double loss = 0;
        for (int i = 0; i < batch.size(); i++) {
            loss += batch.features()[i * parameters.length];
            System.arraycopy(batch.features(), i * parameters.length, outputs, i * outputLength, outputLength);
        }
        return loss;
    }
}
