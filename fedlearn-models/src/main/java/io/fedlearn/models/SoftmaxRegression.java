package io.fedlearn.models;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.Objective;
import java.util.List;

/**
 * Softmax (multinomial logistic) regression: {@code P(class j) = exp(z_j) / sum_k exp(z_k)} with {@code z = W x + b},
 * fitted by gradient steps on the cross-entropy. Targets are class indices; the outputs are the probabilities of the
 * classes.
 *
 * <p>Tensors {@code weight} and {@code bias}; both start at 0.
 */
public final class SoftmaxRegression extends DenseModel {
    private SoftmaxRegression(Architecture architecture, InputScaling scaling) {
        super(architecture, scaling);
    }

    /** A classifier on so many features into so many classes, at least 2. */
    public static SoftmaxRegression of(int features, int classes) {
        return of(Shape.of(features), classes);
    }

    /** A classifier on features of this shape into so many classes, at least 2. */
    public static SoftmaxRegression of(Shape features, int classes) {
        if (classes < 2) {
            throw new IllegalArgumentException("classes must be >= 2, were " + classes);
        }
        Architecture architecture = new Architecture(features, List.of(), classes, Objective.MULTICLASS, false);
        return new SoftmaxRegression(architecture, InputScaling.none(architecture.featureCount()));
    }

    @Override
    public SoftmaxRegression standardizing() {
        return new SoftmaxRegression(architecture(), neutralScaling());
    }

    @Override
    public SoftmaxRegression standardizing(FeatureStatistics statistics) {
        return new SoftmaxRegression(architecture(), scalingBy(statistics));
    }
}
