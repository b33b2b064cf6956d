package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.grpc.client.Backoff;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.testkit.contract.RuntimeContract;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;

/** The rules of runtimes over Flower's protocol, with FedLearn's clients at both ends. */
class FlowerRuntimeIT extends RuntimeContract {
    private final List<FlowerClient> clients = new ArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "flower-client-test");
        thread.setDaemon(true);
        return thread;
    });

    @Override
    protected Runtime start(Map<String, Client> sites, ClientStateStore states) throws Exception {
        FlowerServer server = FlowerServer.builder()
                .security(ServerSecurity.insecure())
                .idProperty(FlowerDuties.CLIENT_ID)
                .limits(FlowerLimits.defaults().withTimeouts(Duration.ofSeconds(30), Duration.ofMillis(500)))
                .start();
        for (Map.Entry<String, Client> site : sites.entrySet()) {
            FlowerClient client = FlowerClient.builder()
                    .server("localhost", server.address().getPort())
                    .security(ClientSecurity.insecure())
                    .clientId(site.getKey())
                    .client(site.getValue())
                    .states(states)
                    .backoff(Backoff.defaults())
                    .build();
            clients.add(client);
            threads.execute(() -> {
                try {
                    client.run();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        }
        assertThat(server.awaitClients(sites.size(), Duration.ofSeconds(20))).isTrue();
        return server;
    }

    @AfterEach
    void closeClients() {
        clients.forEach(FlowerClient::close);
        threads.shutdownNow();
    }
}
