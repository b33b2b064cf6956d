package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.client.InMemoryClientStateStore;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.RoundPolicy;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.runtime.CompositeRuntime;
import io.fedlearn.core.runtime.InProcessRuntime;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.examples.certs.TrialAuthority;
import io.fedlearn.files.FileRunStore;
import io.fedlearn.grpc.client.Backoff;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.client.FederatedClient;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.RevocationList;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.security.TokenFile;
import io.fedlearn.grpc.server.FederatedServer;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Code of {@code docs/networked.md}. */
final class NetworkedTest {
    @TempDir
    Path keys;

    @TempDir
    Path folder;

    private final ExecutorService sites = Executors.newCachedThreadPool();
    private final Model initialModel = Hospitals.initialModel();
    private TrialAuthority authority;

    @BeforeEach
    void issueCertificates() {
        authority = TrialAuthority.create(keys, "trial", 30);
        authority.issueServer(List.of("localhost"), 1, keys);
        Hospitals.NAMES.forEach(name -> authority.issueClient(name, 1, keys));
    }

    @AfterEach
    void stop() {
        sites.shutdownNow();
    }

    // tag::server[]
    FederatedServer listen(int port) {
        return FederatedServer.builder()
                .listen("0.0.0.0", port)
                .security(ServerSecurity.mutualTls(
                        keys.resolve("server.pem"), keys.resolve("server-key.pem"), keys.resolve("ca.pem")))
                .start();
    }

    Run train(FederatedServer server) throws InterruptedException {
        return Federation.of(server)
                .strategy(FedAvg.create())
                .initialModel(initialModel)
                .minClients(3)
                .clientWait(Duration.ofHours(1))
                .rounds(5)
                .store(FileRunStore.at(folder))
                .resume(true)
                .run();
    }
    // end::server[]

    // tag::client[]
    Departure takePart(String host, int port, Client hospital, ClientStateStore states) throws InterruptedException {
        try (FederatedClient client = FederatedClient.builder()
                .server(host, port)
                .security(ClientSecurity.mutualTls(
                        keys.resolve("north.pem"), keys.resolve("north-key.pem"), keys.resolve("ca.pem")))
                .client(hospital)
                .states(states)
                .build()) {
            return client.run();
        }
    }
    // end::client[]

    private Future<Departure> site(String name, int port) {
        FederatedClient client = FederatedClient.builder()
                .server("localhost", port)
                .security(ClientSecurity.mutualTls(
                        keys.resolve(name + ".pem"), keys.resolve(name + "-key.pem"), keys.resolve("ca.pem")))
                .client(hospital(name))
                .build();
        return sites.submit(client::run);
    }

    private static Client hospital(String name) {
        return Objects.requireNonNull(Hospitals.all().get(name));
    }

    @Test
    void trainsAcrossConnections() throws Exception {
        List<Future<Departure>> departures = new ArrayList<>();
        Run run;
        try (FederatedServer server = listen(0)) {
            int port = server.address().getPort();
            departures.add(sites.submit(
                    () -> takePart("localhost", port, hospital("north"), InMemoryClientStateStore.create())));
            departures.add(site("south", port));
            departures.add(site("west", port));
            run = train(server);
        }
        Run inOneProcess = Federation.of(Hospitals.all())
                .strategy(FedAvg.create())
                .initialModel(initialModel)
                .rounds(5)
                .run();

        assertThat(run.model().digest()).isEqualTo(inOneProcess.model().digest());
        for (Future<Departure> departure : departures) {
            assertThat(departure.get(30, TimeUnit.SECONDS).cause()).isEqualTo(Departure.Cause.RUN_OVER);
        }
    }

    @Test
    void programsTrainTogether() throws Exception {
        int port = freePort();
        String kept = folder.resolve("run").toString();
        Future<?> coordinator = sites.submit(() -> {
            Coordinator.main(new String[] {String.valueOf(port), keys.toString(), kept});
            return null;
        });
        List<Future<?>> hospitals = new ArrayList<>();
        for (String name : Hospitals.NAMES) {
            String table = Hospitals.DATA.resolve(name + ".csv").toString();
            hospitals.add(sites.submit(() -> {
                Hospital.main(new String[] {"localhost", String.valueOf(port), keys.toString(), name, table});
                return null;
            }));
        }
        coordinator.get(60, TimeUnit.SECONDS);
        for (Future<?> hospital : hospitals) {
            hospital.get(30, TimeUnit.SECONDS);
        }

        Run inOneProcess = Federation.of(Hospitals.all())
                .strategy(FedAvg.create())
                .initialModel(initialModel)
                .rounds(10)
                .run();
        try (FileRunStore store = FileRunStore.at(folder.resolve("run"))) {
            assertThat(store.load().orElseThrow().latest().model().digest())
                    .isEqualTo(inOneProcess.model().digest());
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void admitsByTokenAndRefusesTheRevoked() throws Exception {
        String token = TokenFile.newToken();
        Path tokens = Files.writeString(folder.resolve("tokens"), TokenFile.line("north", token) + "\n");
        Path revoked = Files.writeString(folder.resolve("revoked"), "");
        Path certificates = keys.resolve("server.pem");
        Path key = keys.resolve("server-key.pem");
        Path authorities = keys.resolve("ca.pem");
        // tag::tokens[]
        ServerSecurity atTheServer = ServerSecurity.tokens(certificates, key, TokenFile.at(tokens))
                .withRevocations(RevocationList.clientIds(revoked));
        ClientSecurity atTheSite = ClientSecurity.tls(authorities).withToken(token);
        // end::tokens[]
        try (FederatedServer server =
                FederatedServer.builder().security(atTheServer).start()) {
            FederatedClient client = FederatedClient.builder()
                    .server("localhost", server.address().getPort())
                    .clientId("north")
                    .security(atTheSite)
                    .client(hospital("north"))
                    .build();
            Future<Departure> departure = sites.submit(client::run);
            assertThat(server.awaitClients(1, Duration.ofSeconds(30))).isTrue();
            client.close();
            assertThat(departure.get(30, TimeUnit.SECONDS).cause()).isEqualTo(Departure.Cause.CLOSED);
        }
    }

    @Test
    void showsSettingsForFaults() {
        // tag::faults[]
        Backoff patient =
                Backoff.of(Duration.ofSeconds(1), Duration.ofMinutes(5)).withGiveUpAfter(Duration.ofDays(2));
        RoundPolicy policy = RoundPolicy.defaults()
                .withQuorum(2)
                .withClientDeadline(Duration.ofHours(1))
                .withToleratedAborts(3);
        // end::faults[]
        assertThat(patient.giveUpAfter()).contains(Duration.ofDays(2));
        assertThat(policy.quorum()).isEqualTo(2);
    }

    @Test
    void joinsSitesAndLocalClientsInOneRun() throws Exception {
        try (FederatedServer server = listen(0)) {
            site("south", server.address().getPort());
            site("west", server.address().getPort());
            Client hospital = hospital("north");
            // tag::composite[]
            CompositeRuntime all = CompositeRuntime.of(List.of(server, InProcessRuntime.of(Map.of("north", hospital))));
            Run run = Federation.of(all)
                    .strategy(FedAvg.create())
                    .initialModel(initialModel)
                    .minClients(3)
                    .rounds(2)
                    .run();
            // end::composite[]
            all.close();

            assertThat(run.records().get(0).outcomes())
                    .extracting(outcome -> outcome.clientId())
                    .containsExactlyInAnyOrder("north", "south", "west");
        }
    }
}
