package io.fedlearn.models;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.FeatureStatistics;
import java.util.Arrays;
import java.util.List;

/**
 * How raw features become a model's inputs: as they are, or standardised by means and scales that the model carries.
 * Confined to one thread at a time.
 */
final class InputScaling {
    static final String MEAN = "input.mean";
    static final String SCALE = "input.scale";

    private final int features;
    private final boolean standardizing;
    private final float[] initialMean;
    private final float[] initialScale;
    private final float[] mean;
    private final float[] scale;

    private InputScaling(int features, boolean standardizing, float[] mean, float[] scale) {
        this.features = features;
        this.standardizing = standardizing;
        this.initialMean = mean;
        this.initialScale = scale;
        this.mean = mean.clone();
        this.scale = scale.clone();
    }

    static InputScaling none(int features) {
        return new InputScaling(features, false, new float[0], new float[0]);
    }

    static InputScaling neutral(int features) {
        float[] scale = new float[features];
        Arrays.fill(scale, 1);
        return new InputScaling(features, true, new float[features], scale);
    }

    static InputScaling of(int features, FeatureStatistics statistics) {
        if (statistics.featureCount() != features) {
            throw new IllegalArgumentException("statistics must be of the model's " + features + " features, were of "
                    + statistics.featureCount());
        }
        float[] mean = new float[features];
        float[] scale = new float[features];
        for (int j = 0; j < features; j++) {
            mean[j] = (float) statistics.mean(j);
            float deviation = (float) statistics.standardDeviation(j);
            scale[j] = deviation > 0 ? deviation : 1;
        }
        return new InputScaling(features, true, mean, scale);
    }

    List<TensorSpec> specs() {
        if (!standardizing) {
            return List.of();
        }
        Shape shape = Shape.of(features);
        return List.of(
                new TensorSpec(MEAN, TensorType.FLOAT32, shape, TensorRole.BUFFER),
                new TensorSpec(SCALE, TensorType.FLOAT32, shape, TensorRole.BUFFER));
    }

    List<Tensor> initialTensors() {
        return standardizing ? List.of(Tensor.copyOf(initialMean), Tensor.copyOf(initialScale)) : List.of();
    }

    List<Tensor> tensors() {
        return standardizing ? List.of(Tensor.copyOf(mean), Tensor.copyOf(scale)) : List.of();
    }

    /** Takes over the tensors of a model of this specification; leaves everything as it was if they are refused. */
    void load(Model model) {
        if (!standardizing) {
            return;
        }
        float[] newMean = model.tensor(MEAN).toFloatArray();
        float[] newScale = model.tensor(SCALE).toFloatArray();
        for (int j = 0; j < features; j++) {
            if (!Float.isFinite(newMean[j])) {
                throw new IllegalArgumentException("tensor '" + MEAN + "' must be finite, was not at feature " + j);
            }
            if (!(newScale[j] > 0) || Float.isInfinite(newScale[j])) {
                throw new IllegalArgumentException(
                        "tensor '" + SCALE + "' must be > 0 and finite, was not at feature " + j);
            }
        }
        System.arraycopy(newMean, 0, mean, 0, features);
        System.arraycopy(newScale, 0, scale, 0, features);
    }

    /** Makes the inputs of one example from its raw features. */
    void apply(float[] raw, int from, float[] inputs) {
        for (int j = 0; j < features; j++) {
            float value = raw[from + j];
            if (Float.isInfinite(value)) {
                throw InvalidExampleException.infiniteFeature(j);
            }
            if (standardizing) {
                inputs[j] = Float.isNaN(value) ? 0 : (value - mean[j]) / scale[j];
            } else if (Float.isNaN(value)) {
                throw InvalidExampleException.missingFeature(j);
            } else {
                inputs[j] = value;
            }
        }
    }
}
