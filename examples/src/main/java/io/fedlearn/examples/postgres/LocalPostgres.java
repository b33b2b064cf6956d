package io.fedlearn.examples.postgres;

import com.zaxxer.hikari.HikariDataSource;
import io.fedlearn.examples.run.InputException;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
    private final Optional<FileChannel> lock;

    private LocalPostgres(EmbeddedPostgres server, Path folder, Optional<FileChannel> lock) {
        this.server = server;
        this.folder = folder;
        this.lock = lock;
    }

    /** Starts one in a temporary folder, which is gone when it is closed. */
    public static LocalPostgres start() {
        try {
            return start(Files.createTempDirectory("fedlearn-postgres-"), Optional.empty());
        } catch (IOException e) {
            throw InputException.of("there is no place for a database", e);
        }
    }

    /**
     * Starts one whose data are in this folder: those that are there, or none yet. One that a program left running there when it was
     * killed is stopped first.
     *
     * @throws InputException if a program runs one there, or the folder holds something else
     */
    public static LocalPostgres start(Path folder) {
        try {
            boolean isNew = !Files.exists(folder);
            if (!isNew && !Files.exists(folder.resolve("PG_VERSION")) && !isEmpty(folder)) {
                throw new InputException(
                        "the folder " + folder + " is not that of a database: name another, or a new one");
            }
            Files.createDirectories(folder);
            FileChannel lock = lock(folder);
            try {
                Optional<ProcessHandle> orphan = running(folder);
                if (orphan.isPresent()) {
                    stop(orphan.get(), folder);
                }
                return start(folder, Optional.of(lock));
            } catch (IOException | RuntimeException e) {
                lock.close();
                throw e;
            }
        } catch (IOException e) {
            throw InputException.of("no database can be kept in " + folder, e);
        }
    }

    /** Held as long as this program runs: a server without it has lost its program. */
    private static FileChannel lock(Path folder) throws IOException {
        Path file = folder.resolveSibling(folder.getFileName() + ".lock");
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // By another thread of this program: as by another program.
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        channel.close();
        throw new InputException("a PostgreSQL runs in " + folder + " already"
                + running(folder)
                        .map(process -> "; stop it first: kill " + process.pid())
                        .orElse(""));
    }

    private static void stop(ProcessHandle orphan, Path folder) {
        orphan.destroy();
        try {
            orphan.onExit().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InputException("a PostgreSQL runs in " + folder + " already", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new InputException("the PostgreSQL that was left running in " + folder
                    + " does not stop; stop it first: kill " + orphan.pid());
        }
    }

    private static boolean isEmpty(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.findAny().isEmpty();
        }
    }

    /** The process that has the folder, if it is alive. */
    private static Optional<ProcessHandle> running(Path folder) throws IOException {
        Path file = folder.resolve("postmaster.pid");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            long process = Long.parseLong(
                    Files.readString(file).lines().findFirst().orElse("").strip());
            // Another may have got its number.
            return ProcessHandle.of(process)
                    .filter(handle -> handle.info().command().orElse("").contains("postgres"));
        } catch (NumberFormatException e) {
            return Optional.empty(); // PostgreSQL says what it thinks of it
        }
    }

    private static LocalPostgres start(Path folder, Optional<FileChannel> lock) throws IOException {
        try {
            EmbeddedPostgres server = EmbeddedPostgres.builder()
                    .setDataDirectory(folder)
                    .setCleanDataDirectory(lock.isEmpty())
                    // Without it, what was committed could be lost.
                    .setServerConfig("fsync", "on")
                    .setServerConfig("max_connections", "200")
                    .setPGStartupWait(PATIENCE)
                    .start();
            return new LocalPostgres(server, folder, lock);
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
        return Pool.of(source(name), "the database " + name);
    }

    /** The database of this name, which is made if there is none; its user may do everything. */
    PGSimpleDataSource source(String name) {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl(url(SUPERUSER));
        database.setApplicationName("fedlearn");
        Pool.make(database, name);
        database.setDatabaseName(name);
        return database;
    }

    /** Stops it, as the end of the program does too. */
    @Override
    public void close() {
        try {
            server.close();
            if (lock.isPresent()) {
                lock.get().close();
            }
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
