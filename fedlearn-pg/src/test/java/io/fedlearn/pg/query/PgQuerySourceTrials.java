package io.fedlearn.pg.query;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.privacy.query.QuerySource;
import io.fedlearn.privacy.query.QuerySourceContract;
import io.fedlearn.privacy.query.RandomTable;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/** A table in PostgreSQL keeps the rules of its interface: one statement has the sums that brute force has. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class PgQuerySourceTrials extends QuerySourceContract {
    private final String personType;
    private final String numberType;
    private final String textType;
    private HikariDataSource pool;
    private PgQuerySourceTables tables;
    private PgQuerySource source;

    PgQuerySourceTrials(String personType, String numberType, String textType) {
        this.personType = personType;
        this.numberType = numberType;
        this.textType = textType;
    }

    @BeforeAll
    final void makeTable() {
        HikariConfig config = new HikariConfig();
        config.setDataSource(TestPostgres.newDatabase());
        config.setMaximumPoolSize(2);
        pool = new HikariDataSource(config);
        tables = new PgQuerySourceTables(pool, personType, numberType, textType);
        // The rows that are left are the same each time, as the contract has it.
        source = PgQuerySource.builder(pool, "public", "trial", "person").build(() -> 7);
    }

    @AfterAll
    final void close() {
        pool.close();
    }

    @Override
    protected int trials() {
        return 12;
    }

    @Override
    protected QuerySource source(RandomTable table) throws SQLException {
        tables.load(table);
        return source;
    }
}
