package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.training.Batch;
import io.fedlearn.core.training.BatchReader;
import io.fedlearn.core.training.ExampleOrder;
import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.IndexedReader;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.models.LinearRegression;
import io.fedlearn.models.LogisticRegression;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Code of {@code docs/your-own-client.md}. */
final class YourOwnClientTest {
    // tag::client[]
    /** Learns the mean length of stay: one parameter, one gradient step per patient. */
    static final class StayClient implements Client {
        private final float[] days;

        StayClient(float... days) {
            this.days = days.clone();
        }

        @Override
        public ClientUpdate fit(Task task, TaskContext context) throws InterruptedException {
            if (days.length < 3) {
                throw new TaskDeclinedException("fewer than 3 patients at this site");
            }
            TrainingSettings settings = TrainingSettings.of(task.config());
            float mean = task.model().tensor("mean").toFloatArray()[0];
            int[] order = IntStream.range(0, days.length).toArray();
            SeededRandom.of(task.seed()).shuffle(order);
            for (int step = 0; step < order.length; step++) {
                if (context.isCancelled()) {
                    throw new InterruptedException("the answer is no longer wanted");
                }
                mean -= (float) settings.learningRate() * (mean - days[order[step]]);
                context.progress(step + 1, order.length);
            }
            Model trained = Model.builder()
                    .trainable("mean", Tensor.copyOf(new float[] {mean}, 1))
                    .build();
            return ClientUpdate.ofModel(trained, days.length);
        }

        @Override
        public ClientUpdate evaluate(Task task, TaskContext context) {
            float mean = task.model().tensor("mean").toFloatArray()[0];
            double loss = 0;
            for (float stay : days) {
                loss += (mean - stay) * (mean - stay) / days.length;
            }
            return ClientUpdate.ofMetrics(Metrics.of("loss", loss), days.length);
        }
    }
    // end::client[]

    @Test
    void trainsAClientOfOnesOwn() throws Exception {
        // tag::run-client[]
        Model start = Model.builder()
                .trainable("mean", Tensor.copyOf(new float[] {0}, 1))
                .build();
        Run run = Federation.of(Map.of(
                        "north", new StayClient(3, 5, 4, 8),
                        "south", new StayClient(2, 2, 6),
                        "islands", new StayClient(9)))
                .strategy(FedAvg.create())
                .initialModel(start)
                .run();
        // end::run-client[]
        OutcomeRecord islands = run.records().get(0).outcomes().get(0);
        assertThat(islands.clientId()).isEqualTo("islands");
        assertThat(islands.outcome()).isEqualTo("declined");
        assertThat(islands.reason()).isEqualTo("fewer than 3 patients at this site");
        assertThat(run.model().tensor("mean").get(0)).isBetween(3.0, 6.0);
        assertThat(run.best().metrics().get("loss")).isPresent();
    }

    /** Moves by a share of the gap to its own value, with momentum that survives rounds and restarts. */
    static final class MomentumClient implements Client {
        private final float target;

        MomentumClient(float target) {
            this.target = target;
        }

        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            float mean = task.model().tensor("mean").toFloatArray()[0];
            // tag::state[]
            Optional<Model> saved = context.state().load("velocity");
            float velocity = saved.isPresent() ? saved.get().tensor("v").toFloatArray()[0] : 0;
            velocity = 0.5f * velocity + 0.1f * (target - mean);
            context.state()
                    .save(
                            "velocity",
                            Model.builder().buffer("v", Tensor.scalar(velocity)).build());
            // end::state[]
            Model trained = Model.builder()
                    .trainable("mean", Tensor.copyOf(new float[] {mean + velocity}, 1))
                    .build();
            return ClientUpdate.ofModel(trained, 1);
        }
    }

    @Test
    void keepsStateFromRoundToRound() throws Exception {
        Model start = Model.builder()
                .trainable("mean", Tensor.copyOf(new float[] {0}, 1))
                .build();
        Run run = Federation.of(Map.of("north", new MomentumClient(1)))
                .strategy(FedAvg.create())
                .initialModel(start)
                .rounds(2)
                .run();
        // 0.1, then 0.1 + 0.5 * 0.1 + 0.1 * 0.9: without the state it would be 0.19.
        assertThat(run.model().tensor("mean").get(0)).isBetween(0.2399, 0.2401);
    }

    // tag::source[]
    record Admission(float age, float urgency, float stay) {}

    /** Admissions as the hospital's own system has them. */
    record Admissions(List<Admission> rows) implements ExampleSource {
        @Override
        public long exampleCount() {
            return rows.size();
        }

        @Override
        public Shape featureShape() {
            return Shape.of(2);
        }

        @Override
        public int targetLength() {
            return 1;
        }

        @Override
        public BatchReader open(ExampleOrder order) {
            return IndexedReader.open(order, IntStream.range(0, rows.size()).toArray(), this::copy);
        }

        private void copy(int row, Batch batch, int place) {
            Admission admission = rows.get(row);
            batch.features()[2 * place] = admission.age();
            batch.features()[2 * place + 1] = admission.urgency();
            batch.targets()[place] = admission.stay();
        }
    }
    // end::source[]

    @Test
    void joinsAModelAndASource() throws Exception {
        List<Admission> rows = List.of(
                new Admission(0.5f, 0, 1), new Admission(1, 1, 3), new Admission(0, 1, 2), new Admission(1, 0, 1));
        // tag::join[]
        Client hospital = LocalTrainingClient.of(() -> LinearRegression.of(2), new Admissions(rows));
        // end::join[]
        Run run = Federation.of(Map.of("north", hospital))
                .strategy(FedAvg.create())
                .rounds(3)
                .run();
        assertThat(run.records().get(2).trainMetrics().get("loss").orElseThrow())
                .isLessThan(run.records().get(0).trainMetrics().get("loss").orElseThrow());
    }

    @Test
    void takesArrays() throws Exception {
        float[] features = {0, 1, 1, 0, 1, 1, 0, 0};
        float[] labels = {1, 0, 1, 0};
        // tag::arrays[]
        InMemoryExamples patients = InMemoryExamples.wrap(Shape.of(2), features, labels);
        Client hospital = LocalTrainingClient.of(() -> LogisticRegression.of(2), patients);
        // end::arrays[]
        Run run = Federation.of(List.of(hospital)).strategy(FedAvg.create()).run();
        assertThat(run.records()).hasSize(10);
    }

    @Test
    void repeatsBitForBit() throws Exception {
        // tag::repeat[]
        String first = digestOfRun(7, 1);
        String second = digestOfRun(7, 8);
        assertThat(second).isEqualTo(first);
        assertThat(digestOfRun(8, 1)).isNotEqualTo(first);
        // end::repeat[]
    }

    // tag::digest[]
    private static String digestOfRun(long seed, int threads) throws InterruptedException {
        Model start = Model.builder()
                .trainable("mean", Tensor.copyOf(new float[] {0}, 1))
                .build();
        return Federation.of(Map.of("north", new StayClient(3, 5, 4, 8), "south", new StayClient(2, 2, 6)))
                .strategy(FedAvg.create())
                .initialModel(start)
                .seed(seed)
                .parallelism(threads)
                .run()
                .model()
                .digest();
    }
    // end::digest[]
}
