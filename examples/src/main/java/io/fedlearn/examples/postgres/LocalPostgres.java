package io.fedlearn.examples.postgres;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.pg.internal.Database;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A PostgreSQL of its own for a trial on this machine. It answers on this machine only, and lets in everybody there without a password:
 * for trials, not for patients. Thread-safe.
 */
public final class LocalPostgres implements AutoCloseable {
    private static final String SUPERUSER = "postgres";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final EmbeddedPostgres server;
    private final Path folder;

    private LocalPostgres(EmbeddedPostgres server, Path folder) {
        this.server = server;
        this.folder = folder;
    }

    /** Starts one in a temporary folder, which is gone when it is closed. */
    public static LocalPostgres start() {
        try {
            return start(Files.createTempDirectory("fedlearn-postgres-"), true);
        } catch (IOException e) {
            throw InputException.of("there is no place for a database", e);
        }
    }

    /**
     * Starts one whose data are in this folder: those that are there, or none yet.
     *
     * @throws InputException if one runs there already, or the folder holds something else
     */
    public static LocalPostgres start(Path folder) {
        try {
            Optional<Long> running = running(folder);
            if (running.isPresent()) {
                throw new InputException(
                        "a PostgreSQL runs in " + folder + " already; stop it first: kill " + running.get());
            }
            boolean isNew = !Files.exists(folder);
            if (!isNew && !Files.exists(folder.resolve("PG_VERSION")) && !isEmpty(folder)) {
                throw new InputException(
                        "the folder " + folder + " is not that of a database: name another, or a new one");
            }
            return start(Files.createDirectories(folder), false);
        } catch (IOException e) {
            throw InputException.of("no database can be kept in " + folder, e);
        }
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }

    /** The process that has the folder, if it is alive. */
    private static Optional<Long> running(Path folder) throws IOException {
        Path file = folder.resolve("postmaster.pid");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            long process = Long.parseLong(
                    Files.readString(file).lines().findFirst().orElse("").strip());
            // After the machine was started anew, the number may be that of any process.
            return ProcessHandle.of(process)
                    .filter(one -> one.info().command().orElse("postgres").contains("postgres"))
                    .map(ProcessHandle::pid);
        } catch (NumberFormatException e) {
            return Optional.empty(); // PostgreSQL says what it thinks of it
        }
    }

    private static LocalPostgres start(Path folder, boolean isTemporary) throws IOException {
        try {
            EmbeddedPostgres server = EmbeddedPostgres.builder()
                    .setDataDirectory(folder)
                    .setCleanDataDirectory(isTemporary)
                    // Without it, what was committed could be lost.
                    .setServerConfig("fsync", "on")
                    .setServerConfig("max_connections", "200")
                    .setPGStartupWait(PATIENCE)
                    .start();
            return new LocalPostgres(server, folder);
        } catch (IllegalStateException e) {
            throw new InputException(
                    "no PostgreSQL can be started in " + folder + " (" + e.getMessage()
                            + "); name a server with --jdbc",
                    e);
        }
    }

    /** Where its data are. */
    public Path folder() {
        return folder;
    }

    /** The URL of a database that was opened. */
    public String url(String name) {
        return server.getJdbcUrl(SUPERUSER, name);
    }

    /** A pool of connections to the database of this name, which is made if there is none; its user may do everything. The caller closes it. */
    public HikariDataSource open(String name) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl(url(SUPERUSER));
        try (Connection connection = database.getConnection()) {
            if (!exists(connection, name)) {
                try (Statement create = connection.createStatement()) {
                    create.execute("CREATE DATABASE " + Database.quote(name));
                }
            }
        } catch (SQLException e) {
            throw Database.failure("the database " + name + " cannot be made in " + folder, e);
        }
        database.setDatabaseName(name);
        database.setApplicationName("fedlearn");
        return Pool.of(database, "the database " + name);
    }

    private static boolean exists(Connection connection, String name) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT 1 FROM pg_database WHERE datname = ?")) {
            select.setString(1, name);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next();
            }
        }
    }

    /** Stops it, as the end of the program does too. */
    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw InputException.of("the PostgreSQL in " + folder + " cannot be stopped", e);
        }
    }

    /** Says where it is. */
    @Override
    public String toString() {
        return "PostgreSQL on port " + server.getPort() + ", its data in " + folder;
    }
}
