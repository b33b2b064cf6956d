package io.fedlearn.files;

import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.store.SavedRun;
import java.nio.file.Path;
import java.util.Optional;

/** Goes on with a run for ever, and prints each round once it is committed; or why it cannot. */
final class CommitLoop {
    private CommitLoop() {}

    public static void main(String[] arguments) {
        try (FileRunStore store = FileRunStore.at(Path.of(arguments[0]))) {
            Optional<SavedRun> saved = store.load();
            if (saved.isEmpty()) {
                store.create(Runs.header(), Runs.initial());
            }
            for (int round = saved.map(run -> run.latest().round()).orElse(0) + 1; ; round++) {
                Runs.commit(store, round);
                System.out.println(round);
            }
        } catch (RunStoreException e) {
            System.out.println(e.getMessage());
        }
    }
}
