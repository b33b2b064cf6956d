package io.fedlearn.examples.network;

import io.fedlearn.core.runtime.CompositeRuntime;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.strategy.Strategy;
import io.fedlearn.grpc.flower.FlowerServer;
import io.fedlearn.grpc.server.FederatedServer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What listens for clients. Closed by who started it; clients are told that the run is over, unless {@link #pause} told them to
 * come back.
 */
final class Servers implements AutoCloseable {
    private static final Duration RETRY = Duration.ofSeconds(2);

    private final Runtime runtime;
    private final Optional<FederatedServer> own;
    private final Optional<FlowerServer> flower;
    private final Address listen;
    private final Address flowerListen;

    private Servers(
            Optional<FederatedServer> own, Optional<FlowerServer> flower, Address listen, Address flowerListen) {
        this.listen = listen;
        this.flowerListen = flowerListen;
        this.own = own;
        this.flower = flower;
        List<Runtime> runtimes = new ArrayList<>();
        own.ifPresent(runtimes::add);
        flower.ifPresent(runtimes::add);
        this.runtime = runtimes.size() == 1 ? runtimes.get(0) : CompositeRuntime.of(runtimes);
    }

    /**
     * Begins to listen.
     *
     * @param listen for clients of the one protocol, or of FedLearn's if both are served
     * @param settings of the server for FedLearn's clients
     * @throws io.fedlearn.grpc.TransportException if an address cannot be had
     */
    static Servers start(
            Served protocol,
            Address listen,
            FlowerOptions flowerOptions,
            ServerSecurityOptions security,
            Consumer<FederatedServer.Builder> settings) {
        Optional<FederatedServer> own =
                protocol == Served.FLOWER ? Optional.empty() : Optional.of(startOwn(listen, security, settings));
        try {
            Address flowerListen = flowerOptions.listen().orElse(listen);
            Optional<FlowerServer> flower = protocol == Served.FEDLEARN
                    ? Optional.empty()
                    : Optional.of(flowerOptions.start(flowerListen, security));
            return new Servers(own, flower, listen, flowerListen);
        } catch (RuntimeException e) {
            own.ifPresent(FederatedServer::close);
            throw e;
        }
    }

    private static FederatedServer startOwn(
            Address listen, ServerSecurityOptions security, Consumer<FederatedServer.Builder> settings) {
        FederatedServer.Builder builder =
                FederatedServer.builder().listen(listen.host(), listen.port()).security(security.security());
        settings.accept(builder);
        return builder.start();
    }

    /** What reaches all clients. */
    Runtime runtime() {
        return runtime;
    }

    /** Where clients of FedLearn's own protocol are served. */
    Optional<Address> own() {
        return own.map(server -> address(listen, server.address()));
    }

    /** Where clients of Flower's protocol are served. */
    Optional<Address> flower() {
        return flower.map(server -> address(flowerListen, server.address()));
    }

    /** What was typed, with the port that was chosen if none was. */
    private static Address address(Address typed, InetSocketAddress bound) {
        return new Address(typed.host(), bound.getPort());
    }

    /** What may not work as expected when this strategy trains these clients. */
    List<String> cautions(Strategy strategy, boolean hasModel) {
        return flower.map(server -> server.cautions(strategy, hasModel)).orElse(List.of());
    }

    /** Sends clients away who shall come back when the run is resumed. */
    void pause() {
        own.ifPresent(server -> server.drain("the server was stopped, and may be started again", RETRY));
    }

    /** Tells clients that the run has failed, and of what kind that was; Flower's protocol has no word for it. */
    void fail(String reason) {
        own.ifPresent(server -> server.closeFailed(reason));
    }

    @Override
    public void close() {
        runtime.close();
    }
}
