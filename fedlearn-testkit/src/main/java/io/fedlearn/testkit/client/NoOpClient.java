package io.fedlearn.testkit.client;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;

/** A client that answers at once with the model it was given: what is left to measure is everything but training. Thread-safe. */
public final class NoOpClient implements Client {
    /** Metric {@value} of an evaluation: always 0. */
    public static final String LOSS = "loss";

    private final long exampleCount;

    private NoOpClient(long exampleCount) {
        this.exampleCount = exampleCount;
    }

    /** A client that says it has one example. */
    public static NoOpClient create() {
        return withExamples(1);
    }

    /** A client that says it has so many examples. */
    public static NoOpClient withExamples(long exampleCount) {
        return new NoOpClient(exampleCount);
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) {
        return ClientUpdate.ofModel(task.model(), exampleCount);
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) {
        return ClientUpdate.ofMetrics(Metrics.of(LOSS, 0), exampleCount);
    }
}
