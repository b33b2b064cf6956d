package io.fedlearn.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.aggregators.FedAdam;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundListener;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.record.RoundRecord;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.pg.run.PgRunStore;
import io.fedlearn.pg.run.WhenUnreachable;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.testkit.client.DriftClient;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * How long is a run without a leader when its coordinator is killed, and does it end with the same bits? Coordinators in JVMs of their
 * own on one run in PostgreSQL; the leader is killed with SIGKILL at random moments, and one of the others takes over.
 *
 * <pre>
 *   mvn -q -pl benchmarks -am package -DskipTests
 *   java -cp "benchmarks/target/classes:$(cat benchmarks/target/classpath)" io.fedlearn.benchmarks.FailoverBenchmark \
 *       [--kills 50] [--coordinators 2] [--lease-millis 2000] [--rounds-per-kill 12] [--seed 1] [--jdbc URL]
 * </pre>
 *
 * <p>Taken from the kill to the line in which the successor says that it holds the lease, and to the one in which it says that its
 * first round is committed; that includes loading the run and computing the round. A killed coordinator is replaced after that, and the
 * next kill waits until the replacement stands by. Stated bound for the first: the lease's time and a quarter of it more. The baseline is one
 * coordinator for the same number of rounds that nobody kills. Four clients, 100,000 parameters, FedAdam, a pool of four connections. Without {@code --jdbc}
 * against a PostgreSQL that starts by itself, with its own settings, so that commits wait for the disk.
 */
public final class FailoverBenchmark {
    private static final String RUN = "failover";
    private static final int PARAMETERS = 100_000;
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private FailoverBenchmark() {}

    /** Kills and measures. */
    public static void main(String[] arguments) throws Exception {
        QuietLog.install();
        if (arguments.length > 0 && arguments[0].equals("coordinator")) {
            coordinate(arguments[1], arguments[2], Integer.parseInt(arguments[3]), Long.parseLong(arguments[4]));
            return;
        }
        Map<String, String> options = options(arguments);
        String jdbc = options.getOrDefault("--jdbc", "");
        if (!jdbc.isEmpty()) {
            measure(jdbc, options);
            return;
        }
        try (EmbeddedPostgres server = EmbeddedPostgres.builder().start()) {
            measure(server.getJdbcUrl("postgres", "postgres"), options);
        }
    }

    private static Map<String, String> options(String[] arguments) {
        List<String> known =
                List.of("--kills", "--coordinators", "--lease-millis", "--rounds-per-kill", "--seed", "--jdbc");
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            if (!known.contains(arguments[i])) {
                throw new IllegalArgumentException("options are " + known + ", was " + arguments[i]);
            }
            options.put(arguments[i], arguments[i + 1]);
        }
        return options;
    }

    private static int number(Map<String, String> options, String name, int otherwise) {
        return Integer.parseInt(options.getOrDefault(name, Integer.toString(otherwise)));
    }

    private static void measure(String jdbc, Map<String, String> options) throws InterruptedException, SQLException {
        int kills = number(options, "--kills", 50);
        int roundsPerKill = number(options, "--rounds-per-kill", 12);
        int leaseMillis = number(options, "--lease-millis", 2000);
        int coordinators = number(options, "--coordinators", 2);
        int rounds = kills * roundsPerKill;
        System.out.println(Machine.description());
        System.out.printf(
                Locale.ROOT, "%n%d coordinators, lease of %d ms, %d rounds%n%n", coordinators, leaseMillis, rounds);
        System.out.println("| | s in all | kills | s to the lease, median | max | s to the first commit, median | max |"
                + " digest of the model |");
        System.out.println("|---|---|---|---|---|---|---|---|");
        String schema = "failover_" + ProcessHandle.current().pid();
        Trial undisturbed = new Trial(jdbc, schema + "_a", rounds, leaseMillis);
        Trial disturbed = new Trial(jdbc, schema + "_b", rounds, leaseMillis);
        try {
            String digest = undisturbed.run(1, 0, 0, SeededRandom.of(0));
            undisturbed.print("undisturbed", digest);
            String other =
                    disturbed.run(coordinators, kills, roundsPerKill, SeededRandom.of(number(options, "--seed", 1)));
            disturbed.print("killed", other.equals(digest) ? "the same" : "ANOTHER: " + other);
        } finally {
            undisturbed.drop();
            disturbed.drop();
        }
    }

    private static PGSimpleDataSource database(String jdbc) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl(jdbc);
        return database;
    }

    /** What a coordinator said, and when it was heard. */
    private record Said(Coordinator by, String line, long nanos) {}

    /** A coordinator in a JVM of its own. */
    private static final class Coordinator {
        final ChildProgram program;
        boolean isStandingBy;

        Coordinator(ChildProgram program) {
            this.program = program;
        }
    }

    /** One run. */
    private static final class Trial {
        private final String jdbc;
        private final String schema;
        private final int rounds;
        private final int leaseMillis;
        private final BlockingQueue<Said> heard = new LinkedBlockingQueue<>();
        private final List<Coordinator> alive = new ArrayList<>();
        private final List<Double> toLease = new ArrayList<>();
        private final List<Double> toCommit = new ArrayList<>();
        private int killed;
        private double seconds;

        Trial(String jdbc, String schema, int rounds, int leaseMillis) {
            this.jdbc = jdbc;
            this.schema = schema;
            this.rounds = rounds;
            this.leaseMillis = leaseMillis;
        }

        private void start() {
            Coordinator coordinator = new Coordinator(ChildProgram.java(
                    List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
                    FailoverBenchmark.class,
                    "coordinator",
                    jdbc,
                    schema,
                    rounds,
                    leaseMillis));
            alive.add(coordinator);
            Thread thread = new Thread(() -> {
                try {
                    coordinator.program.forEachLine(line -> heard.add(new Said(coordinator, line, System.nanoTime())));
                } catch (UncheckedIOException e) {
                    // It was killed in the middle of a word.
                }
            });
            thread.setDaemon(true);
            thread.start();
        }

        private Said hear() throws InterruptedException {
            Said said = heard.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            if (said == null) {
                throw new IllegalStateException("no coordinator has said anything for " + PATIENCE);
            }
            return said;
        }

        /** Kills so many leaders; the digest of the last model. */
        String run(int coordinators, int kills, int roundsPerKill, SeededRandom random) throws InterruptedException {
            PgSchema.of(database(jdbc), schema).migrate();
            for (int i = 0; i < coordinators; i++) {
                start();
            }
            try {
                return lead(coordinators, kills, roundsPerKill, random);
            } finally {
                alive.forEach(coordinator -> coordinator.program.kill());
            }
        }

        private String lead(int coordinators, int kills, int roundsPerKill, SeededRandom random)
                throws InterruptedException {
            long begin = 0;
            long kill = 0;
            int left = 1 + random.nextInt(Math.max(1, roundsPerKill - 1));
            while (true) {
                Said said = hear();
                if (!alive.contains(said.by())) {
                    continue; // its last words
                }
                if (said.line().equals("STANDS BY")) {
                    said.by().isStandingBy = true;
                } else if (said.line().equals("LEADS")) {
                    begin = begin == 0 ? said.nanos() : begin;
                    if (kill != 0) {
                        toLease.add((said.nanos() - kill) / 1e9);
                    }
                } else if (said.line().startsWith("ROUND")) {
                    if (kill != 0) {
                        toCommit.add((said.nanos() - kill) / 1e9);
                        kill = 0;
                        start();
                    }
                    left--;
                    boolean isReplaced = alive.size() == coordinators
                            && alive.stream().allMatch(coordinator -> coordinator.isStandingBy);
                    if (killed < kills && left <= 0 && isReplaced) {
                        TimeUnit.MICROSECONDS.sleep(random.nextInt(30_000));
                        kill = System.nanoTime();
                        said.by().program.kill();
                        alive.remove(said.by());
                        killed++;
                        left = 1 + random.nextInt(Math.max(1, roundsPerKill - 1));
                    }
                } else if (said.line().startsWith("DONE")) {
                    seconds = (said.nanos() - begin) / 1e9;
                    return said.line().substring("DONE ".length());
                }
            }
        }

        void print(String name, String digest) {
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %.1f | %d | %s | %s | %s | %s | %s |%n",
                    name,
                    seconds,
                    killed,
                    median(toLease),
                    most(toLease),
                    median(toCommit),
                    most(toCommit),
                    digest);
        }

        void drop() throws SQLException {
            try (Connection connection = database(jdbc).getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("DROP SCHEMA IF EXISTS " + schema + " CASCADE");
            }
        }
    }

    private static String median(List<Double> values) {
        Collections.sort(values);
        return values.isEmpty() ? "-" : String.format(Locale.ROOT, "%.2f", values.get(values.size() / 2));
    }

    private static String most(List<Double> values) {
        return values.isEmpty() ? "-" : String.format(Locale.ROOT, "%.2f", Collections.max(values));
    }

    /** What a coordinator does: stands by, leads when it may, and says so. */
    private static void coordinate(String jdbc, String schema, int rounds, long leaseMillis)
            throws InterruptedException {
        HikariConfig pool = new HikariConfig();
        pool.setJdbcUrl(jdbc);
        pool.setMaximumPoolSize(4);
        // A pool that is full must not cost the lease.
        pool.setConnectionTimeout(Math.max(250, leaseMillis / 2));
        try (HikariDataSource database = new HikariDataSource(pool)) {
            coordinate(database, schema, rounds, leaseMillis);
        }
    }

    private static void coordinate(DataSource database, String schema, int rounds, long leaseMillis)
            throws InterruptedException {
        PgRunStore store = PgRunStore.builder(PgSchema.of(database, schema), RUN)
                .leaseTime(Duration.ofMillis(leaseMillis))
                .whenUnreachable(WhenUnreachable.waiting(PATIENCE))
                .build();
        System.out.println("STANDS BY");
        if (!store.awaitLeadership(PATIENCE)) {
            throw new IllegalStateException("another has led for " + PATIENCE);
        }
        System.out.println("LEADS");
        RoundListener listener = new RoundListener() {
            @Override
            public void roundFinished(RoundRecord record) {
                System.out.println("ROUND " + record.round());
            }
        };
        float[] values = new float[PARAMETERS];
        for (int i = 0; i < PARAMETERS; i++) {
            values[i] = (float) StrictMath.sin(i);
        }
        Model initial =
                Model.builder().trainable("weights", Tensor.copyOf(values)).build();
        Run run = Federation.of(IntStream.rangeClosed(1, 4)
                        .mapToObj(i -> DriftClient.withExamples(10L * i))
                        .toList())
                .runId(RUN)
                .seed(7)
                .strategy(FedAdam.withServerLearningRate(0.01))
                .initialModel(initial)
                .rounds(rounds)
                .store(store)
                .resume(true)
                .listener(listener)
                .run();
        System.out.println("DONE " + run.model().digest());
    }
}
