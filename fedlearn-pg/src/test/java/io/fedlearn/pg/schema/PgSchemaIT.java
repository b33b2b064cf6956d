package io.fedlearn.pg.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class PgSchemaIT {
    @Test
    void isMadeOnceAndFoundAgain() {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        PgSchema schema = PgSchema.of(database);
        assertThat(schema.version()).isEmpty();

        schema.migrate();
        schema.migrate();

        assertThat(schema.version()).contains(PgSchema.VERSION);
        assertThatCode(schema::require).doesNotThrowAnyException();
    }

    @Test
    void isMadeByManyAtOnce() throws Exception {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        List<CompletableFuture<PgSchema>> migrations = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            migrations.add(
                    CompletableFuture.supplyAsync(() -> PgSchema.of(database).migrate()));
        }
        for (CompletableFuture<PgSchema> migration : migrations) {
            assertThat(migration.get(60, TimeUnit.SECONDS).version()).contains(PgSchema.VERSION);
        }
    }

    @Test
    void livesBesideAnother() {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        PgSchema.of(database, "north").migrate();
        PgSchema.of(database, "south").migrate();

        assertThat(PgSchema.of(database, "north").version()).contains(PgSchema.VERSION);
        assertThat(PgSchema.of(database).version()).isEmpty();
    }

    @Test
    void saysWhatToDoWhenItIsMissing() {
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgSchema.of(TestPostgres.newDatabase()).require())
                .withMessageContaining("no schema fedlearn")
                .withMessageContaining("PgSchema.migrate");
    }

    @Test
    void refusesOneThatIsNewerOrOlder() {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        PgSchema schema = PgSchema.of(database).migrate();
        TestPostgres.execute(
                database,
                "INSERT INTO fedlearn.schema_version SELECT 99, '99', description, type, script, checksum, installed_by, installed_on,"
                        + " execution_time, success FROM fedlearn.schema_version WHERE version = '1'");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(schema::require)
                .withMessageContaining("has version 99")
                .withMessageContaining("knows " + PgSchema.VERSION);
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(schema::migrate)
                .withMessageContaining("has version 99");

        TestPostgres.execute(database, "DELETE FROM fedlearn.schema_version WHERE version <> '1'");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(schema::require)
                .withMessageContaining("has version 1,")
                .withMessageContaining("PgSchema.migrate");
    }

    @ParameterizedTest
    @EnumSource
    void givesEachPartWhatItNeedsAndNoMore(PgRole part) {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        PgSchema schema = PgSchema.of(database).migrate();
        PGSimpleDataSource as = TestPostgres.asNewRole(database);
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgSchema.of(as).require());

        schema.grant(part, String.valueOf(as.getUser()));
        schema.grant(part, String.valueOf(as.getUser()));

        assertThatCode(() -> PgSchema.of(as).require()).doesNotThrowAnyException();
        for (String statement : new String[] {
            "UPDATE fedlearn.audit_record SET hash = ''",
            "DELETE FROM fedlearn.audit_record",
            "TRUNCATE fedlearn.audit_record",
            "DELETE FROM fedlearn.privacy_entry",
            "UPDATE fedlearn.privacy_budget SET epsilon = 1000",
            "DROP TABLE fedlearn.round",
            "UPDATE fedlearn.schema_version SET version = '1'"
        }) {
            assertThatExceptionOfType(IllegalStateException.class)
                    .as(statement)
                    .isThrownBy(() -> TestPostgres.execute(as, statement));
        }
    }

    @Test
    void refusesToGrantWhatIsNoRole() {
        PgSchema schema = TestPostgres.newSchema();
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> schema.grant(PgRole.READER, "nobody\"; DROP SCHEMA fedlearn CASCADE; --"))
                .withMessageContaining("cannot be made a READER");
        assertThat(schema.version()).contains(PgSchema.VERSION);
    }

    @Test
    void namesTheServerThatDoesNotAnswer() {
        PGSimpleDataSource nowhere = new PGSimpleDataSource();
        nowhere.setUrl("jdbc:postgresql://localhost:1/none?connectTimeout=5");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgSchema.of(nowhere).require())
                .withMessageContaining("localhost:1")
                .matches(PgException::isUnreachable);
    }

    // A pooler tells this only to its log.
    @Tag("direct")
    @Test
    void namesTheDatabaseThatIsNotThere() {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        database.setDatabaseName("no_such_database");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgSchema.of(database).require())
                .withMessageContaining("no_such_database");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Fed", "fed-learn", "1fed", "fed; DROP TABLE x", "\"fed\""})
    void refusesNamesThatWouldNeedQuotes(String name) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PgSchema.of(database, name))
                .withMessageContaining("schema must be");
    }
}
