package io.fedlearn.examples.network;

import io.fedlearn.examples.run.InputException;
import io.fedlearn.grpc.flower.FlowerServer;
import io.fedlearn.grpc.flower.TensorNames;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options of serving clients of Flower's protocol. */
final class FlowerOptions {
    @Option(
            names = "--flower-listen",
            paramLabel = "HOST:PORT",
            order = -68,
            converter = Address.Converter.class,
            description = "With --protocol both, where it listens for Flower's clients.")
    private Optional<Address> listen = Optional.empty();

    @Option(
            names = "--tensor-names",
            paramLabel = "FILE",
            order = -63,
            description =
                    "Names and roles of the tensors of Flower's clients, which send none: a .json, or a .safetensors of"
                            + " the model (default: tensor-000 and so on; strategies with a server optimizer take batch-norm"
                            + " statistics for weights then).")
    private Optional<Path> names = Optional.empty();

    @Option(
            names = "--flower-id-property",
            paramLabel = "NAME",
            order = -62,
            description =
                    "The property in which each of Flower's clients says its id, for strategies that must know clients"
                            + " again (default: they have no lasting ids).")
    private Optional<String> idProperty = Optional.empty();

    @Option(
            names = "--flower-open",
            order = -61,
            description =
                    "With --client-ca or --tokens, let Flower's clients join over TLS without either: Flower's own can"
                            + " show neither, so whoever reaches the port can join.")
    private boolean open;

    /** Finds options that do not go together. */
    void check(Served protocol) {
        if ((protocol == Served.BOTH) != listen.isPresent()) {
            throw new InputException(
                    "--protocol both needs --flower-listen, and --flower-listen needs --protocol both");
        }
        if (protocol == Served.FEDLEARN && (names.isPresent() || idProperty.isPresent() || open)) {
            throw new InputException(
                    "--tensor-names, --flower-id-property and --flower-open need --protocol flower or both");
        }
    }

    /** Where clients are served if others are, too. */
    Optional<Address> listen() {
        return listen;
    }

    /** How its port is secured, in words. */
    String words(ServerSecurityOptions security) {
        return open ? security.openWords() : security.words();
    }

    /** A server for clients of Flower's protocol. */
    FlowerServer start(Address address, ServerSecurityOptions security) {
        FlowerServer.Builder builder = FlowerServer.builder()
                .listen(address.host(), address.port())
                .security(open ? security.openSecurity() : security.security());
        names.ifPresent(file -> builder.tensorNames(read(file)));
        idProperty.ifPresent(builder::idProperty);
        return builder.start();
    }

    private static TensorNames read(Path file) {
        try {
            return TensorNames.read(file);
        } catch (IOException e) {
            throw InputException.of("--tensor-names: " + file + " cannot be read", e);
        }
    }
}
