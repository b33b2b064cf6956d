package io.fedlearn.pg.data;

import io.fedlearn.core.training.ExampleSource;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.testkit.contract.ExampleSourceContract;
import java.util.Optional;
import org.postgresql.ds.PGSimpleDataSource;

class PgDatasetOnDiskIT extends ExampleSourceContract {
    private static final PGSimpleDataSource DATABASE = TestPostgres.newDatabase();

    private static PgDataset.Builder rows(int count) {
        return PgDataset.query(
                        DATABASE, "SELECT i AS id, i * 0.5 AS x, -i AS z FROM generate_series(1, ?::int) i", count)
                .key("id")
                .features("id", "x")
                .label("z")
                .maxHeapBytes(0);
    }

    @Override
    protected ExampleSource create() throws Exception {
        return rows(40).open();
    }

    @Override
    protected Optional<ExampleSource> createEmpty() throws Exception {
        return Optional.of(rows(0).allowEmpty().open());
    }
}
