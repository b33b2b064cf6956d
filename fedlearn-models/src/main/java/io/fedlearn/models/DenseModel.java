package io.fedlearn.models;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.LocalModel;
import io.fedlearn.core.training.Objective;
import io.fedlearn.core.training.PerExampleGradients;
import io.fedlearn.core.training.SgdOptimizer;
import io.fedlearn.core.training.TrainingSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A model of fully connected layers in plain Java: {@link LinearRegression}, {@link LogisticRegression},
 * {@link SoftmaxRegression} and {@link MultilayerPerceptron}.
 *
 * <p><b>Tensors.</b> float32; of each layer a weight of shape outputs × inputs and a bias of shape outputs, as
 * {@code torch.nn.Linear} has them. A {@linkplain #standardizing() standardising} model has the buffers
 * {@value #INPUT_MEAN} and {@value #INPUT_SCALE} before them.
 *
 * <p><b>Standardisation.</b> {@code x' = (x - mean) / scale} with mean and standard deviation of each feature, scale 1
 * for one that never varies; a missing feature (NaN) becomes 0, that is, the mean. The numbers travel in the model, so
 * a stored model is whole, and they come from {@link FeatureStatistics} that the sites computed, each over its own
 * training examples. float32, because the average of equal float32 buffers is that buffer again, bit for bit. A model
 * that does not standardise refuses missing features; infinite ones are always refused.
 *
 * <p><b>Numerics.</b> float32 with a fixed order of all sums, without fused multiply-add; losses in double by
 * {@link StrictMath}: the same bits on any JVM and processor. Training is SGD with momentum and weight decay
 * ({@link SgdOptimizer}; the decay covers biases too).
 *
 * <p><b>Memory.</b> Two to three times the parameters, and room for one block of examples: larger batches go through in
 * blocks. Nothing is allocated in a step after the first of its batch capacity. Mutable and confined to one thread at a
 * time.
 */
public abstract sealed class DenseModel implements LocalModel, PerExampleGradients
        permits LinearRegression, LogisticRegression, SoftmaxRegression, MultilayerPerceptron {
    /** Buffer {@value}: what is subtracted from each feature. */
    public static final String INPUT_MEAN = InputScaling.MEAN;

    /** Buffer {@value}: what each feature is then divided by. */
    public static final String INPUT_SCALE = InputScaling.SCALE;

    /** The most examples that are worked on at once: {@value}. */
    static final int BLOCK = 128;

    private final Architecture architecture;
    private final InputScaling scaling;
    private final ModelSpec spec;
    private final DenseLayer[] layers;
    private final OutputLoss loss;
    private final float[] trainables;
    private boolean layersCurrent;
    private Optional<SgdOptimizer> optimizer = Optional.empty();

    /**
     * {@code values[0]} holds inputs, {@code values[l]} what layer {@code l} gave; the last becomes its own gradient.
     */
    private float[][][] values = new float[0][0][0];

    /** {@code deltas[l]} is the loss's gradient by what layer {@code l} gave. */
    private float[][][] deltas = new float[0][0][0];

    private final double[] losses = new double[BLOCK];
    private float[] exampleGradient = new float[0];
    private int capacity;

    DenseModel(Architecture architecture, InputScaling scaling) {
        this.architecture = architecture;
        this.scaling = scaling;
        this.loss = OutputLoss.of(architecture.objective());
        this.layers = new DenseLayer[architecture.layerCount()];
        List<TensorSpec> tensors = new ArrayList<>(scaling.specs());
        long offset = 0;
        for (int l = 0; l < layers.length; l++) {
            int inputs = architecture.inputsOf(l);
            int outputs = architecture.outputsOf(l);
            long end = offset + (long) inputs * outputs + outputs;
            if (end > Integer.MAX_VALUE - 8) {
                throw new IllegalArgumentException("parameters must fit an array, were at least " + end);
            }
            layers[l] = new DenseLayer(inputs, outputs, (int) offset, l == 0);
            offset = end;
            tensors.add(trainable(architecture.nameOf(l, "weight"), Shape.of(outputs, inputs)));
            tensors.add(trainable(architecture.nameOf(l, "bias"), Shape.of(outputs)));
        }
        this.spec = ModelSpec.of(tensors);
        this.trainables = new float[(int) offset];
    }

    private static TensorSpec trainable(String name, Shape shape) {
        return new TensorSpec(name, TensorType.FLOAT32, shape, TensorRole.TRAINABLE);
    }

    /**
     * An untrained model like this one that standardises its inputs as the model that it loads says; until then, and in
     * {@link #initialModel}, mean 0 and scale 1. What a site uses that waits for the coordinator's model.
     */
    public abstract DenseModel standardizing();

    /**
     * An untrained model like this one whose {@link #initialModel} standardises inputs by these statistics.
     *
     * @throws IllegalArgumentException if the statistics are of another number of features
     */
    public abstract DenseModel standardizing(FeatureStatistics statistics);

    final Architecture architecture() {
        return architecture;
    }

    final InputScaling neutralScaling() {
        return InputScaling.neutral(architecture.featureCount());
    }

    final InputScaling scalingBy(FeatureStatistics statistics) {
        return InputScaling.of(architecture.featureCount(), statistics);
    }

    @Override
    public final ModelSpec spec() {
        return spec;
    }

    @Override
    public final Objective objective() {
        return architecture.objective();
    }

    @Override
    public final Shape featureShape() {
        return architecture.features();
    }

    @Override
    public final int outputLength() {
        return architecture.outputs();
    }

    /**
     * A model to start from. Biases are 0, and so are the weights of a model without hidden layers; else weights are
     * uniform in {@code ±sqrt(6 / inputs)} in layers before a ReLU (He et al. 2015) and in {@code ±sqrt(3 / inputs)} in
     * the last, which keeps the variance of what passes through.
     */
    @Override
    public final Model initialModel(long seed) {
        float[] initial = new float[trainables.length];
        for (int l = 0; l < layers.length && layers.length > 1; l++) {
            SeededRandom random = SeededRandom.of(SeededRandom.derive(seed, l));
            DenseLayer layer = layers[l];
            double bound = Math.sqrt((l < layers.length - 1 ? 6.0 : 3.0) / layer.inputs());
            int end = layer.weightOffset() + layer.weightCount();
            for (int i = layer.weightOffset(); i < end; i++) {
                initial[i] = (float) (bound * (2 * random.nextDouble() - 1));
            }
        }
        return model(scaling.initialTensors(), initial);
    }

    private Model model(List<Tensor> buffers, float[] flat) {
        List<Tensor> tensors = new ArrayList<>(buffers);
        int at = 0;
        for (TensorSpec tensor : spec.tensors()) {
            if (tensor.role() == TensorRole.TRAINABLE) {
                float[] part = new float[(int) tensor.shape().elementCount()];
                System.arraycopy(flat, at, part, 0, part.length);
                tensors.add(Tensor.wrap(part, tensor.shape().lengths()));
                at += part.length;
            }
        }
        return Model.of(spec, tensors);
    }

    /**
     * Takes over the values of a model.
     *
     * @throws IllegalArgumentException if it is not of this {@link #spec()}, naming the first tensor that differs, or
     *     its {@value #INPUT_SCALE} is not positive; the values are then as they were
     */
    @Override
    public final void load(Model model) {
        requireSpec(model.spec());
        scaling.load(model);
        int at = 0;
        for (int i = 0; i < spec.size(); i++) {
            if (spec.tensors().get(i).role() == TensorRole.TRAINABLE) {
                Tensor tensor = model.tensors().get(i);
                int count = (int) tensor.elementCount();
                tensor.copyTo(0, trainables, at, count);
                at += count;
            }
        }
        layersCurrent = false;
    }

    private void requireSpec(ModelSpec other) {
        for (int i = 0; i < Math.min(spec.size(), other.size()); i++) {
            TensorSpec expected = spec.tensors().get(i);
            TensorSpec actual = other.tensors().get(i);
            if (!actual.equals(expected)) {
                throw new IllegalArgumentException("tensor " + i + " must be '" + expected + "', was '" + actual + "'");
            }
        }
        if (spec.size() != other.size()) {
            throw new IllegalArgumentException("the model must have " + spec.size() + " tensors, had " + other.size());
        }
    }

    @Override
    public final Model snapshot() {
        return model(scaling.tensors(), trainables);
    }

    @Override
    public final float[] trainables() {
        return trainables;
    }

    @Override
    public final void startTraining(TrainingSettings settings, long seed) {
        optimizer = Optional.of(SgdOptimizer.of(settings));
    }

    /**
     * Moves the parameters by one step of SGD.
     *
     * @throws IllegalStateException if training was not started
     */
    @Override
    public final void applyGradient(float[] gradient) {
        requireLength(gradient);
        optimizer
                .orElseThrow(() -> new IllegalStateException("startTraining must come before applyGradient"))
                .step(trainables, gradient);
        layersCurrent = false;
    }

    private void requireLength(float[] gradient) {
        if (gradient.length != trainables.length) {
            throw new IllegalArgumentException(
                    "gradient must have " + trainables.length + " values, had " + gradient.length);
        }
    }

    /**
     * Computes mean loss and gradient.
     *
     * @throws InvalidExampleException if a feature or target cannot be used
     */
    @Override
    public final double lossAndGradient(Batch batch, float[] gradient) {
        requireLength(gradient);
        if (batch.size() == 0) {
            throw new IllegalArgumentException("batch must hold at least one example");
        }
        prepare(batch, true);
        float share = 1f / batch.size();
        double sum = 0;
        for (int from = 0; from < batch.size(); from += capacity) {
            int count = Math.min(capacity, batch.size() - from);
            forward(batch, from, count);
            sum += lossesAndDeltas(batch, from, count);
            float[][] last = deltas[layers.length];
            for (int b = 0; b < count; b++) {
                scale(last[b], share);
            }
            backward(count);
            for (int l = 0; l < layers.length; l++) {
                layers[l].gradient(values[l], deltas[l + 1], 0, count, gradient, from > 0);
            }
        }
        return sum / batch.size();
    }

    /**
     * Computes the gradient of each example alone.
     *
     * @throws InvalidExampleException if a feature or target cannot be used
     */
    @Override
    public final void forEachGradient(Batch batch, Receiver receiver) {
        requireShape(batch);
        if (batch.size() == 0) {
            return;
        }
        prepare(batch, true);
        if (exampleGradient.length == 0) {
            exampleGradient = new float[trainables.length];
        }
        float[] gradient = exampleGradient;
        for (int from = 0; from < batch.size(); from += capacity) {
            int count = Math.min(capacity, batch.size() - from);
            forward(batch, from, count);
            lossesAndDeltas(batch, from, count);
            backward(count);
            for (int b = 0; b < count; b++) {
                for (int l = 0; l < layers.length; l++) {
                    layers[l].gradient(values[l], deltas[l + 1], b, b + 1, gradient, false);
                }
                receiver.accept(from + b, losses[b], gradient);
            }
        }
    }

    /**
     * Applies the model.
     *
     * @throws InvalidExampleException if a feature or target cannot be used
     */
    @Override
    public final double evaluate(Batch batch, float[] outputs) {
        requireShape(batch);
        int length = architecture.outputs();
        if (outputs.length < (long) batch.size() * length) {
            throw new IllegalArgumentException(
                    "outputs must have room for " + batch.size() + " x " + length + " values, had " + outputs.length);
        }
        if (batch.size() == 0) {
            return 0;
        }
        prepare(batch, false);
        double sum = 0;
        for (int from = 0; from < batch.size(); from += capacity) {
            int count = Math.min(capacity, batch.size() - from);
            forward(batch, from, count);
            float[][] last = values[layers.length];
            for (int b = 0; b < count; b++) {
                sum += loss.loss(last[b], batch.targets(), (from + b) * batch.targetLength());
                loss.outputs(last[b], outputs, (from + b) * length);
            }
        }
        return sum;
    }

    /**
     * The outputs for one example, by the parameters as they are now: values, the probability of class 1, or the
     * probability of each class.
     *
     * @param features raw, as a source gives them; missing ones are NaN
     * @throws InvalidExampleException if a feature cannot be used
     */
    public final float[] predict(float... features) {
        if (features.length != architecture.featureCount()) {
            throw new IllegalArgumentException(
                    "features must be " + architecture.featureCount() + " values, were " + features.length);
        }
        reserve(1, false);
        refreshLayers();
        scaling.apply(features, 0, values[0][0]);
        propagate(1);
        float[] outputs = new float[architecture.outputs()];
        loss.outputs(values[layers.length][0], outputs, 0);
        return outputs;
    }

    private void requireShape(Batch batch) {
        if (batch.featureLength() != architecture.featureCount()
                || batch.targetLength() != architecture.targetLength()) {
            throw new IllegalArgumentException("batch must have " + architecture.featureCount() + " features and "
                    + architecture.targetLength() + " targets an example, had " + batch.featureLength() + " and "
                    + batch.targetLength());
        }
    }

    private void prepare(Batch batch, boolean training) {
        requireShape(batch);
        reserve(Math.min(BLOCK, batch.capacity()), training);
        refreshLayers();
    }

    private void reserve(int examples, boolean training) {
        if (examples > capacity) {
            capacity = examples;
            values = new float[layers.length + 1][][];
            values[0] = new float[capacity][architecture.featureCount()];
            for (int l = 0; l < layers.length; l++) {
                values[l + 1] = new float[capacity][layers[l].outputs()];
            }
            deltas = new float[0][0][0];
        }
        if (training && deltas.length == 0) {
            deltas = new float[layers.length + 1][0][0];
            for (int l = 1; l < layers.length; l++) {
                deltas[l] = new float[capacity][layers[l - 1].outputs()];
            }
            // The last layer's values are not needed once the loss is known.
            deltas[layers.length] = values[layers.length];
        }
    }

    private void refreshLayers() {
        if (!layersCurrent) {
            for (DenseLayer layer : layers) {
                layer.refresh(trainables);
            }
            layersCurrent = true;
        }
    }

    private void forward(Batch batch, int from, int count) {
        for (int b = 0; b < count; b++) {
            scaling.apply(batch.features(), (from + b) * batch.featureLength(), values[0][b]);
        }
        propagate(count);
    }

    private void propagate(int count) {
        for (int l = 0; l < layers.length; l++) {
            layers[l].forward(values[l], count, values[l + 1]);
            if (l < layers.length - 1) {
                for (int b = 0; b < count; b++) {
                    rectify(values[l + 1][b]);
                }
            }
        }
    }

    private double lossesAndDeltas(Batch batch, int from, int count) {
        float[][] last = values[layers.length];
        double sum = 0;
        for (int b = 0; b < count; b++) {
            losses[b] = loss.lossAndDelta(last[b], batch.targets(), (from + b) * batch.targetLength());
            sum += losses[b];
        }
        return sum;
    }

    private void backward(int count) {
        for (int l = layers.length - 1; l > 0; l--) {
            layers[l].backward(deltas[l + 1], count, deltas[l]);
            for (int b = 0; b < count; b++) {
                gate(deltas[l][b], values[l][b]);
            }
        }
    }

    /** ReLU; NaN stays NaN, so that a model that diverged is noticed. */
    private static void rectify(float[] row) {
        for (int i = 0; i < row.length; i++) {
            row[i] = Math.max(row[i], 0f);
        }
    }

    /** The gradient passes a ReLU where its output is positive. */
    private static void gate(float[] delta, float[] output) {
        for (int i = 0; i < delta.length; i++) {
            delta[i] = output[i] > 0 ? delta[i] : 0;
        }
    }

    private static void scale(float[] row, float factor) {
        for (int i = 0; i < row.length; i++) {
            row[i] *= factor;
        }
    }
}
