package io.fedlearn.examples.credit;

import io.fedlearn.models.DenseModel;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.models.MultilayerPerceptron;
import java.util.Locale;

/** The models that can be trained on customers. */
enum CreditModel {
    LOGISTIC,
    MLP;

    private static final int HIDDEN = 16;

    /** An untrained model that standardises its inputs as the model that it loads says. */
    DenseModel create() {
        int features = CreditTable.SCHEMA.featureCount();
        return switch (this) {
            case LOGISTIC -> LogisticRegression.of(features).standardizing();
            case MLP ->
                MultilayerPerceptron.builder(features).hidden(HIDDEN).binary().standardizing();
        };
    }

    /** Name and sizes, for the run's record. */
    String description() {
        return this == MLP ? this + "(" + CreditTable.SCHEMA.featureCount() + "-" + HIDDEN + "-1)" : toString();
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
