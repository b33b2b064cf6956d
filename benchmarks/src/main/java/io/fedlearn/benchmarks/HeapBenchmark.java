package io.fedlearn.benchmarks;

import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import java.util.Collections;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * How much heap does a run need by the number of its clients? Whole runs of two rounds of a model of 100 MB (25 million float32
 * parameters in ten tensors), each in the least heap in which it ends well with every update ({@link LeastHeap}); what the same run
 * of 250 parameters needs is the JVM's own, and the rest the model's. Clients answer with values that are made as they are read, so
 * that they hold nothing; the initial model comes from a client.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" io.fedlearn.benchmarks.HeapBenchmark
 * </pre>
 *
 * <p>The bound that invariant 2 gives is 4 models for a mean and 8 for an adaptive rule, and 64 MiB beside.
 */
public final class HeapBenchmark {
    private static final int TENSORS = 10;
    private static final int PARAMETERS = 25_000_000;
    private static final int[] CLIENTS = {2, 8, 32, 128};
    private static final double MODEL_MIB = (double) PARAMETERS * Float.BYTES / (1 << 20);

    private HeapBenchmark() {}

    /** Measures all numbers of clients. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0) {
            probe(Rule.valueOf(arguments[0]), Integer.parseInt(arguments[1]), Integer.parseInt(arguments[2]));
            return;
        }
        System.out.println(Machine.description());
        System.out.println("\n| rule | clients | least heap MiB, 250 parameters / 25M | times the model | bound MiB |");
        System.out.println("|---|---|---|---|---|");
        for (Rule rule : Rule.values()) {
            for (int clients : CLIENTS) {
                int small = leastHeap(rule, clients, TENSORS * 25, 1, 64);
                int bound = (int) (rule.models * MODEL_MIB) + 64 + small;
                int large = leastHeap(rule, clients, PARAMETERS, (int) MODEL_MIB, bound);
                System.out.printf(
                        Locale.ROOT,
                        "| %s | %d | %d / %d | %.2f | %d |%n",
                        rule.strategy.get().name(),
                        clients,
                        small,
                        large,
                        (large - small) / MODEL_MIB,
                        bound);
            }
        }
    }

    private static int leastHeap(Rule rule, int clients, int parameters, int tooLittle, int enough) throws Exception {
        return LeastHeap.of(
                HeapBenchmark.class,
                tooLittle,
                enough,
                rule.name(),
                Integer.toString(clients),
                Integer.toString(parameters));
    }

    private enum Rule {
        MEAN(FedAvg::create, 4),
        ADAPTIVE(FedAdam::create, 8);

        private final Supplier<Strategy> strategy;
        private final int models;

        Rule(Supplier<Strategy> strategy, int models) {
            this.strategy = strategy;
            this.models = models;
        }
    }

    /** Two rounds that all complete with all clients, or an error. */
    private static void probe(Rule rule, int clients, int parameters) throws InterruptedException {
        Federation federation = Federation.of(Collections.nCopies(clients, new WeightlessClient(parameters)))
                .strategy(rule.strategy.get())
                .rounds(2)
                .evaluateEvery(0)
                .build();
        for (RoundRecord round : federation.run().records()) {
            if (round.isAborted() || !round.outcomes().stream().allMatch(outcome -> outcome.isCompleted())) {
                throw new IllegalStateException("round " + round.round() + " lost a client");
            }
        }
    }

    private record WeightlessClient(int parameters) implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            return update(task.seed());
        }

        @Override
        public ClientUpdate perform(Task task, TaskContext context) throws Exception {
            return task.kind().equals(TaskKind.INITIAL_MODEL) ? update(0) : Client.super.perform(task, context);
        }

        private ClientUpdate update(long seed) {
            Model.Builder model = Model.builder();
            for (int t = 0; t < TENSORS; t++) {
                model.trainable(
                        "layer" + t,
                        Tensor.of(TensorType.FLOAT32, Shape.of(parameters / TENSORS), new MadeValues(seed + t)));
            }
            return ClientUpdate.ofModel(model.build(), 1);
        }
    }
}
