package io.fedlearn.files;

import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.tensor.Model;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/** Commits a round that fits the disk and one that does not, prints why that failed, and what the run is then. */
final class FullDisk {
    private FullDisk() {}

    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        int size = arguments[1].equals("model") ? 2 * ChildJvm.MAX_FILE_KILOBYTES * 1024 / Float.BYTES : 7;
        int reason = arguments[1].equals("record") ? 2 * ChildJvm.MAX_FILE_KILOBYTES * 1024 : 7;
        try (FileRunStore store = FileRunStore.at(Path.of(arguments[0]))) {
            store.create(Runs.header(), Runs.initial());
            Runs.commit(store, 1);
            Model model = Runs.model(2, size);
            try {
                store.commit(
                        new Checkpoint(
                                2,
                                model,
                                Runs.initial().states(),
                                Optional.of(Runs.record(2, model.digest(), "x".repeat(reason)))),
                        true);
                out.println("committed");
            } catch (RunStoreException e) {
                out.println(e.getMessage());
            }
            out.println("round " + store.load().orElseThrow().latest().round());
        }
    }
}
