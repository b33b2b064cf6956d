package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.examples.certs.TrialAuthority;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.flower.FlowerClient;
import io.fedlearn.grpc.flower.FlowerServer;
import io.fedlearn.grpc.flower.TensorNames;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/flower.md}. */
final class FlowerTest {
    @TempDir
    Path keys;

    @TempDir
    Path folder;

    private final ExecutorService sites = Executors.newCachedThreadPool();

    @AfterEach
    void stopSites() {
        sites.shutdownNow();
    }

    // tag::server[]
    FlowerServer listen(int port, Path certificates, Path key) {
        return FlowerServer.builder()
                .listen("0.0.0.0", port)
                .security(ServerSecurity.tls(certificates, key))
                .start();
    }

    Run train(FlowerServer server) throws InterruptedException {
        return Federation.of(server)
                .strategy(FedAvg.create())
                .minClients(3)
                .clientWait(Duration.ofHours(1))
                .rounds(10)
                .run();
    }
    // end::server[]

    // tag::names[]
    FlowerServer.Builder named(Path names) throws IOException {
        return FlowerServer.builder().tensorNames(TensorNames.read(names));
    }
    // end::names[]

    // tag::client[]
    Departure takePart(String host, int port, Path authorities, String id, Client hospital)
            throws InterruptedException {
        try (FlowerClient client = FlowerClient.builder()
                .server(host, port)
                .security(ClientSecurity.tls(authorities))
                .clientId(id)
                .client(hospital)
                .build()) {
            return client.run();
        }
    }
    // end::client[]

    @Test
    void trainsByFlowersProtocol() throws Exception {
        TrialAuthority.create(keys, "trial", 30).issueServer(List.of("localhost"), 1, keys);
        List<Future<Departure>> departures = new ArrayList<>();
        Run run;
        try (FlowerServer server = listen(0, keys.resolve("server.pem"), keys.resolve("server-key.pem"))) {
            int port = server.address().getPort();
            for (Map.Entry<String, Client> hospital : Hospitals.all().entrySet()) {
                departures.add(sites.submit(() ->
                        takePart("localhost", port, keys.resolve("ca.pem"), hospital.getKey(), hospital.getValue())));
            }
            run = train(server);
        }

        assertThat(run.records()).hasSize(10).noneMatch(record -> record.isAborted());
        for (Future<Departure> departure : departures) {
            assertThat(departure.get().cause()).isEqualTo(Departure.Cause.RUN_OVER);
        }
    }

    @Test
    void namesTensorsByAFile() throws Exception {
        Path names = Files.writeString(folder.resolve("names.json"), """
                [{"name": "conv.weight"}, {"name": "bn.running_mean", "role": "buffer"}]
                """);
        try (FlowerServer server = named(names)
                .security(ServerSecurity.insecure())
                .listen("127.0.0.1", 0)
                .start()) {
            assertThat(server.clients()).isEmpty();
        }
    }
}
