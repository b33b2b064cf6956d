package io.fedlearn.models;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.Objective;
import java.util.List;

/**
 * Linear regression, {@code y = W x + b}, fitted by gradient steps on the squared error {@code (y - t)^2}, averaged
 * over the outputs if there are several; so the loss is the square of
 * {@link io.fedlearn.core.training.Evaluation#RMSE}.
 *
 * <p>Tensors {@code weight} and {@code bias}; both start at 0.
 */
public final class LinearRegression extends DenseModel {
    private LinearRegression(Architecture architecture, InputScaling scaling) {
        super(architecture, scaling);
    }

    /** A regression of one value on so many features. */
    public static LinearRegression of(int features) {
        return of(Shape.of(features), 1);
    }

    /** A regression of so many values on features of this shape. */
    public static LinearRegression of(Shape features, int outputs) {
        Architecture architecture = new Architecture(features, List.of(), outputs, Objective.REGRESSION, false);
        return new LinearRegression(architecture, InputScaling.none(architecture.featureCount()));
    }

    @Override
    public LinearRegression standardizing() {
        return new LinearRegression(architecture(), neutralScaling());
    }

    @Override
    public LinearRegression standardizing(FeatureStatistics statistics) {
        return new LinearRegression(architecture(), scalingBy(statistics));
    }
}
