package io.fedlearn.models;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.Objective;
import java.util.List;

/**
 * Logistic regression for two classes: {@code P(class 1) = 1 / (1 + exp(-(W x + b)))}, fitted by gradient steps on the
 * binary cross-entropy. Targets are 0 and 1; the output is the probability of class 1.
 *
 * <p>Tensors {@code weight} and {@code bias}; both start at 0.
 */
public final class LogisticRegression extends DenseModel {
    private LogisticRegression(Architecture architecture, InputScaling scaling) {
        super(architecture, scaling);
    }

    /** A classifier on so many features. */
    public static LogisticRegression of(int features) {
        return of(Shape.of(features));
    }

    /** A classifier on features of this shape. */
    public static LogisticRegression of(Shape features) {
        Architecture architecture = new Architecture(features, List.of(), 1, Objective.BINARY, false);
        return new LogisticRegression(architecture, InputScaling.none(architecture.featureCount()));
    }

    @Override
    public LogisticRegression standardizing() {
        return new LogisticRegression(architecture(), neutralScaling());
    }

    @Override
    public LogisticRegression standardizing(FeatureStatistics statistics) {
        return new LogisticRegression(architecture(), scalingBy(statistics));
    }
}
