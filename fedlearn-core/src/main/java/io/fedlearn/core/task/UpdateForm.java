package io.fedlearn.core.task;

/** What the model in a client update is, relative to the global model of its task. */
public enum UpdateForm {
    /** The model after local training. */
    MODEL,
    /** The model after local training minus the global model. */
    MODEL_DELTA,
    /**
     * A sum over several clients of weight times model, in float64, with the sum of the weights as its weight: what an
     * aggregator passes upstream in a hierarchy, or a worker that served many simulated clients.
     */
    WEIGHTED_SUM
}
