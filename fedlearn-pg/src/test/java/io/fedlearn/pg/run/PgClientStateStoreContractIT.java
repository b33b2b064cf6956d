package io.fedlearn.pg.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.ClientStateStore.Key;
import io.fedlearn.core.store.RunStoreException;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.internal.models.PgModels;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.testkit.contract.ClientStateStoreContract;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.sql.PreparedStatement;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class PgClientStateStoreContractIT extends ClientStateStoreContract {
    private static final Key KEY = new Key("run", "client", "variate");

    private static final PgSchema SCHEMA = TestPostgres.newSchema();

    @BeforeEach
    void empty() {
        TestPostgres.execute(SCHEMA.database().dataSource(), "TRUNCATE fedlearn.model CASCADE");
    }

    @Override
    protected ClientStateStore open() {
        return PgClientStateStore.of(SCHEMA);
    }

    private static Model model(long seed) {
        return ModelGenerator.of(seed).nextAnyBits(ModelGenerator.everyTypeSpec());
    }

    @Test
    void keepsNoModelThatNobodyNeeds() {
        try (ClientStateStore store = open()) {
            store.save(KEY, 1, model(1));
            store.save(KEY, 1, model(2));
            store.save(KEY, 2, model(2));
            store.save(KEY, 3, model(3));
            store.deleteBefore(KEY, 2);
            assertThat(TestPostgres.text(SCHEMA, "SELECT count(*) FROM fedlearn.model"))
                    .isEqualTo("2");

            store.deleteBefore(KEY, 4);

            assertThat(TestPostgres.text(SCHEMA, "SELECT count(*) FROM fedlearn.model"))
                    .isEqualTo("0");
            assertThat(TestPostgres.text(SCHEMA, "SELECT count(*) FROM fedlearn.model_chunk"))
                    .isEqualTo("0");
        }
    }

    @Test
    void keepsNoModelOfASaverThatWasReplacedAtOnce() throws Exception {
        Database database = SCHEMA.database();
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (ClientStateStore store = open()) {
            Future<?> second = database.inTransaction("the first saver", connection -> {
                PgModels.of(database).saveAll(connection, List.of(model(1)));
                try (PreparedStatement insert = connection.prepareStatement(
                        "INSERT INTO fedlearn.client_state (run_id, client_id, name, round, digest)"
                                + " VALUES ('run', 'client', 'variate', 1, ?)")) {
                    insert.setString(1, model(1).digest());
                    insert.executeUpdate();
                }
                Future<?> waiting = threads.submit(() -> store.save(KEY, 1, model(2)));
                awaitWaiting();
                return waiting;
            });
            second.get(60, TimeUnit.SECONDS);

            assertThat(store.load(KEY, 1)).contains(model(2));
            assertThat(TestPostgres.text(SCHEMA, "SELECT count(*) FROM fedlearn.model"))
                    .isEqualTo("1");
        } finally {
            threads.shutdownNow();
        }
    }

    private static void awaitWaiting() {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (TestPostgres.text(
                        SCHEMA,
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                + " AND wait_event_type = 'Lock'")
                .equals("0")) {
            assertThat(System.nanoTime()).as("nobody waits").isLessThan(end);
        }
    }

    @Test
    void noticesDamage() {
        try (ClientStateStore store = open()) {
            store.save(KEY, 1, model(1));
            TestPostgres.execute(SCHEMA.database().dataSource(), "DELETE FROM fedlearn.model_chunk");

            assertThatExceptionOfType(RunStoreException.class)
                    .isThrownBy(() -> store.load(KEY, 1))
                    .withMessageContaining("'variate' of 'client' in round 1 of run 'run'")
                    .withMessageContaining("chunk 0 is missing");
        }
    }

    @Test
    void needsNoMoreThanATrainersRights() {
        PGSimpleDataSource as =
                TestPostgres.asNewRole((PGSimpleDataSource) SCHEMA.database().dataSource());
        SCHEMA.grant(PgRole.TRAINER, String.valueOf(as.getUser()));
        try (ClientStateStore store = PgClientStateStore.of(PgSchema.of(as))) {
            store.save(KEY, 1, model(1));
            store.save(KEY, 1, model(2));
            store.save(KEY, 2, model(2));
            store.deleteBefore(KEY, 2);

            assertThat(store.load(KEY, 2)).contains(model(2));
        }
    }

    @Test
    void savesNothingWithoutTheRight() {
        PGSimpleDataSource as =
                TestPostgres.asNewRole((PGSimpleDataSource) SCHEMA.database().dataSource());
        assertThatExceptionOfType(PgException.class).isThrownBy(() -> PgClientStateStore.of(PgSchema.of(as)));
        SCHEMA.grant(PgRole.READER, String.valueOf(as.getUser()));
        try (ClientStateStore store = PgClientStateStore.of(PgSchema.of(as))) {
            assertThatExceptionOfType(RunStoreException.class)
                    .isThrownBy(() -> store.save(KEY, 1, model(1)))
                    .withMessageContaining("permission denied for table model");
        }
        assertThat(TestPostgres.text(SCHEMA, "SELECT count(*) FROM fedlearn.model"))
                .isEqualTo("0");
    }

    @Test
    void refusesWhatAColumnCannotHold() {
        try (ClientStateStore store = open()) {
            for (String name : new String[] {"a\0b", "\ud800", "x".repeat(2001)}) {
                assertThatIllegalArgumentException().isThrownBy(() -> store.save(new Key("r", "c", name), 1, model(1)));
            }
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> store.save(KEY, -1, model(1)))
                    .withMessageContaining("was -1");
        }
    }

    @Test
    void isOfNoUseOnceClosed() {
        ClientStateStore store = open();
        store.close();
        store.close();

        assertThatIllegalStateException().isThrownBy(() -> store.load(KEY, 1));
    }
}
