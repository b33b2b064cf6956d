package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.TransformContext;
import io.fedlearn.core.update.UpdateTransform;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Invariants 4 and 5: what a client does wrong is its own outcome, and nothing malformed enters. */
class FaultyClientsTest {
    private static final Model MODEL = DriftClient.model(50);

    private static Federation.Builder with(Client faulty) {
        Map<String, Client> clients = new TreeMap<>();
        clients.put("a", new DriftClient(10));
        clients.put("b", faulty);
        clients.put("c", new DriftClient(30));
        return Federation.of(clients)
                .strategy(PlainMean.strategy())
                .initialModel(MODEL)
                .rounds(2)
                .seed(3);
    }

    private static String digestWithout() throws InterruptedException {
        Map<String, Client> clients = new TreeMap<>();
        clients.put("a", new DriftClient(10));
        clients.put("c", new DriftClient(30));
        return Federation.of(clients)
                .strategy(PlainMean.strategy())
                .initialModel(MODEL)
                .rounds(2)
                .seed(3)
                .run()
                .model()
                .digest();
    }

    private static Client answering(ClientUpdate update) {
        return (task, context) -> update;
    }

    private static Model named(String name, Tensor weight) {
        return Model.builder()
                .trainable(name, weight)
                .trainable("bias", Tensor.wrap(new float[3]))
                .build();
    }

    private static Tensor weights(float... first) {
        float[] values = new float[50];
        System.arraycopy(first, 0, values, 0, first.length);
        return Tensor.wrap(values);
    }

    static Stream<Arguments> faults() {
        Model bias =
                Model.builder().trainable("bias", Tensor.wrap(new float[3])).build();
        return Stream.of(
                Arguments.of(
                        "failed",
                        "java.lang.IllegalStateException at io.fedlearn.core.federation.FaultyClientsTest",
                        (Client) (task, context) -> {
                            throw new IllegalStateException("the disk is gone");
                        }),
                Arguments.of("failed", "StackOverflowError", (Client) (task, context) -> {
                    throw new StackOverflowError();
                }),
                Arguments.of("failed", "java.lang.Error at", (Client) (task, context) -> {
                    throw new Error("a new kind of error");
                }),
                Arguments.of("declined", "not on Sundays", (Client) (task, context) -> {
                    throw new TaskDeclinedException("not on Sundays");
                }),
                Arguments.of("failed", "NullPointerException", (Client) (task, context) -> {
                    throw new NullPointerException();
                }),
                Arguments.of(
                        "rejected",
                        "tensor 'weight' holds NaN at index 2",
                        answering(ClientUpdate.ofModel(named("weight", weights(0, 1, Float.NaN)), 5))),
                Arguments.of(
                        "rejected",
                        "tensor 'weight' holds an infinite value at index 0",
                        answering(ClientUpdate.ofModel(named("weight", weights(Float.NEGATIVE_INFINITY)), 5))),
                Arguments.of(
                        "rejected",
                        "tensor 'wait' is not in the global model",
                        answering(ClientUpdate.ofModel(named("wait", weights()), 5))),
                Arguments.of("rejected", "tensor 'weight' is missing", answering(ClientUpdate.ofModel(bias, 5))),
                Arguments.of(
                        "rejected",
                        "tensor 'weight' must have shape 50, had 5x10",
                        answering(ClientUpdate.ofModel(named("weight", Tensor.wrap(new float[50], 5, 10)), 5))),
                Arguments.of(
                        "rejected",
                        "tensor 'weight' must be of type FLOAT32, was FLOAT64",
                        answering(ClientUpdate.ofModel(named("weight", Tensor.wrap(new double[50])), 5))),
                Arguments.of(
                        "rejected",
                        "tensor 'weight' must have role TRAINABLE, had BUFFER",
                        answering(ClientUpdate.ofModel(
                                Model.builder()
                                        .buffer("weight", weights())
                                        .trainable("bias", Tensor.wrap(new float[3]))
                                        .build(),
                                5))),
                Arguments.of(
                        "rejected", "the example count must be >= 1, was 0", answering(ClientUpdate.ofModel(MODEL, 0))),
                Arguments.of(
                        "rejected",
                        "the example count must be in [0, 1099511627776], was -3",
                        answering(ClientUpdate.ofModel(MODEL, -3))),
                Arguments.of("rejected", "holds no model", answering(ClientUpdate.ofMetrics(Metrics.none(), 5))),
                Arguments.of(
                        "rejected",
                        "bytes, at most",
                        answering(ClientUpdate.ofModel(MODEL, 5)
                                .withTensors(
                                        "junk",
                                        Model.builder()
                                                .buffer("junk", Tensor.wrap(new float[1 << 19]))
                                                .build()))));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("faults")
    void faultBecomesTheClientsOutcomeAndChangesNothingElse(String outcome, String reason, Client faulty)
            throws Exception {
        Run run = with(faulty).run();

        for (RoundRecord record : run.records()) {
            OutcomeRecord bad = record.outcomes().get(1);
            assertThat(bad.clientId()).isEqualTo("b");
            assertThat(bad.outcome()).isEqualTo(outcome);
            assertThat(bad.reason()).contains(reason);
            assertThat(bad.weight()).isZero();
        }
        assertThat(run.model().digest()).isEqualTo(digestWithout());
    }

    @Test
    void clientMayAnswerWithADeltaWhereOthersAnswerWithModels() throws Exception {
        Run run = with((task, context) -> {
                    Model model = DriftClient.drift(task);
                    Model.Builder delta = Model.builder();
                    for (int i = 0; i < model.tensors().size(); i++) {
                        float[] values = model.tensors().get(i).toFloatArray();
                        float[] start = task.model().tensors().get(i).toFloatArray();
                        for (int j = 0; j < values.length; j++) {
                            values[j] -= start[j];
                        }
                        delta.trainable(model.spec().tensors().get(i).name(), Tensor.wrap(values));
                    }
                    return ClientUpdate.ofModelDelta(delta.build(), 20);
                })
                .rounds(1)
                .run();
        Run models = with(new DriftClient(20)).rounds(1).run();
        float[] actual = run.model().tensor("weight").toFloatArray();
        float[] expected = models.model().tensor("weight").toFloatArray();
        assertThat(run.records().get(0).outcomes()).allMatch(OutcomeRecord::isCompleted);
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(1e-4f * Math.max(1, Math.abs(expected[i]))));
        }
    }

    @Test
    void deltaThatLeadsOutOfRangeIsItsClientsFault() throws Exception {
        Model huge = Model.builder()
                .trainable("weight", weights(Float.MAX_VALUE))
                .trainable("bias", Tensor.wrap(new float[3]))
                .build();
        Run run = with(answering(ClientUpdate.ofModelDelta(huge, 5)))
                .initialModel(Model.builder()
                        .trainable("weight", weights(Float.MAX_VALUE))
                        .trainable("bias", Tensor.wrap(new float[3]))
                        .build())
                .rounds(1)
                .run();
        assertThat(run.records().get(0).outcomes().get(1).outcome()).isEqualTo("rejected");
        assertThat(run.records().get(0).outcomes().get(1).reason()).contains("infinite value at index 0");
    }

    @Test
    void clientThatHangsTimesOut() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        Run run = with((task, context) -> {
                    never.await();
                    return ClientUpdate.ofModel(task.model(), 1);
                })
                .policy(RoundPolicy.defaults().withClientDeadline(Duration.ofMillis(500)))
                .parallelism(1)
                .run();
        assertThat(run.records().get(0).outcomes().get(1).outcome()).isEqualTo("timed-out");
        assertThat(run.model().digest()).isEqualTo(digestWithout());
    }

    @Test
    void lateAnswerIsNamedByTheNextRoundAndEntersNoModel() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch late = new CountDownLatch(1);
        Map<String, Client> clients = new TreeMap<>();
        clients.put("a", (task, context) -> {
            if (task.round() == 2) {
                late.await();
            }
            return new DriftClient(10).fit(task, context);
        });
        clients.put("b", (task, context) -> {
            if (task.round() > 1) {
                throw new TaskDeclinedException("not again");
            }
            while (release.getCount() > 0) {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    // Bad manners on purpose.
                }
            }
            return ClientUpdate.ofModel(task.model(), 1);
        });
        clients.put("c", new DriftClient(30));
        Run run;
        try (io.fedlearn.core.runtime.Runtime runtime =
                new LateSignal(InProcessRuntime.builder(clients).parallelism(1).build(), late)) {
            run = Federation.of(runtime)
                    .strategy(PlainMean.strategy())
                    .initialModel(MODEL)
                    .rounds(2)
                    .seed(3)
                    .runId("late")
                    .policy(RoundPolicy.defaults().withClientDeadline(Duration.ofMillis(1000)))
                    .federatedEvaluation(false)
                    .listener(new RoundListener() {
                        @Override
                        public void roundFinished(RoundRecord record) {
                            release.countDown();
                        }
                    })
                    .run();
        }
        assertThat(run.records().get(0).outcomes().get(1).outcome()).isEqualTo("timed-out");
        assertThat(run.records().get(1).lateUpdates()).containsExactly("late/1/0-fit/b");
        assertThat(run.model().digest()).isEqualTo(digestWithout());
    }

    /** Opens a latch when a late answer has been delivered. */
    private record LateSignal(InProcessRuntime runtime, CountDownLatch late)
            implements io.fedlearn.core.runtime.Runtime {
        @Override
        public List<ClientInfo> clients() {
            return runtime.clients();
        }

        @Override
        public Set<Capability> capabilities() {
            return runtime.capabilities();
        }

        @Override
        public boolean awaitClients(int count, Duration timeout) {
            return runtime.awaitClients(count, timeout);
        }

        @Override
        public void submit(Task task, TaskListener listener) {
            runtime.submit(task, new TaskListener() {
                @Override
                public void started(Task started) {
                    listener.started(started);
                }

                @Override
                public void progress(Task running, long done, long total) {
                    listener.progress(running, done, total);
                }

                @Override
                public void finished(Task finished, ClientOutcome outcome) {
                    listener.finished(finished, outcome);
                    if (finished.clientId().equals("b") && finished.round() == 1) {
                        late.countDown();
                    }
                }
            });
        }

        @Override
        public void cancel(Task task) {
            runtime.cancel(task);
        }

        @Override
        public void close() {
            runtime.close();
        }
    }

    @Test
    void roundBelowQuorumEndsTheRunAndIsRecorded() {
        InMemoryRunStore store = InMemoryRunStore.create();
        assertThatThrownBy(() -> with((task, context) -> {
                            throw new IllegalStateException("no");
                        })
                        .policy(RoundPolicy.defaults().withQuorum(3))
                        .store(store)
                        .run())
                .isInstanceOfSatisfying(QuorumNotReachedException.class, e -> {
                    assertThat(e.round()).isEqualTo(1);
                    assertThat(e.required()).isEqualTo(3);
                    assertThat(e.received()).isEqualTo(2);
                })
                .hasMessageContaining(
                        "clients that completed: 2 of 3, needed: 3; b failed: java.lang.IllegalStateException at");
        assertThat(store.load().orElseThrow().latest().model().digest()).isEqualTo(MODEL.digest());
        assertThat(store.load().orElseThrow().records().get(0).isAborted()).isTrue();
    }

    @Test
    void toleratedAbortsLeaveTheModelAsItWasAndGoOn() throws Exception {
        Run run = with((task, context) -> {
                    if (task.round() == 1) {
                        throw new IllegalStateException("no");
                    }
                    return ClientUpdate.ofModel(DriftClient.drift(task), 20);
                })
                .policy(RoundPolicy.defaults().withQuorum(3).withToleratedAborts(1))
                .run();
        assertThat(run.records()).extracting(RoundRecord::isAborted).containsExactly(true, false);
        assertThat(run.records().get(0).modelDigest()).isEqualTo(MODEL.digest());
        assertThat(run.records().get(1).baseDigest()).isEqualTo(MODEL.digest());
        assertThat(run.records().get(1).modelDigest()).isNotEqualTo(MODEL.digest());
    }

    @Test
    void closesAfterTheFirstUpdatesAndCancelsTheRest() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        Run run = with((task, context) -> {
                    never.await();
                    return ClientUpdate.ofModel(task.model(), 1);
                })
                .policy(RoundPolicy.defaults().withQuorum(2).withCloseAfter(2))
                .federatedEvaluation(false)
                .run();
        assertThat(run.records().get(0).outcomes())
                .extracting(OutcomeRecord::outcome)
                .containsExactly("completed", "cancelled", "completed");
        assertThat(run.model().digest()).isEqualTo(digestWithout());
    }

    @Test
    void tasksThatNobodyBeginsTimeOutToo() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        ExecutorService single = Executors.newSingleThreadExecutor();
        try {
            Run run = Federation.of(Map.of("a", deaf(release), "b", new DriftClient(10)))
                    .strategy(PlainMean.strategy())
                    .initialModel(MODEL)
                    .rounds(1)
                    .executor(single)
                    .policy(RoundPolicy.defaults()
                            .withClientDeadline(Duration.ofMillis(100))
                            .withToleratedAborts(1))
                    .federatedEvaluation(false)
                    .run();
            assertThat(run.records().get(0).outcomes())
                    .extracting(OutcomeRecord::outcome)
                    .containsExactly("timed-out", "timed-out");
        } finally {
            release.countDown();
            single.shutdown();
        }
    }

    private static Client deaf(CountDownLatch release) {
        return (task, context) -> {
            while (release.getCount() > 0) {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    // Bad manners on purpose.
                }
            }
            return ClientUpdate.ofModel(task.model(), 1);
        };
    }

    @Test
    void clientThatLeavesItsThreadInterruptedDoesNotCloseTheSpoolForOthers() throws Exception {
        CountDownLatch others = new CountDownLatch(2);
        Map<String, Client> clients = new TreeMap<>();
        clients.put("a", waiting(others, 10));
        clients.put("b", (task, context) -> {
            others.countDown();
            Thread.currentThread().interrupt();
            return new DriftClient(20).fit(task, context);
        });
        clients.put("c", (task, context) -> {
            others.countDown();
            return new DriftClient(30).fit(task, context);
        });
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Run run = Federation.of(clients)
                    .strategy(PlainMean.strategy())
                    .initialModel(MODEL)
                    .rounds(1)
                    .executor(threads)
                    .parallelism(2)
                    .inFlightBytes(0)
                    .federatedEvaluation(false)
                    .run();
            assertThat(run.records().get(0).outcomes()).allMatch(OutcomeRecord::isCompleted);
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void garbageThatComesFirstDoesNotCloseARoundWithTransforms() throws Exception {
        CountDownLatch garbage = new CountDownLatch(1);
        Map<String, Client> clients = new TreeMap<>();
        clients.put("a", waiting(garbage, 10));
        clients.put("b", answering(ClientUpdate.ofModel(named("wait", weights()), 5)));
        clients.put("c", waiting(garbage, 30));
        Run run = Federation.of(clients)
                .strategy(PlainMean.strategy().toBuilder()
                        .serverTransform(Unchanging::new)
                        .build())
                .initialModel(MODEL)
                .rounds(1)
                .parallelism(3)
                .policy(RoundPolicy.defaults().withQuorum(2).withCloseAfter(2))
                .listener(new RoundListener() {
                    @Override
                    public void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {
                        garbage.countDown();
                    }
                })
                .run();
        assertThat(run.records().get(0).outcomes())
                .extracting(OutcomeRecord::outcome)
                .containsExactly("completed", "rejected", "completed");
    }

    private static Client waiting(CountDownLatch latch, long exampleCount) {
        return (task, context) -> {
            latch.await();
            return new DriftClient(exampleCount).fit(task, context);
        };
    }

    /** A transform that does nothing and says so. */
    private static final class Unchanging implements UpdateTransform {
        @Override
        public ClientUpdate apply(ClientUpdate update, TransformContext context) {
            return update;
        }

        @Override
        public String description() {
            return "unchanging";
        }

        @Override
        public boolean keepsSpecification() {
            return true;
        }
    }

    @Test
    void refusesToCloseBeforeTheQuorum() {
        assertThatThrownBy(() -> with(new DriftClient(1))
                        .policy(RoundPolicy.defaults().withQuorum(3).withCloseAfter(2))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("closeAfter must be >= quorum, was 2 with a quorum of 3");
    }
}
