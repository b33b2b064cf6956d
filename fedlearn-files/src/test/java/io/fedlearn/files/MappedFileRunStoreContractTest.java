package io.fedlearn.files;

import io.fedlearn.core.store.RunStore;

class MappedFileRunStoreContractTest extends FileRunStoreContractTest {
    @Override
    protected RunStore open() {
        return FileRunStore.builder(directory.resolve("run"))
                .maxHeapModelBytes(0)
                .disk(Disk.unsynced())
                .build();
    }
}
