package io.fedlearn.examples.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.pg.PgException;
import io.fedlearn.pg.schema.PgSchema;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class LocalPostgresIT {
    @TempDir
    private Path folder;

    private static JdbcOptions options(String... arguments) {
        JdbcOptions options = new JdbcOptions();
        new CommandLine(CommandLine.Model.CommandSpec.create()
                        .addMixin("jdbc", CommandLine.Model.CommandSpec.forAnnotatedObject(options)))
                .parseArgs(arguments);
        return options;
    }

    private static void execute(HikariDataSource database, String sql) throws SQLException {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Test
    void keepsWhatIsInItsFolderAndLetsOnlyWhoHasThePasswordIn() throws Exception {
        Path data = folder.resolve("a database");
        try (LocalPostgres server = LocalPostgres.start(data)) {
            try (HikariDataSource database = server.open("north \"1\"")) {
                PgSchema.of(database).migrate();
            }
            assertThatExceptionOfType(InputException.class)
                    .isThrownBy(() -> LocalPostgres.start(data))
                    .withMessageContaining("runs in " + data + " already; stop it first: kill ");
        }
        try (LocalPostgres server = LocalPostgres.start(data)) {
            assertThat(server.folder()).isEqualTo(data);
            try (HikariDataSource database = server.open("north \"1\"")) {
                assertThat(PgSchema.of(database).version()).contains(PgSchema.VERSION);
                execute(database, "CREATE ROLE auditor LOGIN PASSWORD 'sesame'");
            }
            try (HikariDataSource database = server.open("south")) {
                PgSchema.of(database, "study").migrate();
            }
            // From now on as a server for patients has it.
            String access = "local all all reject\nhost all postgres all trust\nhost all all all scram-sha-256\n";
            Files.writeString(data.resolve("pg_hba.conf"), access);
            try (HikariDataSource database = server.open("south")) {
                execute(database, "SELECT pg_reload_conf()");
            }
            String url = server.url("south").replaceFirst("[?].*", "");
            Path password = Files.writeString(folder.resolve("password"), "sesame\n");
            JdbcOptions good = options(
                    "--jdbc",
                    url,
                    "--jdbc-user",
                    "auditor",
                    "--password-file",
                    password.toString(),
                    "--schema",
                    "study");
            try (HikariDataSource database = good.open()) {
                assertThat(good.schema(database).name()).isEqualTo("study");
                execute(database, "SELECT 1");
            }
            Files.writeString(password, "guess");
            assertThatExceptionOfType(PgException.class)
                    .isThrownBy(good::open)
                    .withMessageContaining("the database " + url + " cannot be used")
                    .withMessageContaining("password authentication failed");
            assertThatExceptionOfType(PgException.class)
                    .isThrownBy(() -> options("--jdbc", url.replace("south", "west"), "--jdbc-user", "postgres")
                            .open())
                    .withMessageContaining("\"west\" does not exist");
            assertThatExceptionOfType(PgException.class)
                    .isThrownBy(() -> options("--jdbc", "jdbc:postgresql://db.invalid/study")
                            .open())
                    .withMessageContaining("cannot be used (unknown host: db.invalid)");
        }
        assertThat(data.resolve("postmaster.pid")).doesNotExist();
        assertThat(data.resolve("PG_VERSION")).exists();
    }

    @Test
    void leavesNothingOfATemporaryOne() {
        Path data;
        try (LocalPostgres server = LocalPostgres.start()) {
            data = server.folder();
            assertThat(server)
                    .hasToString(
                            "PostgreSQL on port " + server.url("x").replaceAll("[^0-9]", "") + ", its data in " + data);
            server.open("study").close();
        }
        assertThat(data).doesNotExist();
    }

    @Test
    void refusesAFolderOfSomethingElse() throws Exception {
        Files.writeString(folder.resolve("photo.jpg"), "x");
        assertThatExceptionOfType(InputException.class)
                .isThrownBy(() -> LocalPostgres.start(folder))
                .withMessageContaining("is not that of a database");
        assertThat(folder).isDirectoryContaining("glob:**photo.jpg");
        assertThat(Files.list(folder)).hasSize(1);
    }

    @Test
    void refusesUrlsThatCannotBeUsed() {
        for (String url : new String[] {"", "jdbc:mysql://localhost/x", "postgresql://localhost/x"}) {
            assertThatExceptionOfType(InputException.class)
                    .isThrownBy(() -> options("--jdbc", url).open())
                    .withMessage("--jdbc must begin with jdbc:postgresql://HOST:PORT/NAME");
        }
        assertThatExceptionOfType(InputException.class)
                .isThrownBy(() -> options("--jdbc", "jdbc:postgresql://localhost/x?user=me&password=sesame")
                        .open())
                .withMessageContaining("must not hold a password")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("sesame"));
        assertThatExceptionOfType(InputException.class)
                .isThrownBy(() ->
                        options("--jdbc", "jdbc:postgresql://localhost:port/x").open())
                .withMessageContaining("--jdbc is not a URL");
        assertThatExceptionOfType(InputException.class)
                .isThrownBy(() -> options().open());
        assertThatExceptionOfType(InputException.class)
                .isThrownBy(() -> options("--jdbc", "jdbc:postgresql://localhost/x", "--password-file", "nowhere")
                        .open())
                .withMessageContaining("--password-file nowhere: there is no such file");
        assertThatExceptionOfType(PgException.class)
                .isThrownBy(() ->
                        options("--jdbc", "jdbc:postgresql://localhost:1/x").open())
                .matches(PgException::isUnreachable)
                .withMessageContaining("localhost:1");
    }
}
