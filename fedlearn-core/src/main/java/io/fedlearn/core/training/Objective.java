package io.fedlearn.core.training;

/** What a model's outputs mean, and so how they are evaluated. */
public enum Objective {
    /** Outputs are values to be compared with the targets. */
    REGRESSION,
    /** The one output is the probability of class 1; the target is 0 or 1. */
    BINARY,
    /** Outputs are the probabilities of the classes; the target is the index of one. */
    MULTICLASS
}
