package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.aggregators.Scaffold;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.FineTuning;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.training.TrainingSettings;
import io.fedlearn.examples.postgres.LocalPostgres;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.pg.registry.ModelComparison;
import io.fedlearn.pg.registry.ModelVersion;
import io.fedlearn.pg.registry.PgModelRegistry;
import io.fedlearn.pg.registry.RegistryChange;
import io.fedlearn.pg.registry.RegistryListener;
import io.fedlearn.pg.registry.Stage;
import io.fedlearn.pg.registry.StageChange;
import io.fedlearn.pg.registry.Subscription;
import io.fedlearn.pg.run.PgClientStateStore;
import io.fedlearn.pg.run.PgRunStore;
import io.fedlearn.pg.schema.PgSchema;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Code of {@code docs/postgresql-registry.md}. */
final class PgRegistryIT {
    /** Two registrations, three promotions of which two archive another version, and one that is archived. */
    private static final int CHANGES = 8;

    private final LinkedBlockingQueue<OptionalInt> inUse = new LinkedBlockingQueue<>();

    @Test
    void takesModelsIntoProductionAndBack() throws Exception {
        try (LocalPostgres server = LocalPostgres.start();
                HikariDataSource database = server.open("coordinator")) {
            PgSchema schema = PgSchema.of(database).migrate();
            Run spring = train(schema, "heart-spring", 2);
            Run autumn = train(schema, "heart-autumn", 10);
            try (Subscription subscription = follow(schema, database)) {
                assertThat(subscription).isNotNull();
                assertThat(next()).isEmpty();
                changes(schema, spring, autumn);
                for (int told = 1; told < CHANGES; told++) {
                    next();
                }
                assertThat(next()).isEmpty();
                PgModelRegistry.of(schema).promote("heart", 2, "mended");
                // The listener loads at once what was promoted.
                assertThat(next()).hasValue(2);
            }
            assertThat(text(
                            database,
                            "SELECT version, stage, run_id, round > 0, strategy, (metrics ->> 'auc')::float8 > 0.7"
                                    + " FROM fedlearn.model_lineage WHERE name = 'heart' ORDER BY version"))
                    .containsExactly("1|archived|heart-spring|t|FedAvg|t", "2|production|heart-autumn|t|FedAvg|t");
            assertThat(
                            text(
                                    database,
                                    "SELECT version, stage, reason FROM fedlearn.model_stage WHERE name = 'heart' ORDER BY set_at"))
                    .contains("1|archived|version 2 was promoted", "1|archived|withdrawn by the board");
        }
    }

    private static Run train(PgSchema schema, String runId, int rounds) throws InterruptedException {
        try (PgRunStore store = PgRunStore.of(schema, runId)) {
            return Federation.of(Hospitals.all())
                    .strategy(FedAvg.create())
                    .initialModel(Hospitals.initialModel())
                    .rounds(rounds)
                    .runId(runId)
                    .store(store)
                    .run();
        }
    }

    private static void changes(PgSchema schema, Run spring, Run autumn) {
        // tag::register[]
        PgModelRegistry registry =
                PgModelRegistry.builder(schema).auditLog("registry").build();
        ModelVersion first =
                registry.register("heart", "heart-spring", spring.best().round(), "a first trial");
        ModelVersion second =
                registry.register("heart", "heart-autumn", autumn.best().round(), "more rounds");
        // end::register[]
        assertThat(first.stage()).isEqualTo(Stage.CANDIDATE);
        assertThat(second.version()).isEqualTo(2);
        // tag::compare[]
        ModelComparison comparison = registry.compare("heart", 1, 2);
        comparison.metrics().forEach(System.out::println);
        comparison.specDifferences().forEach(System.out::println);
        comparison.distances().forEach(System.out::println);
        // end::compare[]
        assertThat(comparison.metrics())
                .extracting(ModelComparison.MetricPair::name)
                .contains("auc", "loss");
        assertThat(comparison.specDifferences()).isEmpty();
        assertThat(comparison.distances()).isNotEmpty();
        // tag::promote[]
        registry.promote("heart", 1, "passed the trial of May");
        registry.promote("heart", 2, "better in each hospital"); // 1 is archived
        registry.promote("heart", 1, "2 alarms too often"); // back again: 2 is archived
        // end::promote[]
        // tag::use[]
        int version = registry.production("heart").orElseThrow().version();
        LogisticRegression classifier = LogisticRegression.of(2).standardizing();
        classifier.load(registry.model("heart", version));
        float probability = classifier.predict(61, 148)[0];
        // end::use[]
        assertThat(version).isEqualTo(1);
        assertThat(probability).isBetween(0f, 1f);
        assertThat(registry.model("heart", version)).isEqualTo(spring.bestModel());
        // tag::archive[]
        registry.archive("heart", 1, "withdrawn by the board"); // none is in production now
        // end::archive[]
        assertThat(registry.production("heart")).isEmpty();
        // tag::history[]
        for (StageChange change : registry.history("heart", 1)) {
            System.out.println(change.at() + " " + change.by() + " " + change.stage() + " " + change.reason());
        }
        // end::history[]
        assertThat(registry.history("heart", 1))
                .extracting(StageChange::stage)
                .containsExactly(Stage.CANDIDATE, Stage.PRODUCTION, Stage.ARCHIVED, Stage.PRODUCTION, Stage.ARCHIVED);
    }

    private Subscription follow(PgSchema schema, DataSource direct) {
        // tag::listen[]
        PgModelRegistry registry =
                PgModelRegistry.builder(schema).listeningOn(direct).build();
        Subscription subscription = registry.listen(new RegistryListener() {
            @Override
            public void changed(RegistryChange change) {
                load(registry);
            }

            @Override
            public void mayHaveMissedChanges() {
                load(registry);
            }
        });
        load(registry); // what was promoted before
        // end::listen[]
        return subscription;
    }

    private void load(PgModelRegistry registry) {
        inUse.add(registry.production("heart").stream()
                .mapToInt(ModelVersion::version)
                .findFirst());
    }

    private OptionalInt next() throws InterruptedException {
        OptionalInt next = inUse.poll(60, TimeUnit.SECONDS);
        assertThat(next).isNotNull();
        return next == null ? OptionalInt.empty() : next;
    }

    @Test
    void keepsTheStateOfClientsAtTheSite() throws Exception {
        try (LocalPostgres server = LocalPostgres.start();
                HikariDataSource database = server.open("north")) {
            PgSchema.of(database).migrate();
            // tag::states[]
            ClientStateStore states = PgClientStateStore.of(PgSchema.of(database));
            // end::states[]
            // tag::simulated[]
            Federation federation = Federation.of(Hospitals.all())
                    .strategy(Scaffold.withClients(3))
                    .initialModel(Hospitals.initialModel())
                    .rounds(3)
                    .runId("heart-2026")
                    .clientStates(states)
                    .build();
            FineTuning tuned = federation.fineTune(federation.run(), TrainingSettings.defaults());
            Model personal = tuned.personalModel(states, "north").orElseThrow();
            // end::simulated[]
            assertThat(personal.spec()).isEqualTo(Hospitals.initialModel().spec());
            assertThat(text(
                            database,
                            "SELECT client_id, name, max(round) FROM fedlearn.client_state"
                                    + " WHERE client_id = 'north' GROUP BY client_id, name ORDER BY name"))
                    .hasSize(2);
        }
    }

    private static List<String> text(DataSource database, String sql) throws SQLException {
        List<String> lines = new ArrayList<>();
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                List<String> cells = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    cells.add(String.valueOf(rows.getString(i)));
                }
                lines.add(String.join("|", cells));
            }
        }
        return lines;
    }
}
