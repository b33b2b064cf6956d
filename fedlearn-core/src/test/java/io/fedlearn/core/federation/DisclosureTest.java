package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.budget.PrivacySpent;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.strategy.Aggregate;
import io.fedlearn.core.strategy.Aggregator;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.strategy.Disclosure;
import io.fedlearn.core.strategy.ServerOptimizer;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.core.strategy.WeightedUpdate;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.UpdateForm;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.TrainingSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a private run lets out, and what it refuses to. */
class DisclosureTest {
    private static final List<String> NAMES = List.of("ann-hospital", "bob-hospital", "cid-hospital");

    /** Counts updates and releases none of them; what it stands for would add noise. */
    private static final class Nothing implements Aggregator.Streaming {
        private final List<Integer> counts;
        private Model global = Model.empty();
        private int count;

        Nothing(List<Integer> counts) {
            this.counts = counts;
        }

        @Override
        public void begin(Model model) {
            global = model;
            count = 0;
        }

        @Override
        public void accumulate(List<WeightedUpdate> updates) {
            count += updates.size();
        }

        @Override
        public Aggregate finish() {
            counts.add(count);
            List<double[]> zeros = global.tensors().stream()
                    .map(tensor -> new double[(int) tensor.elementCount()])
                    .toList();
            return Aggregate.wrap(UpdateForm.MODEL_DELTA, global.spec(), zeros, 3, 3);
        }

        @Override
        public Optional<PrivacyCharge> charge(int round) {
            return Optional.of(new PrivacyCharge("run", "nothing", Config.empty()));
        }
    }

    /** Allows everything, at epsilon 1 a charge. */
    private static final class Tally implements PrivacyBudget {
        private int debits;

        @Override
        public PrivacySpent debit(PrivacyCharge charge) {
            debits++;
            return spent(charge.scope());
        }

        @Override
        public PrivacySpent spent(String scope) {
            return new PrivacySpent(debits, 0);
        }
    }

    private static final class Remembered implements AuditLog {
        private final List<AuditEvent> events = new ArrayList<>();

        @Override
        public AuditHead append(AuditEvent event) {
            events.add(event);
            return head();
        }

        @Override
        public AuditHead head() {
            return new AuditHead(events.size(), "0");
        }

        @Override
        public boolean contains(AuditHead earlierHead) {
            return true;
        }

        @Override
        public void close() {}
    }

    private final List<Integer> counts = new ArrayList<>();

    private Strategy strategy(Disclosure disclosure) {
        return strategy(disclosure, ClientSelector.all());
    }

    private Strategy strategy(Disclosure disclosure, ClientSelector selector) {
        return Strategy.builder("Private", () -> new Nothing(counts), ServerOptimizer::identity)
                .selector(selector)
                .disclosure(disclosure)
                .build();
    }

    private static Federation.Builder federation(Client client) {
        Map<String, Client> clients = new LinkedHashMap<>();
        NAMES.forEach(name -> clients.put(name, client));
        return Federation.of(clients)
                .initialModel(DriftClient.model(4))
                .privacyBudget(new Tally())
                .rounds(2);
    }

    private static Client failing() {
        return new Client() {
            @Override
            public ClientUpdate fit(Task task, TaskContext context) {
                throw new IllegalStateException("patient 17 has no age");
            }
        };
    }

    @Test
    void recordsHoldNothingOfClients() throws Exception {
        Run run = federation(new DriftClient(5))
                .strategy(strategy(Disclosure.MODEL))
                .run();
        assertThat(counts).containsExactly(3, 3);
        assertThat(run.records()).hasSize(2).allSatisfy(record -> {
            assertThat(record.cohort()).isEmpty();
            assertThat(record.outcomes()).isEmpty();
            assertThat(record.trainMetrics()).isEqualTo(Metrics.none());
            assertThat(record.evaluation().clients()).isEmpty();
            assertThat(record.lateUpdates()).isEmpty();
            assertThat(record.toString()).doesNotContain("hospital");
        });
        assertThat(run.records().get(1).privacySpent().orElseThrow().epsilon()).isEqualTo(2);
        assertThat(run.header().settings().getString("strategy.disclosure")).contains("MODEL");
    }

    @Test
    void recordsNameTheCohortWhereThatIsNoSecret() throws Exception {
        Run run = federation(new DriftClient(5))
                .strategy(strategy(Disclosure.MODEL_AND_COHORT))
                .run();
        assertThat(run.records()).allSatisfy(record -> {
            assertThat(record.cohort()).isEqualTo(NAMES);
            assertThat(record.outcomes()).isEmpty();
            assertThat(record.trainMetrics()).isEqualTo(Metrics.none());
        });
    }

    @Test
    void auditLogAndListenersHearOfNoClient() throws Exception {
        Remembered log = new Remembered();
        List<String> heard = new ArrayList<>();
        RoundListener listener = new RoundListener() {
            @Override
            public void roundStarted(int round, List<String> cohort) {
                heard.addAll(cohort);
            }

            @Override
            public void exchangeStarted(int round, TaskKind kind, List<String> clients) {
                heard.addAll(clients);
            }

            @Override
            public void clientStarted(int round, TaskKind kind, String clientId) {
                heard.add(clientId);
            }

            @Override
            public void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {
                heard.add(outcome.clientId());
            }

            @Override
            public void roundFinished(RoundRecord record) {
                record.outcomes().forEach(outcome -> heard.add(outcome.clientId()));
            }
        };
        federation(failing())
                .strategy(strategy(Disclosure.MODEL))
                .audit(log)
                .listener(listener)
                .run();
        assertThat(heard).isEmpty();
        assertThat(log.events)
                .extracting(AuditEvent::type)
                .containsOnly("run-started", "privacy-debited", "round-started", "round-completed", "run-finished");
        assertThat(log.events.toString()).doesNotContain("hospital").doesNotContain("patient");
    }

    @Test
    void auditLogNamesWhoIsThereWhereTheCohortIsNoSecret() throws Exception {
        Remembered log = new Remembered();
        federation(failing())
                .strategy(strategy(Disclosure.MODEL_AND_COHORT))
                .audit(log)
                .run();
        assertThat(log.events)
                .filteredOn(event -> event.type().equals("clients-joined"))
                .singleElement()
                .satisfies(
                        event -> assertThat(event.fields().getString("clients")).contains(String.join(" ", NAMES)));
        assertThat(log.events.toString()).doesNotContain("patient");
    }

    @Test
    void roundInWhichEverybodyFailsIsNotGivenUp() throws Exception {
        Run run = federation(failing()).strategy(strategy(Disclosure.MODEL)).run();
        assertThat(counts).containsExactly(0, 0);
        assertThat(run.records()).noneMatch(RoundRecord::isAborted);
    }

    @Test
    void roundWithAnEmptyCohortIsNotGivenUp() throws Exception {
        ClientSelector nobody = new ClientSelector() {
            @Override
            public List<String> select(Context context) {
                return List.of();
            }

            @Override
            public String description() {
                return "nobody";
            }
        };
        Run run = federation(new DriftClient(5))
                .strategy(strategy(Disclosure.MODEL, nobody))
                .run();
        assertThat(counts).containsExactly(0, 0);
        assertThat(run.records()).noneMatch(RoundRecord::isAborted);
    }

    @Test
    void selectorKnowsWhoWasAskedAfterAResumeToo() throws Exception {
        List<Integer> lastRounds = new ArrayList<>();
        ClientSelector looking = new ClientSelector() {
            @Override
            public List<String> select(Context context) {
                lastRounds.add(context.participation()
                        .apply(NAMES.get(0))
                        .lastSelectedRound()
                        .orElse(0));
                return context.clients().stream().map(ClientInfo::id).toList();
            }

            @Override
            public String description() {
                return "looking";
            }
        };
        Strategy strategy = strategy(Disclosure.MODEL_AND_COHORT, looking);
        InMemoryRunStore store = InMemoryRunStore.create();
        federation(new DriftClient(5)).strategy(strategy).store(store).run();
        federation(new DriftClient(5))
                .strategy(strategy)
                .store(store)
                .resume(true)
                .rounds(3)
                .run();
        assertThat(lastRounds).containsExactly(0, 1, 2);
    }

    @Test
    void refusesWhatWouldReleaseMore() {
        Federation.Builder start = federation(new DriftClient(5)).strategy(strategy(Disclosure.MODEL));
        assertThatThrownBy(() -> start.federatedEvaluation(true).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Private withholds what clients report: evaluate at the coordinator");
        assertThatThrownBy(() -> federation(new DriftClient(5))
                        .strategy(strategy(Disclosure.MODEL))
                        .earlyStopping(new EarlyStopping(2, 0))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("early stopping needs an evaluation at the coordinator");
        assertThatThrownBy(() -> federation(new DriftClient(5))
                        .strategy(strategy(Disclosure.MODEL))
                        .policy(RoundPolicy.defaults().withCloseAfter(2))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot close rounds early");
        assertThatThrownBy(() -> Federation.of(List.of(new DriftClient(5)))
                        .strategy(strategy(Disclosure.MODEL))
                        .privacyBudget(new Tally())
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs an initial model");
        assertThatThrownBy(() -> Federation.of(List.of(new DriftClient(5)))
                        .strategy(strategy(Disclosure.MODEL))
                        .initialModel(DriftClient.model(4))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("needs a privacy budget");
    }

    @Test
    void partsOfAPrivateStrategyCannotBeExchanged() {
        Strategy strategy = strategy(Disclosure.MODEL);
        assertThatThrownBy(() -> strategy.withSelector(ClientSelector.uniform(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("strategy Private is private, and its parts belong together");
    }

    @Test
    void refusesToReplayOrFineTune() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        Federation federation = federation(new DriftClient(5))
                .strategy(strategy(Disclosure.MODEL))
                .store(store)
                .build();
        Run run = federation.run();
        assertThatThrownBy(() -> federation.replay(
                        run.records().get(0),
                        store.load().orElseThrow().latest(),
                        store.load().orElseThrow()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("it allows no replay");
        assertThatThrownBy(() -> federation.fineTune(run, TrainingSettings.defaults()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("it allows no fine-tuning");
        assertThatThrownBy(() -> federation.featureStatistics(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("it allows no feature statistics");
        assertThatThrownBy(() -> federation.ask(clients -> {
                    throw new AssertionError("nobody is asked");
                }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("it allows no questions to clients outside its rounds");
    }
}
