package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.training.FeatureStatistics;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.examples.postgres.LocalPostgres;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.pg.data.MissingValues;
import io.fedlearn.pg.data.PgDataset;
import io.fedlearn.pg.data.PgDatasetException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Code of {@code docs/postgresql-data.md}. */
final class PostgresqlDataIT {
    private static void execute(DataSource dataSource, String... statements) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    @Test
    void trainsOnPatientsInADatabase() throws Exception {
        try (LocalPostgres server = LocalPostgres.start();
                var dataSource = server.open("clinic")) {
            execute(
                    dataSource,
                    "CREATE SCHEMA clinic",
                    "CREATE TABLE clinic.patients (patient_id int PRIMARY KEY, site text, born date, age int, chol double precision,"
                            + " sex text, ecg real[], scan bytea, lab jsonb, sick boolean)",
                    "INSERT INTO clinic.patients SELECT i, CASE WHEN i % 3 = 0 THEN 'south' ELSE 'north' END, date '1950-01-01' + i,"
                            + " 20 + i % 60, CASE WHEN i % 10 = 0 THEN NULL ELSE 150 + i % 100 END, CASE WHEN i % 2 = 0 THEN 'f' ELSE 'm' END,"
                            + " ARRAY[i, i + 1]::real[], '\\x00010203', '{\"liver\": {\"alt\": 30}}', i % 60 > 30"
                            + " FROM generate_series(1, 300) i");
            trains(dataSource);
            readsAQuery(dataSource);
            declaresEachKind(dataSource);
            refuses(dataSource);
        }
    }

    private static void trains(DataSource dataSource) throws Exception {
        // tag::read[]
        PgDataset patients = PgDataset.table(dataSource, "clinic.patients")
                .key("patient_id")
                .features("age", "chol")
                .category("sex", "f", "m")
                .label("sick")
                .missing(MissingValues.imputeMedian())
                .open();
        PgDataset.Split split = patients.split(7, 0.8, 0, 0.2);
        Client hospital =
                LocalTrainingClient.of(() -> LogisticRegression.of(4).standardizing(), split.training(), split.test());
        // end::read[]
        try (patients) {
            Map<String, Client> hospitals = Map.of("north", hospital);
            // tag::train[]
            FeatureStatistics statistics = Federation.of(hospitals).build().featureStatistics(4);
            Run run = Federation.of(hospitals)
                    .strategy(FedAvg.create())
                    .initialModel(
                            LogisticRegression.of(4).standardizing(statistics).initialModel(1))
                    .rounds(5)
                    .run();
            // end::train[]
            assertThat(run.best().metrics().get("auc").orElseThrow()).isGreaterThan(0.9);
            // tag::report[]
            PgDataset.Report report = patients.report();
            System.out.println(report.rowsRead() + " rows, " + report.rowsDropped() + " dropped");
            System.out.println("missing: " + report.missing() + ", imputed: " + report.imputed());
            // end::report[]
            assertThat(report.rowsRead()).isEqualTo(300);
            assertThat(report.missing().toString()).isEqualTo("{age=0, chol=30, sex=0, sick=0}");
            assertThat(report.imputed().toString()).isEqualTo("{chol=30}");
            String digestOfTheRun = patients.snapshotDigest();
            // tag::digest[]
            try (PgDataset now = patients.refresh()) {
                boolean isUnchanged = now.snapshotDigest().equals(digestOfTheRun);
                // end::digest[]
                assertThat(isUnchanged).isTrue();
            }
        }
    }

    private static void readsAQuery(DataSource dataSource) throws Exception {
        // tag::query[]
        PgDataset patients = PgDataset.query(
                        dataSource,
                        "SELECT patient_id, chol / age AS ratio, sick FROM clinic.patients WHERE site = ANY(?) AND born >= ?",
                        List.of("north", "east"),
                        LocalDate.of(1950, 3, 1))
                .key("patient_id")
                .features("ratio")
                .label("sick")
                .missing(MissingValues.dropRows())
                .statementTimeout(Duration.ofMinutes(5))
                .open();
        // end::query[]
        try (patients) {
            assertThat(patients.exampleCount()).isPositive();
        }
    }

    private static void declaresEachKind(DataSource dataSource) throws Exception {
        // tag::kinds[]
        PgDataset.Builder declared = PgDataset.table(dataSource, "clinic.patients")
                .key("patient_id")
                .date("born", LocalDate.of(1900, 1, 1))
                .array("ecg", 2)
                .tensor("scan", TensorType.UINT8, Shape.of(2, 2))
                .json("lab", "liver", "alt")
                .categoryIndex("sex", "f", "m")
                .labelClass("site", "north", "south")
                .where("age < ?", 65);
        // end::kinds[]
        try (PgDataset patients = declared.open()) {
            assertThat(patients.featureNames())
                    .containsExactly(
                            "born",
                            "ecg[0]",
                            "ecg[1]",
                            "scan[0]",
                            "scan[1]",
                            "scan[2]",
                            "scan[3]",
                            "lab.liver.alt",
                            "sex");
        }
    }

    private static void refuses(DataSource dataSource) {
        PgDataset.Builder patients =
                PgDataset.table(dataSource, "clinic.patients").key("patient_id");
        // tag::error[]
        assertThatExceptionOfType(PgDatasetException.class)
                .isThrownBy(() -> patients.category("site", "north", "east").open())
                .withMessage("a value of column 'site' is none of its 2 declared categories")
                .satisfies(e -> assertThat(e.column()).contains("site"))
                .satisfies(e -> assertThat(e.rowKey()).contains("(patient_id = 3)"));
        // end::error[]
    }
}
