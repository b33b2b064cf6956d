package io.fedlearn.pg.run;

import io.fedlearn.core.store.RunStore;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.testkit.contract.RunStoreContract;
import org.junit.jupiter.api.BeforeEach;

class PgRunStoreContractIT extends RunStoreContract {
    private static final PgSchema SCHEMA = TestPostgres.newSchema();

    @BeforeEach
    void empty() {
        TestPostgres.execute(
                SCHEMA.database().dataSource(), "TRUNCATE fedlearn.run, fedlearn.run_lease, fedlearn.model CASCADE");
    }

    @Override
    protected RunStore open() {
        return PgRunStore.of(SCHEMA, "run-2026-01");
    }

    @Override
    protected boolean damageNewestCheckpoint() {
        TestPostgres.execute(
                SCHEMA.database().dataSource(),
                "UPDATE fedlearn.model_chunk SET bytes = set_bit(bytes, 7, 1 - get_bit(bytes, 7)) WHERE number = 0 AND digest ="
                        + " (SELECT model_digest FROM fedlearn.checkpoint ORDER BY round DESC LIMIT 1)");
        return true;
    }
}
