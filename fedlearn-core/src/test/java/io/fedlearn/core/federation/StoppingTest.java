package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.AggregateTransform;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** When runs end, which model is the best, and what budgets and capabilities forbid. */
class StoppingTest {
    private static final double[] LOSSES = {5, 3, 4, 2.9, 3.5, 3.4, 3.3, 1};

    private static Federation.Builder scripted() {
        return Federation.of(Map.of("a", new DriftClient(3)))
                .strategy(PlainMean.strategy())
                .initialModel(DriftClient.model(10))
                .federatedEvaluation(false)
                .rounds(LOSSES.length);
    }

    private static CentralEvaluation losses() {
        List<Double> left = new ArrayList<>();
        for (double loss : LOSSES) {
            left.add(loss);
        }
        return model -> Metrics.of("loss", left.remove(0));
    }

    @Test
    void bestModelIsThatOfTheBestRound() throws Exception {
        Run run = scripted().centralEvaluation(losses()).rounds(6).run();
        assertThat(run.best().round()).isEqualTo(4);
        assertThat(run.bestModel().digest()).isEqualTo(run.records().get(3).modelDigest());
        assertThat(run.stopReason()).isEqualTo(StopReason.ROUNDS_DONE);
    }

    @Test
    void clientsCannotTalkUpAModelThatTheCoordinatorEvaluates() throws Exception {
        Client boasting = new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) throws Exception {
                return new DriftClient(3).fit(task, context);
            }

            @Override
            public ClientUpdate evaluate(Task task, TaskContext context) {
                return ClientUpdate.ofMetrics(Metrics.of("loss", -task.round()), 1);
            }
        };
        Run run = Federation.of(Map.of("a", boasting))
                .strategy(PlainMean.strategy())
                .initialModel(DriftClient.model(10))
                .centralEvaluation(losses())
                .rounds(3)
                .run();
        assertThat(run.best().round()).isEqualTo(2);
    }

    @Test
    void whereNobodyCanEvaluateTheLastModelIsTheBest() throws Exception {
        Client fitOnly = (task, context) -> new DriftClient(3).fit(task, context);
        Run run = Federation.of(Map.of("a", fitOnly))
                .strategy(PlainMean.strategy())
                .initialModel(DriftClient.model(10))
                .rounds(4)
                .run();
        assertThat(run.best().round()).isEqualTo(4);
        assertThat(run.bestModel().digest()).isEqualTo(run.model().digest());
    }

    @Test
    void centralEvaluationWithoutTheGoalsMetricLeavesItToTheClients() throws Exception {
        Client improving = new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                return new DriftClient(3).fit(task, context);
            }

            @Override
            public ClientUpdate evaluate(Task task, TaskContext context) {
                return ClientUpdate.ofMetrics(Metrics.of("loss", 1.0 / task.round()), 1);
            }
        };
        Run run = Federation.of(Map.of("a", improving))
                .strategy(PlainMean.strategy())
                .initialModel(DriftClient.model(10))
                .centralEvaluation(model -> Metrics.of("accuracy", 0.5))
                .rounds(4)
                .run();
        assertThat(run.best().round()).isEqualTo(4);
    }

    @Test
    void runThatEndedWithAnAbortEndsSoAgainWhenResumed() {
        InMemoryRunStore store = InMemoryRunStore.create();
        Client failing = (task, context) -> {
            throw new IllegalStateException("no");
        };
        for (int attempt = 0; attempt < 2; attempt++) {
            assertThatThrownBy(() -> Federation.of(Map.of("a", failing))
                            .strategy(PlainMean.strategy())
                            .initialModel(DriftClient.model(3))
                            .rounds(1)
                            .store(store)
                            .resume(true)
                            .run())
                    .isInstanceOf(QuorumNotReachedException.class);
        }
    }

    @Test
    void clientsEvaluateWithTheStateOfTheRound() throws Exception {
        List<Long> seen = new ArrayList<>();
        Client remembering = new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                context.state()
                        .save(
                                "round",
                                Model.builder()
                                        .counter("round", Tensor.scalar((long) task.round()))
                                        .build());
                return ClientUpdate.ofModel(task.model(), 1);
            }

            @Override
            public ClientUpdate evaluate(Task task, TaskContext context) {
                seen.add(context.state()
                        .load("round")
                        .orElseThrow()
                        .tensor("round")
                        .toLongArray()[0]);
                return ClientUpdate.ofMetrics(Metrics.of("loss", 1), 1);
            }
        };
        Federation.of(Map.of("a", remembering))
                .strategy(PlainMean.strategy())
                .initialModel(DriftClient.model(3))
                .rounds(3)
                .run();
        assertThat(seen).containsExactly(1L, 2L, 3L);
    }

    @Test
    void stopsWhenTheGoalIsNotBettered() throws Exception {
        Run run = scripted()
                .centralEvaluation(losses())
                .earlyStopping(new EarlyStopping(2, 0.5))
                .run();
        assertThat(run.stopReason()).isEqualTo(StopReason.EARLY_STOPPED);
        assertThat(run.records()).hasSize(4);
    }

    @Test
    void maximizingGoalTakesTheLargest() throws Exception {
        Run run = scripted()
                .centralEvaluation(losses())
                .goal(Goal.maximize("loss"))
                .rounds(3)
                .run();
        assertThat(run.best().round()).isEqualTo(1);
    }

    @Test
    void evaluatesAsOftenAsAsked() throws Exception {
        Run run = scripted()
                .centralEvaluation(losses())
                .evaluateEvery(3)
                .rounds(4)
                .run();
        assertThat(run.records())
                .extracting(record -> record.metrics().get("loss").isPresent())
                .containsExactly(false, false, true, true);
    }

    @Test
    void withoutEvaluationTheLastRoundIsTheBest() throws Exception {
        Run run = scripted().evaluateEvery(0).run();
        assertThat(run.best().round()).isEqualTo(LOSSES.length);
        assertThat(run.best().metrics().isEmpty()).isTrue();
    }

    @Test
    void asksAClientForTheInitialModel() throws Exception {
        Client knowing = new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                return ClientUpdate.ofModel(task.model(), 1);
            }

            @Override
            public ClientUpdate perform(Task task, TaskContext context) {
                assertThat(task.kind()).isEqualTo(TaskKind.INITIAL_MODEL);
                return ClientUpdate.ofModel(DriftClient.model(4), 1);
            }
        };
        Run run = Federation.of(Map.of("a", new DriftClient(3), "b", knowing))
                .strategy(PlainMean.strategy())
                .rounds(1)
                .run();
        assertThat(run.header().initialDigest()).isEqualTo(DriftClient.model(4).digest());
    }

    @Test
    void saysWhichClientGaveNoInitialModel() {
        assertThatThrownBy(() -> Federation.of(Map.of("a", new DriftClient(3)))
                        .strategy(PlainMean.strategy())
                        .run())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no client gave one: a: declined this client does not do 'initial-model' tasks");
    }

    @Test
    void refusesAnInitialModelThatIsNotFinite() {
        Model model = Model.builder()
                .trainable("w", Tensor.wrap(new float[] {Float.NaN}))
                .build();
        assertThatThrownBy(() -> scripted().initialModel(model).run())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tensor 'w' holds NaN");
    }

    @Test
    void divergingServerStepAbortsTheRoundAndKeepsTheModel() {
        assertThatThrownBy(() -> scripted()
                        .strategy(PlainMean.strategy().toBuilder()
                                .serverOptimizer(() -> (global, aggregate) -> Model.of(
                                        global.spec(),
                                        List.of(
                                                Tensor.wrap(
                                                        new float[] {0, 0, 0, 0, 0, 0, 0, 0, 0, Float.POSITIVE_INFINITY
                                                        }),
                                                Tensor.wrap(new float[3]))))
                                .build())
                        .run())
                .isInstanceOf(QuorumNotReachedException.class)
                .hasMessageContaining("tensor 'weight' of the next global model would not be finite");
    }

    /** Noise of no strength that costs epsilon 1 a round. */
    private static final class CostlyNoise implements AggregateTransform {
        @Override
        public void applyInPlace(Aggregate aggregate) {}

        @Override
        public Optional<PrivacyCharge> charge(int round) {
            return Optional.of(
                    new PrivacyCharge("run", "gaussian", Config.empty().with("round", round)));
        }

        @Override
        public String description() {
            return "costly-noise";
        }
    }

    @Test
    void budgetIsDebitedBeforeTheRoundAndStopsTheRun() throws Exception {
        List<PrivacyCharge> debits = new ArrayList<>();
        PrivacyBudget budget = new PrivacyBudget() {
            @Override
            public PrivacySpent debit(PrivacyCharge charge) {
                if (debits.size() == 2) {
                    PrivacySpent spent = spent(charge.scope());
                    throw new PrivacyBudgetExceededException(charge.scope(), spent, spent, 3, 1e-5);
                }
                debits.add(charge);
                return spent(charge.scope());
            }

            @Override
            public PrivacySpent spent(String scope) {
                return new PrivacySpent(debits.size(), 1e-5);
            }
        };
        List<AuditEvent> events = new ArrayList<>();
        Run run = scripted()
                .strategy(PlainMean.strategy().toBuilder()
                        .aggregateTransform(CostlyNoise::new)
                        .build())
                .privacyBudget(budget)
                .audit(log(events))
                .run();
        assertThat(events)
                .filteredOn(event -> event.type().startsWith("privacy-"))
                .extracting(event ->
                        event.type() + " " + event.fields().getDouble("epsilon").orElseThrow())
                .containsExactly("privacy-debited 1.0", "privacy-debited 2.0", "privacy-refused 2.0");
        assertThat(run.stopReason()).isEqualTo(StopReason.PRIVACY_BUDGET_SPENT);
        assertThat(run.records())
                .extracting(record -> record.privacySpent().orElseThrow().epsilon())
                .containsExactly(1.0, 2.0);
    }

    @Test
    void roundThatTooFewClientsCanTakePartInCostsNoBudget() throws Exception {
        List<PrivacyCharge> debits = new ArrayList<>();
        PrivacyBudget budget = new PrivacyBudget() {
            @Override
            public PrivacySpent debit(PrivacyCharge charge) {
                debits.add(charge);
                return spent(charge.scope());
            }

            @Override
            public PrivacySpent spent(String scope) {
                return new PrivacySpent(debits.size(), 1e-5);
            }
        };
        assertThatThrownBy(() -> scripted()
                        .strategy(PlainMean.strategy().toBuilder()
                                .aggregateTransform(CostlyNoise::new)
                                .build())
                        .policy(RoundPolicy.defaults().withQuorum(1000))
                        .privacyBudget(budget)
                        .run())
                .isInstanceOf(QuorumNotReachedException.class);
        assertThat(debits).isEmpty();
    }

    @Test
    void noiseWithoutABudgetIsRefused() {
        assertThatThrownBy(() -> scripted()
                        .strategy(PlainMean.strategy().toBuilder()
                                .aggregateTransform(CostlyNoise::new)
                                .build())
                        .run())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("needs a privacy budget");
    }

    @Test
    void strategyThatNeedsMoreThanClientsCanDoIsRefusedByName() {
        Runtime poor = new ReorderingRuntime(Map.of("a", new DriftClient(1)), 1) {
            @Override
            public Set<Capability> capabilities() {
                return Set.of(Capability.NAMED_TENSORS);
            }
        };
        assertThatThrownBy(() -> Federation.of(poor)
                        .strategy(PlainMean.strategy().toBuilder()
                                .requires(Capability.CLIENT_STATE)
                                .requires(Capability.SIDE_TENSORS)
                                .build())
                        .initialModel(DriftClient.model(3))
                        .run())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tensors beside the model, state kept at the client");
    }

    private static AuditLog log(List<AuditEvent> events) {
        return new AuditLog() {
            @Override
            public AuditHead append(AuditEvent event) {
                events.add(event);
                return head();
            }

            @Override
            public AuditHead head() {
                return new AuditHead(events.size(), "h" + events.size());
            }

            @Override
            public boolean contains(AuditHead earlierHead) {
                return earlierHead.sequence() <= events.size();
            }

            @Override
            public void close() {}
        };
    }

    @Test
    void auditLogTellsTheStoryAndRecordsCarryItsHead() throws Exception {
        List<AuditEvent> events = new ArrayList<>();
        Run run = scripted().rounds(1).audit(log(events)).run();
        assertThat(events)
                .extracting(AuditEvent::type)
                .containsExactly("run-started", "clients-joined", "round-started", "round-completed", "run-finished");
        assertThat(events.get(3).fields().getString("answered"))
                .isEqualTo(events.get(2).fields().getString("cohort"))
                .isEqualTo(events.get(1).fields().getString("clients"))
                .isPresent();
        assertThat(run.records().get(0).auditHead()).contains(new AuditHead(4, "h4"));
    }

    @Test
    void runIsNotResumedOnAnAuditLogThatWasCut() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        List<AuditEvent> events = new ArrayList<>();
        scripted().rounds(1).store(store).audit(log(events)).run();
        events.clear();
        assertThatThrownBy(() -> scripted()
                        .rounds(2)
                        .store(store)
                        .resume(true)
                        .audit(log(events))
                        .run())
                .isInstanceOf(ResumeRefusedException.class)
                .hasMessageContaining("it does not hold record 4, which round 1 names: it was cut off or replaced");
        assertThat(events).isEmpty();
    }

    @Test
    void listenerThatThrowsHarmsNothing() throws Exception {
        Run run = scripted()
                .listener(new RoundListener() {
                    @Override
                    public void roundFinished(RoundRecord record) {
                        throw new IllegalStateException("the page is gone");
                    }
                })
                .run();
        assertThat(run.records()).hasSize(LOSSES.length);
    }

    @Test
    void federatedEvaluationAveragesByExampleCount() throws Exception {
        Client one = evaluating(1.0, 30);
        Client other = evaluating(4.0, 10);
        Run run = Federation.of(Map.of("a", one, "b", other))
                .strategy(PlainMean.strategy())
                .initialModel(DriftClient.model(3))
                .rounds(1)
                .run();
        assertThat(run.best().metrics().get("loss")).isEqualTo(OptionalDouble.of(1.75));
    }

    private static Client evaluating(double loss, long count) {
        return new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                return ClientUpdate.ofModel(task.model(), count);
            }

            @Override
            public ClientUpdate evaluate(Task task, TaskContext context) {
                return ClientUpdate.ofMetrics(Metrics.of("loss", loss), count);
            }
        };
    }
}
