package io.fedlearn.privacy.central;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.budget.InMemoryPrivacyLedger;
import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyBudget;
import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.TaskContext;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.federation.StopReason;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.budget.Composition;
import io.fedlearn.privacy.budget.LedgerBudget;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Whole private runs. */
class PrivateFederationTest {
    private static final String SCOPE = "run/test";
    private static final double PRIVACY_DELTA = 1e-5;

    /** Trains by a fixed step, and talks a lot. */
    private record Talkative(String id, List<String> asked) implements Client {
        @Override
        public ClientUpdate fit(Task task, TaskContext context) {
            asked.add(task.round() + " " + id);
            if (id.endsWith("5")) {
                throw new IllegalStateException("patient 17 of " + id + " has no age");
            }
            return ClientUpdate.ofModelDelta(Updates.model(0.01, -0.01, 0.02), 12_345)
                    .withMetric("loss", 0.987654)
                    .withMetric("patients", 12_345)
                    .withValue("note", "hello from " + id);
        }
    }

    private final List<String> asked = Collections.synchronizedList(new ArrayList<>());
    private final PrivacyLedger ledger = InMemoryPrivacyLedger.create();

    private Map<String, Client> clients(int count) {
        Map<String, Client> clients = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            String id = "hospital-" + i;
            clients.put(id, new Talkative(id, asked));
        }
        return clients;
    }

    private PrivacyBudget budget(CentralPrivacy privacy, double epsilon) {
        return LedgerBudget.builder(ledger, Composition.sameEvent(RdpAccountant.of(privacy.relation())))
                .limit(SCOPE, epsilon, PRIVACY_DELTA)
                .build();
    }

    private static CentralPrivacy.Builder privacy(ClientSampling sampling) {
        return CentralPrivacy.builder(SCOPE)
                .clipping(Clipping.fixed(0.1))
                .noiseMultiplier(2)
                .sampling(sampling)
                .expectedCohort(6);
    }

    private Federation.Builder federation(CentralPrivacy privacy, double epsilon) {
        return Federation.of(clients(12))
                .strategy(privacy.appliedTo(PlainMean.strategy()))
                .initialModel(Updates.model(1, 2, 3))
                .privacyBudget(budget(privacy, epsilon))
                .rounds(5);
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

    @Test
    void recordsLogsAndListenersHoldNothingOfClients() throws Exception {
        Remembered log = new Remembered();
        List<String> heard = new ArrayList<>();
        RoundListener listener = new RoundListener() {
            @Override
            public void roundStarted(int round, List<String> cohort) {
                heard.addAll(cohort);
            }

            @Override
            public void clientFinished(int round, TaskKind kind, OutcomeRecord outcome) {
                heard.add(outcome.toString());
            }

            @Override
            public void roundFinished(RoundRecord record) {
                heard.add(record.toString());
            }
        };
        Run run = federation(privacy(ClientSampling.poisson(0.5)).build(), 100)
                .audit(log)
                .listener(listener)
                .run();
        assertThat(asked).isNotEmpty();
        String everything = run.records() + " " + log.events + " " + heard + " " + run.header();
        assertThat(everything)
                .doesNotContain("hospital")
                .doesNotContain("patient")
                .doesNotContain("12345")
                .doesNotContain("0.987654")
                .doesNotContain("hello");
        assertThat(run.records()).hasSize(5).allSatisfy(record -> {
            assertThat(record.isAborted()).isFalse();
            assertThat(record.trainMetrics()).isEqualTo(Metrics.none());
            assertThat(record.settings().getString("strategy.privacyUnit")).contains("client");
            assertThat(record.settings().getString("strategy.clipping")).contains("fixed(clippingNorm=0.1)");
            assertThat(record.settings().getDouble("strategy.noiseMultiplier")).contains(2.0);
            assertThat(record.settings().getString("strategy.privacyRelation")).contains("add-remove");
        });
    }

    @Test
    void recordsTellEpsilonSoFar() throws Exception {
        CentralPrivacy privacy = privacy(ClientSampling.poisson(0.5)).build();
        Run run = federation(privacy, 100).run();
        for (int round = 1; round <= 5; round++) {
            double expected = RdpAccountant.of(privacy.relation())
                    .compose(privacy.event(round))
                    .epsilon(PRIVACY_DELTA);
            assertThat(run.records().get(round - 1).privacySpent().orElseThrow().epsilon())
                    .isEqualTo(expected);
        }
    }

    @Test
    void budgetEndsTheRun() throws Exception {
        CentralPrivacy privacy = privacy(ClientSampling.poisson(0.5)).build();
        double three =
                RdpAccountant.of(privacy.relation()).compose(privacy.event(3)).epsilon(PRIVACY_DELTA);
        Run run = federation(privacy, three).run();
        assertThat(run.stopReason()).isEqualTo(StopReason.PRIVACY_BUDGET_SPENT);
        assertThat(run.records()).hasSize(3);
        assertThat(ledger.entries(SCOPE)).hasSize(3);
    }

    @Test
    void runsOfOneSeedHaveOtherCohortsAndOtherNoise() throws Exception {
        CentralPrivacy privacy = privacy(ClientSampling.poisson(0.5)).build();
        Run first = federation(privacy, 100).seed(7).rounds(12).run();
        List<String> firstAsked = asked.stream().sorted().toList();
        asked.clear();
        Run second = federation(privacy, 100).seed(7).rounds(12).run();
        // Equal by chance with probability 2^-144.
        assertThat(asked.stream().sorted().toList()).isNotEqualTo(firstAsked);
        assertThat(second.model()).isNotEqualTo(first.model());
    }

    /** A store whose process is killed when it should save this round. */
    private record Dying(InMemoryRunStore store, int round, List<Checkpoint> lost) implements RunStore {
        @Override
        public Optional<SavedRun> load() {
            return store.load();
        }

        @Override
        public void create(RunHeader header, Checkpoint initial) {
            store.create(header, initial);
        }

        @Override
        public void commit(Checkpoint checkpoint, boolean best) {
            if (checkpoint.round() == round) {
                lost.add(checkpoint);
                throw new RunStoreException("killed");
            }
            store.commit(checkpoint, best);
        }

        @Override
        public Optional<Model> model(int round) {
            return store.model(round);
        }

        @Override
        public void close() {}
    }

    @Test
    void killedRoundStaysDebitedAndItsNoiseIsDrawnAgain() throws Exception {
        CentralPrivacy privacy = privacy(ClientSampling.asSelected()).build();
        InMemoryRunStore store = InMemoryRunStore.create();
        List<Checkpoint> lost = new ArrayList<>();
        assertThatThrownBy(() -> federation(privacy, 100)
                        .store(new Dying(store, 3, lost))
                        .run())
                .isInstanceOf(RunStoreException.class);
        assertThat(ledger.entries(SCOPE)).hasSize(3);
        Run run = federation(privacy, 100).store(store).resume(true).run();
        assertThat(run.records()).hasSize(5);
        assertThat(ledger.entries(SCOPE)).hasSize(6);
        assertThat(run.records().get(2).modelDigest())
                .isNotEqualTo(lost.get(0).model().digest());
        assertThat(run.records().get(4).privacySpent().orElseThrow().epsilon())
                .isEqualTo(RdpAccountant.of(privacy.relation())
                        .compose(privacy.event(6))
                        .epsilon(PRIVACY_DELTA));
    }

    @Test
    void treesArePaidForWhenTheyStartAndAgainAfterARestart() throws Exception {
        CentralPrivacy privacy =
                privacy(ClientSampling.separated(2)).restartEvery(3).build();
        InMemoryRunStore store = InMemoryRunStore.create();
        federation(privacy, 1000).store(store).rounds(4).run();
        assertThat(ledger.entries(SCOPE))
                .extracting(PrivateFederationTest::purpose)
                .containsExactly("rounds 1 to 3", "rounds 4 to 6");
        Run run = federation(privacy, 1000).store(store).resume(true).rounds(9).run();
        assertThat(run.records())
                .extracting(record -> record.privacySpent().orElseThrow().epsilon())
                .isSorted();
        assertThat(ledger.entries(SCOPE))
                .extracting(PrivateFederationTest::purpose)
                .containsExactly("rounds 1 to 3", "rounds 4 to 6", "rounds 5 to 7", "rounds 8 to 10");
    }

    private static String purpose(LedgerEntry entry) {
        return entry.charge().parameters().getString("purpose").orElseThrow();
    }

    @Test
    void noClientIsAskedBeforeItHasRested() throws Exception {
        CentralPrivacy privacy =
                privacy(ClientSampling.separated(3)).restartEvery(4).build();
        Run run = Federation.of(clients(12))
                .strategy(privacy.appliedTo(PlainMean.strategy().withSelector(ClientSelector.uniform(4))))
                .initialModel(Updates.model(1, 2, 3))
                .privacyBudget(budget(privacy, 1000))
                .rounds(9)
                .run();
        Map<String, Integer> last = new LinkedHashMap<>();
        for (RoundRecord record : run.records()) {
            assertThat(record.cohort()).hasSize(4);
            for (String id : record.cohort()) {
                assertThat(record.round() - last.getOrDefault(id, -10)).isGreaterThanOrEqualTo(3);
                last.put(id, record.round());
            }
        }
        assertThat(asked).hasSize(36);
    }

    @Test
    void samplesOfAFixedSizeStaySecret() throws Exception {
        CentralPrivacy privacy = CentralPrivacy.builder(SCOPE)
                .clipping(Clipping.fixed(0.1))
                .noiseMultiplier(3)
                .weightsByExamplesUpTo(50)
                .sampling(ClientSampling.withoutReplacement(4, clients(30).keySet()))
                .build();
        Run run = federation(privacy, 100).run();
        // Of thirty, four are drawn in each of five rounds, and twelve are there.
        assertThat(asked).hasSizeLessThanOrEqualTo(20);
        assertThat(run.records()).hasSize(5).allSatisfy(record -> {
            assertThat(record.cohort()).isEmpty();
            assertThat(record.toString()).doesNotContain("hospital");
        });
    }

    @Test
    void emptyCohortsGiveNoiseAlone() throws Exception {
        CentralPrivacy privacy = privacy(ClientSampling.poisson(1e-12)).build();
        Run run = federation(privacy, 100).run();
        assertThat(asked).isEmpty();
        assertThat(run.records()).noneMatch(RoundRecord::isAborted);
        assertThat(run.model()).isNotEqualTo(Updates.model(1, 2, 3));
    }

    @Test
    void trainsWhereTheNoiseAllows() throws Exception {
        CentralPrivacy privacy = privacy(ClientSampling.asSelected())
                .noiseMultiplier(0.01)
                .expectedCohort(11)
                .build();
        Run run = federation(privacy, 1e9).rounds(100).run();
        // Eleven of twelve answer, each with the same step of norm 0.0245, which is within the clipping norm.
        Tensor weights = run.model().tensor("weight");
        // Ten standard deviations of 0.001 / 11 over 100 rounds.
        assertThat(weights.toDoubleArray()).satisfies(values -> {
            assertThat(values[0]).isBetween(2 - 0.01, 2 + 0.01);
            assertThat(values[1]).isBetween(1 - 0.01, 1 + 0.01);
            assertThat(values[2]).isBetween(5 - 0.01, 5 + 0.01);
        });
    }
}
