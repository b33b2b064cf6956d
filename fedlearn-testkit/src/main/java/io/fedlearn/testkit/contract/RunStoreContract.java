package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link RunStore}; a subclass supplies the store. Numbers in the names of the tests are those of the rules.
 *
 * <p>What cannot be tested from within one process, a crash at any moment, is for tests of the store's own.
 */
public abstract class RunStoreContract {
    private final List<RunStore> stores = new ArrayList<>();

    /** For subclasses. */
    protected RunStoreContract() {}

    /**
     * Opens the store at this test's place: empty at first; after a store was closed, the same place again.
     */
    protected abstract RunStore open() throws Exception;

    /** Whether a run is still there after its store was closed and opened again. By default it is. */
    protected boolean isDurable() {
        return true;
    }

    /** Whether the place can be open only once at a time, which this suite can try only within a process. By default it is. */
    protected boolean isExclusive() {
        return true;
    }

    /**
     * Damages the newest checkpoint of the store, which is closed. By default it cannot, and the test for that is left out.
     *
     * @return whether it was damaged
     */
    protected boolean damageNewestCheckpoint() throws Exception {
        return false;
    }

    @AfterEach
    final void closeAll() {
        stores.forEach(RunStore::close);
    }

    private RunStore openStore() throws Exception {
        RunStore store = open();
        stores.add(store);
        return store;
    }

    private RunStore reopen(RunStore store) throws Exception {
        if (!isDurable()) {
            return store;
        }
        store.close();
        return openStore();
    }

    private RunStore withRounds(int rounds) throws Exception {
        RunStore store = openStore();
        store.create(RunSamples.header(), RunSamples.checkpoint(0));
        for (int round = 1; round <= rounds; round++) {
            store.commit(RunSamples.checkpoint(round), round == 1);
        }
        return store;
    }

    private static void requireAt(RunStore store, int round) {
        SavedRun run = store.load().orElseThrow();
        Checkpoint expected = RunSamples.checkpoint(round);
        assertThat(run.header()).isEqualTo(RunSamples.header());
        assertThat(run.latest().round()).isEqualTo(round);
        assertThat(run.latest().model()).isEqualTo(expected.model());
        assertThat(run.latest().model().digest()).isEqualTo(expected.model().digest());
        assertThat(run.latest().states()).isEqualTo(expected.states());
        assertThat(run.latest().record()).isEqualTo(expected.record());
        List<RoundRecord> records = new ArrayList<>();
        for (int i = 1; i <= round; i++) {
            records.add(RunSamples.checkpoint(i).record().orElseThrow());
        }
        assertThat(run.records()).isEqualTo(records);
    }

    @Test
    @DisplayName("load: an empty store holds no run")
    void holdsNoRunAtFirst() throws Exception {
        RunStore store = openStore();

        assertThat(store.load()).isEmpty();
        assertThat(store.model(0)).isEmpty();
        assertThat(reopen(store).load()).isEmpty();
    }

    @Test
    @DisplayName("rule 1: a run that was created is there, also after the store was opened again")
    void createsARun() throws Exception {
        RunStore store = withRounds(0);

        requireAt(store, 0);
        assertThat(store.model(0)).contains(RunSamples.checkpoint(0).model());
        requireAt(reopen(store), 0);
    }

    @Test
    @DisplayName("rule 1: each round that was committed is there, also after the store was opened again")
    void commitsRounds() throws Exception {
        RunStore store = withRounds(0);

        for (int round = 1; round <= 5; round++) {
            store.commit(RunSamples.checkpoint(round), false);
            requireAt(store, round);
            store = reopen(store);
            requireAt(store, round);
            assertThat(store.load().orElseThrow().notices()).isEmpty();
        }
    }

    @Test
    @DisplayName("rule 1: a commit that fails leaves the run as before, and the round can be committed after all")
    void aFailedCommitChangesNothing() throws Exception {
        RunStore store = withRounds(2);
        Checkpoint good = RunSamples.checkpoint(3);
        List<Tensor> tensors = new ArrayList<>(good.model().tensors());
        Tensor last = tensors.get(tensors.size() - 1);
        tensors.set(tensors.size() - 1, Tensor.of(last.type(), last.shape(), (offset, target) -> {
            throw new UncheckedIOException(new IOException("the disk is gone"));
        }));
        Checkpoint bad = new Checkpoint(3, Model.of(good.model().spec(), tensors), good.states(), good.record());
        try {
            store.commit(bad, true);
        } catch (RuntimeException e) {
            assertThat(e).isInstanceOf(RunStoreException.class);
            requireAt(store, 2);
            store = reopen(store);
            requireAt(store, 2);
            store.commit(good, true);
            requireAt(store, 3);
            return;
        }
        // A store on the heap does not look at values; one that keeps them beyond the process must have.
        assertThat(isDurable()).isFalse();
    }

    @Test
    @DisplayName("create: is refused where there is a run already, which stays as it was")
    void refusesToCreateTwice() throws Exception {
        RunStore store = withRounds(2);

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> store.create(RunSamples.header(), RunSamples.checkpoint(0)));
        requireAt(store, 2);
        RunStore again = reopen(store);
        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> again.create(RunSamples.header(), RunSamples.checkpoint(0)));
        requireAt(again, 2);
    }

    @Test
    @DisplayName("commit: is refused without a run")
    void refusesToCommitWithoutARun() throws Exception {
        RunStore store = openStore();

        assertThatExceptionOfType(RunStoreException.class)
                .isThrownBy(() -> store.commit(RunSamples.checkpoint(1), false));
        assertThat(store.load()).isEmpty();
    }

    @Test
    @DisplayName("commit: takes the next round only")
    void refusesRoundsOutOfOrder() throws Exception {
        RunStore store = withRounds(2);

        for (int round : new int[] {1, 2, 4}) {
            assertThatExceptionOfType(RunStoreException.class)
                    .isThrownBy(() -> store.commit(RunSamples.checkpoint(round), false));
            requireAt(store, 2);
        }
        requireAt(reopen(store), 2);
    }

    @Test
    @DisplayName("rule 2: models of any names, types, shapes and bits come back with the same bits")
    void keepsEveryBit() throws Exception {
        RunStore store = withRounds(1);

        requireAt(reopen(store), 1);
    }

    @Test
    @DisplayName("rule 2: a model of several megabytes comes back with the same bits")
    void keepsLargeModels() throws Exception {
        ModelSpec spec = ModelSpec.of(List.of(
                new TensorSpec("large", TensorType.FLOAT32, Shape.of(1000, 1001), TensorRole.TRAINABLE),
                new TensorSpec("counter", TensorType.INT64, Shape.scalar(), TensorRole.COUNTER)));
        RunStore store = openStore();
        store.create(RunSamples.header(), RunSamples.checkpoint(0, spec));
        Checkpoint checkpoint = RunSamples.checkpoint(1, spec);

        store.commit(checkpoint, true);

        Checkpoint loaded = reopen(store).load().orElseThrow().latest();
        assertThat(loaded.model().digest()).isEqualTo(checkpoint.model().digest());
        assertThat(loaded.states()).isEqualTo(checkpoint.states());
    }

    @Test
    @DisplayName("rule 2: what was loaded stays readable while the run goes on")
    void loadedModelsStayReadable() throws Exception {
        RunStore store = reopen(withRounds(1));
        SavedRun loaded = store.load().orElseThrow();

        store.commit(RunSamples.checkpoint(2), true);
        store.commit(RunSamples.checkpoint(3), true);
        store.commit(RunSamples.checkpoint(4), true);

        assertThat(loaded.latest().model()).isEqualTo(RunSamples.checkpoint(1).model());
        assertThat(loaded.latest().states()).isEqualTo(RunSamples.checkpoint(1).states());
        assertThat(loaded.records()).hasSize(1);
    }

    @Test
    @DisplayName("model: the latest and the best are kept, also after the store was opened again")
    void keepsTheBestModel() throws Exception {
        RunStore store = withRounds(0);
        store.commit(RunSamples.checkpoint(1), true);
        store.commit(RunSamples.checkpoint(2), false);
        store.commit(RunSamples.checkpoint(3), false);
        assertThat(store.model(1)).contains(RunSamples.checkpoint(1).model());
        assertThat(store.model(3)).contains(RunSamples.checkpoint(3).model());

        store = reopen(store);
        assertThat(store.model(1)).contains(RunSamples.checkpoint(1).model());
        store.commit(RunSamples.checkpoint(4), true);
        store.commit(RunSamples.checkpoint(5), false);

        store = reopen(store);
        assertThat(store.model(4)).contains(RunSamples.checkpoint(4).model());
        assertThat(store.model(5)).contains(RunSamples.checkpoint(5).model());
        assertThat(store.model(6)).isEmpty();
    }

    @Test
    @DisplayName("model: of a round that is not kept is another round's never")
    void neverGivesAnotherRoundsModel() throws Exception {
        RunStore store = reopen(withRounds(4));

        for (int round = 0; round <= 4; round++) {
            Model expected = RunSamples.checkpoint(round).model();
            store.model(round).ifPresent(model -> assertThat(model).isEqualTo(expected));
        }
        assertThat(store.model(5)).isEmpty();
    }

    @Test
    @DisplayName("rule 3: a damaged checkpoint is noticed, and the one before takes its place")
    void passesOverADamagedCheckpoint() throws Exception {
        RunStore store = withRounds(3);
        store.close();
        assumeTrue(damageNewestCheckpoint());

        RunStore again = openStore();
        SavedRun run = again.load().orElseThrow();

        assertThat(run.notices()).isNotEmpty();
        requireAt(again, 2);
        again.commit(RunSamples.checkpoint(3), false);
        requireAt(again, 3);
        RunStore afterwards = reopen(again);
        requireAt(afterwards, 3);
    }

    @Test
    @DisplayName("rule 4: a run that is open cannot be opened again")
    void isOpenOnce() throws Exception {
        assumeTrue(isExclusive());
        RunStore store = withRounds(1);

        assertThatExceptionOfType(RunStoreException.class).isThrownBy(() -> {
            RunStore second = openStore();
            second.load();
            second.commit(RunSamples.checkpoint(2), false);
        });
        requireAt(store, 1);
        requireAt(reopen(store), 1);
    }

    @Test
    @DisplayName("thread-safe: who loads while rounds are committed sees whole checkpoints")
    void loadsWholeCheckpointsWhileOthersCommit() throws Exception {
        RunStore store = withRounds(0);
        AtomicBoolean done = new AtomicBoolean();
        CompletableFuture<Integer> reader = CompletableFuture.supplyAsync(() -> {
            int loads = 0;
            while (!done.get() || loads == 0) {
                SavedRun run = store.load().orElseThrow();
                int round = run.latest().round();
                assertThat(run.latest().model())
                        .isEqualTo(RunSamples.checkpoint(round).model());
                assertThat(run.records()).hasSize(round);
                loads++;
            }
            return loads;
        });
        try {
            for (int round = 1; round <= 10; round++) {
                store.commit(RunSamples.checkpoint(round), round % 3 == 0);
            }
        } finally {
            done.set(true);
        }

        assertThat(reader.get(60, TimeUnit.SECONDS)).isPositive();
        requireAt(store, 10);
    }

    @Test
    @DisplayName("close: may be called again")
    void closesTwice() throws Exception {
        RunStore store = withRounds(1);

        store.close();

        assertThatCode(store::close).doesNotThrowAnyException();
    }
}
