package io.fedlearn.benchmarks;

import io.fedlearn.pg.data.PgDataset;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * How fast do rows of 30 doubles and a label get out of PostgreSQL into float arrays: by our loader, by JDBC with a cursor, and by
 * psycopg2's {@code fetchall}, beside the limit: psql writing a binary COPY to the null device? And how much memory does the loader take
 * for so many rows, and for four times as many?
 *
 * <p>In turn, in one run, against a server that starts by itself, or the one at {@code --jdbc}, whose password psql and Python take from
 * {@code PGPASSWORD}. What is not installed (psql, {@code /usr/bin/python3} with psycopg2 and numpy) is left out.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -Xmx1g -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.PgReadBenchmark [--rows N] [--turns N] [--jdbc URL] [--no-memory] [--samples FILE]
 * </pre>
 */
public final class PgReadBenchmark {
    private static final int FEATURES = 30;
    private static final String TABLE = "pg_read_benchmark";
    private static final String OURS = "PgDataset";
    private static final String CURSOR = "JDBC with a cursor of 10,000 rows";
    private static final String COPY = "psql COPY (FORMAT binary) to the null device";
    private static final String PSYCOPG = "psycopg2 fetchall into a numpy float32 array";
    private static final String LOAD = "load";
    private static final int LITTLE_HEAP = 16 << 20;

    private PgReadBenchmark() {}

    private static List<String> features() {
        return IntStream.range(0, FEATURES).mapToObj(i -> "f" + i).toList();
    }

    private static String columns() {
        return "id, " + String.join(", ", features()) + ", y";
    }

    private static PGSimpleDataSource at(String url) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl(url);
        return database;
    }

    private static void fill(PGSimpleDataSource database, int rows) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS " + TABLE);
            statement.execute("CREATE UNLOGGED TABLE " + TABLE + " AS SELECT id, "
                    + features().stream()
                            .map(name -> "random() * 100 - 50 AS " + name)
                            .collect(Collectors.joining(", "))
                    + ", random() < 0.5 AS y FROM generate_series(1, " + rows + ") id");
            statement.execute("ALTER TABLE " + TABLE + " ADD PRIMARY KEY (id)");
            statement.execute("VACUUM ANALYZE " + TABLE);
        }
    }

    private static void load(PGSimpleDataSource database, int rows, long maxHeapBytes) throws InterruptedException {
        try (PgDataset dataset = PgDataset.table(database, TABLE)
                .key("id")
                .features(features().toArray(new String[0]))
                .label("y")
                .where("id <= ?", rows)
                .maxHeapBytes(maxHeapBytes)
                .open()) {
            require(dataset.exampleCount(), rows);
        }
    }

    private static void require(long found, long expected) {
        if (found != expected) {
            throw new IllegalStateException(found + " rows came and not " + expected);
        }
    }

    private static float[] cursor(PGSimpleDataSource database, int rows) throws SQLException {
        float[] values = new float[rows * (FEATURES + 1)];
        int at = 0;
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            try (PreparedStatement statement = connection.prepareStatement(
                    "SELECT " + columns() + " FROM " + TABLE + " WHERE id <= ? ORDER BY id")) {
                statement.setInt(1, rows);
                statement.setFetchSize(10_000);
                try (ResultSet result = statement.executeQuery()) {
                    while (result.next()) {
                        for (int i = 0; i < FEATURES; i++) {
                            values[at++] = (float) result.getDouble(i + 2);
                        }
                        values[at++] = result.getBoolean(FEATURES + 2) ? 1 : 0;
                    }
                }
            }
        }
        require(at / (FEATURES + 1), rows);
        return values;
    }

    private static List<String> psql(PGSimpleDataSource database, int rows) {
        return List.of(
                "psql",
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                host(database),
                "-p",
                port(database),
                "-U",
                user(database),
                "-d",
                name(database),
                "-c",
                "COPY (SELECT " + columns() + " FROM " + TABLE + " WHERE id <= " + rows
                        + " ORDER BY id) TO STDOUT (FORMAT binary)");
    }

    private static String host(PGSimpleDataSource database) {
        return database.getServerNames()[0];
    }

    private static String port(PGSimpleDataSource database) {
        int port = database.getPortNumbers()[0];
        return Integer.toString(port == 0 ? 5432 : port);
    }

    private static String user(PGSimpleDataSource database) {
        return String.valueOf(database.getUser());
    }

    private static String name(PGSimpleDataSource database) {
        return String.valueOf(database.getDatabaseName());
    }

    private static void run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        if (process.waitFor() != 0) {
            throw new IllegalStateException(command.get(0) + " failed");
        }
    }

    private static boolean isThere(String program) throws InterruptedException {
        try {
            run(List.of(program, "--version"));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Measures and prints tables; as a child, loads once and prints what memory it took. */
    public static void main(String[] arguments) throws Exception {
        QuietLog.install();
        if (arguments.length > 0 && arguments[0].equals(LOAD)) {
            load(at(arguments[1]), Integer.parseInt(arguments[2]), LITTLE_HEAP);
            System.out.println("resident " + ProcessMemory.peakResident());
            return;
        }
        Map<String, String> options = new LinkedHashMap<>();
        for (int i = 0; i < arguments.length; i++) {
            options.put(arguments[i], arguments[i].equals("--no-memory") ? "" : arguments[++i]);
        }
        int rows = Integer.parseInt(options.getOrDefault("--rows", "1000000"));
        int turns = Integer.parseInt(options.getOrDefault("--turns", "7"));
        boolean isMemoryMeasured = !options.containsKey("--no-memory");
        if (options.containsKey("--jdbc")) {
            measure(options.getOrDefault("--jdbc", ""), rows, turns, isMemoryMeasured, options);
        } else {
            try (EmbeddedPostgres server = EmbeddedPostgres.builder()
                    .setServerConfig("shared_buffers", "512MB")
                    .start()) {
                measure(server.getJdbcUrl("postgres", "postgres"), rows, turns, isMemoryMeasured, options);
            }
        }
    }

    private static void measure(String url, int rows, int turns, boolean isMemoryMeasured, Map<String, String> options)
            throws Exception {
        System.out.println(Machine.description());
        PGSimpleDataSource database = at(url);
        fill(database, isMemoryMeasured ? Math.multiplyExact(rows, 4) : rows);
        Map<String, Samples.Work> ways = new LinkedHashMap<>();
        ways.put(OURS, () -> load(database, rows, PgDataset.DEFAULT_MAX_HEAP_BYTES));
        ways.put(CURSOR, () -> cursor(database, rows));
        if (isThere("psql")) {
            ways.put(COPY, () -> run(psql(database, rows)));
        }
        Optional<PythonPeer> psycopg = PythonPeer.start(
                "/usr/bin/python3",
                Path.of("benchmarks/psycopg_fetch.py"),
                host(database),
                port(database),
                name(database),
                user(database),
                columns());
        psycopg.ifPresent(peer -> {
            System.out.println(peer.version());
            ways.put(PSYCOPG, () -> peer.seconds(Integer.toString(rows)));
        });
        Samples samples = Samples.inTurn(ways, 1, turns);
        psycopg.ifPresent(PythonPeer::close);
        print(rows, turns, samples, List.copyOf(ways.keySet()));
        if (options.containsKey("--samples")) {
            Files.writeString(
                    Path.of(options.getOrDefault("--samples", "")),
                    "{\"machine\": \"" + Machine.description() + "\", \"unit\": \"s\", \"rows\": " + rows
                            + ", \"samples\": " + samples.toJson() + "}\n");
        }
        if (isMemoryMeasured) {
            memory(url, rows);
        }
    }

    private static void print(int rows, int turns, Samples samples, List<String> ways) {
        System.out.printf(
                "%n%d rows of a key, %d doubles and a boolean, medians of %d turns%n%n", rows, FEATURES, turns);
        System.out.println("| way | s | least s | rows/s | PgDataset is faster by |");
        System.out.println("|---|---|---|---|---|");
        for (String way : ways) {
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.2f | %.2f | %,.0f | %.2f |%n",
                    way,
                    samples.median(way),
                    samples.least(way),
                    rows / samples.median(way),
                    samples.ratio(way, OURS));
        }
    }

    private static void memory(String url, int rows) throws IOException, InterruptedException {
        System.out.printf("%nPgDataset with maxHeapBytes of %d MiB%n%n", LITTLE_HEAP >> 20);
        System.out.println("| rows | MiB as floats | least heap MiB | peak resident MiB in that heap |");
        System.out.println("|---|---|---|---|");
        for (int count : new int[] {rows, 4 * rows}) {
            int heap = LeastHeap.of(PgReadBenchmark.class, 8, 256, LOAD, url, Integer.toString(count));
            try (ChildProgram child = ChildProgram.java(
                    List.of("-XX:+UseSerialGC", "-Xmn2m", "-Xmx" + heap + "m"),
                    PgReadBenchmark.class,
                    LOAD,
                    url,
                    count)) {
                System.out.printf(
                        Locale.ROOT,
                        "| %d | %.0f | %d | %.0f |%n",
                        count,
                        count * (FEATURES + 1.0) * Float.BYTES / (1 << 20),
                        heap,
                        Long.parseLong(child.await("resident")) / (double) (1 << 20));
            }
        }
    }
}
