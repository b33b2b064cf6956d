package io.fedlearn.core.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class InMemoryClientStateStoreTest {
    private static final ClientStateStore.Key KEY = new ClientStateStore.Key("run", "client", "control");

    private final InMemoryClientStateStore store = InMemoryClientStateStore.create();

    private static Model model(float value) {
        return Model.builder().buffer("c", Tensor.scalar(value)).build();
    }

    @Test
    void givesWhatWasSavedForExactlyThatRound() {
        store.save(KEY, 3, model(3));
        store.save(KEY, 5, model(5));

        assertThat(store.load(KEY, 3)).contains(model(3));
        assertThat(store.load(KEY, 5)).contains(model(5));
        assertThat(store.load(KEY, 4)).isEmpty();
        assertThat(store.load(KEY, 6)).isEmpty();
    }

    @Test
    void replacesWhatIsSavedAgain() {
        store.save(KEY, 3, model(3));
        store.save(KEY, 3, model(4));

        assertThat(store.load(KEY, 3)).contains(model(4));
    }

    @Test
    void keepsRunsClientsAndNamesApart() {
        store.save(KEY, 1, model(1));

        for (ClientStateStore.Key other : List.of(
                new ClientStateStore.Key("other", "client", "control"),
                new ClientStateStore.Key("run", "other", "control"),
                new ClientStateStore.Key("run", "client", "other"))) {
            assertThat(store.load(other, 1)).isEmpty();
        }
        assertThat(store.load(new ClientStateStore.Key("run", "client", "control"), 1))
                .contains(model(1));
    }

    @Test
    void deletesRoundsBeforeOneOfOneKeyOnly() {
        ClientStateStore.Key other = new ClientStateStore.Key("run", "client", "other");
        for (int round = 1; round <= 4; round++) {
            store.save(KEY, round, model(round));
        }
        store.save(other, 1, model(1));

        store.deleteBefore(KEY, 3);
        store.deleteBefore(new ClientStateStore.Key("none", "none", "none"), 3);

        assertThat(store.load(KEY, 1)).isEmpty();
        assertThat(store.load(KEY, 2)).isEmpty();
        assertThat(store.load(KEY, 3)).contains(model(3));
        assertThat(store.load(KEY, 4)).contains(model(4));
        assertThat(store.load(other, 1)).contains(model(1));
    }

    @Test
    void holdsNothingOnceClosed() {
        store.save(KEY, 1, model(1));

        store.close();
        store.close();

        assertThat(store.load(KEY, 1)).isEmpty();
    }
}
