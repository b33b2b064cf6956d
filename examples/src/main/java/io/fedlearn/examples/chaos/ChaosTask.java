package io.fedlearn.examples.chaos;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.models.SoftmaxRegression;
import io.fedlearn.testkit.generator.SyntheticExamples;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * What is trained: a softmax regression on made-up examples, large enough that models travel in many chunks, with every client in
 * every round. The same bits come out wherever and however often it is trained.
 *
 * @param method by which
 * @param clients how many
 * @param rounds how many
 * @param seed of data and run
 */
record ChaosTask(Method method, int clients, int rounds, long seed) {
    private static final int FEATURES = 5000;
    private static final int CLASSES = 10;
    private static final int EXAMPLES = 24;
    private static final int EVALUATE_EVERY = 3;

    /** A rule of averaging; one with state at the server and at each client, and one without. */
    enum Method {
        FED_AVG,
        SCAFFOLD;

        Strategy strategy(int clients) {
            return this == SCAFFOLD ? Scaffold.withClients(clients) : FedAvg.create();
        }
    }

    /** The ids of all clients, in order. */
    List<String> ids() {
        return IntStream.range(0, clients).mapToObj(k -> "site-" + k).toList();
    }

    /** The client of this id; each has another number of examples, so that one taken for another shows. */
    Client client(String id) {
        int number = ids().indexOf(id);
        if (number < 0) {
            throw new IllegalArgumentException("id must be one of " + ids() + ", was " + id);
        }
        return LocalTrainingClient.of(
                ChaosTask::model, examples(2L * number, EXAMPLES + number), examples(2L * number + 1, EXAMPLES / 2));
    }

    private InMemoryExamples examples(long part, int count) {
        return SyntheticExamples.separableClasses(seed * 1000 + part, count, FEATURES, CLASSES);
    }

    private static SoftmaxRegression model() {
        return SoftmaxRegression.of(FEATURES, CLASSES);
    }

    /** A federation of this task, which a killed server resumes. */
    Federation.Builder federation(Runtime runtime) {
        return configured(Federation.of(runtime)).clientWait(Duration.ofSeconds(60));
    }

    /** The task undisturbed, in this process. */
    Run undisturbed() throws InterruptedException {
        Map<String, Client> all = new TreeMap<>();
        ids().forEach(id -> all.put(id, client(id)));
        return configured(Federation.of(all)).run();
    }

    private Federation.Builder configured(Federation.Builder builder) {
        return builder.strategy(method.strategy(clients))
                .training(TrainingSettings.defaults().withBatchSize(8).withMomentum(0.5))
                .rounds(rounds)
                .seed(seed)
                .runId("chaos")
                .evaluateEvery(EVALUATE_EVERY)
                .minClients(clients)
                .policy(RoundPolicy.defaults().withQuorum(clients));
    }
}
