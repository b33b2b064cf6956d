package io.fedlearn.examples.network;

import io.fedlearn.core.client.Client;
import io.fedlearn.core.task.Config;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.examples.run.TimeConverter;
import io.fedlearn.files.FileClientStateStore;
import io.fedlearn.grpc.client.Backoff;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.client.FederatedClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options by which a site joins a server. */
public final class SiteOptions {
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
            description =
                    "By which the server knows this site in every round (default: what its certificate or token says;"
                            + " needed with --insecure).")
    private Optional<String> id = Optional.empty();

    @Mixin
    private final ClientSecurityOptions security = new ClientSecurityOptions();

    @Option(
            names = "--state",
            paramLabel = "DIR",
            order = -30,
            description =
                    "Where the site keeps what it needs between rounds: its own tensors, its control variates (default:"
                            + " runs/clients/ and the name of the data).")
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

    /**
     * Finds options that do not go together.
     *
     * @param needsId whether the server must know who this is
     */
    public void check(boolean needsId) {
        security.check();
        if (server.port() == 0) {
            throw new InputException("--server must name the port of the server, was " + server);
        }
        if (needsId && id.isEmpty() && !security.saysWho()) {
            throw new InputException("--insecure needs --id: without TLS nothing else says which site this is");
        }
    }

    /** Where the server listens. */
    Address server() {
        return server;
    }

    /** How client and server know each other. */
    ClientSecurityOptions security() {
        return security;
    }

    /**
     * Joins the server and works until the run is over.
     *
     * @param client that does the work
     * @param properties that the server is told
     * @param stateFolder where state is kept if no option says so
     * @param lines is told what happens to the connection
     */
    public Departure join(Client client, Config properties, Path stateFolder, Consumer<String> lines)
            throws InterruptedException {
        Backoff backoff = Backoff.defaults();
        if (giveUpAfter.isPresent()) {
            backoff = backoff.withGiveUpAfter(giveUpAfter.get());
        }
        FederatedClient.Builder builder = FederatedClient.builder()
                .server(server.host(), server.port())
                .security(security.security())
                .client(client)
                .properties(properties)
                .backoff(backoff);
        id.ifPresent(builder::clientId);
        ConnectionLog log = ConnectionLog.to(lines);
        try (FileClientStateStore states = FileClientStateStore.at(state.orElse(stateFolder));
                FederatedClient joined = builder.states(states).build()) {
            return joined.run();
        } finally {
            log.close();
        }
    }
}
