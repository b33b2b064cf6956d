package io.fedlearn.models;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.Objective;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A multilayer perceptron: fully connected layers with ReLU between them, and an output for two classes, for several,
 * or for values.
 *
 * <p>Tensors {@code layer1.weight}, {@code layer1.bias}, {@code layer2.weight}, … in the order in which examples pass
 * them; {@link DenseModel#initialModel} says how they start. Losses are those of {@link LogisticRegression},
 * {@link SoftmaxRegression} and {@link LinearRegression}.
 *
 * <p><b>Reference.</b> He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852, for the weights to start
 * from.
 */
public final class MultilayerPerceptron extends DenseModel {
    private MultilayerPerceptron(Architecture architecture, InputScaling scaling) {
        super(architecture, scaling);
    }

    /** A builder for a network on so many features. */
    public static Builder builder(int features) {
        return builder(Shape.of(features));
    }

    /** A builder for a network on features of this shape. */
    public static Builder builder(Shape features) {
        return new Builder(features);
    }

    @Override
    public MultilayerPerceptron standardizing() {
        return new MultilayerPerceptron(architecture(), neutralScaling());
    }

    @Override
    public MultilayerPerceptron standardizing(FeatureStatistics statistics) {
        return new MultilayerPerceptron(architecture(), scalingBy(statistics));
    }

    /** Collects the layers of a network. Immutable: each call gives a builder of its own. */
    public static final class Builder {
        private final Shape features;
        private final List<Integer> hidden;

        private Builder(Shape features) {
            this(features, List.of());
        }

        private Builder(Shape features, List<Integer> hidden) {
            this.features = features;
            this.hidden = hidden;
        }

        /** The widths of the hidden layers, from the input to the output. */
        public Builder hidden(int... widths) {
            return new Builder(features, IntStream.of(widths).boxed().toList());
        }

        /** A network for two classes with one output: the probability of class 1. */
        public MultilayerPerceptron binary() {
            return build(1, Objective.BINARY);
        }

        /** A network for so many classes, at least 2, whose outputs are their probabilities. */
        public MultilayerPerceptron multiclass(int classes) {
            if (classes < 2) {
                throw new IllegalArgumentException("classes must be >= 2, were " + classes);
            }
            return build(classes, Objective.MULTICLASS);
        }

        /** A network for so many values, at least 1. */
        public MultilayerPerceptron regression(int outputs) {
            return build(outputs, Objective.REGRESSION);
        }

        private MultilayerPerceptron build(int outputs, Objective objective) {
            if (hidden.isEmpty()) {
                throw new IllegalArgumentException("a multilayer perceptron must have a hidden layer, had none");
            }
            Architecture architecture = new Architecture(features, hidden, outputs, objective, true);
            return new MultilayerPerceptron(architecture, InputScaling.none(architecture.featureCount()));
        }
    }
}
