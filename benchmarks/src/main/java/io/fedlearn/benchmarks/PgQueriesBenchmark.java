package io.fedlearn.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.pg.budget.PgBudgets;
import io.fedlearn.pg.budget.PgPrivacyLedger;
import io.fedlearn.pg.budget.PrivacyLimit;
import io.fedlearn.pg.query.PgPrivateQueries;
import io.fedlearn.pg.query.PgQuerySource;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.query.Aggregate;
import io.fedlearn.privacy.query.BoundedQuery;
import io.fedlearn.privacy.query.Comparison;
import io.fedlearn.privacy.query.Condition;
import io.fedlearn.privacy.query.Measure;
import io.fedlearn.privacy.query.Noise;
import io.fedlearn.privacy.query.PrivateQuery;
import io.fedlearn.privacy.query.ValueGrid;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * How many private queries a second does a table in PostgreSQL answer for 1, 10 and 100 analysts, beside the same mean by group in plain
 * SQL? And when 100 analysts in two processes make 10,000 attempts on a budget that is enough for a part of them, is it ever overspent?
 *
 * <p>Against a server that starts by itself, with fsync, or the one at {@code --jdbc}, in whose database the schema
 * {@code fedlearn} and a table are made. Each analyst is a thread with a connection of its own. Ways take turns: plain SQL; the bounded
 * sums alone, as a private query asks for them; the private query, with debit, sums, noise and three commits.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" \
 *       io.fedlearn.benchmarks.PgQueriesBenchmark [--rows N] [--turns N] [--seconds N] [--attempts N] [--jdbc URL] [--samples FILE]
 * </pre>
 *
 * <p>At the edge: the sum of what is in the ledger is computed again from its entries, in decimals, and compared with the limit; and how
 * many were admitted with how many fit.
 */
public final class PgQueriesBenchmark {
    private static final String TABLE = "pg_queries_benchmark";
    private static final int[] ANALYSTS = {1, 10, 100};
    private static final int PROCESSES = 2;
    private static final String PLAIN = "plain SQL";
    private static final String SUMS = "bounded sums";
    private static final String PRIVATE = "private query";

    private PgQueriesBenchmark() {}

    /** Measures, or is one of the processes at the edge. */
    public static void main(String[] arguments) throws Exception {
        QuietLog.install();
        if (arguments.length > 0 && arguments[0].equals("attempts")) {
            attempt(arguments[1], arguments[2], Integer.parseInt(arguments[3]), Integer.parseInt(arguments[4]));
            return;
        }
        Map<String, String> options = new LinkedHashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        Optional<EmbeddedPostgres> server = options.containsKey("--jdbc") ? Optional.empty() : Optional.of(start());
        try {
            String url = server.map(own -> own.getJdbcUrl("postgres", "postgres"))
                    .orElseGet(() -> options.getOrDefault("--jdbc", ""));
            System.out.println(Machine.description());
            Samples samples = throughput(url, options);
            edge(url, Integer.parseInt(options.getOrDefault("--attempts", "10000")));
            if (options.containsKey("--samples")) {
                Files.writeString(Path.of(options.getOrDefault("--samples", "")), samples.toJson() + "\n");
            }
        } finally {
            if (server.isPresent()) {
                server.get().close();
            }
        }
    }

    private static EmbeddedPostgres start() throws IOException {
        return EmbeddedPostgres.builder()
                .setServerConfig("fsync", "on")
                .setServerConfig("max_connections", "250")
                .start();
    }

    private static HikariDataSource pool(String url, int connections) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl(url);
        HikariConfig config = new HikariConfig();
        config.setDataSource(database);
        config.setMaximumPoolSize(connections);
        config.setConnectionTimeout(TimeUnit.MINUTES.toMillis(2));
        return new HikariDataSource(config);
    }

    private static void prepare(String url, int rows) throws SQLException {
        // Migrating takes several connections at once.
        try (HikariDataSource pool = pool(url, 4)) {
            PgSchema.of(pool).migrate();
            fill(pool, rows);
        }
    }

    private static void fill(DataSource database, int rows) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS " + TABLE);
            statement.execute("CREATE TABLE " + TABLE + " AS SELECT (id / 2)::int AS person, random() * 1000 AS cost,"
                    + " (ARRAY['north', 'south', 'islands'])[1 + id % 3] AS region, (18 + id % 70)::int AS age"
                    + " FROM generate_series(1, " + rows + ") id");
            statement.execute("ALTER TABLE " + TABLE + " ALTER COLUMN person SET NOT NULL");
            statement.execute("VACUUM ANALYZE " + TABLE);
        }
    }

    private static PrivateQuery mean() {
        return PrivateQuery.of(Aggregate.mean("cost", 0, 1000), Noise.laplace(0.001))
                .where(Condition.compare("age", Comparison.AT_LEAST, 30))
                .groupedBy("region", "north", "south", "islands");
    }

    private static void plain(DataSource database) throws SQLException {
        try (Connection connection = database.getConnection();
                PreparedStatement statement = connection.prepareStatement("SELECT region, avg(cost) FROM " + TABLE
                        + " WHERE age >= ? AND region = ANY (?) GROUP BY region")) {
            statement.setInt(1, 30);
            statement.setArray(2, connection.createArrayOf("text", new Object[] {"north", "south", "islands"}));
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    rows.getDouble(2);
                }
            }
        }
    }

    private static Samples throughput(String url, Map<String, String> options) throws Exception {
        int rows = Integer.parseInt(options.getOrDefault("--rows", "20000"));
        int turns = Integer.parseInt(options.getOrDefault("--turns", "5"));
        int seconds = Integer.parseInt(options.getOrDefault("--seconds", "5"));
        Samples samples = new Samples();
        prepare(url, rows);
        System.out.println(
                "\nQueries a second, over " + rows + " rows; median of " + turns + " turns of " + seconds + " s\n");
        System.out.println("| analysts | plain SQL | bounded sums | private queries | plain / private |");
        System.out.println("|---|---|---|---|---|");
        for (int analysts : ANALYSTS) {
            try (HikariDataSource pool = pool(url, analysts)) {
                PgSchema schema = PgSchema.of(pool);
                PgQuerySource source = PgQuerySource.of(pool, "public", TABLE, "person");
                // A scope of its own, so that no ledger is longer than another's.
                String scope = "benchmark/" + analysts + "/" + System.nanoTime();
                PgBudgets.of(schema).set(scope, PrivacyLimit.ofQueries(1e6));
                PgPrivateQueries queries =
                        PgPrivateQueries.over(schema, source, scope).build();
                SumsAlone sums = new SumsAlone(source);
                Map<String, Callable<Object>> ways = new LinkedHashMap<>();
                ways.put(PLAIN, () -> {
                    plain(pool);
                    return "";
                });
                ways.put(SUMS, sums::measure);
                ways.put(PRIVATE, () -> queries.ask(mean(), "analyst"));
                for (int turn = -1; turn < turns; turn++) {
                    for (Map.Entry<String, Callable<Object>> way : ways.entrySet()) {
                        double perSecond = perSecond(analysts, seconds, way.getValue());
                        if (turn >= 0) {
                            samples.add(way.getKey() + ", " + analysts, perSecond);
                        }
                    }
                }
            }
            System.out.printf(
                    Locale.ROOT,
                    "| %d | %.1f | %.1f | %.1f | %.1f |%n",
                    analysts,
                    samples.median(PLAIN + ", " + analysts),
                    samples.median(SUMS + ", " + analysts),
                    samples.median(PRIVATE + ", " + analysts),
                    samples.ratio(PLAIN + ", " + analysts, PRIVATE + ", " + analysts));
        }
        return samples;
    }

    /** What a private query asks its source for. */
    private static final class SumsAlone {
        private final PgQuerySource source;
        private final BoundedQuery query;

        SumsAlone(PgQuerySource source) {
            PrivateQuery mean = mean();
            this.source = source;
            this.query = new BoundedQuery(
                    mean.where(),
                    mean.grouping(),
                    mean.maxRowsPerPerson(),
                    mean.aggregate().column(),
                    List.of(new Measure.Rows(), new Measure.Values(new ValueGrid(0, 1000, 500, 1.0 / 1024, 512_000))));
        }

        Object measure() {
            return source.measure(query);
        }
    }

    private static double perSecond(int analysts, int seconds, Callable<Object> query) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(analysts);
        try {
            long start = System.nanoTime();
            long end = start + TimeUnit.SECONDS.toNanos(seconds);
            List<Future<Integer>> counts = new ArrayList<>();
            for (int i = 0; i < analysts; i++) {
                counts.add(threads.submit(() -> {
                    int answered = 0;
                    while (System.nanoTime() < end) {
                        query.call();
                        answered++;
                    }
                    return answered;
                }));
            }
            long all = 0;
            for (Future<Integer> count : counts) {
                all += count.get();
            }
            return all / ((System.nanoTime() - start) / 1e9);
        } finally {
            threads.shutdownNow();
        }
    }

    private static PrivateQuery count() {
        return PrivateQuery.of(Aggregate.count(), Noise.laplace(0.01));
    }

    /** All analysts of all processes at one budget, which is enough for a tenth of the attempts. */
    private static void edge(String url, int attempts) throws SQLException {
        String scope = "benchmark/edge/" + System.nanoTime();
        double limit = attempts / 10 * 0.01;
        prepare(url, 100);
        try (HikariDataSource pool = pool(url, 2)) {
            PgSchema schema = PgSchema.of(pool);
            PgBudgets.of(schema).set(scope, PrivacyLimit.ofQueries(limit));
            long start = System.nanoTime();
            List<ChildProgram> processes = new ArrayList<>();
            int analysts = ANALYSTS[ANALYSTS.length - 1];
            for (int i = 0; i < PROCESSES; i++) {
                processes.add(ChildProgram.java(
                        List.of("-Xmx512m", "-XX:+UseSerialGC"),
                        PgQueriesBenchmark.class,
                        "attempts",
                        url,
                        scope,
                        analysts / PROCESSES,
                        attempts / PROCESSES));
            }
            long admitted = 0;
            long refused = 0;
            for (ChildProgram process : processes) {
                String[] counts = process.await("COUNTS").split(" ");
                admitted += Long.parseLong(counts[0]);
                refused += Long.parseLong(counts[1]);
                process.close();
            }
            double took = (System.nanoTime() - start) / 1e9;
            report(PgPrivacyLedger.of(schema).entries(scope), limit, admitted, refused, took);
        }
    }

    private static void report(List<LedgerEntry> entries, double limit, long admitted, long refused, double took) {
        MathContext up = new MathContext(34, RoundingMode.CEILING);
        BigDecimal sum = BigDecimal.ZERO;
        BigDecimal one = BigDecimal.ZERO;
        for (LedgerEntry entry : entries) {
            PrivacyEvent.DiscreteLaplace event = (PrivacyEvent.DiscreteLaplace)
                    PrivacyEvent.parse(entry.charge().mechanism());
            one = BigDecimal.valueOf(event.sensitivity()).divide(BigDecimal.valueOf(event.scale()), up);
            sum = sum.add(one);
        }
        long fit = BigDecimal.valueOf(limit).divideToIntegralValue(one).longValue();
        System.out.println("\nAt the edge: " + (admitted + refused) + " attempts by " + ANALYSTS[ANALYSTS.length - 1]
                + " analysts in " + PROCESSES + " processes, in " + String.format(Locale.ROOT, "%.1f s", took) + "\n");
        System.out.println("| limit | fit | admitted | in the ledger | sum in the ledger | refused | overspent |");
        System.out.println("|---|---|---|---|---|---|---|");
        System.out.println("| " + limit + " | " + fit + " | " + admitted + " | " + entries.size() + " | "
                + sum.round(new MathContext(10, RoundingMode.CEILING)) + " | " + refused + " | "
                + (sum.compareTo(BigDecimal.valueOf(limit)) > 0 ? "YES" : "no") + " |");
        if (sum.compareTo(BigDecimal.valueOf(limit)) > 0 || admitted != entries.size()) {
            throw new IllegalStateException("the budget was overspent, or the ledger is not what was admitted");
        }
    }

    private static void attempt(String url, String scope, int analysts, int attempts) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(analysts);
        try (HikariDataSource pool = pool(url, analysts)) {
            PgPrivateQueries queries = PgPrivateQueries.over(
                            PgSchema.of(pool), PgQuerySource.of(pool, "public", TABLE, "person"), scope)
                    .build();
            List<Future<Boolean>> all = new ArrayList<>();
            for (int i = 0; i < attempts; i++) {
                int number = i;
                all.add(threads.submit(() -> {
                    try {
                        queries.ask(count(), "analyst " + number % analysts);
                        return true;
                    } catch (PrivacyBudgetExceededException e) {
                        return false;
                    }
                }));
            }
            System.out.println("COUNTS " + counts(all));
        } finally {
            threads.shutdownNow();
        }
    }

    private static String counts(List<Future<Boolean>> attempts) throws InterruptedException, ExecutionException {
        int admitted = 0;
        for (Future<Boolean> attempt : attempts) {
            admitted += attempt.get() ? 1 : 0;
        }
        return admitted + " " + (attempts.size() - admitted);
    }
}
