package io.fedlearn.core.federation;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** A client whose training adds seeded noise of mixed magnitudes, so that any change of order shows in the bits. */
final class DriftClient implements Client {
    private final long exampleCount;

    DriftClient(long exampleCount) {
        this.exampleCount = exampleCount;
    }

    static List<Client> several(int count) {
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            clients.add(new DriftClient(10 + 7L * i));
        }
        return clients;
    }

    static Model model(int parameters) {
        float[] weights = new float[parameters];
        SeededRandom random = SeededRandom.of(11);
        for (int i = 0; i < parameters; i++) {
            weights[i] = (float) random.nextGaussian();
        }
        return Model.builder()
                .trainable("weight", Tensor.wrap(weights))
                .trainable("bias", Tensor.wrap(new float[3]))
                .build();
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) {
        return ClientUpdate.ofModel(drift(task), exampleCount).withMetric("loss", 1.0 / (task.round() + exampleCount));
    }

    static Model drift(Task task) {
        SeededRandom random = SeededRandom.of(task.seed());
        List<Tensor> tensors = new ArrayList<>();
        for (Tensor tensor : task.model().tensors()) {
            float[] values = tensor.toFloatArray();
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) (random.nextGaussian() * StrictMath.pow(10, random.nextInt(8) - 4));
            }
            tensors.add(Tensor.wrap(values, tensor.shape().lengths()));
        }
        return Model.of(task.model().spec(), tensors);
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) {
        double norm = 0;
        for (Tensor tensor : task.model().tensors()) {
            for (double value : tensor.toDoubleArray()) {
                norm += value * value;
            }
        }
        return ClientUpdate.ofMetrics(Metrics.of("loss", norm).with("accuracy", 1 / (1 + norm)), exampleCount);
    }
}
