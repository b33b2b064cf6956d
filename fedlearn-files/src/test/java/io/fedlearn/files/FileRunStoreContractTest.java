package io.fedlearn.files;

import io.fedlearn.core.store.RunStore;
import io.fedlearn.testkit.contract.RunStoreContract;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;

class FileRunStoreContractTest extends RunStoreContract {
    @TempDir
    Path directory;

    @Override
    protected RunStore open() {
        return FileRunStore.builder(directory.resolve("run"))
                .disk(Disk.unsynced())
                .build();
    }

    @Override
    protected boolean damageNewestCheckpoint() throws IOException {
        Path newest;
        try (Stream<Path> rounds = Files.list(directory.resolve("run").resolve("rounds"))) {
            newest = rounds.sorted().reduce((earlier, later) -> later).orElseThrow();
        }
        try (RandomAccessFile model =
                new RandomAccessFile(newest.resolve("model.safetensors").toFile(), "rw")) {
            model.seek(model.length() - 1);
            int last = model.read();
            model.seek(model.length() - 1);
            model.write(last ^ 1);
        }
        return true;
    }
}
