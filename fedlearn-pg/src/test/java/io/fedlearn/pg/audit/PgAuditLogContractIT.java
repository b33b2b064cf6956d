package io.fedlearn.pg.audit;

import io.fedlearn.core.store.AuditLog;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.testkit.contract.AuditLogContract;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;

class PgAuditLogContractIT extends AuditLogContract {
    private static final PgSchema SCHEMA = TestPostgres.newSchema();

    private String log = "";

    @BeforeEach
    void nameTheLog(TestInfo test) {
        log = test.getDisplayName();
    }

    @Override
    protected AuditLog open() {
        return PgAuditLog.of(SCHEMA, log);
    }
}
