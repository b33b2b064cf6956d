package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.metric.ScoreHistogram;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.Evaluation;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.update.InvalidUpdateException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Invariants 4 and 5 against clients that mean it: one of three is hostile, and the others' round goes on. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileClientsTest {
    private static final Model MODEL = DriftClient.model(50);

    private static Federation.Builder with(Model model, Client honest, Client hostile) {
        Map<String, Client> clients = new TreeMap<>();
        clients.put("a", honest);
        clients.put("b", hostile);
        clients.put("c", honest);
        return Federation.of(clients)
                .strategy(PlainMean.strategy())
                .initialModel(model)
                .rounds(1)
                .seed(3)
                .federatedEvaluation(false);
    }

    private static Federation.Builder with(Client hostile) {
        return with(MODEL, new DriftClient(10), hostile);
    }

    private static OutcomeRecord outcomeOfHostile(Run run) {
        List<OutcomeRecord> outcomes = run.records().get(0).outcomes();
        assertThat(run.records().get(0).isAborted()).isFalse();
        assertThat(outcomes.get(0).outcome()).isEqualTo("completed");
        assertThat(outcomes.get(2).outcome()).isEqualTo("completed");
        return outcomes.get(1);
    }

    private static Model counting(TensorType type, long... counts) {
        return Model.builder()
                .trainable("weight", Tensor.wrap(new float[3]))
                .counter("count", Tensor.ofIntegers(type, Shape.of(counts.length), counts))
                .build();
    }

    private static void rejectsDelta(TensorType type, long start, long delta) throws InterruptedException {
        Model global = counting(type, 0, start);
        Run run = with(
                        global,
                        (task, context) -> ClientUpdate.ofModel(task.model(), 1),
                        (task, context) -> ClientUpdate.ofModelDelta(counting(type, 0, delta), 1))
                .run();
        OutcomeRecord outcome = outcomeOfHostile(run);
        assertThat(outcome.outcome()).isEqualTo("rejected");
        assertThat(outcome.reason()).contains("'count'", "out of");
        assertThat(run.model().digest()).isEqualTo(global.digest());
    }

    @Test
    void rejectsDeltaThatLeadsAnIntegerOutOfItsType() throws Exception {
        rejectsDelta(TensorType.INT32, 1, Integer.MAX_VALUE);
        rejectsDelta(TensorType.INT8, -1, Byte.MIN_VALUE);
        rejectsDelta(TensorType.INT64, 1, Long.MAX_VALUE);
        rejectsDelta(TensorType.INT64, -1, Long.MIN_VALUE);
        rejectsDelta(TensorType.UINT64, 1, -1);
    }

    private static ClientUpdate reading(Runnable failure) {
        Tensor broken = Tensor.of(TensorType.FLOAT32, Shape.of(50), (offset, target) -> failure.run());
        return ClientUpdate.ofModel(
                Model.builder()
                        .trainable("weight", broken)
                        .trainable("bias", Tensor.wrap(new float[3]))
                        .build(),
                1);
    }

    @Test
    void updateThatCannotBeReadIsItsClientsFailure() throws Exception {
        OutcomeRecord outcome = outcomeOfHostile(with((task, context) -> reading(() -> {
                    throw new UncheckedIOException(new IOException("patient 17 is gone"));
                }))
                .run());
        assertThat(outcome.outcome()).isEqualTo("failed");
        assertThat(outcome.reason()).contains("java.io.UncheckedIOException").doesNotContain("patient 17");
    }

    @Test
    void updateWhoseReadingIsAnErrorIsItsClientsFailureToo() throws Exception {
        OutcomeRecord outcome = outcomeOfHostile(with((task, context) -> reading(() -> {
                    throw new StackOverflowError();
                }))
                .run());
        assertThat(outcome.outcome()).isEqualTo("failed");
        assertThat(outcome.reason()).contains("StackOverflowError");
    }

    @Test
    void asksTheNextClientWhenAnInitialModelHasNothingToTrain() throws Exception {
        Model useless = Model.builder()
                .counter("count", Tensor.ofIntegers(TensorType.INT32, Shape.of(1), new long[1]))
                .build();
        Map<String, Client> clients = new TreeMap<>();
        clients.put("a", giving(useless));
        clients.put("b", giving(MODEL));
        Run run = Federation.of(clients)
                .strategy(PlainMean.strategy())
                .rounds(1)
                .federatedEvaluation(false)
                .run();
        assertThat(run.header().initialDigest()).isEqualTo(MODEL.digest());
    }

    private static Client giving(Model initial) {
        return new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                return ClientUpdate.ofModel(task.model(), 1);
            }

            @Override
            public ClientUpdate perform(Task task, TaskContext context) {
                return ClientUpdate.ofModel(initial, 1);
            }
        };
    }

    @Test
    void rejectsNamesAndTextsThatWouldFloodTheRecord() throws Exception {
        String flood = "x".repeat(1 << 20);
        for (ClientUpdate update : List.of(
                ClientUpdate.ofModel(MODEL, 1).withMetric(flood, 1),
                ClientUpdate.ofModel(MODEL, 1).withMetric("\u001b[2Jloss", 1),
                ClientUpdate.ofModel(MODEL, 1).withValue(flood, true),
                ClientUpdate.ofModel(MODEL, 1).withValue("note", flood),
                ClientUpdate.ofModel(MODEL, 1).withTensors(flood, Model.empty()))) {
            OutcomeRecord outcome =
                    outcomeOfHostile(with((task, context) -> update).run());
            assertThat(outcome.outcome()).isEqualTo("rejected");
            assertThat(outcome.reason().length()).isLessThan(200);
        }
    }

    private static Client evaluating(ClientUpdate answer) {
        return new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                return ClientUpdate.ofModel(task.model(), 1);
            }

            @Override
            public ClientUpdate evaluate(Task task, TaskContext context) {
                return answer;
            }
        };
    }

    private static Run evaluated(ClientUpdate honest, ClientUpdate hostile) throws InterruptedException {
        return with(MODEL, evaluating(honest), evaluating(hostile))
                .federatedEvaluation(true)
                .run();
    }

    @Test
    void metricTooLargeToBeAveragedIsRejectedAndTheOthersCount() throws Exception {
        Run run = evaluated(
                ClientUpdate.ofMetrics(Metrics.of("loss", 0.5), 10),
                ClientUpdate.ofMetrics(Metrics.of("loss", -Double.MAX_VALUE), 10));
        assertThat(run.records().get(0).evaluation().clients().get(1).outcome()).isEqualTo("rejected");
        assertThat(run.records().get(0).metrics()).isEqualTo(Metrics.of("loss", 0.5));
    }

    @Test
    void histogramOfMoreScoresThanExamplesIsRejected() throws Exception {
        ScoreHistogram scores = ScoreHistogram.empty();
        scores.add(0.25, false);
        scores.add(0.75, true);
        ClientUpdate honest =
                ClientUpdate.ofMetrics(Metrics.none(), 2).withTensors(Evaluation.SCORES, scores.toTensors());
        ScoreHistogram many = ScoreHistogram.empty();
        for (int i = 0; i < 1000; i++) {
            many.add(0.75, false);
            many.add(0.25, true);
        }
        Run run = evaluated(
                honest, ClientUpdate.ofMetrics(Metrics.none(), 2).withTensors(Evaluation.SCORES, many.toTensors()));
        assertThat(run.records().get(0).evaluation().clients().get(1).outcome()).isEqualTo("rejected");
        assertThat(run.records().get(0).metrics().get(Evaluation.AUC)).hasValue(1.0);
    }

    private static Client reporting(double count, double mean, double deviation, long exampleCount) {
        Model statistics = Model.builder()
                .buffer("count", Tensor.wrap(new double[] {count}))
                .buffer("mean", Tensor.wrap(new double[] {mean}))
                .buffer("deviation", Tensor.wrap(new double[] {deviation}))
                .build();
        return new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                throw new IllegalStateException("is not asked");
            }

            @Override
            public ClientUpdate perform(Task task, TaskContext context) {
                return ClientUpdate.ofMetrics(Metrics.none(), exampleCount)
                        .withTensors(FeatureStatistics.TENSORS, statistics);
            }
        };
    }

    @Test
    void impossibleFeatureStatisticsLeaveTheOthersAsTheyAre() throws Exception {
        Client honest = reporting(4, 2, 4, 4);
        for (Client hostile : List.of(
                reporting(4, 1e150, 0, 4),
                reporting(4, 0, 1e150, 4),
                reporting(0x1p53, 100, 0, 4),
                reporting(0.5, 100, 0, 4),
                reporting(1, 2, 7, 4))) {
            FeatureStatistics merged = with(MODEL, honest, hostile).build().featureStatistics(1);
            assertThat(merged.count(0)).isEqualTo(8);
            assertThat(merged.mean(0)).isEqualTo(2);
            assertThat(merged.standardDeviation(0)).isEqualTo(1);
        }
    }

    @Test
    void malformedDeltaDoesNotCloseTheRound() throws Exception {
        Model global = counting(TensorType.INT32, 1);
        CountDownLatch heard = new CountDownLatch(1);
        Run run = with(
                        global,
                        (task, context) -> {
                            // The hostile client is first, whatever the machine does.
                            assertThat(heard.await(10, TimeUnit.SECONDS)).isTrue();
                            return ClientUpdate.ofModel(task.model(), 1);
                        },
                        (task, context) -> ClientUpdate.ofModelDelta(counting(TensorType.INT32, Integer.MAX_VALUE), 1))
                .policy(RoundPolicy.defaults().withQuorum(2).withCloseAfter(2))
                .parallelism(3)
                .listener(new RoundListener() {
                    @Override
                    public void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {
                        heard.countDown();
                    }
                })
                .run();
        assertThat(outcomeOfHostile(run).outcome()).isEqualTo("rejected");
    }

    @Test
    void rejectsWeightedSumThatIsNotInFloat64() throws Exception {
        OutcomeRecord outcome =
                outcomeOfHostile(with((task, context) -> ClientUpdate.of(UpdateForm.WEIGHTED_SUM, MODEL, 1))
                        .run());
        assertThat(outcome.outcome()).isEqualTo("rejected");
    }

    /** A sum over ten examples in float64, with this value everywhere. */
    private static ClientUpdate weightedSum(Model like, double value) {
        Model.Builder sum = Model.builder();
        for (int t = 0; t < like.spec().size(); t++) {
            Tensor tensor = like.tensors().get(t);
            double[] values = new double[(int) tensor.elementCount()];
            Arrays.fill(values, value);
            sum.trainable(
                    like.spec().tensors().get(t).name(), Tensor.wrap(values).reshape(tensor.shape()));
        }
        return ClientUpdate.of(UpdateForm.WEIGHTED_SUM, sum.build(), 10);
    }

    @Test
    void rejectsWeightedSumWhoseMeanTheModelCannotHold() throws Exception {
        OutcomeRecord tooFar = outcomeOfHostile(
                with((task, context) -> weightedSum(task.model(), 1e100)).run());
        assertThat(tooFar.outcome()).isEqualTo("rejected");
        assertThat(tooFar.reason()).isEqualTo("tensor 'weight' is a sum whose mean FLOAT32 cannot hold");

        OutcomeRecord tooMany = outcomeOfHostile(with(
                        counting(TensorType.UINT8, 0, 1),
                        (task, context) -> ClientUpdate.ofModel(task.model(), 1),
                        (task, context) -> weightedSum(task.model(), 2560))
                .run());
        assertThat(tooMany.outcome()).isEqualTo("rejected");
        assertThat(tooMany.reason()).isEqualTo("tensor 'count' is a sum whose mean UINT8 cannot hold");
    }

    @Test
    void takesWeightedSumWhoseMeanTheModelCanHold() throws Exception {
        assertThat(outcomeOfHostile(with((task, context) -> weightedSum(task.model(), 1e38))
                                .run())
                        .outcome())
                .isEqualTo("completed");
        assertThat(outcomeOfHostile(with(
                                        counting(TensorType.UINT8, 0, 1),
                                        (task, context) -> ClientUpdate.ofModel(task.model(), 1),
                                        (task, context) -> weightedSum(task.model(), 20))
                                .run())
                        .outcome())
                .isEqualTo("completed");
    }

    @Test
    void rejectsMoreBytesThanALongCounts() throws Exception {
        Tensor endless =
                Tensor.of(TensorType.INT8, Shape.of(1L << 62), (offset, target) -> target.position(target.limit()));
        Model huge = Model.builder().counter("count", endless).build();
        OutcomeRecord outcome = outcomeOfHostile(with((task, context) ->
                        ClientUpdate.ofModel(huge, 1).withTensors("one", huge).withTensors("two", huge))
                .run());
        assertThat(outcome.outcome()).isEqualTo("rejected");
        assertThat(outcome.reason()).contains("bytes, at most");
    }

    @Test
    void progressAfterTheTasksEndIsNotTold() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        CountDownLatch reported = new CountDownLatch(1);
        List<String> told = new CopyOnWriteArrayList<>();
        with((task, context) -> {
                    context.progress(1, 2);
                    while (over.getCount() > 0) {
                        try {
                            over.await();
                        } catch (InterruptedException e) {
                            // Bad manners on purpose.
                        }
                    }
                    context.progress(2, 2);
                    reported.countDown();
                    return ClientUpdate.ofModel(task.model(), 1);
                })
                .policy(RoundPolicy.defaults().withClientDeadline(Duration.ofMillis(500)))
                .parallelism(3)
                .listener(new RoundListener() {
                    @Override
                    public void clientProgress(int round, TaskKind kind, String clientId, long done, long total) {
                        told.add(clientId + " " + done);
                    }

                    @Override
                    public void roundFinished(RoundRecord record) {
                        over.countDown();
                    }
                })
                .run();
        assertThat(reported.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(told).containsExactly("b 1");
    }

    /** A mean that reads a metric, as q-FedAvg does. */
    private static final class NeedsMetric implements Aggregator.Streaming {
        private final PlainMean mean = new PlainMean();

        @Override
        public void check(ClientUpdate update, ModelSpec global) {
            if (update.metrics().get("lossBefore").isEmpty()) {
                throw InvalidUpdateException.of("the metric 'lossBefore' is missing");
            }
        }

        @Override
        public void begin(Model global) {
            mean.begin(global);
        }

        @Override
        public void accumulate(List<WeightedUpdate> updates) {
            mean.accumulate(updates);
        }

        @Override
        public Aggregate finish() {
            return mean.finish();
        }
    }

    @Test
    void updateThatTheRuleCannotTakeIsItsClientsOutcome() throws Exception {
        OutcomeRecord outcome = outcomeOfHostile(with(
                        MODEL,
                        (task, context) -> ClientUpdate.ofModel(task.model(), 1).withMetric("lossBefore", 1),
                        (task, context) -> ClientUpdate.ofModel(task.model(), 1))
                .strategy(Strategy.builder("NeedsMetric", NeedsMetric::new, ServerOptimizer::identity)
                        .build())
                .run());
        assertThat(outcome.outcome()).isEqualTo("rejected");
        assertThat(outcome.reason()).isEqualTo("the metric 'lossBefore' is missing");
    }
}
