package io.fedlearn.pg.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class PgDatasetRightsIT {
    private static PGSimpleDataSource clinic() {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        TestPostgres.execute(
                database,
                "CREATE SCHEMA clinic",
                "CREATE TABLE clinic.patients (id int PRIMARY KEY, site text, name text, age int, sick boolean)",
                "INSERT INTO clinic.patients VALUES (1, 'north', 'Ada', 36, true), (2, 'south', 'Alan', 41, false)");
        return database;
    }

    private static PgDataset.Builder patients(PGSimpleDataSource as) {
        return PgDataset.table(as, "clinic.patients").key("id").features("age").label("sick");
    }

    @Test
    void needsToReadTheColumnsThatAreNamedAndNoMore() throws Exception {
        PGSimpleDataSource database = clinic();
        PGSimpleDataSource trainer = TestPostgres.asNewRole(database);
        String role = String.valueOf(trainer.getUser());
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(() -> patients(trainer).open())
                .withMessage("role " + role
                        + " may not use schema clinic; its owner can grant that: GRANT USAGE ON SCHEMA \"clinic\" TO \""
                        + role + "\"");
        TestPostgres.execute(
                database,
                "GRANT USAGE ON SCHEMA clinic TO " + role,
                "GRANT SELECT (id, sick) ON clinic.patients TO " + role);
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(() -> patients(trainer).open())
                .withMessage("role " + role
                        + " may not read columns [age] of table clinic.patients; its owner can grant that:"
                        + " GRANT SELECT (\"age\") ON \"clinic\".\"patients\" TO \"" + role + "\"")
                .satisfies(e -> assertThat(e.column()).contains("age"));

        TestPostgres.execute(database, "GRANT SELECT (age) ON clinic.patients TO " + role);

        try (PgDataset read = patients(trainer).open()) {
            assertThat(read.exampleCount()).isEqualTo(2);
        }
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> patients(trainer).where("name = ?", "Ada").open())
                .withMessageContaining("permission denied")
                .satisfies(e -> assertThat(e.sqlState()).contains("42501"));
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgDataset.query(trainer, "SELECT id, age, name FROM clinic.patients")
                        .key("id")
                        .features("age")
                        .open())
                .withMessageContaining("permission denied");
    }

    @Test
    void seesTheRowsThatRowLevelSecurityLetsTheRoleSee() throws Exception {
        PGSimpleDataSource database = clinic();
        PGSimpleDataSource north = TestPostgres.asNewRole(database);
        PGSimpleDataSource nobody = TestPostgres.asNewRole(database);
        for (PGSimpleDataSource each : List.of(north, nobody)) {
            TestPostgres.execute(
                    database,
                    "GRANT USAGE ON SCHEMA clinic TO " + each.getUser(),
                    "GRANT SELECT ON clinic.patients TO " + each.getUser());
        }
        TestPostgres.execute(
                database,
                "ALTER TABLE clinic.patients ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY north ON clinic.patients TO " + north.getUser() + " USING (site = 'north')");

        try (PgDataset read = patients(north).open()) {
            assertThat(Rows.features(read)).containsExactly(List.of(36f));
        }
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(() -> patients(nobody).open())
                .withMessage("table clinic.patients has no rows, or none that this role may see");
    }

    @Test
    void leavesNothingBehindInAConnectionOfAPool() throws Exception {
        PGSimpleDataSource database = clinic();
        // As through a pooler, which gives what stays in a session to others.
        database.setPrepareThreshold(0);
        try (var pool = new HikariDataSource()) {
            pool.setDataSource(database);
            pool.setMaximumPoolSize(1);
            for (int i = 0; i < 8; i++) {
                try (PgDataset read = PgDataset.table(pool, "clinic.patients")
                        .key("id")
                        .features("age")
                        .where("site = ?", "north")
                        .statementTimeout(Duration.ofSeconds(50))
                        .open()) {
                    assertThat(read.exampleCount()).isEqualTo(1);
                }
                assertThatExceptionOfType(PgDatasetException.class)
                        .isThrownBy(() -> PgDataset.table(pool, "clinic.patients")
                                .key("id")
                                .category("site", "north")
                                .open());
            }
            try (var connection = pool.getConnection();
                    var statement = connection.createStatement();
                    var rows = statement.executeQuery(
                            "SELECT current_setting('statement_timeout'), current_setting('fedlearn.parameter_1', true),"
                                    + " current_setting('transaction_read_only'),"
                                    + " (SELECT string_agg(statement, ';') FROM pg_prepared_statements)")) {
                rows.next();
                assertThat(rows.getString(1)).isEqualTo("0");
                assertThat(rows.getString(2)).isNullOrEmpty();
                assertThat(rows.getString(3)).isEqualTo("off");
                assertThat(rows.getString(4)).isNull();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"vector", "halfvec"})
    void readsPgvectorWhereItIsInstalled(String type) throws Exception {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        assumeThat(TestPostgres.rows(database, "SELECT name FROM pg_available_extensions WHERE name = 'vector'"))
                .as("the server has pgvector")
                .isNotEmpty();
        TestPostgres.execute(database, "CREATE SCHEMA extensions", "CREATE EXTENSION vector SCHEMA extensions");
        assumeThat(TestPostgres.rows(database, "SELECT to_regtype('extensions." + type + "')"))
                .as("pgvector has " + type)
                .doesNotContain("null");
        TestPostgres.execute(
                database,
                "CREATE TABLE notes (id int, embedding extensions." + type + "(3))",
                "INSERT INTO notes VALUES (1, '[1,2,0.5]'), (2, NULL), (3, '[3,4,-0.25]')");
        try (PgDataset notes = PgDataset.table(database, "notes")
                .key("id")
                .features("embedding")
                .missing(MissingValues.dropRows())
                .open()) {
            assertThat(Rows.features(notes)).containsExactlyInAnyOrder(List.of(1f, 2f, 0.5f), List.of(3f, 4f, -0.25f));
        }
    }

    @Test
    void readsATypeNamedVectorThroughItsCastToAnArray() throws Exception {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        // What pgvector offers to us: a type of this name that can be cast to real[].
        TestPostgres.execute(
                database,
                "CREATE SCHEMA extensions",
                "CREATE TYPE extensions.vector AS (numbers real[])",
                "CREATE FUNCTION extensions.numbers(extensions.vector) RETURNS real[] LANGUAGE sql IMMUTABLE AS 'SELECT ($1).numbers'",
                "CREATE CAST (extensions.vector AS real[]) WITH FUNCTION extensions.numbers(extensions.vector)",
                "CREATE TABLE notes (id int, embedding extensions.vector)",
                "INSERT INTO notes VALUES (1, ROW('{1,2,0.5}'))");
        try (PgDataset notes = PgDataset.table(database, "notes")
                .key("id")
                .array("embedding", 3)
                .open()) {
            assertThat(Rows.features(notes)).containsExactly(List.of(1f, 2f, 0.5f));
        }
    }
}
