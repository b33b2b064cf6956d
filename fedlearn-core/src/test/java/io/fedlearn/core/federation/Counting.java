package io.fedlearn.core.federation;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.PartState;
import java.util.Map;

/** Parts with memory: a server optimizer with momentum, and a client whose drift grows with the rounds it remembers. */
final class Counting {
    private Counting() {}

    static Strategy strategy() {
        return Strategy.builder("Counting", PlainMean::new, Momentum::new).build();
    }

    /** Adds a tenth of everything it has moved so far to each step. */
    private static final class Momentum implements ServerOptimizer {
        private Model velocity = Model.empty();
        private long steps;

        @Override
        public Model step(Model global, Aggregate aggregate) {
            Model mean = aggregate.toModel(global);
            Model.Builder next = Model.builder();
            Model.Builder kept = Model.builder();
            steps++;
            for (int i = 0; i < mean.tensors().size(); i++) {
                String name = mean.spec().tensors().get(i).name();
                float[] values = mean.tensors().get(i).toFloatArray();
                float[] before = velocity.find(name).map(Tensor::toFloatArray).orElse(new float[values.length]);
                float[] start = global.tensors().get(i).toFloatArray();
                for (int j = 0; j < values.length; j++) {
                    before[j] = 0.1f * before[j] + (values[j] - start[j]) / steps;
                    values[j] += before[j];
                }
                next.trainable(name, Tensor.wrap(values));
                kept.trainable(name, Tensor.wrap(before));
            }
            velocity = kept.build();
            return next.build();
        }

        @Override
        public PartState snapshot() {
            return new PartState(Map.of("velocity", velocity), Config.empty().with("steps", steps));
        }

        @Override
        public void restore(PartState state) {
            velocity = state.tensors().getOrDefault("velocity", Model.empty());
            steps = state.values().getLong("steps").orElse(0L);
        }
    }

    /** A client that counts the rounds that accepted it, in its state, and says the count in its update. */
    static final class Remembering implements Client {
        private final DriftClient drift;

        Remembering(long exampleCount) {
            drift = new DriftClient(exampleCount);
        }

        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            long count = 1
                    + context.state()
                            .load("count")
                            .map(model -> model.tensor("count").toLongArray()[0])
                            .orElse(0L);
            context.state()
                    .save(
                            "count",
                            Model.builder()
                                    .counter("count", Tensor.scalar(count))
                                    .build());
            Model model = DriftClient.drift(task);
            float[] bias = model.tensor("bias").toFloatArray();
            bias[0] += count;
            Model counted = Model.builder()
                    .trainable("weight", model.tensor("weight"))
                    .trainable("bias", Tensor.wrap(bias))
                    .build();
            return ClientUpdate.ofModel(counted, 5).withMetric("count", count);
        }

        @Override
        public ClientUpdate evaluate(Task task, TaskContext context) {
            return drift.evaluate(task, context);
        }
    }
}
