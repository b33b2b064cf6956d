package io.fedlearn.examples.chaos;

import io.fedlearn.core.FedLearnException;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.server.FederatedServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;

/** The server of one schedule, as a process that is killed and started again. */
final class ChaosServer {
    /** Exit code of a run that ended with a failure that the library names. */
    static final int FAILED = 3;

    /** What the log's line with that failure starts with. */
    static final String FAILURE = "FAILURE: ";

    private static final Duration HEARTBEAT = Duration.ofMillis(600);
    private static final Duration GRACE = Duration.ofSeconds(30);
    private static final int CHUNK_BYTES = 8 << 10;
    private static final int INLINE_BYTES = 1 << 10;

    private ChaosServer() {}

    /**
     * Serves the run in a folder until its end, from where it was.
     *
     * @param arguments method, clients, rounds, seed, the run's folder, and the file in which the port is to be written
     */
    public static void main(String[] arguments) throws InterruptedException, IOException {
        ChaosTask task = new ChaosTask(
                ChaosTask.Method.valueOf(arguments[0]),
                Integer.parseInt(arguments[1]),
                Integer.parseInt(arguments[2]),
                Long.parseLong(arguments[3]));
        try (FileRunStore store = FileRunStore.at(Path.of(arguments[4]));
                FederatedServer server = FederatedServer.builder()
                        .security(ServerSecurity.insecure())
                        .heartbeat(HEARTBEAT)
                        .reconnectGrace(GRACE)
                        .chunkBytes(CHUNK_BYTES)
                        .inlineBytes(INLINE_BYTES)
                        .start()) {
            write(Path.of(arguments[5]), Integer.toString(server.address().getPort()));
            task.federation(server).store(store).resume(true).run();
        } catch (FedLearnException e) {
            e.printStackTrace();
            System.err.println(FAILURE + e.getClass().getSimpleName() + ": " + e.getMessage());
            System.exit(FAILED);
        }
    }

    /** Whoever sees the file sees all of it. */
    private static void write(Path file, String content) throws IOException {
        Path draft = file.resolveSibling(file.getFileName() + ".tmp");
        Files.writeString(draft, content);
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
    }
}
