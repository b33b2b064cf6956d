package io.fedlearn.pg.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.fedlearn.core.budget.LedgerEntry;
import io.fedlearn.core.budget.PrivacyBudgetExceededException;
import io.fedlearn.core.budget.PrivacyLedgerException;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.budget.PgBudgets;
import io.fedlearn.pg.budget.PrivacyLimit;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.privacy.query.Aggregate;
import io.fedlearn.privacy.query.Comparison;
import io.fedlearn.privacy.query.Condition;
import io.fedlearn.privacy.query.Noise;
import io.fedlearn.privacy.query.PrivateQuery;
import io.fedlearn.privacy.query.QueryAnswer;
import io.fedlearn.privacy.query.QueryFailedException;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class PgPrivateQueriesIT {
    static final String SCOPE = "table/visits";
    /** Reads the column at which a query over {@code held} waits for a lock. */
    static final PrivateQuery QUESTION =
            PrivateQuery.of(Aggregate.count(), Noise.laplace(0.5)).where(Condition.not(Condition.isMissing("held")));

    private static final PrivateQuery COUNT = PrivateQuery.of(Aggregate.count(), Noise.laplace(0.5));

    private final PgSchema schema = TestPostgres.newSchema();
    private final PGSimpleDataSource database =
            (PGSimpleDataSource) schema.database().dataSource();
    private final PgBudgets budgets = PgBudgets.of(schema);

    @BeforeEach
    void makeTables() {
        TestPostgres.execute(
                database,
                "CREATE TABLE visits (patient int NOT NULL, cost float8)",
                "INSERT INTO visits SELECT i, i % 100 FROM generate_series(1, 1000) i",
                "CREATE VIEW held AS SELECT patient, cost, pg_advisory_xact_lock_shared(7)::text || 'held' AS held FROM visits");
        budgets.set(SCOPE, PrivacyLimit.ofQueries(1));
    }

    private PgPrivateQueries queries(String table) {
        return PgPrivateQueries.over(schema, PgQuerySource.of(database, "public", table, "patient"), SCOPE)
                .build();
    }

    private List<LedgerEntry> entries() {
        return budgets.ledger().entries(SCOPE);
    }

    private List<String> audit(String fields) {
        return TestPostgres.rows(database, "SELECT " + fields + " FROM fedlearn.audit_record ORDER BY sequence");
    }

    @Test
    void answersAndRecordsQuestionCostAndRelease() {
        PgPrivateQueries queries = queries("visits");

        QueryAnswer answer = queries.ask(COUNT, "Dr. Ada");

        // Off by 100 with Laplace noise of scale 2: one in 10^21.
        assertThat(answer.value()).isBetween(900.0, 1100.0);
        // Scales of noise are rounded up.
        assertThat(answer.spent().epsilon()).isBetween(0.4999, 0.5);
        assertThat(queries.spent()).isEqualTo(answer.spent());
        assertThat(entries()).singleElement().satisfies(entry -> {
            assertThat(entry.charge().mechanism())
                    .isEqualTo(queries.charge(COUNT).mechanism());
            assertThat(entry.charge().parameters().getString("analyst")).contains("Dr. Ada");
        });
        assertThat(audit("type")).containsExactly("privacy-debit", "query-answered");
        assertThat(audit("coalesce(fields->>'parameter.purpose', fields->>'cost')"))
                .containsExactly(COUNT.toString(), queries.charge(COUNT).mechanism());
        assertThat(audit("coalesce(fields->>'parameter.query', fields->>'query')").stream()
                        .distinct())
                .hasSize(1);
        assertThat(String.join(" ", audit("record"))).doesNotContain("" + answer.value());
    }

    @Test
    void recordsWhatIsRefusedAtNoCost() {
        PgPrivateQueries queries = queries("visits");
        PrivateQuery noColumn = COUNT.where(Condition.compare("salary", Comparison.GREATER, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> queries.ask(noColumn, "x"));
        PrivateQuery dear = PrivateQuery.of(Aggregate.count(), Noise.laplace(1.5));
        assertThatExceptionOfType(PrivacyBudgetExceededException.class).isThrownBy(() -> queries.ask(dear, "x"));
        PrivateQuery notText = COUNT.where(Condition.in("held", "\ud83d"));
        assertThatIllegalArgumentException().isThrownBy(() -> queries("held").ask(notText, "x"));

        assertThat(entries()).isEmpty();
        assertThat(audit("type || ' ' || (fields->>'cost')"))
                .containsExactly("query-refused nothing", "query-refused nothing", "query-refused nothing");
        assertThat(audit("fields->>'question'").get(0)).isEqualTo(noColumn.toString());
        assertThat(audit("fields->>'reason'").get(1)).contains("with this charge it would be (1.4999");
    }

    @Test
    void keepsTheDebitOfWhatFailsAndTellsNobodyWhy() {
        TestPostgres.execute(
                database, "CREATE VIEW divided AS SELECT patient, (1 / (cost::int - 77))::float8 AS share FROM visits");
        PgPrivateQueries queries = queries("divided");
        PrivateQuery query = COUNT.where(Condition.compare("share", Comparison.AT_MOST, 1));

        assertThatExceptionOfType(QueryFailedException.class)
                .isThrownBy(() -> queries.ask(query, "x"))
                .withNoCause();

        assertThat(entries()).hasSize(1);
        assertThat(audit("type")).containsExactly("privacy-debit", "query-failed");
        assertThat(audit("fields->>'reason'").get(1)).isEqualTo("io.fedlearn.pg.PgException 22012");
        assertThat(audit("fields->>'cost'").get(1))
                .isEqualTo(queries.charge(query).mechanism());
    }

    @Test
    void releasesNothingThatCannotBeRecorded() {
        TestPostgres.execute(
                database,
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no room''; END'",
                "CREATE TRIGGER a_fail BEFORE INSERT ON fedlearn.audit_record FOR EACH ROW WHEN (NEW.type = 'query-answered')"
                        + " EXECUTE FUNCTION fail()");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> queries("visits").ask(COUNT, "x"))
                .withMessageContaining("a function there raised an error")
                .withMessageContaining("P0001");
        assertThat(entries()).hasSize(1);

        TestPostgres.execute(
                database,
                "DROP TRIGGER a_fail ON fedlearn.audit_record",
                "CREATE TRIGGER a_fail BEFORE INSERT ON fedlearn.audit_record FOR EACH ROW WHEN (NEW.type = 'privacy-debit')"
                        + " EXECUTE FUNCTION fail()");
        assertThatExceptionOfType(PrivacyLedgerException.class)
                .isThrownBy(() -> queries("visits").ask(COUNT, "x"))
                .withMessageContaining("nothing may be released");
        assertThat(entries()).hasSize(1);
    }

    @Test
    void keepsTheDebitIfTheServerEndsTheConnectionBeforeTheAnswer() throws Exception {
        try (Connection holder = database.getConnection();
                Statement hold = holder.createStatement()) {
            // In a transaction, so that it is held behind a pooler too.
            holder.setAutoCommit(false);
            hold.execute("SELECT pg_advisory_xact_lock(7)");
            CompletableFuture<QueryAnswer> answer =
                    CompletableFuture.supplyAsync(() -> queries("held").ask(QUESTION, "x"));
            String backend = awaitHeld();
            assertThat(entries()).hasSize(1);

            TestPostgres.execute(database, "SELECT pg_terminate_backend(" + backend + ")");

            assertThatExceptionOfType(ExecutionException.class)
                    .isThrownBy(() -> answer.get(30, TimeUnit.SECONDS))
                    .withCauseInstanceOf(QueryFailedException.class);
        }
        assertThat(entries()).hasSize(1);
        assertThat(audit("type")).containsExactly("privacy-debit", "query-failed");
        assertThat(audit("fields->>'reason'").get(1)).isEqualTo("io.fedlearn.pg.PgException 57P01");
    }

    @Test
    void keepsTheDebitIfTheProcessIsKilledBeforeTheAnswer() throws Exception {
        Process asking = AskingProcess.start(database, "held");
        try (Connection holder = database.getConnection();
                Statement hold = holder.createStatement()) {
            // In a transaction, so that it is held behind a pooler too.
            holder.setAutoCommit(false);
            hold.execute("SELECT pg_advisory_xact_lock(7)");
            awaitHeld();
            asking.destroyForcibly().waitFor();
            assertThat(entries()).hasSize(1);
            assertThat(audit("type")).containsExactly("privacy-debit");
        } finally {
            asking.destroyForcibly();
        }
        queries("visits").ask(COUNT, "x");
        assertThatExceptionOfType(PrivacyBudgetExceededException.class)
                .isThrownBy(() -> queries("visits").ask(COUNT, "x"));
    }

    /** Waits until a query waits for the lock; the process id of its backend. */
    private String awaitHeld() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (System.nanoTime() < deadline) {
            List<String> waiting = TestPostgres.rows(
                    database,
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'");
            if (!waiting.isEmpty()) {
                return waiting.get(0);
            }
            Thread.onSpinWait();
        }
        throw new IllegalStateException("no query came to wait");
    }

    @Test
    void needsNoMoreThanTheAnalystsPartAndTheColumnsItReads() {
        PGSimpleDataSource service = TestPostgres.asNewRole(database);
        schema.grant(PgRole.ANALYST, String.valueOf(service.getUser()));
        TestPostgres.execute(database, "GRANT SELECT (patient, cost) ON visits TO " + service.getUser());

        PgPrivateQueries queries = PgPrivateQueries.over(
                        PgSchema.of(service), PgQuerySource.of(service, "public", "visits", "patient"), SCOPE)
                .build();

        assertThat(queries.ask(PrivateQuery.of(Aggregate.mean("cost", 0, 100), Noise.laplace(1)), "x")
                        .groups())
                .hasSize(1);
        assertThatExceptionOfType(PrivacyBudgetExceededException.class).isThrownBy(() -> queries.ask(COUNT, "x"));
        assertThat(audit("type")).containsExactly("privacy-debit", "query-answered", "query-refused");
    }

    @Test
    void refusesAnalystsWithoutAVisibleName() {
        PgPrivateQueries queries = queries("visits");
        for (String name : List.of("", "a\nb", "a\u0000", "\ud83d", "x".repeat(501))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> queries.ask(COUNT, name))
                    .withMessageContaining("analyst must");
        }
        assertThat(audit("type")).isEmpty();
    }
}
