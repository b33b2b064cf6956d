package io.fedlearn.pg.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

class PgDatasetRefusalsIT {
    private static PGSimpleDataSource database = new PGSimpleDataSource();

    @BeforeAll
    static void makesATable() {
        database = TestPostgres.newDatabase();
        TestPostgres.execute(
                database,
                "CREATE TABLE patients (id int, name text, age int, seen interval, scan bytea, ecg real[], lab jsonb, grade text, big float8)",
                "INSERT INTO patients VALUES (1, 'Ada Byron', 36, '1 day', '\\x0102', '{1,2}', '{\"x\": 1}', 'low', 1),"
                        + " (2, 'Alan Turing', 41, '2 days', '\\x01', '{1,2,3}', '{\"x\": \"secret\"}', 'secret', 1e300)");
    }

    private static PgDataset.Builder patients() {
        return PgDataset.table(database, "patients").key("id");
    }

    private static void refuses(PgDataset.Builder builder, String message) {
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(builder::open)
                .withMessage(message)
                .satisfies(e -> assertThat(e.toString()).doesNotContain("secret", "Alan"));
    }

    /** One of the row (id = 2), which only the accessor tells. */
    private static void refusesARow(PgDataset.Builder builder, String message) {
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(builder::open)
                .withMessage(message)
                .satisfies(e -> assertThat(e.rowKey()).contains("(id = 2)"))
                .satisfies(e -> assertThat(e.toString()).doesNotContain("(id"));
    }

    private static void refusesDeclaration(PgDataset.Builder builder, String message) {
        assertThatIllegalArgumentException().isThrownBy(builder::open).withMessage(message);
    }

    @Test
    void namesTheTableThatIsNotThere() {
        refusesDeclaration(
                PgDataset.table(database, "clinic.patients").key("id").features("age"),
                "there is no table clinic.patients");
        refusesDeclaration(
                PgDataset.table(database, "Patients").key("id").features("age"), "there is no table Patients");
        refusesDeclaration(
                PgDataset.table(database, "pg_catalog", "pg_class_oid_index")
                        .key("id")
                        .features("age"),
                "table pg_catalog.pg_class_oid_index is no table or view");
    }

    @Test
    void namesTheColumnThatIsNotThereAndThoseThatAre() {
        refusesDeclaration(
                patients().features("aeg"),
                "table patients has no column 'aeg'; it has [age, big, ecg, grade, id, lab, name, scan, seen]");
        refusesDeclaration(
                PgDataset.query(database, "SELECT id FROM patients").key("nr").features("id"),
                "the query has no column 'nr'; it has [id]");
        refusesDeclaration(
                PgDataset.query(database, "SELECT id, age, age FROM patients")
                        .key("id")
                        .features("age"),
                "the query has more than one column 'age'");
    }

    @Test
    void saysHowToDeclareATypeThatIsNoFeatureAsItIs() {
        refusesDeclaration(
                patients().features("name"),
                "column 'name' of type text cannot be a feature or label as it is; declare its categories");
        refusesDeclaration(
                patients().features("scan"),
                "column 'scan' of type bytea cannot be a feature or label as it is; declare it as a tensor, with type and shape");
        refusesDeclaration(
                patients().features("lab"),
                "column 'lab' of type jsonb cannot be a feature or label as it is; declare a path to a number in it");
        refusesDeclaration(
                patients().features("seen"),
                "column 'seen' of type interval cannot be a feature or label as it is; numbers, booleans, dates and arrays of numbers can,"
                        + " and categories of a declared vocabulary");
        refusesDeclaration(
                patients().tensor("ecg", TensorType.UINT8, Shape.of(2)),
                "column 'ecg' of type _float4 cannot be a tensor, which is bytea");
        refusesDeclaration(patients().json("age", "x"), "column 'age' of type int4 cannot be read as JSON");
        refusesDeclaration(patients().array("age", 3), "column 'age' of type int4 cannot be an array of numbers");
        refusesDeclaration(
                patients().date("age", LocalDate.of(2000, 1, 1)), "column 'age' of type int4 cannot be a date");
        refusesDeclaration(patients().category("scan", "a"), "column 'scan' of type bytea cannot be a category");
        refusesDeclaration(
                PgDataset.table(database, "patients").key("lab").features("age"),
                "column 'lab' of type jsonb cannot be a key: a key is of whole numbers, numeric, text, uuid or dates");
    }

    @Test
    void refusesAValueByColumnAndShowsNeitherItNorItsRow() {
        refusesARow(
                patients().category("grade", "low", "high"),
                "a value of column 'grade' is none of its 2 declared categories");
        refusesARow(patients().features("ecg"), "a value of column 'ecg' is an array of 3 elements and not of 2");
        refusesARow(
                patients().tensor("scan", TensorType.UINT8, Shape.of(2)),
                "a value of column 'scan' has 1 bytes, and UINT8 of shape 2 has 2");
        refusesARow(
                patients().json("lab", "x"), "a value of column 'lab.x' is no number there, nor true, false or null");
        refusesARow(patients().features("big"), "a value of column 'big' is infinite, or beyond what a float can hold");
        refusesARow(
                patients().features("age").labelClass("grade", "low"),
                "a value of column 'grade' is none of its 1 declared categories");
    }

    @Test
    void refusesInfiniteDates() {
        refuses(
                PgDataset.query(
                                database,
                                "SELECT id, CASE id WHEN 1 THEN 'infinity'::date ELSE '2000-01-01' END AS d FROM patients")
                        .key("id")
                        .features("d"),
                "a value of column 'd' is infinite, or beyond what a float can hold");
    }

    @Test
    void refusesALengthThatTheFirstRowDoesNotTell() {
        refuses(
                PgDataset.query(database, "SELECT id, NULL::real[] AS x FROM patients")
                        .key("id")
                        .features("x"),
                "column 'x' is missing in the first row, so its length is not known; declare it with array");
        refuses(
                PgDataset.query(database, "SELECT id, '{}'::real[] AS x FROM patients")
                        .key("id")
                        .features("x"),
                "column 'x' is an empty array in the first row");
    }

    @Test
    void refusesAKeyThatIsNotUniqueOrMissing() {
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(
                        () -> PgDataset.query(database, "SELECT 'n-' || id / 3 AS nr, 1 AS visit, age FROM patients")
                                .key("nr", "visit")
                                .features("age")
                                .open())
                .withMessage("a key (nr, visit) comes more than once; a key must be unique")
                .satisfies(e -> assertThat(e.rowKey()).contains("(nr = n-0, visit = 1)"));
        refuses(
                PgDataset.query(database, "SELECT nullif(id, 2) AS nr, age FROM patients")
                        .key("nr")
                        .features("age"),
                "column 'nr' is a row's key, or what it is split by, and must not be NULL");
        refusesDeclaration(
                PgDataset.table(database, "patients").features("age"),
                "a data set must have a key: the columns that tell its rows apart");
    }

    @Test
    void refusesNoRowsUnlessThatIsAllowed() {
        refuses(
                patients().features("age").where("age > ?", 100),
                "table patients has no rows, or none that this role may see");
        refuses(
                PgDataset.query(database, "SELECT id, NULL::int AS x FROM patients")
                        .key("id")
                        .features("x")
                        .missing(MissingValues.dropRows()),
                "something is missing in each of the 2 rows of the query, so none is left");
    }

    @Test
    void refusesDeclarationsThatAreNotWhole() {
        refusesDeclaration(patients(), "a data set must have at least one feature, had none");
        refusesDeclaration(
                patients().features("age").label("age"), "column 'age' is declared twice, or is a feature and a label");
        refusesDeclaration(
                patients().features("id", "age").featureShape(Shape.of(3)),
                "featureShape must have as many elements as the columns have features, 2, was 3");
        refusesDeclaration(
                PgDataset.query(database, "SELECT * FROM patients WHERE id = ? AND age = ?", 1)
                        .key("id")
                        .features("age"),
                "the SQL text has 2 parameters (question marks), and there are 1 values");
        refusesDeclaration(
                PgDataset.query(database, "SELECT 1 AS id; DROP TABLE patients")
                        .key("id")
                        .features("id"),
                "the SQL text must be one statement, was 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PgDataset.query(database, "SELECT ?", new Object()))
                .withMessageContaining("parameter 1 must be a text, number");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PgDataset.query(database, "SELECT 1").where("true"))
                .withMessageContaining("a query has its own");
        assertThatIllegalArgumentException().isThrownBy(() -> patients().category("grade", "a", "a"));
        assertThatIllegalArgumentException().isThrownBy(() -> patients().key());
        assertThatIllegalArgumentException().isThrownBy(() -> patients().maxHeapBytes(-1));
        for (Duration timeout : List.of(Duration.ZERO, Duration.ofDays(25), Duration.ofSeconds(Long.MAX_VALUE))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> patients().statementTimeout(timeout))
                    .withMessage("statementTimeout must be in [1 ms, 24 days], was " + timeout);
        }
    }

    @Test
    void saysWhatTheServerSaysOfAQuery() {
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgDataset.query(database, "SELEC 1")
                        .key("id")
                        .features("age")
                        .open())
                .withMessageContaining("the query cannot be read")
                .withMessageContaining("syntax error");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgDataset.query(database, "SELECT id, name::int AS n FROM patients")
                        .key("id")
                        .features("n")
                        .open())
                .withMessageContaining("not of the type or in the range")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("Ada"));
    }

    @Test
    void doesNotSayWhatAFunctionOfTheDatabaseSaysOfARow() throws Exception {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE OR REPLACE FUNCTION years(name text, age int) RETURNS int LANGUAGE plpgsql AS"
                    + " $$BEGIN RAISE EXCEPTION '% is % years old', name, age; END$$");
        }
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgDataset.query(database, "SELECT id, years(name, 44) AS years FROM patients")
                        .key("id")
                        .features("years")
                        .open())
                .withMessageContaining("the query cannot be read")
                .withMessageContaining("a function there raised an error, which the server's log has (P0001)")
                .satisfies(e -> assertThat(stackTrace(e)).doesNotContain("Byron", "years old"));
    }

    private static String stackTrace(Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    @Test
    void writesNothing() throws Exception {
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgDataset.query(
                                database, "WITH gone AS (DELETE FROM patients RETURNING *) SELECT * FROM gone")
                        .key("id")
                        .features("age")
                        .open())
                .withMessageContaining("the query cannot be read");
        TestPostgres.execute(
                database,
                "CREATE FUNCTION writing() RETURNS int LANGUAGE sql AS 'DELETE FROM patients RETURNING id'",
                "CREATE FUNCTION unlocking() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN SET TRANSACTION READ WRITE; DELETE FROM patients; RETURN 1; END'");
        for (String function : List.of("writing", "unlocking")) {
            assertThatExceptionOfType(PgException.class)
                    .isThrownBy(() -> PgDataset.query(database, "SELECT id, " + function + "() AS x FROM patients")
                            .key("id")
                            .features("x")
                            .open())
                    // In a read-only transaction, and one that cannot be made another.
                    .satisfies(e -> assertThat(e.sqlState())
                            .hasValueSatisfying(state -> assertThat(state).isIn("25006", "25001")));
        }
        try (PgDataset all = patients().features("age").open()) {
            assertThat(all.exampleCount()).isEqualTo(2);
        }
    }

    @Test
    void endsAtTheTimeLimit() {
        PgDataset.Builder slow = PgDataset.query(database, "SELECT id, pg_sleep(60) IS NULL AS x FROM patients")
                .key("id")
                .features("x")
                .statementTimeout(Duration.ofMillis(50));
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(slow::open)
                .withMessage("the query cannot be read: canceling statement due to statement timeout (57014)")
                .satisfies(e -> assertThat(e.sqlState()).contains("57014"));
    }

    @Test
    void endsTheQueryAtTheServerWhenItIsInterrupted() throws Exception {
        PGSimpleDataSource own = TestPostgres.newDatabase();
        CountDownLatch ready = new CountDownLatch(1);
        AtomicReference<Throwable> thrown = new AtomicReference<>(new IllegalStateException("nothing"));
        PgDataset.Builder slow = PgDataset.query(own, "SELECT 1 AS id, pg_sleep(600) IS NULL AS x")
                .key("id")
                .features("x")
                .executor(task -> {
                    new Thread(task).start();
                    ready.countDown();
                });
        Thread loading = new Thread(() -> {
            try {
                slow.open();
            } catch (InterruptedException | RuntimeException e) {
                thrown.set(e);
            }
        });
        loading.start();
        assertThat(ready.await(60, TimeUnit.SECONDS)).isTrue();
        await(
                own,
                "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
                        + " AND state = 'active'");

        loading.interrupt();
        loading.join(60_000);

        assertThat(loading.isAlive()).isFalse();
        assertThat(thrown.get())
                .isInstanceOf(InterruptedException.class)
                .hasMessage("reading the query was interrupted");
        await(
                own,
                "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'"
                        + " AND state = 'active'");
    }

    @Test
    void doesNotWaitForAnExecutorThatDropsItsWork() {
        ExecutorService threads = new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>()) {
            @Override
            public void execute(Runnable task) {
                super.execute(task);
                if (getQueue().contains(task)) {
                    shutdownNow();
                }
            }
        };
        threads.execute(() -> {
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });

        assertThatExceptionOfType(RejectedExecutionException.class)
                .isThrownBy(() -> patients().features("age").executor(threads).open())
                .withMessageContaining("shut down");
    }

    private static void await(PGSimpleDataSource where, String condition) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        try (Connection connection = where.getConnection();
                Statement statement = connection.createStatement()) {
            while (true) {
                try (ResultSet rows = statement.executeQuery(condition)) {
                    rows.next();
                    if (rows.getBoolean(1)) {
                        return;
                    }
                }
                assertThat(System.nanoTime()).as(condition).isLessThan(end);
            }
        }
    }

    @Test
    void givesTheConnectionBackInOrderWhenARowCannotBeUsed() throws Exception {
        try (HikariDataSource pool = new HikariDataSource()) {
            pool.setDataSource(database);
            pool.setMaximumPoolSize(1);
            for (int i = 0; i < 3; i++) {
                assertThatExceptionOfType(PgDatasetException.class)
                        .isThrownBy(() -> PgDataset.query(
                                        pool,
                                        "SELECT i AS id, CASE WHEN i > 100 THEN 'b' ELSE 'a' END AS c FROM generate_series(1, 100000) i")
                                .key("id")
                                .category("c", "a")
                                .open())
                        .withMessage("a value of column 'c' is none of its 1 declared categories");
                try (PgDataset after = PgDataset.table(pool, "patients")
                        .key("id")
                        .features("age")
                        .open()) {
                    assertThat(after.exampleCount()).isEqualTo(2);
                }
            }
        }
    }

    @Tag("direct")
    @Test
    void saysWhoCannotLogIn() {
        PGSimpleDataSource wrong = TestPostgres.asNewRole(database);
        String role = String.valueOf(wrong.getUser());
        TestPostgres.execute(database, "ALTER ROLE " + role + " NOLOGIN");
        wrong.setPassword("wrong");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgDataset.table(wrong, "patients")
                        .key("id")
                        .features("age")
                        .open())
                .withMessageContaining("table patients cannot be read")
                .withMessageContaining(role)
                .satisfies(e -> assertThat(e.sqlState())
                        .hasValueSatisfying(state -> assertThat(state).startsWith("28")));
    }

    @Test
    void namesTheFolderThatCannotTakeTheRows(@TempDir Path folder) {
        Path missing = folder.resolve("missing");
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(() -> patients()
                        .features("age")
                        .maxHeapBytes(0)
                        .folder(missing)
                        .open())
                .withMessageContaining("do not fit in 0 bytes of heap")
                .withMessageContaining(missing.toString());
    }
}
