package io.fedlearn.files;

import io.fedlearn.core.store.AuditLog;
import io.fedlearn.testkit.contract.AuditLogContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class FileAuditLogContractTest extends AuditLogContract {
    @TempDir
    private Path directory;

    @Override
    protected AuditLog open() {
        return FileAuditLog.at(directory.resolve(FileAuditLog.FILE_NAME), Disk.unsynced());
    }
}
