package io.fedlearn.examples.network;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.models.DenseModel;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.models.MultilayerPerceptron;
import io.fedlearn.models.SoftmaxRegression;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** The models that a client trains on a CSV. */
enum SiteModel {
    /** Logistic regression: two classes. */
    LOGISTIC,
    /** Softmax regression: two classes or more. */
    SOFTMAX,
    /** A multilayer perceptron: two classes or more. */
    MLP;

    /**
     * A maker of such models.
     *
     * @param hidden the widths of the hidden layers, of a multilayer perceptron only
     */
    Supplier<DenseModel> maker(int features, int classes, List<Integer> hidden) {
        int[] widths = hidden.stream().mapToInt(Integer::intValue).toArray();
        return switch (this) {
            case LOGISTIC -> () -> LogisticRegression.of(features);
            case SOFTMAX -> () -> SoftmaxRegression.of(features, classes);
            case MLP -> {
                MultilayerPerceptron.Builder network =
                        MultilayerPerceptron.builder(features).hidden(widths);
                yield classes == 2 ? network::binary : () -> network.multiclass(classes);
            }
        };
    }

    /**
     * Refuses a number of classes that the model does not tell apart.
     *
     * @throws InputException that names the option
     */
    void checkClasses(int classes) {
        if (this == LOGISTIC && classes != 2) {
            throw new InputException("--model logistic tells two classes apart, and --classes names " + classes
                    + ": softmax and mlp take more");
        }
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
