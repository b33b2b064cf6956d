package io.fedlearn.pg;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.core.FedLearnException;
import io.fedlearn.core.budget.PrivacyCharge;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.RunHeader;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.Checkpoint;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.budget.PgBudgets;
import io.fedlearn.pg.budget.PgPrivacyLedger;
import io.fedlearn.pg.budget.PrivacyLimit;
import io.fedlearn.pg.data.PgDataset;
import io.fedlearn.pg.query.PgPrivateQueries;
import io.fedlearn.pg.query.PgQuerySource;
import io.fedlearn.pg.registry.PgModelRegistry;
import io.fedlearn.pg.run.PgClientStateStore;
import io.fedlearn.pg.run.PgRunStore;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.privacy.query.Aggregate;
import io.fedlearn.privacy.query.Comparison;
import io.fedlearn.privacy.query.Condition;
import io.fedlearn.privacy.query.Noise;
import io.fedlearn.privacy.query.PrivateQuery;
import java.sql.SQLException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every text that a caller may give, and every text that is meant to be more than one: it is refused in words, or it is data. It is
 * never SQL: nothing that is in the catalogue changes, and the server never complains about the form of a statement.
 */
class SqlInjectionIT {
    private static final List<String> HOSTILE = List.of(
            "'; DROP TABLE canary; --",
            "\"; DROP TABLE canary; --",
            "canary\"; CREATE TABLE broken_out (x int); --",
            "' OR '1'='1",
            "x') UNION SELECT secret FROM canary --",
            "$$; DROP TABLE canary; $$",
            "$tag$'; DROP TABLE canary; $tag$",
            "/* */ DROP TABLE canary /*",
            "-- ",
            "\\'; DROP TABLE canary; --",
            "\\",
            "E'\\047'",
            "\u2019; DROP TABLE canary; --",
            "\uff07; DROP TABLE canary; \uff07",
            "nul\u0000'; DROP TABLE canary; --",
            "%_%",
            "{s}.canary {r}",
            "a\nDROP TABLE canary;\n",
            "? ?::text :name @> ?",
            "half a pair \ud83d",
            "pg_catalog.pg_class",
            "x".repeat(10_000) + "'");

    /** What the server says if a text became part of a statement: a syntax error, a column or a function that nobody has. */
    private static final Set<String> PASTED = Set.of("42601", "42703", "42883", "42P01", "42P02", "22P02", "42000");

    /** Hands a text to the library, in one place; the text as the library gives it back, if it does. */
    @FunctionalInterface
    interface Place {
        Optional<String> take(String text) throws Exception;
    }

    private static HikariDataSource database;
    private static PgSchema schema;
    private static final Map<String, Place> PLACES = new LinkedHashMap<>();

    @BeforeAll
    static void open() {
        HikariConfig config = new HikariConfig();
        config.setDataSource(TestPostgres.newSchema().database().dataSource());
        config.setMaximumPoolSize(6);
        database = new HikariDataSource(config);
        schema = PgSchema.of(database);
        TestPostgres.execute(
                database,
                "CREATE TABLE canary (secret text)",
                "INSERT INTO canary VALUES ('sings')",
                "CREATE TABLE visits (patient bigint NOT NULL, cost float8, note text, more jsonb)",
                "INSERT INTO visits VALUES (1, 2, 'a', '{}'), (2, 3, 'it''s', '{}')");
        PgBudgets.of(schema).set("visits", PrivacyLimit.ofQueries(1e6));
    }

    @AfterAll
    static void close() {
        database.close();
    }

    private static Optional<String> nothing(Object ignored) {
        return Optional.empty();
    }

    private static PgQuerySource visits() {
        return PgQuerySource.of(database, "public", "visits", "patient");
    }

    private static PrivateQuery counting(Condition where) {
        return PrivateQuery.of(Aggregate.count(), Noise.laplace(0.001)).where(where);
    }

    private static Optional<String> ask(PrivateQuery query) {
        return nothing(PgPrivateQueries.over(schema, visits(), "visits").build().ask(query, "x"));
    }

    private static PrivacyCharge charge(String scope, String mechanism, Config parameters) {
        return new PrivacyCharge(scope, mechanism, parameters);
    }

    private static Model model() {
        return Model.builder().trainable("w", Tensor.wrap(new float[] {1})).build();
    }

    static Stream<String> places() {
        PLACES.clear();
        PLACES.put("schema", text -> nothing(PgSchema.of(database, text).migrate()));
        PLACES.put("role", text -> nothing(schema.grant(PgRole.READER, text)));
        PLACES.put("query schema", text -> nothing(PgQuerySource.of(database, text, "visits", "patient")));
        PLACES.put("query table", text -> nothing(PgQuerySource.of(database, "public", text, "patient")));
        PLACES.put("person column", text -> nothing(PgQuerySource.of(database, "public", "visits", text)));
        PLACES.put(
                "column of a source",
                text -> nothing(PgQuerySource.builder(database, "public", "visits", "patient")
                        .columns("cost", text)
                        .build()));
        PLACES.put("column of a comparison", text -> ask(counting(Condition.compare(text, Comparison.LESS, 1))));
        PLACES.put("column of an aggregate", text -> ask(PrivateQuery.of(Aggregate.sum(text, 0, 1), Noise.laplace(1))));
        PLACES.put(
                "column of groups", text -> ask(counting(Condition.everyRow()).groupedBy(text, "a")));
        PLACES.put("text of a condition", text -> ask(counting(Condition.in("note", text, "a"))));
        PLACES.put("key of a group", text -> ask(counting(Condition.everyRow()).groupedBy("note", text, "a")));
        PLACES.put(
                "key of a group of numbers",
                text -> ask(counting(Condition.everyRow()).groupedBy("cost", text)));
        PLACES.put(
                "analyst",
                text -> nothing(PgPrivateQueries.over(schema, visits(), "visits")
                        .build()
                        .ask(counting(Condition.everyRow()), text)));
        PLACES.put(
                "scope of queries",
                text -> nothing(PgPrivateQueries.over(schema, visits(), text)
                        .build()
                        .ask(counting(Condition.everyRow()), "x")));
        PLACES.put("scope of a limit", text -> {
            PgBudgets.of(schema).set(text, PrivacyLimit.ofQueries(1));
            return Optional.of(PgBudgets.of(schema).statement(text).scope());
        });
        PLACES.put("scope of a charge", text -> {
            PgPrivacyLedger ledger = PgPrivacyLedger.of(schema);
            ledger.append(
                    charge(text, "none", Config.empty()), ledger.entries(text).size());
            return ledger.scopes().stream().filter(text::equals).findFirst();
        });
        PLACES.put("mechanism and parameters", text -> {
            PgPrivacyLedger ledger = PgPrivacyLedger.of(schema);
            int known = ledger.entries("texts").size();
            ledger.append(charge("texts", text, Config.of(Map.of(text, text))), known);
            return Optional.of(ledger.entries("texts", known).get(0).charge().mechanism());
        });
        PLACES.put("audit log", text -> {
            PgAuditLog log = PgAuditLog.of(schema, text);
            log.append(new AuditEvent(Instant.EPOCH, "tried", Config.empty()));
            return PgAuditLog.names(schema).stream().filter(text::equals).findFirst();
        });
        PLACES.put(
                "audit event",
                text -> nothing(PgAuditLog.of(schema, "texts")
                        .append(new AuditEvent(Instant.EPOCH, text, Config.of(Map.of(text, text))))));
        PLACES.put(
                "audit log of queries",
                text -> nothing(PgPrivateQueries.over(schema, visits(), "visits")
                        .auditLog(text)
                        .build()
                        .ask(counting(Condition.everyRow()), "x")));
        PLACES.put("run", text -> {
            try (PgRunStore store = PgRunStore.of(schema, text)) {
                store.create(
                        new RunHeader(
                                text, 1, text, Config.of(Map.of(text, text)), model().digest(), text, Instant.EPOCH),
                        new Checkpoint(0, model(), Map.of(), Optional.empty()));
                return store.load().map(run -> run.header().runId());
            }
        });
        PLACES.put("holder of a run", text -> {
            try (PgRunStore store =
                    PgRunStore.builder(schema, "held").holder(text).build()) {
                return nothing(store.isLeader());
            }
        });
        PLACES.put("client and its state", text -> {
            try (PgClientStateStore store = PgClientStateStore.of(schema)) {
                ClientStateStore.Key key = new ClientStateStore.Key(text, text, text);
                store.save(key, 1, model());
                store.deleteBefore(key, 1);
                return store.load(key, 1).isPresent() ? Optional.of(text) : Optional.of("lost");
            }
        });
        PLACES.put("model of the registry", text -> {
            PgModelRegistry registry = PgModelRegistry.of(schema);
            registry.register(text, model(), Metrics.of("loss", 1), "");
            registry.promote(text, 1, text);
            return registry.names().stream().filter(text::equals).findFirst();
        });
        PLACES.put("note and run of the registry", text -> {
            PgModelRegistry registry = PgModelRegistry.of(schema);
            registry.register("noted", model(), Metrics.of(text, 1), text);
            return nothing(registry.register("noted", text, 1, text));
        });
        PLACES.put("name in a data set", text -> nothing(data(PgDataset.table(database, text))));
        PLACES.put("schema of a data set", text -> nothing(data(PgDataset.table(database, text, "visits"))));
        PLACES.put(
                "key of a data set",
                text -> nothing(PgDataset.table(database, "public", "visits")
                        .key(text)
                        .features("cost")
                        .open()));
        PLACES.put(
                "feature of a data set",
                text -> nothing(PgDataset.table(database, "public", "visits")
                        .key("patient")
                        .features("cost", text)
                        .open()));
        PLACES.put(
                "category of a data set",
                text -> nothing(
                        data(PgDataset.table(database, "public", "visits").category("note", "a", "it's", text))));
        PLACES.put(
                "path in a data set",
                text -> nothing(
                        data(PgDataset.table(database, "public", "visits").json("more", text))));
        PLACES.put(
                "value of a condition of a data set",
                text -> nothing(data(
                        PgDataset.table(database, "public", "visits").where("note <> ? AND note <> ?", text, "b"))));
        PLACES.put(
                "list of a condition of a data set",
                text -> nothing(data(PgDataset.table(database, "public", "visits")
                        .where("note = ANY(?) OR note = ?", List.of(text, "it's"), "a"))));
        PLACES.put(
                "value of a query of a data set",
                text -> nothing(
                        data(PgDataset.query(database, "SELECT *, ?::text AS said FROM visits WHERE patient > 0", text)
                                .category("said", text))));
        PLACES.put(
                "what a data set is split by",
                text -> nothing(
                        data(PgDataset.table(database, "public", "visits").splitBy(text))));
        PLACES.put(
                "label of a data set",
                text -> nothing(data(PgDataset.table(database, "public", "visits")
                        .label(text)
                        .labelClass("note", "a", "it's", text))));
        return PLACES.keySet().stream();
    }

    private static PgDataset data(PgDataset.Builder builder) throws InterruptedException {
        try (PgDataset dataset = builder.key("patient").features("cost").open()) {
            return dataset;
        }
    }

    @ParameterizedTest
    @MethodSource("places")
    void takesTextsForDataOrRefusesThem(String place) {
        List<String> before = catalogue();
        for (String text : HOSTILE) {
            Optional<String> given;
            try {
                given = PLACES.getOrDefault(place, Optional::of).take(text);
            } catch (IllegalArgumentException | FedLearnException refused) {
                assertRefusedInWords(place, text, refused);
                continue;
            } catch (Exception e) {
                throw new AssertionError(place + " does not refuse in words: " + shown(text), e);
            }
            given.ifPresent(back -> assertThat(back)
                    .as("%s takes for itself %s", place, shown(text))
                    .isEqualTo(text));
        }
        assertThat(catalogue()).isEqualTo(before);
    }

    private static void assertRefusedInWords(String place, String text, RuntimeException refused) {
        assertThat(refused.getMessage()).as("%s refuses %s", place, shown(text)).isNotBlank();
        for (Throwable cause = refused; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql) {
                assertThat(PASTED)
                        .as("%s with %s makes the server say: %s", place, shown(text), sql.getMessage())
                        .doesNotContain(String.valueOf(sql.getSQLState()));
            }
        }
    }

    private static String shown(String text) {
        return text.length() > 60 ? text.substring(0, 60) + "\u2026" : text;
    }

    /** All that has a name and does not come with data, and what the canary holds. */
    private static List<String> catalogue() {
        return TestPostgres.rows(
                database,
                "SELECT 'relation ' || relnamespace::regnamespace || '.' || relname || ' ' || relacl::text FROM pg_class"
                        + " WHERE relnamespace::regnamespace::text NOT LIKE 'pg_toast%'"
                        + " AND relnamespace::regnamespace::text NOT LIKE 'pg_temp%'"
                        + " UNION ALL SELECT 'schema ' || nspname FROM pg_namespace"
                        + " WHERE nspname NOT LIKE 'pg_toast%' AND nspname NOT LIKE 'pg_temp%'"
                        + " UNION ALL SELECT 'function ' || proname || coalesce(prosrc, '') FROM pg_proc"
                        + " UNION ALL SELECT 'role ' || rolname FROM pg_roles"
                        + " UNION ALL SELECT 'row ' || secret FROM canary"
                        + " UNION ALL SELECT 'visits ' || count(*) FROM visits ORDER BY 1");
    }

    @Test
    void wouldNoticeAStatementThatWasPasted() {
        List<String> before = catalogue();
        TestPostgres.execute(database, "CREATE TABLE broken_out (x int)");
        assertThat(catalogue()).isNotEqualTo(before);
        TestPostgres.execute(database, "DROP TABLE broken_out");
        assertThat(catalogue()).isEqualTo(before);
    }
}
