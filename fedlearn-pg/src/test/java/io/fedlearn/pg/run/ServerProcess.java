package io.fedlearn.pg.run;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.postgresql.ds.PGSimpleDataSource;

/** A PostgreSQL server of a test's own, which can be killed, all its processes at once, and started again with what it had on disk. */
final class ServerProcess implements AutoCloseable {
    private final Path directory;
    private EmbeddedPostgres server;

    private ServerProcess(Path directory, EmbeddedPostgres server) {
        this.directory = directory;
        this.server = server;
    }

    static ServerProcess in(Path directory) throws IOException {
        return new ServerProcess(directory, start(directory, Optional.empty()));
    }

    private static EmbeddedPostgres start(Path directory, Optional<Integer> port) throws IOException {
        EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                .setDataDirectory(directory)
                .setCleanDataDirectory(false)
                // After a kill it first recovers.
                .setPGStartupWait(Duration.ofMinutes(1))
                // Commits must be durable, as far as a process can be killed.
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on");
        port.ifPresent(builder::setPort);
        return builder.start();
    }

    PGSimpleDataSource database() {
        PGSimpleDataSource database = new PGSimpleDataSource();
        database.setUrl(server.getJdbcUrl("postgres", "postgres"));
        return database;
    }

    /** Ends it as {@code kill -9} does, the postmaster first, so that it cannot notice. */
    void kill() throws IOException {
        List<String> lines = Files.readAllLines(directory.resolve("postmaster.pid"));
        ProcessHandle postmaster =
                ProcessHandle.of(Long.parseLong(lines.get(0).trim())).orElseThrow();
        List<ProcessHandle> all = new ArrayList<>(List.of(postmaster));
        all.addAll(postmaster.descendants().toList());
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(process -> process.onExit().join());
    }

    /** Starts it again on the same port. */
    void restart() throws IOException {
        int port = server.getPort();
        // It cannot stop what is dead, but lets go of the directory.
        server.close();
        server = start(directory, Optional.of(port));
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
