package io.fedlearn.pg.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.training.InMemoryExamples;
import io.fedlearn.core.training.LocalTrainingClient;
import io.fedlearn.models.LogisticRegression;
import io.fedlearn.pg.TestPostgres;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class PgDatasetTrainingIT {
    private static final int PATIENTS = 500;

    private static Run run(Client client) throws InterruptedException {
        return Federation.of(Map.of("north", client))
                .strategy(FedAvg.create())
                .rounds(3)
                .seed(7)
                .run();
    }

    @Test
    void trainsToTheBitsThatTheSameDataInMemoryGive() throws Exception {
        float[] features = new float[PATIENTS * 2];
        float[] sick = new float[PATIENTS];
        SeededRandom random = SeededRandom.of(1);
        for (int i = 0; i < PATIENTS; i++) {
            features[2 * i] = (float) random.nextGaussian();
            features[2 * i + 1] = (float) random.nextGaussian();
            sick[i] = features[2 * i] + 0.5 * random.nextGaussian() > 0 ? 1 : 0;
        }
        PGSimpleDataSource dataSource = database(features, sick);
        Run memory = run(LocalTrainingClient.of(
                () -> LogisticRegression.of(2), InMemoryExamples.wrap(Shape.of(2), features, sick)));

        try (PgDataset patients = PgDataset.table(dataSource, "patients")
                .key("id")
                .features("age", "chol")
                .label("sick")
                .open()) {
            Run postgres = run(LocalTrainingClient.of(() -> LogisticRegression.of(2), patients));

            assertThat(postgres.model().digest()).isEqualTo(memory.model().digest());
        }
    }

    private static PGSimpleDataSource database(float[] features, float[] sick) throws SQLException {
        PGSimpleDataSource database = TestPostgres.newDatabase();
        TestPostgres.execute(
                database, "CREATE TABLE patients (id int PRIMARY KEY, age real, chol double precision, sick boolean)");
        try (Connection connection = database.getConnection();
                PreparedStatement insert = connection.prepareStatement("INSERT INTO patients VALUES (?, ?, ?, ?)")) {
            // From the last to the first: the key orders the rows, not the table.
            for (int i = PATIENTS - 1; i >= 0; i--) {
                insert.setInt(1, i);
                insert.setFloat(2, features[2 * i]);
                insert.setDouble(3, features[2 * i + 1]);
                insert.setBoolean(4, sick[i] == 1);
                insert.addBatch();
            }
            insert.executeBatch();
        }
        return database;
    }
}
