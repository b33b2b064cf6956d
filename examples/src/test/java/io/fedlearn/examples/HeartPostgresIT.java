package io.fedlearn.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.examples.postgres.LocalPostgres;
import io.fedlearn.files.AuditVerifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The heart example with patients and run in PostgreSQL: the same models as from files. */
final class HeartPostgresIT {
    @TempDir
    private Path folder;

    private String fromFiles(int rounds, Object... more) {
        Path out = folder.resolve("files-" + rounds + "-" + more.length);
        return Outcome.of(arguments(rounds, out, more)).done().digest();
    }

    private static Object[] arguments(int rounds, Path out, Object... more) {
        Object[] all = new Object[5 + more.length];
        Object[] first = {"heart", "--rounds", rounds, "--out", out};
        System.arraycopy(first, 0, all, 0, first.length);
        System.arraycopy(more, 0, all, first.length, more.length);
        return all;
    }

    private static String value(HikariDataSource database, String question) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(question)) {
            assertThat(rows.next()).isTrue();
            return rows.getString(1);
        }
    }

    private static void execute(HikariDataSource database, String... statements) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    @Test
    void killedRunResumesFromTheDatabaseToTheModelThatFilesGive() throws IOException, InterruptedException {
        Path out = folder.resolve("killed");
        Path log = folder.resolve("log");
        Process process = ChildProcess.start(
                log, "", List.of(), List.of("heart", "--postgres", "--rounds", 10_000, "--out", out));
        while (process.isAlive() && !Files.readString(log).contains(" 3/10000 ")) {
            process.waitFor(20, TimeUnit.MILLISECONDS);
        }
        assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
        process.destroyForcibly().waitFor();
        int done = (int) Files.readString(log)
                .lines()
                .filter(line -> line.matches(" *\\d+/10000 .*"))
                .count();
        int rounds = done + 3;

        Outcome.of("audit", "keygen", "--out", folder).done();
        Outcome resumed = Outcome.of(
                arguments(rounds, out, "--postgres", "--resume", "--audit-key", folder.resolve("audit-key.pem")));

        assertThat(resumed.done().digest()).isEqualTo(fromFiles(rounds));
        assertThat(resumed.out()).contains("exported to " + out.resolve("audit.jsonl") + ", signed by key ");
        assertThat(Outcome.of(
                                "audit",
                                "verify",
                                out.resolve("audit.jsonl"),
                                "--public-key",
                                folder.resolve("audit.pem"))
                        .done()
                        .out())
                .contains("signed by key ", "not signed: ");
        assertThat(AuditVerifier.verify(out.resolve("audit.jsonl")).isWhole()).isTrue();
        assertThat(out.resolve("report.html")).content().contains("Digests", "cleveland");
        assertThat(out.resolve("best.safetensors")).exists();
        Outcome again = Outcome.of(arguments(2, out, "--postgres"));
        assertThat(again.exitCode()).isEqualTo(2);
        assertThat(again.err()).contains("holds a run already, of " + rounds + " rounds", "--resume");
    }

    @Test
    void keepsPatientsBudgetsAndRunOnAServerThatIsNamed() throws SQLException {
        try (LocalPostgres server = LocalPostgres.start();
                HikariDataSource study = server.open("study")) {
            String url = server.url("study");

            Outcome outcome = Outcome.of(
                    arguments(2, folder.resolve("named"), "--postgres", "--jdbc", url, "--strategy", "scaffold"));

            assertThat(outcome.done().digest()).isEqualTo(fromFiles(2, "--strategy", "scaffold"));
            assertThat(value(study, "SELECT count(*) FROM fedlearn.round WHERE run_id = 'named'"))
                    .isEqualTo("2");
            try (HikariDataSource va = server.open("fedlearn_heart_va")) {
                assertThat(value(va, "SELECT count(*) FROM data.patients")).isEqualTo("200");
                assertThat(Integer.parseInt(value(va, "SELECT count(*) FROM data.patients WHERE chol IS NULL")))
                        .isPositive();
                execute(va, "CREATE TABLE data.notes (text text)");
                try (Connection connection = va.getConnection();
                        Statement statement = connection.createStatement()) {
                    statement.execute("SET ROLE fedlearn_heart_va_reader");
                    statement.executeQuery("SELECT count(*) FROM data.patients").close();
                    for (String sql : List.of("SELECT * FROM data.notes", "DELETE FROM data.patients")) {
                        assertThatExceptionOfType(SQLException.class)
                                .isThrownBy(() -> statement.execute(sql))
                                .withMessageContaining("permission denied");
                    }
                    statement.execute("RESET ROLE");
                }
            }
            // Who may make neither databases nor roles has a schema for each hospital.
            execute(study, "CREATE ROLE trial LOGIN", "CREATE DATABASE small OWNER trial");
            String small = server.url("small").replaceFirst("[?].*", "");
            Outcome schemas = Outcome.of(arguments(
                    2,
                    folder.resolve("schemas"),
                    "--postgres",
                    "--jdbc",
                    small,
                    "--jdbc-user",
                    "trial",
                    "--dp-epsilon",
                    4));
            assertThat(schemas.done().out())
                    .contains("a schema for each site")
                    .contains("privacy spent: epsilon 4.0000 of 4.0");
            try (HikariDataSource database = server.open("small")) {
                assertThat(value(database, "SELECT count(*) FROM fedlearn_heart_hungarian.patients"))
                        .isEqualTo("294");
                assertThat(value(database, "SELECT count(DISTINCT scope) FROM fedlearn.privacy_entry"))
                        .isEqualTo("4");
            }
            refuses(2, "\"west\" does not exist", "--postgres", "--jdbc", url.replace("study", "west"));
        }
    }

    @Test
    void refusesWhatCannotBeUsedBeforeAServerIsStarted() throws IOException {
        refuses(2, "--jdbc needs --postgres", "--jdbc", "jdbc:postgresql://localhost:1/x");
        refuses(2, "--jdbc must begin with jdbc:postgresql:", "--postgres", "--jdbc", "jdbc:mysql://localhost/x");
        refuses(3, "localhost:1", "--postgres", "--jdbc", "jdbc:postgresql://localhost:1/x");
        refuses(2, "--dp-ledger is for ledgers in files", "--postgres", "--dp-epsilon", 1, "--dp-ledger", folder);
        refuses(2, "is not a folder", "--postgres", "--data", folder.resolve("none"));
        for (String hospital : List.of("cleveland", "hungarian", "switzerland", "va")) {
            Files.writeString(
                    folder.resolve("heart_processed." + hospital + ".data"), "63,1,1,145,233,1,2,150,0,old,3,0,6,0\n");
        }
        refuses(2, "column 'oldpeak'", "--postgres", "--data", folder);
        assertThat(folder.resolve("none")).doesNotExist();
    }

    private void refuses(int exitCode, String message, Object... more) {
        Outcome outcome = Outcome.of(arguments(2, folder.resolve("none"), more));
        assertThat(outcome.err()).contains(message).hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(exitCode);
    }
}
