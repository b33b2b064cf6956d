package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.tuple;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.client.PersonalModel;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.client.TaskDeclinedException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.TrainingSettings;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class FineTuningTest {
    private static final Model START = DriftClient.model(4);
    private static final TrainingSettings LONGER = TrainingSettings.defaults().withLocalEpochs(7);

    private interface FineTune {
        ClientUpdate with(Task task, TaskContext context) throws Exception;
    }

    /** Trains as a drift client does. */
    private static Client client(FineTune fineTune) {
        return new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                context.state().save("fitted", task.model());
                return new DriftClient(3).fit(task, context);
            }

            @Override
            public ClientUpdate perform(Task task, TaskContext context) throws Exception {
                return task.kind().equals(TaskKind.FINE_TUNE)
                        ? fineTune.with(task, context)
                        : Client.super.perform(task, context);
            }
        };
    }

    private static ClientUpdate answer(double before, double after, long count) {
        return ClientUpdate.ofMetrics(
                Metrics.of("before.loss", before).with("after.loss", after).with("loss", 1), count);
    }

    private static Federation.Builder federation(Map<String, Client> clients) {
        return Federation.of(clients)
                .strategy(PlainMean.strategy())
                .initialModel(START)
                .rounds(2)
                .seed(5);
    }

    @Test
    void asksEverySiteToTrainTheFinalModelAsTold() throws Exception {
        Queue<Task> asked = new ConcurrentLinkedQueue<>();
        Client client = client((task, context) -> {
            asked.add(task);
            return answer(1, 1, 1);
        });
        Federation federation = federation(Map.of("a", client, "b", client))
                .strategy(PlainMean.strategy().toBuilder()
                        .tellClients("mu", 0.5)
                        .tellClients("corrections", "kept")
                        .instructions(
                                "b is told more",
                                (round, id) -> id.equals("b")
                                        ? Config.empty().with("more", round).with("localEpochs", 3)
                                        : Config.empty())
                        .selector(new Only("a"))
                        .build())
                .build();
        Run run = federation.run();

        FineTuning tuned = federation.fineTune(run, LONGER);

        assertThat(tuned.runId()).isEqualTo(run.header().runId());
        assertThat(tuned.round()).isEqualTo(2);
        assertThat(asked).hasSize(2).allSatisfy(task -> {
            assertThat(task.runId()).isEqualTo(run.header().runId());
            assertThat(task.round()).isEqualTo(2);
            assertThat(task.model()).isEqualTo(run.model());
            assertThat(task.seed()).isEqualTo(SeededRandom.derive(SeededRandom.derive(5, 2), task.clientId()));
            assertThat(TrainingSettings.of(task.config())).isEqualTo(LONGER);
            assertThat(task.config().getString("corrections")).contains("kept");
            assertThat(task.config().getLong("more").isPresent())
                    .isEqualTo(task.clientId().equals("b"));
            assertThat(task.lastAcceptedRound().isPresent())
                    .isEqualTo(task.clientId().equals("a"));
            assertThat(task.transforms()).isEmpty();
        });
        federation.fineTune(run, START, LONGER);
        assertThat(asked).hasSize(4);
        assertThat(asked.stream().skip(2))
                .allSatisfy(task -> assertThat(task.model()).isEqualTo(START));
    }

    private record Only(String id) implements ClientSelector {
        @Override
        public List<String> select(Context context) {
            return List.of(id);
        }

        @Override
        public String description() {
            return "only " + id;
        }
    }

    @Test
    void eachSiteEndsWithItsOwnOutcome() throws Exception {
        Map<String, Client> clients = Map.of(
                "1-good", client((task, context) -> answer(3, 1, 30)),
                "2-declines",
                        client((task, context) -> {
                            throw new TaskDeclinedException("not now");
                        }),
                "3-fails",
                        client((task, context) -> {
                            throw new IllegalStateException("no disk");
                        }),
                "4-sends-its-model",
                        client((task, context) -> answer(1, 1, 1).withModel(UpdateForm.MODEL, task.model())),
                "5-sends-tensors", client((task, context) -> answer(1, 1, 1).withTensors("x", task.model())),
                "6-does-not-know", new DriftClient(3),
                "7-good", client((task, context) -> answer(1, 2, 10)),
                "8-untested", client((task, context) -> ClientUpdate.ofMetrics(Metrics.of("loss", 1), 0)));
        Federation federation = federation(clients).build();

        FineTuning tuned = federation.fineTune(federation.run(), LONGER);

        assertThat(tuned.sites().stream().map(FineTuning.Site::outcome))
                .extracting(OutcomeRecord::clientId, OutcomeRecord::outcome)
                .containsExactly(
                        tuple("1-good", "completed"),
                        tuple("2-declines", "declined"),
                        tuple("3-fails", "failed"),
                        tuple("4-sends-its-model", "rejected"),
                        tuple("5-sends-tensors", "rejected"),
                        tuple("6-does-not-know", "declined"),
                        tuple("7-good", "completed"),
                        tuple("8-untested", "completed"));
        assertThat(tuned.sites().get(3).outcome().reason())
                .isEqualTo("the answer holds tensors: what is fine-tuned stays at its site");
        assertThat(tuned.sites().get(0).before().asMap()).containsExactly(Map.entry("loss", 3.0));
        assertThat(tuned.sites().get(0).after().asMap()).containsExactly(Map.entry("loss", 1.0));
        assertThat(tuned.sites().get(7).before().isEmpty()).isTrue();
        // Weighted by test examples: 30 and 10.
        assertThat(tuned.before().get("loss")).hasValue(2.5);
        assertThat(tuned.after().get("loss")).hasValue(1.25);
    }

    @Test
    @Timeout(30)
    void aSiteThatDoesNotAnswerTimesOut() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        Map<String, Client> clients =
                Map.of("good", client((task, context) -> answer(1, 1, 1)), "silent", client((task, context) -> {
                    never.await();
                    return answer(1, 1, 1);
                }));
        Federation federation = federation(clients)
                .policy(RoundPolicy.defaults().withRoundDeadline(Duration.ofMillis(300)))
                .parallelism(2)
                .build();
        Run run = federation.run();

        FineTuning tuned = federation.fineTune(run, LONGER);

        assertThat(tuned.sites().stream().map(site -> site.outcome().outcome()))
                .containsExactly("completed", "timed-out");
    }

    @Test
    void personalModelsAreReadBackFromTheSitesState() throws Exception {
        try (ClientStateStore states = InMemoryClientStateStore.create()) {
            Client client = client((task, context) -> {
                context.state().save(PersonalModel.NAME, DriftClient.drift(task));
                return answer(1, 1, 1);
            });
            Federation federation =
                    federation(Map.of("a", client)).clientStates(states).build();
            Run run = federation.run();

            FineTuning tuned = federation.fineTune(run, LONGER);

            Model personal = tuned.personalModel(states, "a").orElseThrow();
            assertThat(personal).isNotEqualTo(run.model());
            assertThat(PersonalModel.load(states, run.header().runId(), "a", 2)).contains(personal);
            assertThat(PersonalModel.load(states, run.header().runId(), "a", 1)).isEmpty();
            assertThat(tuned.personalModel(states, "b")).isEmpty();
            federation.fineTune(run, LONGER);
            assertThat(tuned.personalModel(states, "a")).contains(personal);
        }
    }

    @Test
    void aRunOfAnEarlierProcessIsFineTunedAsItWouldHaveBeenThen() throws Exception {
        Queue<Task> asked = new ConcurrentLinkedQueue<>();
        Map<String, Client> clients = Map.of("a", client((task, context) -> {
            asked.add(task);
            return answer(1, 1, 1);
        }));
        InMemoryRunStore store = InMemoryRunStore.create();
        Federation first = federation(clients).store(store).build();
        first.fineTune(first.run(), LONGER);

        Federation second = federation(clients).store(store).resume(true).build();
        second.fineTune(second.run(), LONGER);

        List<Task> tasks = List.copyOf(asked);
        assertThat(tasks).hasSize(2);
        assertThat(tasks.get(1).id()).isEqualTo(tasks.get(0).id());
        assertThat(tasks.get(1).seed()).isEqualTo(tasks.get(0).seed());
        assertThat(tasks.get(1).model()).isEqualTo(tasks.get(0).model());
        assertThat(tasks.get(1).lastAcceptedRound()).hasValue(2);
        assertThat(tasks.get(1).keepStateSince()).hasValue(1);
    }

    @Test
    void refusesARunThatHadOtherSettings() throws Exception {
        Map<String, Client> clients = Map.of("a", client((task, context) -> answer(1, 1, 1)));
        Run run = federation(clients).runId("heart").run();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> federation(clients).seed(6).build().fineTune(run, LONGER))
                .withMessage("run heart was done by a federation of other settings: seed was 5, is now 6");
    }

    @Test
    void refusesClientsThatCannotByNameOfWhatIsMissing() throws Exception {
        Map<String, Client> clients = Map.of("a", new DriftClient(1));
        Run run = federation(clients).run();
        Runtime poor = new ReorderingRuntime(clients, 1) {
            @Override
            public Set<Capability> capabilities() {
                return Set.of(Capability.NAMED_TENSORS, Capability.STABLE_IDENTITY);
            }
        };

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Federation.of(poor)
                        .strategy(PlainMean.strategy())
                        .seed(5)
                        .build()
                        .fineTune(run, LONGER))
                .withMessage("fine-tuning needs what these clients do not have: state kept at the client,"
                        + " further kinds of task");
    }

    @Test
    void aStrategyRefusesAModelThatItCannotTrainBeforeTheFirstRound() {
        Strategy strategy = PlainMean.strategy().toBuilder()
                .requiresModel(spec -> {
                    throw new IllegalArgumentException("the model of " + spec.size() + " tensors has no head");
                })
                .build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> federation(Map.of("a", new DriftClient(1)))
                        .strategy(strategy)
                        .run())
                .withMessage("the model of 2 tensors has no head");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> strategy.toBuilder().build().requireModel(START.spec()));
    }
}
