package io.fedlearn.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.client.ClientState;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A model of this module as a client: statistics, training, evaluation. */
class FederatedClientTest {
    private static final TaskContext CONTEXT = new TaskContext() {
        @Override
        public ClientState state() {
            return new ClientState() {
                @Override
                public Optional<Model> load(String name) {
                    return Optional.empty();
                }

                @Override
                public void save(String name, Model value) {}
            };
        }

        @Override
        public void progress(long done, long total) {}

        @Override
        public boolean isCancelled() {
            return false;
        }
    };

    /** Features of very different size, some missing; the class follows their sum in standard units. */
    private static InMemoryExamples examples(int count, long seed) {
        SeededRandom random = SeededRandom.of(seed);
        float[] features = new float[2 * count];
        float[] targets = new float[count];
        for (int i = 0; i < count; i++) {
            double first = random.nextGaussian();
            double second = random.nextGaussian();
            features[2 * i] = (float) (1000 + 300 * first);
            features[2 * i + 1] = i % 10 == 0 ? Float.NaN : (float) (0.01 * second);
            targets[i] = first + (i % 10 == 0 ? 0 : second) > 0 ? 1 : 0;
        }
        return InMemoryExamples.wrap(Shape.of(2), features, targets);
    }

    private static LocalTrainingClient client() {
        return LocalTrainingClient.of(
                () -> LogisticRegression.of(2).standardizing(), examples(300, 1), examples(200, 2));
    }

    private static Model initial(LocalTrainingClient client) throws Exception {
        ClientUpdate answer =
                client.perform(Task.builder(TaskKind.FEATURE_STATISTICS, "a").build(), CONTEXT);
        FeatureStatistics statistics = FeatureStatistics.ofUpdate(answer, 2);
        assertThat(statistics.count(0)).isEqualTo(300);
        assertThat(statistics.count(1)).isEqualTo(270);
        return LogisticRegression.of(2).standardizing(statistics).initialModel(0);
    }

    private static Task fit(Model model, TrainingSettings settings) {
        return Task.builder(TaskKind.FIT, "a")
                .model(model)
                .config(settings.toConfig())
                .seed(5)
                .build();
    }

    private static Metrics evaluate(LocalTrainingClient client, Model model) throws Exception {
        return client.evaluate(Task.builder(TaskKind.EVALUATE, "a").model(model).build(), CONTEXT)
                .metrics();
    }

    private static double distance(Model one, Model other) {
        double sum = 0;
        for (String name : new String[] {"weight", "bias"}) {
            double[] a = one.tensor(name).toDoubleArray();
            double[] b = other.tensor(name).toDoubleArray();
            for (int i = 0; i < a.length; i++) {
                sum += (a[i] - b[i]) * (a[i] - b[i]);
            }
        }
        return Math.sqrt(sum);
    }

    @Test
    void trainsAndEvaluatesOnRawFeaturesWithMissingOnes() throws Exception {
        LocalTrainingClient client = client();
        Model initial = initial(client);
        assertThat(evaluate(client, initial).get(Evaluation.LOSS).getAsDouble()).isCloseTo(Math.log(2), within(1e-12));
        ClientUpdate update =
                client.fit(fit(initial, TrainingSettings.defaults().withLocalEpochs(10)), CONTEXT);
        assertThat(update.exampleCount()).isEqualTo(300);
        Metrics metrics = evaluate(client, update.model().orElseThrow());
        assertThat(metrics.get(Evaluation.ACCURACY).getAsDouble()).isGreaterThan(0.95);
        assertThat(metrics.get(Evaluation.AUC).getAsDouble()).isGreaterThan(0.99);
    }

    @Test
    void sameTaskGivesTheSameModel() throws Exception {
        LocalTrainingClient client = client();
        Task task = fit(initial(client), TrainingSettings.defaults().withMomentum(0.9));
        assertThat(client.fit(task, CONTEXT).model())
                .isEqualTo(client().fit(task, CONTEXT).model());
    }

    @Test
    void proximalTermPullsTowardsTheGlobalModel() throws Exception {
        LocalTrainingClient client = client();
        Model initial = initial(client);
        TrainingSettings settings =
                TrainingSettings.defaults().withLocalEpochs(10).withLearningRate(0.01);
        double free = distance(
                initial, client.fit(fit(initial, settings), CONTEXT).model().orElseThrow());
        double pulled = distance(
                initial,
                client.fit(fit(initial, settings.withMu(1)), CONTEXT).model().orElseThrow());
        double held = distance(
                initial,
                client.fit(fit(initial, settings.withMu(99)), CONTEXT).model().orElseThrow());
        assertThat(pulled).isLessThan(0.8 * free);
        assertThat(held).isPositive().isLessThan(0.02 * free);
    }

    @Test
    void siteWithMissingFeaturesFailsWithAModelThatDoesNotStandardise() {
        LocalTrainingClient client = LocalTrainingClient.of(() -> LogisticRegression.of(2), examples(300, 1));
        assertThatExceptionOfType(InvalidExampleException.class)
                .isThrownBy(() ->
                        client.fit(fit(LogisticRegression.of(2).initialModel(0), TrainingSettings.defaults()), CONTEXT))
                .withMessageContaining("feature 1");
    }
}
