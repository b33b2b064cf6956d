package io.fedlearn.grpc.server;

import io.fedlearn.core.client.Client;
import io.fedlearn.grpc.client.Backoff;
import io.fedlearn.grpc.client.FederatedClient;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Clients of a server, each on a thread of its own. */
final class Sites implements AutoCloseable {
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "site");
        thread.setDaemon(true);
        return thread;
    });
    private final List<FederatedClient> clients = new ArrayList<>();

    /** A server for tests, with small chunks, so that models travel in several. */
    static FederatedServer.Builder newServer() {
        return FederatedServer.builder()
                .security(ServerSecurity.insecure())
                .heartbeat(Duration.ofSeconds(1))
                .chunkBytes(4 << 10)
                .inlineBytes(1 << 10);
    }

    static FederatedClient.Builder newClient(FederatedServer server, String id, Client client) {
        return FederatedClient.builder()
                .server("localhost", server.address().getPort())
                .clientId(id)
                .security(ClientSecurity.insecure())
                .backoff(Backoff.defaults())
                .client(client);
    }

    /** Starts a client; the future holds what its run returns or throws. */
    Future<?> start(FederatedServer server, FederatedClient.Builder builder) {
        FederatedClient client = builder.build();
        clients.add(client);
        Callable<Object> run = client::run;
        return threads.submit(run);
    }

    /** Waits until so many clients have joined. */
    static void awaitAll(FederatedServer server, int count) throws InterruptedException {
        if (!server.awaitClients(count, Duration.ofSeconds(30))) {
            throw new AssertionError(
                    "of " + count + " clients only " + server.clients().size() + " have joined");
        }
    }

    /** Closes all at once, without waiting for those whose clients hang. */
    @Override
    public void close() {
        clients.forEach(client -> threads.execute(client::close));
        threads.shutdown();
    }
}
