package io.fedlearn.examples.mnist;

import io.fedlearn.core.tensor.Shape;
import io.fedlearn.models.DenseModel;
import io.fedlearn.models.MultilayerPerceptron;
import io.fedlearn.models.SoftmaxRegression;
import java.util.Locale;

/** The models that can be trained on images. */
enum MnistModel {
    SOFTMAX,
    MLP;

    /** How many digits there are. */
    static final int CLASSES = 10;

    // As the "2NN" of McMahan et al. 2017.
    private static final int HIDDEN = 200;

    /** An untrained model for images of this shape. */
    DenseModel create(Shape images) {
        return switch (this) {
            case SOFTMAX -> SoftmaxRegression.of(images, CLASSES);
            case MLP ->
                MultilayerPerceptron.builder(images).hidden(HIDDEN, HIDDEN).multiclass(CLASSES);
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
