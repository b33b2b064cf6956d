package io.fedlearn.testkit.client;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * A client whose training is a small random walk: it adds uniform noise in [-{@value #STEP}, {@value #STEP}), drawn from the
 * task's seed, to every floating-point value. Fast, deterministic, and different for every client and round. Thread-safe.
 *
 * <p>An evaluation gives {@value #LOSS}: the mean square of all floating-point values.
 */
public final class DriftClient implements Client {
    /** The largest change of a value in one round: {@value}. */
    public static final double STEP = 0.0625;

    /** Metric {@value} of training and of an evaluation: the mean square of the floating-point values. */
    public static final String LOSS = "loss";

    private final long exampleCount;

    private DriftClient(long exampleCount) {
        this.exampleCount = exampleCount;
    }

    /** A client that says it has so many examples. */
    public static DriftClient withExamples(long exampleCount) {
        return new DriftClient(exampleCount);
    }

    @Override
    public ClientUpdate fit(Task task, TaskContext context) {
        context.progress(0, 1);
        SeededRandom random = SeededRandom.of(task.seed());
        List<Tensor> tensors = new ArrayList<>();
        for (int i = 0; i < task.model().tensors().size(); i++) {
            Tensor tensor = task.model().tensors().get(i);
            tensors.add(tensor.type().isFloating() ? drift(tensor, random) : tensor);
        }
        Model model = Model.of(task.model().spec(), tensors);
        context.progress(1, 1);
        return ClientUpdate.ofModel(model, exampleCount).withMetric(LOSS, meanSquare(model));
    }

    private static Tensor drift(Tensor tensor, SeededRandom random) {
        double[] values = tensor.toDoubleArray();
        for (int i = 0; i < values.length; i++) {
            values[i] += STEP * (2 * random.nextDouble() - 1);
        }
        return Tensor.rounded(tensor.type(), tensor.shape(), values);
    }

    @Override
    public ClientUpdate evaluate(Task task, TaskContext context) {
        return ClientUpdate.ofMetrics(Metrics.of(LOSS, meanSquare(task.model())), exampleCount);
    }

    private static double meanSquare(Model model) {
        double sum = 0;
        long count = 0;
        for (int i = 0; i < model.tensors().size(); i++) {
            TensorSpec spec = model.spec().tensors().get(i);
            if (spec.type().isFloating()) {
                for (double value : model.tensors().get(i).toDoubleArray()) {
                    sum += value * value;
                }
                count += spec.shape().elementCount();
            }
        }
        return count == 0 ? 0 : sum / count;
    }
}
