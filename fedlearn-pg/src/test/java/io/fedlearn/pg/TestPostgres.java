package io.fedlearn.pg;

import io.fedlearn.pg.schema.PgSchema;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A real PostgreSQL for tests: one per JVM that starts by itself, or the server whose JDBC URL is the system property
 * {@code fedlearn.pg.url}, where the user may create databases and roles. Through a pooler that shares connections between transactions,
 * tests that are tagged {@code direct} cannot pass and are left out: {@code -Dtests.excluded=slow,direct}.
 */
public final class TestPostgres {
    private static final AtomicInteger NUMBER = new AtomicInteger();
    private static final String URL = System.getProperty("fedlearn.pg.url", "");

    private TestPostgres() {}

    private static final class Embedded {
        static final EmbeddedPostgres SERVER = start();

        private static EmbeddedPostgres start() {
            // A hundred databases are thirty thousand files, which a busy disk takes a minute to delete, and Maven
            // waits half of one for a JVM to end. So they stay until the next run, or until Maven cleans.
            try {
                Path all = Files.createDirectories(Path.of("target", "postgres").toAbsolutePath());
                Path directory =
                        Files.createTempDirectory(all, ProcessHandle.current().pid() + "-");
                Thread deletion = new Thread(() -> deleteOthers(all, directory), "delete-servers-of-before");
                deletion.setDaemon(true);
                deletion.start();
                // What tests need, not what keeps data: but for fsync, as a server has it.
                return EmbeddedPostgres.builder()
                        .setDataDirectory(directory)
                        .setCleanDataDirectory(false)
                        .setPGStartupWait(Duration.ofMinutes(1))
                        .setServerConfig("fsync", "off")
                        .setServerConfig("max_connections", "300")
                        .setServerConfig("wal_level", "logical")
                        .start();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Deletes the directories of processes that have ended. */
    private static void deleteOthers(Path directories, Path ours) {
        long self = ProcessHandle.current().pid();
        try (Stream<Path> all = Files.list(directories)) {
            for (Path directory : all.filter(path -> !path.equals(ours)).toList()) {
                long pid = Long.parseLong(directory.getFileName().toString().split("-", 2)[0]);
                if (pid == self || ProcessHandle.of(pid).isEmpty()) {
                    delete(directory);
                }
            }
        } catch (IOException e) {
            System.getLogger(TestPostgres.class.getName())
                    .log(System.Logger.Level.WARNING, directories + " cannot be cleaned", e);
        }
    }

    private static void delete(Path directory) throws IOException {
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path emptied, @Nullable IOException failure) throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.delete(emptied);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    /** A database with our schema, which those of tests are copies of: copying takes a tenth of the time of migrating. */
    private static final class Template {
        static final String NAME = make();

        private static String make() {
            PGSimpleDataSource database = newDatabase();
            PgSchema.of(database).migrate();
            return String.valueOf(database.getDatabaseName());
        }
    }

    /** A new, empty database; its user may do everything. */
    public static PGSimpleDataSource newDatabase() {
        return newDatabase("template1");
    }

    private static PGSimpleDataSource newDatabase(String template) {
        String name = "test_" + ProcessHandle.current().pid() + "_" + NUMBER.incrementAndGet();
        PGSimpleDataSource server = server();
        if (!URL.isEmpty()) {
            // A pooler keeps connections to what was migrated, which cannot be copied as long as there are any.
            rows(
                    server,
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '" + template
                            + "' AND pid <> pg_backend_pid()");
        }
        execute(server, "CREATE DATABASE " + name + " TEMPLATE " + template);
        PGSimpleDataSource database = server();
        database.setDatabaseName(name);
        return database;
    }

    /** A new database with our schema. */
    public static PgSchema newSchema() {
        return PgSchema.of(newDatabase(Template.NAME));
    }

    /** A new role without rights that can log in, and the same database as that role. */
    public static PGSimpleDataSource asNewRole(PGSimpleDataSource database) {
        String role = "role_" + ProcessHandle.current().pid() + "_" + NUMBER.incrementAndGet();
        execute(database, "CREATE ROLE " + role + " LOGIN PASSWORD 'trial-" + role + "'");
        PGSimpleDataSource as = server();
        as.setDatabaseName(String.valueOf(database.getDatabaseName()));
        as.setUser(role);
        as.setPassword("trial-" + role);
        return as;
    }

    /** Runs statements, for tests to arrange what they need. */
    public static void execute(DataSource database, String... statements) {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What a query gives: the columns of each row, joined by {@code |}. */
    public static List<String> rows(DataSource database, String query) {
        try (Connection connection = database.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            List<String> lines = new ArrayList<>();
            while (rows.next()) {
                List<String> columns = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    columns.add(String.valueOf(rows.getString(i)));
                }
                lines.add(String.join("|", columns));
            }
            return lines;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What a query gives, one row to a line, its columns joined by {@code |}. */
    public static String text(PgSchema schema, String query) {
        return String.join("\n", rows(schema.database().dataSource(), query));
    }

    private static PGSimpleDataSource server() {
        PGSimpleDataSource server = new PGSimpleDataSource();
        if (URL.isEmpty()) {
            server.setUrl(Embedded.SERVER.getJdbcUrl("postgres", "postgres"));
        } else {
            server.setUrl(URL);
        }
        return server;
    }
}
