package io.fedlearn.models;

import io.fedlearn.core.FedLearnException;
import java.util.OptionalInt;

/**
 * Thrown when an example cannot be used by a model: a feature is missing and would not be filled in, or is infinite, or
 * the target is not of the model's kind. The message names the feature and never its value.
 */
public final class InvalidExampleException extends FedLearnException {
    private static final long serialVersionUID = 1L;

    private final int feature;

    private InvalidExampleException(int feature, String message) {
        super(message);
        this.feature = feature;
    }

    static InvalidExampleException missingFeature(int feature) {
        return new InvalidExampleException(
                feature,
                "feature " + feature
                        + " of an example is missing (NaN): use a model that is standardizing(), which fills in "
                        + "the mean, or fill it in the source");
    }

    static InvalidExampleException infiniteFeature(int feature) {
        return new InvalidExampleException(feature, "feature " + feature + " of an example is infinite");
    }

    static InvalidExampleException ofTarget(String constraint) {
        return new InvalidExampleException(-1, "the target of an example must be " + constraint);
    }

    /** Which feature it is, counted from 0; empty if it is the target. */
    public OptionalInt feature() {
        return feature < 0 ? OptionalInt.empty() : OptionalInt.of(feature);
    }
}
