package io.fedlearn.core.federation;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.tensor.Model;

/** Evaluates the global model on examples that the coordinator has itself. */
@FunctionalInterface
public interface CentralEvaluation {
    /** What the model is worth; undefined metrics are left out. */
    Metrics evaluate(Model model);
}
