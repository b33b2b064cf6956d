package io.fedlearn.dl4j;

import io.fedlearn.core.FedLearnException;
import java.util.OptionalInt;

/**
 * Thrown when an example cannot be used by a network: a feature is missing (NaN) or infinite, or the target is not of the
 * network's kind. The message names the feature and never its value.
 */
public final class InvalidExampleException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final int example;
    private final int feature;

    private InvalidExampleException(int example, int feature, String message) {
        super(message);
        this.example = example;
        this.feature = feature;
    }

    static InvalidExampleException ofFeature(int example, int feature) {
        return new InvalidExampleException(
                example, feature, "feature " + feature + " of example " + example + " of a batch is not finite");
    }

    static InvalidExampleException ofTarget(int example, String constraint) {
        return new InvalidExampleException(
                example, -1, "the target of example " + example + " of a batch must be " + constraint);
    }

    /** Its place in the batch, counted from 0. */
    public int example() {
        return example;
    }

    /** Which feature it is, counted from 0; empty if it is the target. */
    public OptionalInt feature() {
        return feature < 0 ? OptionalInt.empty() : OptionalInt.of(feature);
    }
}
