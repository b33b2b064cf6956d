package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.examples.postgres.LocalPostgres;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.budget.PgBudgets;
import io.fedlearn.pg.budget.PrivacyLimit;
import io.fedlearn.pg.query.PgPrivateQueries;
import io.fedlearn.pg.query.PgQuerySource;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import io.fedlearn.privacy.query.Aggregate;
import io.fedlearn.privacy.query.Noise;
import io.fedlearn.privacy.query.PrivateQuery;
import io.fedlearn.privacy.query.QueryAnswer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** Code of {@code docs/privacy/queries-postgresql.md}. */
final class PgQueriesIT {
    private static void arrange(DataSource database) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE visits (patient_id bigint NOT NULL, cost float8, ward text)");
            statement.execute("INSERT INTO visits SELECT i / 2, 1000 + i % 500,"
                    + " CASE WHEN i % 3 = 0 THEN 'south' ELSE 'north' END FROM generate_series(1, 4000) i");
            statement.execute("CREATE ROLE query_service LOGIN PASSWORD 'trial'");
            statement.execute("GRANT SELECT (patient_id, cost, ward) ON visits TO query_service");
        }
    }

    @Test
    void asks() throws Exception {
        try (LocalPostgres server = LocalPostgres.start();
                HikariDataSource owner = server.open("clinic")) {
            arrange(owner);
            administer(owner);

            PGSimpleDataSource service = new PGSimpleDataSource();
            service.setUrl(server.url("clinic"));
            service.setUser("query_service");
            service.setPassword("trial");
            QueryAnswer answer = ask(service);

            assertThat(answer.group("north").estimates().get(0).value()).isBetween(1000.0, 1500.0);
            assertThat(PgAuditLog.of(PgSchema.of(owner), "queries").head().sequence())
                    .isEqualTo(3);
        }
    }

    private static void administer(DataSource dataSource) {
        // tag::administer[]
        PgSchema schema = PgSchema.of(dataSource).migrate();
        PgBudgets.of(schema).auditedIn("queries").set("table/visits", PrivacyLimit.ofQueries(2.0));
        schema.grant(PgRole.ANALYST, "query_service");
        // end::administer[]
    }

    private static QueryAnswer ask(DataSource dataSource) {
        // tag::ask[]
        PgQuerySource visits = PgQuerySource.of(dataSource, "public", "visits", "patient_id");
        PgPrivateQueries queries = PgPrivateQueries.over(PgSchema.of(dataSource), visits, "table/visits")
                .build();
        PrivateQuery query = PrivateQuery.of(Aggregate.mean("cost", 0, 10_000), Noise.laplace(0.5))
                .groupedBy("ward", "north", "south");
        QueryAnswer answer = queries.ask(query, "Dr. Ada");
        // end::ask[]
        return answer;
    }
}
