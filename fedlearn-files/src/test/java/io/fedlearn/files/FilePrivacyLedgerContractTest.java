package io.fedlearn.files;

import io.fedlearn.core.budget.PrivacyLedger;
import io.fedlearn.testkit.contract.PrivacyLedgerContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

class FilePrivacyLedgerContractTest extends PrivacyLedgerContract {
    @TempDir
    private Path directory;

    @Override
    protected PrivacyLedger open() {
        return Ledgers.unsynced(directory.resolve("ledger.jsonl"));
    }
}
