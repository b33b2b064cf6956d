package io.fedlearn.models;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Objective;
import java.util.List;

/**
 * What a {@link DenseModel} is made of.
 *
 * @param features the shape of one example's features
 * @param hidden the widths of the hidden layers
 * @param outputs how many values the last layer gives
 * @param objective what they mean
 * @param numbered whether tensors are called {@code layer1.weight}, … rather than {@code weight}
 */
record Architecture(Shape features, List<Integer> hidden, int outputs, Objective objective, boolean numbered) {
    Architecture {
        if (features.elementCount() < 1 || features.elementCount() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("features must be at least 1 and fit an array, were " + features);
        }
        hidden = List.copyOf(hidden);
        for (int width : hidden) {
            if (width < 1) {
                throw new IllegalArgumentException("the width of a hidden layer must be >= 1, was " + width);
            }
        }
        if (outputs < 1) {
            throw new IllegalArgumentException("outputs must be >= 1, were " + outputs);
        }
    }

    int featureCount() {
        return (int) features.elementCount();
    }

    int layerCount() {
        return hidden.size() + 1;
    }

    int inputsOf(int layer) {
        return layer == 0 ? featureCount() : hidden.get(layer - 1);
    }

    int outputsOf(int layer) {
        return layer == hidden.size() ? outputs : hidden.get(layer);
    }

    String nameOf(int layer, String tensor) {
        return numbered ? "layer" + (layer + 1) + "." + tensor : tensor;
    }

    int targetLength() {
        return objective == Objective.REGRESSION ? outputs : 1;
    }
}
