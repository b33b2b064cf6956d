package io.fedlearn.files;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.testkit.contract.ClientStateStoreContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class FileClientStateStoreContractTest extends ClientStateStoreContract {
    @TempDir
    private Path directory;

    @Override
    protected ClientStateStore open() {
        return FileClientStateStore.at(directory.resolve("state"), Disk.unsynced());
    }
}
