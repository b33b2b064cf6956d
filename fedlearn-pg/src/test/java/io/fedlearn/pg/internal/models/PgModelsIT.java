package io.fedlearn.pg.internal.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.formats.internal.run.DamagedException;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.internal.Database;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.testkit.generator.ModelGenerator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PgModelsIT {
    private static final PgSchema SCHEMA = TestPostgres.newSchema();

    private final Database database = SCHEMA.database();
    private final PgModels models = PgModels.withChunks(database, 64);

    @BeforeEach
    void empty() {
        TestPostgres.execute(database.dataSource(), "TRUNCATE fedlearn.run, fedlearn.model CASCADE");
    }

    private static Model anyModel(long seed) {
        return ModelGenerator.of(seed).nextAnyBits(ModelGenerator.everyTypeSpec());
    }

    private long save(PgModels to, Model... saved) {
        return database.inTransaction("save", connection -> to.saveAll(connection, List.of(saved)));
    }

    private Optional<Model> load(String digest, long maxHeapBytes) throws DamagedException {
        Object loaded = database.inTransaction("load", Database.Mode.SNAPSHOT, connection -> {
            try {
                return models.load(connection, digest, maxHeapBytes, UpdateSpool.inTemporaryDirectory());
            } catch (DamagedException e) {
                // The transaction can go on.
                assertThat(count(connection, "model")).isPositive();
                return e;
            }
        });
        if (loaded instanceof DamagedException damage) {
            throw damage;
        }
        return ((Optional<?>) loaded).map(Model.class::cast);
    }

    private static long count(Connection connection, String table) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT count(*) FROM fedlearn." + table)) {
            rows.next();
            return rows.getLong(1);
        }
    }

    private long count(String table) {
        return database.inTransaction("count", connection -> count(connection, table));
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 13, 64, 1 << 20})
    void keepsEveryBitWhateverTheChunks(int chunkBytes) throws Exception {
        Model model = anyModel(1);

        long written = save(PgModels.withChunks(database, chunkBytes), model);

        assertThat(written).isEqualTo(model.byteCount());
        for (long maxHeapBytes : new long[] {0, Long.MAX_VALUE}) {
            Model loaded = load(model.digest(), maxHeapBytes).orElseThrow();
            assertThat(loaded).isEqualTo(model);
            assertThat(loaded.digest()).isEqualTo(model.digest());
            assertThat(loaded.heapBytes()).isEqualTo(maxHeapBytes == 0 ? 0 : model.byteCount());
        }
    }

    @Test
    void keepsNamesOfAnyKind() throws Exception {
        Model model = Model.builder()
                .trainable("'); DROP TABLE fedlearn.model; --", Tensor.scalar(1f))
                .trainable("\"quoted\\\" \uD83D\uDE00 St. M\u00e4ry's", Tensor.copyOf(new float[0], 0, 3))
                .buffer("__metadata__", Tensor.zeros(TensorType.BOOL, Shape.of(3)))
                .trainable("x".repeat(512), Tensor.copyOf(new double[] {Double.NaN, -0.0}))
                .build();

        save(models, model, Model.empty());

        assertThat(load(model.digest(), Long.MAX_VALUE)).contains(model);
        assertThat(load(Model.empty().digest(), 0)).contains(Model.empty());
        assertThat(load("0".repeat(64), 0)).isEmpty();
        assertThat(load("'; DROP TABLE fedlearn.model; --", 0)).isEmpty();
    }

    @Test
    void keepsAModelOnce() {
        assertThat(save(models, anyModel(1), anyModel(2), anyModel(1)))
                .isEqualTo(2 * anyModel(1).byteCount());
        assertThat(save(models, anyModel(2))).isZero();

        assertThat(count("model")).isEqualTo(2);
    }

    @Test
    void namesTheChunkThatIsMissingChangedOrShort() {
        Model model = anyModel(3);
        save(models, model);
        for (String[] damage : new String[][] {
            {
                "UPDATE fedlearn.model_chunk SET bytes = set_bit(bytes, 9, 1 - get_bit(bytes, 9)) WHERE number = 2",
                "chunk 2 "
            },
            {"UPDATE fedlearn.model_chunk SET bytes = substr(bytes, 2) WHERE number = 1", "chunk 1 "},
            {"DELETE FROM fedlearn.model_chunk WHERE number = 1", "chunk 1 is missing"},
            {"DELETE FROM fedlearn.model_chunk WHERE number > 1", "chunk 2 is missing"},
            {"DELETE FROM fedlearn.model_chunk", "chunk 0 is missing"},
            {"UPDATE fedlearn.model SET spec = replace(spec, 'FLOAT32', 'INT32')", "a trainable must be"},
            {"UPDATE fedlearn.model SET spec = '[{]'", "not JSON"},
            {"UPDATE fedlearn.model SET spec = '[]', byte_count = 0", "more values than its specification"}
        }) {
            TestPostgres.execute(database.dataSource(), "TRUNCATE fedlearn.model CASCADE");
            save(models, model);
            TestPostgres.execute(database.dataSource(), damage[0]);

            assertThatExceptionOfType(DamagedException.class)
                    .as(damage[0])
                    .isThrownBy(() -> load(model.digest(), Long.MAX_VALUE))
                    .withMessageContaining(damage[1]);
        }
    }

    @Test
    void noticesValuesThatAreAnotherModels() {
        Model model = anyModel(3);
        save(models, model);
        save(models, anyModel(4));
        TestPostgres.execute(
                database.dataSource(),
                "UPDATE fedlearn.model_chunk c SET bytes = o.bytes, crc32c = o.crc32c FROM fedlearn.model_chunk o"
                        + " WHERE c.digest = '" + model.digest() + "' AND o.digest = '"
                        + anyModel(4).digest() + "' AND c.number = o.number");

        assertThatExceptionOfType(DamagedException.class)
                .isThrownBy(() -> load(model.digest(), Long.MAX_VALUE))
                .withMessageContaining("values have the digest " + anyModel(4).digest());
    }

    @Test
    void writesADamagedModelAnew() throws Exception {
        Model model = anyModel(3);
        save(models, model);
        TestPostgres.execute(database.dataSource(), "DELETE FROM fedlearn.model_chunk WHERE number = 1");
        assertThat(save(models, model)).isZero();
        database.inTransaction("mark", connection -> {
            models.markDamaged(connection, model.digest());
            return true;
        });

        assertThat(save(models, model)).isEqualTo(model.byteCount());

        assertThat(load(model.digest(), Long.MAX_VALUE)).contains(model);
        assertThat(save(models, model)).isZero();
    }

    @Test
    void leavesNothingOfAModelThatCannotBeRead() {
        Model model = anyModel(5);
        List<Tensor> tensors = new ArrayList<>(model.tensors());
        Tensor last = tensors.get(tensors.size() - 1);
        AtomicBoolean isGone = new AtomicBoolean();
        tensors.set(tensors.size() - 1, Tensor.of(last.type(), last.shape(), (offset, target) -> {
            if (isGone.get()) {
                throw new UncheckedIOException(new IOException("the disk is gone"));
            }
            target.put(new byte[target.remaining()]);
        }));
        Model unreadable = Model.of(model.spec(), tensors);
        assertThat(unreadable.digest()).isNotEmpty();
        isGone.set(true);

        assertThatExceptionOfType(UncheckedIOException.class).isThrownBy(() -> save(models, anyModel(6), unreadable));

        assertThat(count("model")).isZero();
        assertThat(count("model_chunk")).isZero();
    }

    @Test
    void refusesAModelThatChangesWhileItIsSaved() {
        float[] values = {1, 2, 3};
        Model model = Model.builder().trainable("w", Tensor.wrap(values)).build();
        assertThat(model.digest()).isNotEmpty();
        values[1] = 5;

        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> save(models, model))
                .withMessageContaining("changed while");
        assertThat(count("model")).isZero();
        assertThat(count("model_chunk")).isZero();
    }

    @Test
    void collectsWhatNothingRefersTo() {
        save(models, anyModel(1), anyModel(2));
        refer(anyModel(1).digest());

        assertThat(database.<Integer>inTransaction("collect", models::collectAll))
                .isEqualTo(1);

        assertThat(count("model")).isEqualTo(1);
        assertThat(count("model_chunk")).isPositive();
        TestPostgres.execute(database.dataSource(), "DELETE FROM fedlearn.client_state");
        assertThat(database.<Integer>inTransaction(
                        "collect",
                        connection ->
                                models.collect(connection, List.of(anyModel(2).digest()))))
                .isZero();
        assertThat(database.<Integer>inTransaction(
                        "collect",
                        connection ->
                                models.collect(connection, List.of(anyModel(1).digest()))))
                .isEqualTo(1);
        assertThat(count("model_chunk")).isZero();
    }

    private void refer(String digest) {
        database.inTransaction("refer", connection -> {
            refer(connection, digest, 1);
            return true;
        });
    }

    private static void refer(Connection connection, String digest, int round) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("INSERT INTO fedlearn.client_state (run_id, client_id, name, round, digest) VALUES"
                    + " ('run', 'client', 'state', " + round + ", '" + digest + "') ON CONFLICT DO NOTHING");
        }
    }

    @Test
    void neverCollectsWhatIsAboutToBeReferredTo() throws Exception {
        // Both hold on to the same few models in turn: a reference to one that was collected would violate a key.
        List<CompletableFuture<Integer>> savers = new ArrayList<>();
        for (int saver = 0; saver < 3; saver++) {
            int first = 1000 * saver;
            savers.add(CompletableFuture.supplyAsync(() -> {
                for (int turn = 0; turn < 15; turn++) {
                    int round = first + turn;
                    Model[] some = {anyModel(turn % 3), anyModel((turn + 1) % 3)};
                    database.inTransaction("refer", connection -> {
                        models.saveAll(connection, List.of(some));
                        refer(connection, some[0].digest(), round);
                        return true;
                    });
                    database.inTransaction("forget", connection -> {
                        try (Statement statement = connection.createStatement()) {
                            statement.execute("DELETE FROM fedlearn.client_state WHERE round = " + round);
                        }
                        return true;
                    });
                }
                return 0;
            }));
        }
        int collected = 0;
        while (savers.stream().anyMatch(saver -> !saver.isDone())) {
            collected += database.<Integer>inTransaction("collect", models::collectAll);
        }
        for (CompletableFuture<Integer> saver : savers) {
            saver.get(60, TimeUnit.SECONDS);
        }
        assertThat(collected).isPositive();
        database.inTransaction("collect", models::collectAll);
        assertThat(count("model")).isZero();
    }
}
