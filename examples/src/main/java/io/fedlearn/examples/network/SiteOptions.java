package io.fedlearn.examples.network;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.client.ClientStateStore;
import io.fedlearn.core.task.Config;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.examples.run.TimeConverter;
import io.fedlearn.files.FileClientStateStore;
import io.fedlearn.grpc.client.Backoff;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.client.FederatedClient;
import io.fedlearn.grpc.flower.FlowerClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options by which a site joins a server. */
public final class SiteOptions {
    private static final Path STATES = Path.of("runs", "clients");

    @Option(
            names = "--server",
            paramLabel = "HOST:PORT",
            order = -70,
            required = true,
            converter = Address.Converter.class,
            description = "Where the server listens.")
    private Address server = new Address("localhost", 0);

    @Option(
            names = "--id",
            paramLabel = "NAME",
            order = -68,
            description = "By which the server knows this site in every round (default: what its certificate says;"
                    + " needed without one).")
    private Optional<String> id = Optional.empty();

    @Mixin
    private final ClientSecurityOptions security = new ClientSecurityOptions();

    @Option(
            names = "--state",
            paramLabel = "DIR",
            order = -30,
            description =
                    "Where the site keeps what it needs between rounds: its own tensors, its control variates (default:"
                            + " runs/clients/ and the site's id).")
    private Optional<Path> state = Optional.empty();

    @Option(
            names = "--give-up-after",
            paramLabel = "TIME",
            order = -29,
            converter = TimeConverter.class,
            description = "How long the server may be out of reach, such as 5m (default: for ever).")
    private Optional<Duration> giveUpAfter = Optional.empty();

    /** Options that are to be filled. */
    public SiteOptions() {}

    /** Finds options that do not go together. */
    public void check(Protocol protocol) {
        security.check(protocol);
        if (server.port() == 0) {
            throw new InputException("--server must name the port of the server, was " + server);
        }
        if (protocol == Protocol.FEDLEARN && id.isEmpty() && !security.saysWho()) {
            throw new InputException(
                    "--insecure needs --id, and so does --token-file: no certificate says which site this is");
        }
    }

    /** Where the server listens. */
    Address server() {
        return server;
    }

    /**
     * Joins the server and works until the run is over.
     *
     * @param client that does the work
     * @param properties that the server is told
     * @param data the name of the data, which is that of a client without another
     * @param lines is told what happens to the connection
     */
    public Departure join(Protocol protocol, Client client, Config properties, String data, Consumer<String> lines)
            throws InterruptedException {
        ConnectionLog log = ConnectionLog.to(lines);
        try (FileClientStateStore states = FileClientStateStore.at(stateFolder(data))) {
            return protocol == Protocol.FLOWER
                    ? joinFlower(client, properties, states, data, lines)
                    : join(client, properties, states, lines);
        } finally {
            log.close();
        }
    }

    /** Where state is kept: two clients of other ids have other folders, even if their data has one name. */
    Path stateFolder(String data) {
        return state.orElseGet(
                () -> STATES.resolve(StateFolder.of(id.or(security::certifiedId).orElse(data))));
    }

    private Departure join(Client client, Config properties, ClientStateStore states, Consumer<String> lines)
            throws InterruptedException {
        FederatedClient.Builder builder = FederatedClient.builder()
                .server(server.host(), server.port())
                .security(security.security())
                .client(client)
                .states(states)
                .properties(properties)
                .backoff(backoff());
        id.ifPresent(builder::clientId);
        try (FederatedClient joined = builder.build()) {
            // Not before all files could be read.
            tellJoining(lines);
            return joined.run();
        }
    }

    private void tellJoining(Consumer<String> lines) {
        lines.accept("Joining " + server + " ...");
    }

    private Departure joinFlower(
            Client client, Config properties, ClientStateStore states, String data, Consumer<String> lines)
            throws InterruptedException {
        try (FlowerClient joined = FlowerClient.builder()
                .server(server.host(), server.port())
                .clientId(id.orElse(data))
                .security(security.security())
                .client(client)
                .states(states)
                .properties(properties)
                .backoff(backoff())
                .build()) {
            tellJoining(lines);
            return joined.run();
        }
    }

    private Backoff backoff() {
        Backoff backoff = Backoff.defaults();
        return giveUpAfter.isPresent() ? backoff.withGiveUpAfter(giveUpAfter.get()) : backoff;
    }
}
