package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.record.AuditHead;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.examples.postgres.LocalPostgres;
import io.fedlearn.files.AuditVerifier;
import io.fedlearn.formats.audit.AuditReport;
import io.fedlearn.formats.audit.AuditTrust;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Instant;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/audit.md shows of PostgreSQL. */
final class AuditIT {
    @TempDir
    private Path folder;

    @Test
    void keepsALogInADatabase() throws Exception {
        try (LocalPostgres server = LocalPostgres.start();
                var pool = server.open("study")) {
            DataSource dataSource = pool;
            try (Connection connection = dataSource.getConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("CREATE ROLE auditor");
                statement.execute("CREATE ROLE coordinator");
            }
            Path file = folder.resolve("heart.jsonl");
            // tag::database[]
            PgSchema schema = PgSchema.of(dataSource).migrate(); // once, as the owner
            schema.grant(PgRole.COORDINATOR, "coordinator").grant(PgRole.AUDITOR, "auditor");

            PgAuditLog log = PgAuditLog.of(schema, "heart"); // for Federation.audit(log), or as here
            AuditHead kept = log.append(new AuditEvent(Instant.now(), "model-released", Config.empty()));
            // end::database[]
            // tag::verify[]
            AuditReport report = log.verify(kept, AuditTrust.none());
            System.out.println(report.isWhole() ? "as it was written" : report.toString());
            AuditHead end = log.export(file); // for a verifier without access to the database
            // end::verify[]
            assertThat(report.isWhole()).isTrue();
            assertThat(AuditVerifier.verify(file, end)).isEqualTo(report);
        }
    }
}
