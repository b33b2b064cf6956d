package io.fedlearn.examples.network;

import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.examples.run.InputException;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.server.FederatedServer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;

/** What listens for clients. Closed by who started it; clients are told that the run is over,
 * unless {@link #pause} told them to come back. */
final class Servers implements AutoCloseable {
    private static final Duration RETRY = Duration.ofSeconds(5);

    private final Runtime runtime;
    private final Optional<FederatedServer> own;

    private Servers(Runtime runtime, Optional<FederatedServer> own) {
        this.runtime = runtime;
        this.own = own;
    }

    /**
     * Begins to listen.
     *
     * @throws io.fedlearn.grpc.TransportException if an address cannot be had
     */
    static Servers start(Served protocol, Address listen, Optional<Address> flowerListen, ServerSecurity security) {
        if (protocol != Served.FEDLEARN) {
            throw new InputException("--protocol " + protocol + " is not there yet");
        }
        FederatedServer server = FederatedServer.builder()
                .listen(listen.host(), listen.port())
                .security(security)
                .start();
        return new Servers(server, Optional.of(server));
    }

    /** What reaches all clients. */
    Runtime runtime() {
        return runtime;
    }

    /** Where clients of FedLearn's own protocol are served. */
    Optional<Address> own() {
        return own.map(server -> address(server.address()));
    }

    /** Where clients of Flower's protocol are served. */
    Optional<Address> flower() {
        return Optional.empty();
    }

    private static Address address(InetSocketAddress bound) {
        return new Address(bound.getAddress().getHostAddress(), bound.getPort());
    }

    /** Sends clients away who shall come back when the run is resumed. */
    void pause() {
        own.ifPresent(server -> server.drain("the server was stopped, and may be started again", RETRY));
    }

    @Override
    public void close() {
        runtime.close();
    }
}
