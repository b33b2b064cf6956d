package io.fedlearn.core.federation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.InMemoryRunStore;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.strategy.ClientSelector;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.TrainingSettings;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Invariants 3 and 6: a run that was cut off ends with the bits it would have had, and every round can be replayed. */
class ResumeTest {
    private static final int ROUNDS = 6;

    /** A store whose process dies at a commit: before it reached the disk, or after. */
    private static final class DyingStore implements RunStore {
        private final RunStore inner;
        private final int round;
        private final boolean afterwards;

        DyingStore(RunStore inner, int round, boolean afterwards) {
            this.inner = inner;
            this.round = round;
            this.afterwards = afterwards;
        }

        private static final class Death extends RuntimeException {
            private static final long serialVersionUID = 1L;
        }

        @Override
        public Optional<SavedRun> load() {
            return inner.load();
        }

        @Override
        public void create(RunHeader header, Checkpoint initial) {
            inner.create(header, initial);
        }

        @Override
        public void commit(Checkpoint checkpoint, boolean best) {
            if (checkpoint.round() == round && !afterwards) {
                throw new Death();
            }
            inner.commit(checkpoint, best);
            if (checkpoint.round() == round) {
                throw new Death();
            }
        }

        @Override
        public Optional<Model> model(int number) {
            return inner.model(number);
        }

        @Override
        public void close() {}
    }

    private static Map<String, Client> clients() {
        Map<String, Client> clients = new TreeMap<>();
        for (int i = 0; i < 5; i++) {
            clients.put("site-" + i, new Counting.Remembering(10 + i));
        }
        return clients;
    }

    private static Federation.Builder federation(RunStore store, ClientStateStore states) {
        return Federation.of(clients())
                .strategy(Counting.strategy().withSelector(ClientSelector.uniform(3)))
                .initialModel(DriftClient.model(100))
                .rounds(ROUNDS)
                .seed(77)
                .runId("resumed")
                .clientStates(states)
                .store(store);
    }

    private static Run undisturbed() throws InterruptedException {
        return federation(InMemoryRunStore.create(), InMemoryClientStateStore.create())
                .run();
    }

    @ParameterizedTest
    @CsvSource({"1,false", "1,true", "3,false", "3,true", "5,false", "6,false", "6,true"})
    void runThatDiedEndsWithTheSameBits(int round, boolean afterwards) throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        InMemoryClientStateStore states = InMemoryClientStateStore.create();
        assertThatThrownBy(() -> federation(new DyingStore(store, round, afterwards), states)
                        .run())
                .isInstanceOf(DyingStore.Death.class);

        Run resumed = federation(store, states).resume(true).run();

        Run undisturbed = undisturbed();
        assertThat(resumed.model().digest()).isEqualTo(undisturbed.model().digest());
        assertThat(resumed.records()).hasSize(ROUNDS);
        assertThat(resumed.best().round()).isEqualTo(undisturbed.best().round());
        for (int i = 0; i < ROUNDS; i++) {
            RoundRecord expected = undisturbed.records().get(i);
            RoundRecord actual = resumed.records().get(i);
            assertThat(actual.modelDigest()).isEqualTo(expected.modelDigest());
            assertThat(actual.cohort()).isEqualTo(expected.cohort());
            assertThat(actual.trainMetrics()).isEqualTo(expected.trainMetrics());
        }
    }

    @Test
    void clientStateOutlivesTheLossOfTheNewestCheckpoint() throws Exception {
        InMemoryClientStateStore states = InMemoryClientStateStore.create();
        InMemoryRunStore lost = InMemoryRunStore.create();
        federation(lost, states).rounds(3).run();
        SavedRun before = lost.load().orElseThrow();
        federation(lost, states).rounds(5).resume(true).run();

        // Clients have saved their state of round 5, its checkpoint was never committed, and that of round 4 is
        // damaged.
        Run again = federation(new Fallback(before), states).resume(true).run();

        assertThat(again.model().digest()).isEqualTo(undisturbed().model().digest());
    }

    /** A store that went back to an earlier checkpoint. */
    private record Fallback(SavedRun saved) implements RunStore {
        @Override
        public Optional<SavedRun> load() {
            return Optional.of(saved);
        }

        @Override
        public void create(RunHeader header, Checkpoint initial) {}

        @Override
        public void commit(Checkpoint checkpoint, boolean best) {}

        @Override
        public Optional<Model> model(int round) {
            return Optional.of(saved.latest().model());
        }

        @Override
        public void close() {}
    }

    @Test
    void resumingAFinishedRunChangesNothing() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        InMemoryClientStateStore states = InMemoryClientStateStore.create();
        Run first = federation(store, states).run();
        Run again = federation(store, states).resume(true).run();
        assertThat(again.model().digest()).isEqualTo(first.model().digest());
        assertThat(again.records()).hasSize(ROUNDS);
    }

    @Test
    void resumedRunMayHaveMoreRounds() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        InMemoryClientStateStore states = InMemoryClientStateStore.create();
        federation(store, states).rounds(2).run();
        assertThat(federation(store, states).resume(true).run().model().digest())
                .isEqualTo(undisturbed().model().digest());
    }

    @Test
    void refusesToResumeWithOtherSettingsByName() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        InMemoryClientStateStore states = InMemoryClientStateStore.create();
        federation(store, states).rounds(1).run();
        assertThatThrownBy(() -> federation(store, states)
                        .resume(true)
                        .seed(78)
                        .training(TrainingSettings.defaults().withLearningRate(0.5))
                        .setting("split", "other")
                        .run())
                .isInstanceOf(ResumeRefusedException.class)
                .hasMessageContaining("client.learningRate was 0.1, is now 0.5")
                .hasMessageContaining("seed was 77, is now 78")
                .hasMessageContaining("split was absent, is now other");
    }

    @Test
    void refusesToStartOverARunThatIsThere() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        federation(store, InMemoryClientStateStore.create()).rounds(1).run();
        assertThatThrownBy(() ->
                        federation(store, InMemoryClientStateStore.create()).run())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the store holds run resumed with 1 rounds already");
    }

    @Test
    void recordedRoundCanBeReplayed() throws Exception {
        InMemoryRunStore store = InMemoryRunStore.create();
        InMemoryClientStateStore states = InMemoryClientStateStore.create();
        federation(store, states).rounds(3).run();
        SavedRun history = store.load().orElseThrow();
        Run run = federation(store, states).resume(true).rounds(4).run();
        RoundRecord record = run.records().get(3);

        Model replayed =
                federation(InMemoryRunStore.create(), states).build().replay(record, history.latest(), history);

        assertThat(replayed.digest()).isEqualTo(record.modelDigest());
        assertThat(record.baseDigest()).isEqualTo(history.latest().model().digest());
    }

    @Test
    void recordHoldsWhatExplainsTheModel() throws Exception {
        Run run = undisturbed();
        RoundRecord record = run.records().get(1);
        assertThat(record.seed()).isEqualTo(77);
        assertThat(record.strategy()).isEqualTo("Counting");
        assertThat(record.settings().getString("strategy.selector")).contains("uniform(count=3)");
        assertThat(record.clientConfig().getLong("localEpochs")).contains(1L);
        assertThat(record.cohort()).hasSize(3);
        assertThat(record.outcomes()).allSatisfy(outcome -> {
            assertThat(outcome.isCompleted()).isTrue();
            assertThat(outcome.weight()).isEqualTo(5);
            assertThat(outcome.updateBytes()).isEqualTo(412);
        });
        assertThat(record.baseDigest()).isEqualTo(run.records().get(0).modelDigest());
        assertThat(record.evaluation().clients()).hasSize(5);
        assertThat(record.libraryVersion()).isNotEmpty();
    }
}
