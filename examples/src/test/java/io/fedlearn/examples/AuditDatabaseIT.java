package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.core.store.AuditEvent;
import io.fedlearn.core.task.Config;
import io.fedlearn.examples.postgres.LocalPostgres;
import io.fedlearn.pg.audit.PgAuditLog;
import io.fedlearn.pg.schema.PgRole;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditDatabaseIT {
    @TempDir
    private Path directory;

    private static void execute(HikariDataSource database, String... statements) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private static void append(PgAuditLog log, int count) {
        for (int i = 1; i <= count; i++) {
            log.append(new AuditEvent(Instant.ofEpochSecond(i), "round-committed", Config.of(Map.of("round", i))));
        }
    }

    @Test
    void exportsALogThatIsThenVerifiedOffline() throws Exception {
        Path export = directory.resolve("export.jsonl");
        try (LocalPostgres server = LocalPostgres.start();
                HikariDataSource database = server.open("study")) {
            String owner = server.url("study");
            refuses(2, "has no schema fedlearn", "audit", "export", "--jdbc", owner, "--out", export);
            PgSchema schema = PgSchema.of(database).migrate();
            refuses(
                    2,
                    "there is no audit log in schema fedlearn yet",
                    "audit",
                    "export",
                    "--jdbc",
                    owner,
                    "--out",
                    export);
            append(PgAuditLog.of(schema, "heart"), 5);
            execute(database, "CREATE ROLE auditor LOGIN", "CREATE ROLE reader LOGIN");
            schema.grant(PgRole.AUDITOR, "auditor").grant(PgRole.READER, "reader");
            String url = owner.replaceFirst("[?].*", "");

            Outcome outcome = Outcome.of("audit", "export", "--jdbc", url, "--jdbc-user", "auditor", "--out", export)
                    .done();

            String end = outcome.out()
                    .strip()
                    .lines()
                    .reduce((first, second) -> second)
                    .orElseThrow();
            assertThat(outcome.out()).startsWith("exported: heart to " + export + "\n");
            assertThat(Outcome.of("audit", "verify", export, "--head", end)
                            .done()
                            .out())
                    .startsWith(export + ": 5 records are whole and chained");
            assertThat(Outcome.of("audit", "verify", "--jdbc", url, "--jdbc-user", "auditor", "--head", end)
                            .done()
                            .out())
                    .startsWith("heart: 5 records are whole and chained");

            append(PgAuditLog.of(schema, "credit"), 1);
            refuses(
                    2,
                    "--log is missing: there are [credit, heart]",
                    "audit",
                    "export",
                    "--jdbc",
                    owner,
                    "--out",
                    export);
            refuses(2, "there is no such log", "audit", "verify", "--jdbc", owner, "--log", "hart");
            refuses(2, "--schema must be", "audit", "verify", "--jdbc", owner, "--schema", "Fed");
            refuses(
                    2,
                    "permission denied",
                    "audit",
                    "export",
                    "--jdbc",
                    url,
                    "--jdbc-user",
                    "reader",
                    "--log",
                    "heart",
                    "--out",
                    export);
            refuses(
                    2,
                    "cannot be written",
                    "audit",
                    "export",
                    "--jdbc",
                    owner,
                    "--log",
                    "heart",
                    "--out",
                    directory.resolve("nowhere").resolve("x"));
            assertThat(Files.readAllLines(export)).hasSize(5);

            execute(
                    database,
                    "ALTER TABLE fedlearn.audit_record DISABLE TRIGGER USER",
                    "UPDATE fedlearn.audit_record SET type = 'x' WHERE log = 'heart' AND sequence = 2",
                    "DELETE FROM fedlearn.audit_record WHERE log = 'heart' AND sequence = 4");
            refuses(
                    1,
                    "the audit log heart is not as it was written: line 2: its column type is not what its record says",
                    "audit",
                    "verify",
                    "--jdbc",
                    owner,
                    "--log",
                    "heart");
            Outcome tampered = Outcome.of("audit", "export", "--jdbc", owner, "--log", "heart", "--out", export);
            assertThat(tampered.exitCode()).isEqualTo(1);
            assertThat(tampered.out()).isEqualTo("exported: heart to " + export + "\n");
            assertThat(tampered.err())
                    .contains(
                            "the audit log heart, exported as it is, is not as it was written: line 2: its column type");
            assertThat(Files.readAllLines(export)).as("evidence").hasSize(4);
            refuses(1, "line 4: its sequence must be 4, was 5", "audit", "verify", export);
        }
        refuses(3, "localhost:1", "audit", "verify", "--jdbc", "jdbc:postgresql://localhost:1/x");
        assertThat(directory.toFile().list()).containsExactly("export.jsonl");
    }

    private static void refuses(int exitCode, String message, Object... arguments) {
        Outcome outcome = Outcome.of(arguments);
        assertThat(outcome.err()).contains(message);
        assertThat(outcome.exitCode()).isEqualTo(exitCode);
        assertThat(outcome.out()).isEmpty();
    }
}
