package io.fedlearn.pg.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.store.AuditLog;
import io.fedlearn.core.store.RunStore;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.formats.audit.AuditSigner;
import io.fedlearn.formats.audit.AuditTrust;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.TestPostgres;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.run.PgRunStore;
import io.fedlearn.pg.run.TestRuns;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

class PgModelRegistryIT {
    private static final PgSchema SCHEMA = TestPostgres.newSchema();

    private final PgModelRegistry registry = PgModelRegistry.of(SCHEMA);

    @BeforeEach
    void empty() {
        TestPostgres.execute(
                SCHEMA.database().dataSource(),
                "TRUNCATE fedlearn.run, fedlearn.run_lease, fedlearn.model, fedlearn.registered_model CASCADE");
    }

    private static Model model(float... values) {
        return Model.builder().trainable("w", Tensor.copyOf(values)).build();
    }

    private ModelVersion register(float value) {
        return registry.register("heart", model(value), Metrics.of("auc", value), "");
    }

    @Test
    void keepsARoundsModelWithItsLineageBeyondItsRun() {
        try (RunStore store = PgRunStore.of(SCHEMA, TestRuns.RUN)) {
            store.create(TestRuns.header(), TestRuns.checkpoint(0));
            store.commit(TestRuns.checkpoint(1), false);
            ModelVersion first = registry.register("heart", TestRuns.RUN, 1, "a first trial");
            ModelVersion initial = registry.register("heart", TestRuns.RUN, 0, "");
            for (int round = 2; round <= 4; round++) {
                store.commit(TestRuns.checkpoint(round), false);
            }
            assertThat(store.model(1)).isEmpty();

            assertThat(first.version()).isEqualTo(1);
            assertThat(first.stage()).isEqualTo(Stage.CANDIDATE);
            assertThat(first.digest()).isEqualTo(TestRuns.model(1).digest());
            assertThat(first.metrics())
                    .isEqualTo(TestRuns.checkpoint(1).record().orElseThrow().metrics());
            assertThat(first.note()).isEqualTo("a first trial");
            assertThat(first.lineage().orElseThrow())
                    .isEqualTo(new Lineage(
                            TestRuns.header(), TestRuns.checkpoint(1).record()));
            assertThat(initial.lineage().orElseThrow().roundNumber()).isZero();
            assertThat(registry.version("heart", 1)).contains(first);
            assertThat(registry.versions("heart")).containsExactly(first, initial);
            assertThat(registry.model("heart", 1)).isEqualTo(TestRuns.model(1));
        }
        TestPostgres.execute(SCHEMA.database().dataSource(), "DELETE FROM fedlearn.run");
        assertThat(registry.model("heart", 2)).isEqualTo(TestRuns.model(0));
        assertThat(registry.version("heart", 1)
                        .orElseThrow()
                        .lineage()
                        .orElseThrow()
                        .run())
                .isEqualTo(TestRuns.header());
    }

    @Test
    void showsLineageInAView() {
        try (RunStore store = PgRunStore.of(SCHEMA, TestRuns.RUN)) {
            store.create(TestRuns.header(), TestRuns.checkpoint(0));
            store.commit(TestRuns.checkpoint(1), false);
            registry.register("heart", TestRuns.RUN, 1, "");
        }
        assertThat(TestPostgres.text(
                        SCHEMA,
                        "SELECT name, version, stage, run_id, round, strategy, audit_sequence, epsilon, settings ->> 'rounds',"
                                + " metrics ->> 'auc' FROM fedlearn.model_lineage"))
                .isEqualTo("heart|1|candidate|heart|1|FedAdam|11|0.5|3|0.75");
    }

    @Test
    void hasOneVersionInProduction() {
        register(1);
        register(2);
        assertThat(registry.production("heart")).isEmpty();

        ModelVersion promoted = registry.promote("heart", 1, "passed the trial");
        assertThat(promoted.stage()).isEqualTo(Stage.PRODUCTION);
        assertThat(registry.promote("heart", 1, "again")).isEqualTo(promoted);
        registry.promote("heart", 2, "better");

        assertThat(registry.production("heart").orElseThrow().version()).isEqualTo(2);
        assertThat(registry.version("heart", 1).orElseThrow().stage()).isEqualTo(Stage.ARCHIVED);
        registry.promote("heart", 1, "rolled back");
        registry.archive("heart", 1, "harmful");
        registry.archive("heart", 1, "again");
        assertThat(registry.production("heart")).isEmpty();
        assertThat(registry.history("heart", 1))
                .extracting(StageChange::stage)
                .containsExactly(Stage.CANDIDATE, Stage.PRODUCTION, Stage.ARCHIVED, Stage.PRODUCTION, Stage.ARCHIVED);
        assertThat(registry.history("heart", 1))
                .extracting(StageChange::reason)
                .containsExactly("", "passed the trial", "version 2 was promoted", "rolled back", "harmful");
    }

    @Test
    void letsOnePromotionComeAfterTheOther() throws Exception {
        List<CompletableFuture<ModelVersion>> changes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            float value = i;
            changes.add(CompletableFuture.supplyAsync(() -> register(value)));
        }
        for (CompletableFuture<ModelVersion> change : changes) {
            change.get(60, TimeUnit.SECONDS);
        }
        assertThat(registry.versions("heart")).extracting(ModelVersion::version).containsExactly(1, 2, 3, 4);
        changes.clear();
        for (int i = 0; i < 24; i++) {
            int version = 1 + i % 4;
            changes.add(CompletableFuture.supplyAsync(() -> registry.promote("heart", version, "")));
        }
        for (CompletableFuture<ModelVersion> change : changes) {
            assertThat(change.get(60, TimeUnit.SECONDS).stage()).isEqualTo(Stage.PRODUCTION);
        }

        assertThat(registry.versions("heart"))
                .extracting(ModelVersion::stage)
                .containsOnlyOnce(Stage.PRODUCTION)
                .contains(Stage.ARCHIVED);
    }

    @Test
    void saysHowTwoVersionsDiffer() {
        registry.register(
                "heart",
                Model.builder()
                        .trainable("w", Tensor.copyOf(new float[] {1, 2, 3}))
                        .trainable("same", Tensor.copyOf(new double[] {4}))
                        .trainable("reshaped", Tensor.copyOf(new float[] {1, 2}))
                        .buffer("gone", Tensor.zeros(TensorType.INT8, Shape.of(2)))
                        .build(),
                Metrics.of("auc", 0.5).with("loss", 2),
                "");
        registry.register(
                "heart",
                Model.builder()
                        .trainable("w", Tensor.copyOf(new float[] {1, 5, 7}))
                        .trainable("same", Tensor.copyOf(new double[] {4}))
                        .trainable("reshaped", Tensor.copyOf(new float[] {1, 2}, 1, 2))
                        .build(),
                Metrics.of("auc", 0.75),
                "");

        ModelComparison comparison = registry.compare("heart", 1, 2);

        assertThat(comparison.metrics()).hasSize(2);
        assertThat(comparison.metrics().get(0).difference()).hasValue(0.25);
        assertThat(comparison.metrics().get(1).second()).isEmpty();
        assertThat(comparison.metrics().get(1).difference()).isEmpty();
        assertThat(comparison.specDifferences()).hasSize(2);
        assertThat(comparison.specDifferences().get(0)).contains("'reshaped'");
        assertThat(comparison.specDifferences().get(1)).isEqualTo("tensor 'gone' is only in the first");
        assertThat(comparison.distances())
                .extracting(ModelComparison.TensorDistance::name)
                .containsExactly("w", "same");
        assertThat(comparison.distances().get(0).l2()).isEqualTo(5);
        assertThat(comparison.distances().get(0).relative().orElseThrow()).isCloseTo(5 / Math.sqrt(14), within(1e-12));
        assertThat(comparison.distances().get(1).l2()).isZero();
    }

    private record Listening(BlockingQueue<Object> told) implements RegistryListener {
        static final String MISSED = "may have missed";

        @Override
        public void changed(RegistryChange change) {
            told.add(change);
            if (change.version() == 2) {
                throw new IllegalStateException("a listener that fails is told the next change");
            }
        }

        @Override
        public void mayHaveMissedChanges() {
            told.add(MISSED);
        }

        Object next() throws InterruptedException {
            Object next = told.poll(60, TimeUnit.SECONDS);
            assertThat(next).isNotNull();
            return next == null ? "" : next;
        }
    }

    @Tag("direct")
    @Test
    void tellsWhoListens() throws Exception {
        Listening listener = new Listening(new LinkedBlockingQueue<>());
        try (Subscription subscription = registry.listen(listener)) {
            assertThat(subscription).isNotNull();
            register(1);
            register(2);
            registry.promote("heart", 1, "");
            registry.promote("heart", 2, "");

            assertThat(listener.next()).isEqualTo(new RegistryChange("heart", 1, Stage.CANDIDATE));
            assertThat(listener.next()).isEqualTo(new RegistryChange("heart", 2, Stage.CANDIDATE));
            assertThat(listener.next()).isEqualTo(new RegistryChange("heart", 1, Stage.PRODUCTION));
            assertThat(listener.next()).isEqualTo(new RegistryChange("heart", 1, Stage.ARCHIVED));
            assertThat(listener.next()).isEqualTo(new RegistryChange("heart", 2, Stage.PRODUCTION));

            TestPostgres.text(
                    SCHEMA,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname ="
                            + " current_database()");
            assertThat(listener.next()).isEqualTo(Listening.MISSED);
            TestPostgres.execute(SCHEMA.database().dataSource(), "NOTIFY fedlearn_registry, 'of somebody else'");
            registry.archive("heart", 2, "");
            assertThat(listener.next()).isEqualTo(new RegistryChange("heart", 2, Stage.ARCHIVED));
        }
        registry.promote("heart", 1, "");
        assertThat(listener.told()).isEmpty();
        assertThat(
                        TestPostgres.text(
                                SCHEMA,
                                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND datname = current_database()"))
                .isEqualTo("0");
    }

    @Tag("direct")
    @Test
    void listensNoLongerThanItsExecutorIsToRun() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (Subscription subscription =
                PgModelRegistry.builder(SCHEMA).executor(threads).build().listen(change -> {})) {
            assertThat(subscription).isNotNull();

            threads.shutdownNow();

            assertThat(threads.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Tag("direct")
    @Test
    void tellsNothingThatWasNotCommitted() throws Exception {
        register(1);
        Listening listener = new Listening(new LinkedBlockingQueue<>());
        PgModelRegistry audited =
                PgModelRegistry.builder(SCHEMA).auditLog(new FullLog()).build();
        try (Subscription subscription = registry.listen(listener)) {
            assertThatExceptionOfType(IllegalStateException.class)
                    .isThrownBy(() -> audited.promote("heart", 1, ""))
                    .withMessage("the log is full");
            assertThatExceptionOfType(IllegalStateException.class)
                    .isThrownBy(() -> audited.register("heart", model(7), Metrics.none(), ""));
            assertThat(registry.versions("heart")).hasSize(1);
            assertThat(registry.production("heart")).isEmpty();

            registry.promote("heart", 1, "");

            assertThat(listener.next()).isEqualTo(new RegistryChange("heart", 1, Stage.PRODUCTION));
            assertThat(subscription).isNotNull();
        }
    }

    private static final class FullLog implements AuditLog {
        @Override
        public AuditHead append(AuditEvent event) {
            throw new IllegalStateException("the log is full");
        }

        @Override
        public AuditHead head() {
            return AuditHead.empty();
        }

        @Override
        public boolean contains(AuditHead earlierHead) {
            return earlierHead.equals(AuditHead.empty());
        }

        @Override
        public void close() {}
    }

    @Test
    void putsEachChangeOnRecord() {
        PgModelRegistry audited =
                PgModelRegistry.builder(SCHEMA).auditLog("registry").build();
        audited.register("heart", model(1), Metrics.none(), "by hand");
        audited.register("heart", model(2), Metrics.none(), "");
        audited.promote("heart", 1, "passed");
        audited.promote("heart", 2, "better");
        audited.archive("heart", 2, "harmful");
        assertThatExceptionOfType(RegistryException.class).isThrownBy(() -> audited.promote("heart", 3, ""));

        assertThat(TestPostgres.text(
                        SCHEMA,
                        "SELECT type, fields ->> 'version', fields ->> 'reason', fields ->> 'formerVersion' FROM"
                                + " fedlearn.audit_record WHERE log = 'registry' ORDER BY sequence"))
                .isEqualTo("model-registered|1|null|null\nmodel-registered|2|null|null\nmodel-promoted|1|passed|null\n"
                        + "model-promoted|2|better|1\nmodel-archived|2|harmful|null");
    }

    @Test
    void signsWhatItPutsOnRecord() throws Exception {
        KeyPair keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        PgModelRegistry.builder(SCHEMA)
                .auditLog("signed")
                .auditSigner(AuditSigner.of(keys.getPrivate()))
                .build()
                .register("heart", model(1), Metrics.none(), "");

        AuditTrust trust = AuditTrust.of(List.of(keys.getPublic())).requiringSignatures();
        AuditReport report = PgAuditLog.of(SCHEMA, "signed").verify(AuditHead.empty(), trust);
        assertThat(report.isWhole()).as(report.toString()).isTrue();
        assertThat(report.recordCount()).isEqualTo(1);
    }

    @Test
    void namesWhatIsNotThere() {
        register(1);
        assertThatExceptionOfType(RegistryException.class)
                .isThrownBy(() -> registry.promote("heart", 2, ""))
                .withMessage("there is no version 2 of model 'heart'");
        assertThatExceptionOfType(RegistryException.class)
                .isThrownBy(() -> registry.promote("lung", 1, ""))
                .withMessage("there is no version 1 of model 'lung'");
        assertThatExceptionOfType(RegistryException.class).isThrownBy(() -> registry.model("lung", 1));
        assertThatExceptionOfType(RegistryException.class).isThrownBy(() -> registry.history("lung", 1));
        assertThatExceptionOfType(RegistryException.class).isThrownBy(() -> registry.compare("heart", 1, 2));
        assertThatExceptionOfType(RegistryException.class)
                .isThrownBy(() -> registry.register("heart", "nowhere", 1, ""))
                .withMessageContaining("round 1 of run 'nowhere'")
                .withMessageContaining("no checkpoint");
        assertThat(registry.names()).containsExactly("heart");
        assertThat(registry.version("lung", 1)).isEmpty();
        assertThat(registry.versions("lung")).isEmpty();
    }

    @Test
    void noticesDamage() {
        register(1);
        TestPostgres.execute(SCHEMA.database().dataSource(), "DELETE FROM fedlearn.model_chunk");

        assertThatExceptionOfType(RegistryException.class)
                .isThrownBy(() -> registry.model("heart", 1))
                .withMessageContaining("model 'heart' version 1 (candidate) is damaged")
                .withMessageContaining("chunk 0 is missing");
    }

    @ParameterizedTest
    @ValueSource(strings = {"'; DROP TABLE fedlearn.model; --", "\"", "\\", "a'b", "日本 \uD83D\uDE00", "$1", "?", "%s"})
    void takesNamesAsTheyAre(String name) {
        registry.register(name, model(1), Metrics.of(name, 1), name);
        registry.promote(name, 1, name);

        assertThat(registry.names()).containsExactly(name);
        ModelVersion version = registry.production(name).orElseThrow();
        assertThat(version.note()).isEqualTo(name);
        assertThat(version.metrics()).isEqualTo(Metrics.of(name, 1));
        assertThat(registry.history(name, 1)).extracting(StageChange::reason).containsExactly(name, name);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\0b", "\uD800"})
    void refusesNamesThatAColumnCannotHold(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> registry.register(name, model(1), Metrics.none(), ""))
                .withMessageContaining("a model's name must be");
    }

    @Test
    void needsNoMoreThanItsRolesRights() {
        PGSimpleDataSource database = (PGSimpleDataSource) SCHEMA.database().dataSource();
        PGSimpleDataSource coordinator = TestPostgres.asNewRole(database);
        PGSimpleDataSource reader = TestPostgres.asNewRole(database);
        SCHEMA.grant(PgRole.COORDINATOR, String.valueOf(coordinator.getUser()));
        SCHEMA.grant(PgRole.READER, String.valueOf(reader.getUser()));
        PgModelRegistry leading = PgModelRegistry.builder(PgSchema.of(coordinator))
                .auditLog("heart")
                .build();
        PgModelRegistry reading = PgModelRegistry.of(PgSchema.of(reader));

        leading.register("heart", model(1), Metrics.none(), "");
        leading.promote("heart", 1, "");

        assertThat(reading.production("heart")).isPresent();
        assertThat(reading.model("heart", 1)).isEqualTo(model(1));
        assertThat(reading.history("heart", 1))
                .extracting(StageChange::by)
                .containsOnly(String.valueOf(coordinator.getUser()));
        reading.listen(change -> {}).close();
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> reading.archive("heart", 1, ""))
                .withMessageContaining("model 'heart' version 1 cannot be archived")
                .withMessageContaining("permission denied");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() -> PgModelRegistry.of(PgSchema.of(TestPostgres.newDatabase())))
                .withMessageContaining("PgSchema.migrate");
    }
}
