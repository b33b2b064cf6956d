package io.fedlearn.benchmarks;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.pg.internal.models.PgModels;
import io.fedlearn.pg.schema.PgSchema;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.postgresql.PGConnection;
import org.postgresql.ds.PGSimpleDataSource;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;

/**
 * How fast does a model get into PostgreSQL and out of it, beside the same bytes as plain rows of {@code bytea} and as a large object? Ours
 * has a checksum for each chunk and SHA-256 over all, when it is saved and when it is loaded; the others have none.
 *
 * <p>In turn, in one run and on one connection, against a server that starts by itself (with {@code fsync}), or the one at
 * {@code --jdbc}. What was saved is removed before the next way, untimed.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xmx1200m -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.PgModelBenchmark [--megabytes N] [--turns N] [--jdbc URL] [--samples FILE]
 * </pre>
 */
public final class PgModelBenchmark {
    private static final String SCHEMA = "fedlearn_benchmark";
    private static final int MEGABYTE = 1_000_000;
    private static final int[] CHUNK_BYTES = {1 << 18, 1 << 20, 1 << 22};
    private static final String SAVE_ROWS = "save: rows of bytea, an INSERT each";
    private static final String SAVE_BATCH = "save: rows of bytea, INSERTs in batches of 8";
    private static final String SAVE_LARGE = "save: large object";
    private static final String LOAD_ROWS = "load: rows of bytea by a cursor";
    private static final String LOAD_LARGE = "load: large object";

    private final PgSchema schema;
    private final Connection connection;
    private final Model model;
    private final Samples samples = new Samples();

    private PgModelBenchmark(PgSchema schema, Connection connection, Model model) {
        this.schema = schema;
        this.connection = connection;
        this.model = model;
    }

    private static String ours(String what, int chunkBytes) {
        return what + ": ours, chunks of " + (chunkBytes >> 10) + " KiB";
    }

    /** A model of a few tensors of different sizes, as a network has them. */
    private static Model model(int megabytes) {
        SplittableRandom random = new SplittableRandom(1);
        int left = megabytes * (MEGABYTE / Float.BYTES);
        Model.Builder builder = Model.builder();
        for (int i = 0; left > 0; i++) {
            float[] values = new float[Math.min(left, i % 2 == 0 ? 1_000 : 9_999_999)];
            for (int j = 0; j < values.length; j++) {
                values[j] = (float) random.nextDouble() - 0.5f;
            }
            builder.trainable("layer" + i, Tensor.wrap(values));
            left -= values.length;
        }
        return builder.build();
    }

    private void time(String way, boolean isMeasured, Samples.Work work) throws Exception {
        long start = System.nanoTime();
        work.run();
        connection.commit();
        if (isMeasured) {
            samples.add(way, (System.nanoTime() - start) / 1e9);
        }
    }

    private void execute(String statement) throws Exception {
        try (Statement execution = connection.createStatement()) {
            execution.execute(statement);
        }
        connection.commit();
    }

    private void turn(boolean isMeasured) throws Exception {
        for (int chunkBytes : CHUNK_BYTES) {
            PgModels models = PgModels.withChunks(schema.database(), chunkBytes);
            time(ours("save", chunkBytes), isMeasured, () -> models.saveAll(connection, List.of(model)));
            time(ours("load", chunkBytes), isMeasured, () -> {
                UpdateSpool spool = UpdateSpool.inTemporaryDirectory();
                Model loaded = models.load(connection, model.digest(), Long.MAX_VALUE, spool)
                        .orElseThrow();
                require(loaded.byteCount());
            });
            execute("TRUNCATE " + SCHEMA + ".model CASCADE");
        }
        time(SAVE_ROWS, isMeasured, () -> insert(1));
        time(LOAD_ROWS, isMeasured, this::select);
        execute("TRUNCATE " + SCHEMA + ".raw");
        time(SAVE_BATCH, isMeasured, () -> insert(8));
        execute("TRUNCATE " + SCHEMA + ".raw");
        LargeObjectManager objects = connection.unwrap(PGConnection.class).getLargeObjectAPI();
        long object = objects.createLO(LargeObjectManager.READWRITE);
        connection.commit();
        time(SAVE_LARGE, isMeasured, () -> write(objects, object));
        time(LOAD_LARGE, isMeasured, () -> read(objects, object));
        objects.delete(object);
        connection.commit();
        // So that nothing is left to do while the next turn is timed.
        connection.setAutoCommit(true);
        try (Statement vacuum = connection.createStatement()) {
            vacuum.execute("VACUUM pg_largeobject");
            vacuum.execute("CHECKPOINT");
        }
        connection.setAutoCommit(false);
    }

    private void require(long bytes) {
        if (bytes != model.byteCount()) {
            throw new IllegalStateException("must be " + model.byteCount() + " bytes, were " + bytes);
        }
    }

    /** Gives the model's bytes in pieces of a MiB, without any other work. */
    private void pieces(Pieces pieces) throws Exception {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        for (Tensor tensor : model.tensors()) {
            for (long done = 0; done < tensor.elementCount(); ) {
                done += tensor.encodeTo(done, buffer);
                if (buffer.remaining() < Float.BYTES) {
                    pieces.take(buffer.array(), buffer.position());
                    buffer.clear();
                }
            }
        }
        if (buffer.position() > 0) {
            pieces.take(buffer.array(), buffer.position());
        }
    }

    private interface Pieces {
        void take(byte[] bytes, int length) throws Exception;
    }

    private void insert(int batch) throws Exception {
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO " + SCHEMA + ".raw (number, bytes) VALUES (?, ?)")) {
            int[] number = {0};
            pieces((bytes, length) -> {
                insert.setInt(1, number[0]++);
                if (batch == 1) {
                    insert.setBinaryStream(2, new ByteArrayInputStream(bytes, 0, length), length);
                    insert.executeUpdate();
                } else {
                    // A batch keeps its parameters until it is sent.
                    insert.setBytes(2, Arrays.copyOf(bytes, length));
                    insert.addBatch();
                    if (number[0] % batch == 0) {
                        insert.executeBatch();
                    }
                }
            });
            if (batch > 1) {
                insert.executeBatch();
            }
        }
    }

    private void select() throws Exception {
        try (PreparedStatement select =
                connection.prepareStatement("SELECT bytes FROM " + SCHEMA + ".raw ORDER BY number")) {
            select.setFetchSize(4);
            long bytes = 0;
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    bytes += rows.getBytes(1).length;
                }
            }
            require(bytes);
        }
    }

    private void write(LargeObjectManager objects, long object) throws Exception {
        try (LargeObject large = objects.open(object, LargeObjectManager.WRITE)) {
            pieces((bytes, length) -> large.write(bytes, 0, length));
        }
    }

    private void read(LargeObjectManager objects, long object) throws Exception {
        byte[] piece = new byte[1 << 20];
        long bytes = 0;
        try (LargeObject large = objects.open(object, LargeObjectManager.READ)) {
            for (int count = large.read(piece, 0, piece.length);
                    count > 0;
                    count = large.read(piece, 0, piece.length)) {
                bytes += count;
            }
        }
        require(bytes);
    }

    private void print(int megabytes) {
        String ours = ours("save", PgModels.CHUNK_BYTES);
        print(megabytes, ours, List.of(SAVE_ROWS, SAVE_BATCH, SAVE_LARGE), "save");
        print(megabytes, ours("load", PgModels.CHUNK_BYTES), List.of(LOAD_ROWS, LOAD_LARGE), "load");
    }

    private void print(int megabytes, String ours, List<String> others, String what) {
        System.out.printf(Locale.ROOT, "%-45s %8s %8s %s%n", "", "MB/s", "best", "times as fast as this is ours");
        for (int chunkBytes : CHUNK_BYTES) {
            line(megabytes, ours(what, chunkBytes), ours);
        }
        others.forEach(other -> line(megabytes, other, ours));
    }

    private void line(int megabytes, String way, String ours) {
        System.out.printf(
                Locale.ROOT,
                "%-45s %8.0f %8.0f %s%n",
                way,
                megabytes / samples.median(way),
                megabytes / samples.least(way),
                way.equals(ours) ? "" : String.format(Locale.ROOT, "%.2f", samples.ratio(way, ours)));
    }

    private static void measure(String url, Map<String, String> options) throws Exception {
        int megabytes = Integer.parseInt(options.getOrDefault("--megabytes", "400"));
        int turns = Integer.parseInt(options.getOrDefault("--turns", "5"));
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl(url);
        PgSchema schema = PgSchema.of(database, SCHEMA).migrate();
        Model model = model(megabytes);
        model.digest();
        System.out.println(Machine.description() + "; a model of " + megabytes + " MB");
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            PgModelBenchmark benchmark = new PgModelBenchmark(schema, connection, model);
            try {
                benchmark.execute("DROP TABLE IF EXISTS " + SCHEMA + ".raw");
                benchmark.execute("CREATE TABLE " + SCHEMA + ".raw (number integer PRIMARY KEY, bytes bytea)");
                benchmark.execute("ALTER TABLE " + SCHEMA + ".raw ALTER COLUMN bytes SET STORAGE EXTERNAL");
                for (int turn = -1; turn < turns; turn++) {
                    benchmark.turn(turn >= 0);
                }
            } finally {
                connection.rollback();
                benchmark.execute("DROP SCHEMA " + SCHEMA + " CASCADE");
            }
            benchmark.print(megabytes);
            if (options.containsKey("--samples")) {
                Files.writeString(
                        Path.of(options.getOrDefault("--samples", "")),
                        "{\n  \"machine\": \"" + Machine.description() + "\",\n  \"megabytes\": " + megabytes
                                + ",\n  \"seconds\": " + benchmark.samples.toJson() + "\n}\n");
            }
        }
    }

    /** Measures and prints. */
    public static void main(String[] arguments) throws Exception {
        QuietLog.install();
        Map<String, String> options = new LinkedHashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        if (options.containsKey("--jdbc")) {
            measure(options.getOrDefault("--jdbc", ""), options);
        } else {
            try (EmbeddedPostgres server =
                    EmbeddedPostgres.builder().setServerConfig("fsync", "on").start()) {
                measure(server.getJdbcUrl("postgres", "postgres"), options);
            }
        }
    }
}
