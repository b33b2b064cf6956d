package io.fedlearn.testkit.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.ClientStateStore.Key;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Tests the rules of {@link ClientStateStore}; a subclass supplies the store. Numbers in the names of the tests are those of the
 * rules.
 */
public abstract class ClientStateStoreContract {
    private static final Key KEY = new Key("run", "client", "variate");

    private final List<ClientStateStore> stores = new ArrayList<>();

    /** For subclasses. */
    protected ClientStateStoreContract() {}

    /** Opens the store at this test's place: empty at first; after a store was closed, the same place again. */
    protected abstract ClientStateStore open() throws Exception;

    /** Whether values are still there after the store was closed and opened again. By default they are. */
    protected boolean isDurable() {
        return true;
    }

    @AfterEach
    final void closeAll() {
        stores.forEach(ClientStateStore::close);
    }

    private ClientStateStore openStore() throws Exception {
        ClientStateStore store = open();
        stores.add(store);
        return store;
    }

    private static Model model(long seed) {
        return ModelGenerator.of(seed).nextAnyBits(ModelGenerator.networkSpec());
    }

    @Test
    @DisplayName("load: nothing was saved at first")
    void holdsNothingAtFirst() throws Exception {
        assertThat(openStore().load(KEY, 1)).isEmpty();
    }

    @Test
    @DisplayName("load: gives what was saved for exactly this round")
    void keepsRoundsApart() throws Exception {
        ClientStateStore store = openStore();
        store.save(KEY, 1, model(1));
        store.save(KEY, 3, model(3));

        assertThat(store.load(KEY, 1)).contains(model(1));
        assertThat(store.load(KEY, 2)).isEmpty();
        assertThat(store.load(KEY, 3)).contains(model(3));
        assertThat(store.load(KEY, 4)).isEmpty();
        assertThat(store.load(KEY, 0)).isEmpty();
    }

    @Test
    @DisplayName("rule 1: values survive closing and opening, with every bit")
    void keepsValues() throws Exception {
        assumeTrue(isDurable());
        Model every = ModelGenerator.of(1).nextAnyBits(ModelGenerator.everyTypeSpec());
        ClientStateStore store = openStore();
        store.save(KEY, 1, every);
        store.save(KEY, 2, Model.empty());
        store.close();

        ClientStateStore again = openStore();

        assertThat(again.load(KEY, 1)).contains(every);
        assertThat(again.load(KEY, 2)).contains(Model.empty());
        again.deleteBefore(KEY, 2);
        again.close();
        assertThat(openStore().load(KEY, 1)).isEmpty();
    }

    @Test
    @DisplayName("rule 1: values come back with every bit")
    void keepsEveryBit() throws Exception {
        Model every = ModelGenerator.of(2).nextAnyBits(ModelGenerator.everyTypeSpec());
        ClientStateStore store = openStore();

        store.save(KEY, 5, every);

        assertThat(store.load(KEY, 5)).contains(every);
        assertThat(store.load(KEY, 5).orElseThrow().digest()).isEqualTo(every.digest());
    }

    @Test
    @DisplayName("rule 2: saving again replaces")
    void replaces() throws Exception {
        ClientStateStore store = openStore();
        store.save(KEY, 1, model(1));

        store.save(KEY, 1, model(2));

        assertThat(store.load(KEY, 1)).contains(model(2));
    }

    @Test
    @DisplayName("rule 2: a value that was loaded does not change when it is replaced")
    void loadedValuesStay() throws Exception {
        ClientStateStore store = openStore();
        store.save(KEY, 1, model(1));
        Model loaded = store.load(KEY, 1).orElseThrow();

        store.save(KEY, 1, model(2));
        store.deleteBefore(KEY, 9);

        assertThat(Bits.copyOf(loaded)).isEqualTo(model(1));
    }

    @Test
    @DisplayName("deleteBefore: deletes earlier rounds of this key and nothing else")
    void deletesEarlierRounds() throws Exception {
        Key other = new Key("run", "client2", "variate");
        ClientStateStore store = openStore();
        for (int round = 1; round <= 4; round++) {
            store.save(KEY, round, model(round));
            store.save(other, round, model(10 + round));
        }

        store.deleteBefore(KEY, 3);
        store.deleteBefore(new Key("run", "nobody", "variate"), 3);

        assertThat(store.load(KEY, 1)).isEmpty();
        assertThat(store.load(KEY, 2)).isEmpty();
        assertThat(store.load(KEY, 3)).contains(model(3));
        assertThat(store.load(KEY, 4)).contains(model(4));
        for (int round = 1; round <= 4; round++) {
            assertThat(store.load(other, round)).contains(model(10 + round));
        }
    }

    @Test
    @DisplayName("keys: whatever run, client and name are called, they are kept apart")
    void keepsKeysApart() throws Exception {
        List<String> names = List.of(
                "a",
                "A",
                "b",
                "a/b",
                "..",
                ".",
                "a.b",
                "a-1",
                "-",
                "a b",
                " ",
                "ä",
                "a\u0308",
                "\u65e5\u672c",
                "con",
                "x:y",
                "100%",
                "%41",
                "a\\b",
                "\"",
                "'",
                "x".repeat(200),
                "x".repeat(200) + "y");
        Map<Key, Model> expected = new HashMap<>();
        ClientStateStore store = openStore();
        long seed = 0;
        for (String name : names) {
            for (Key key : List.of(
                    new Key(name, "client", "name"), new Key("run", name, "name"), new Key("run", "client", name))) {
                expected.put(key, model(++seed));
                store.save(key, 1, expected.get(key));
            }
        }
        for (String separator : List.of("/", "-", ".", "_", ":", "|", " ")) {
            for (Key key : List.of(
                    new Key("p" + separator + "q", "r", "s"),
                    new Key("p", "q" + separator + "r", "s"),
                    new Key("p", "q", "r" + separator + "s"))) {
                expected.put(key, model(++seed));
                store.save(key, 1, expected.get(key));
            }
        }

        expected.forEach(
                (key, model) -> assertThat(store.load(key, 1)).as("%s", key).contains(model));
    }

    @Test
    @DisplayName("rule 3: many threads save and load at a time")
    void isThreadSafe() throws Exception {
        ClientStateStore store = openStore();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int client = 0; client < 8; client++) {
                Key key = new Key("run", "client" + client, "variate");
                long first = 100L * client;
                all.add(threads.submit(() -> {
                    for (int round = 1; round <= 20; round++) {
                        store.save(key, round, model(first + round));
                        assertThat(store.load(key, round)).contains(model(first + round));
                        store.deleteBefore(key, round - 1);
                        assertThat(store.load(key, round - 2)).isEmpty();
                    }
                }));
            }
            // And one value that all of them write: it is always one of the two.
            for (int i = 0; i < 2; i++) {
                Model mine = model(i);
                all.add(threads.submit(() -> {
                    for (int turn = 0; turn < 20; turn++) {
                        store.save(KEY, 1, mine);
                        assertThat(store.load(KEY, 1).orElseThrow()).isIn(model(0), model(1));
                    }
                }));
            }
            for (Future<?> one : all) {
                one.get(60, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdownNow();
        }
    }
}
