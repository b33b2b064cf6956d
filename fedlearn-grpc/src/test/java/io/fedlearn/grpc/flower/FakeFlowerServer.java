package io.fedlearn.grpc.flower;

import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.security.TestAuthority;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The server's end of Flower's protocol as a test plays it, with the manners of Flower 1.6: clients are told apart by their TCP
 * connection, and a second call on one is ended in good order without a word.
 */
final class FakeFlowerServer implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 20;

    private final Server server;
    private final BlockingQueue<Guest> guests = new LinkedBlockingQueue<>();
    private final Set<String> connections = ConcurrentHashMap.newKeySet();

    private FakeFlowerServer(NettyServerBuilder builder) throws IOException {
        this.server = builder.maxInboundMessageSize(1 << 30)
                .directExecutor()
                .addService(ServerServiceDefinition.builder("flwr.proto.FlowerService")
                        .addMethod(FlowerJoin.JOIN, this::join)
                        .build())
                .build()
                .start();
    }

    static FakeFlowerServer start() throws IOException {
        return start(0);
    }

    static FakeFlowerServer start(int port) throws IOException {
        return new FakeFlowerServer(builder(port));
    }

    /** A server that shows this certificate. */
    static FakeFlowerServer start(TestAuthority.Identity identity) throws IOException {
        return new FakeFlowerServer(builder(0)
                .useTransportSecurity(
                        identity.certificateFile().toFile(), identity.keyFile().toFile()));
    }

    private static NettyServerBuilder builder(int port) {
        return NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }

    int port() {
        return server.getPort();
    }

    /** The next client that joins. */
    Guest awaitGuest() throws InterruptedException {
        Guest guest = guests.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        return Objects.requireNonNull(guest, "nobody joined");
    }

    private ServerCall.Listener<ClientMessage> join(ServerCall<ClientMessage, ServerMessage> call, Metadata headers) {
        Guest guest =
                new Guest(call, Objects.toString(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)), headers);
        call.sendHeaders(new Metadata());
        call.request(Integer.MAX_VALUE);
        if (connections.add(guest.connection)) {
            guests.add(guest);
        } else {
            call.close(Status.OK, new Metadata());
        }
        return guest;
    }

    @Override
    public void close() {
        server.shutdownNow();
    }

    /** A client that has joined. */
    static final class Guest extends ServerCall.Listener<ClientMessage> {
        private final ServerCall<ClientMessage, ServerMessage> call;
        private final BlockingQueue<ClientMessage> said = new LinkedBlockingQueue<>();
        private final BlockingQueue<String> ends = new LinkedBlockingQueue<>();
        private final @Nullable Deadline deadline = Context.current().getDeadline();

        /** What Flower 1.6 knows a client by. */
        final String connection;

        final Metadata headers;

        Guest(ServerCall<ClientMessage, ServerMessage> call, String connection, Metadata headers) {
            this.call = call;
            this.connection = connection;
            this.headers = headers;
        }

        boolean hasDeadline() {
            return deadline != null;
        }

        void send(ServerMessage message) {
            call.sendMessage(message);
        }

        /** The client's next message. */
        ClientMessage hear() throws InterruptedException {
            return Objects.requireNonNull(said.poll(PATIENCE_SECONDS, TimeUnit.SECONDS), "the client said nothing");
        }

        ClientMessage ask(ServerMessage message) throws InterruptedException {
            send(message);
            return hear();
        }

        /** Whether the client has said something that nobody heard. */
        boolean hasSaidMore() {
            return !said.isEmpty();
        }

        void end(Status status) {
            call.close(status, new Metadata());
        }

        /** How the client ended the call: {@code half-close} or {@code cancel}. */
        Optional<String> awaitEnd() throws InterruptedException {
            return Optional.ofNullable(ends.poll(PATIENCE_SECONDS, TimeUnit.SECONDS));
        }

        @Override
        public void onMessage(ClientMessage message) {
            said.add(message);
        }

        @Override
        public void onHalfClose() {
            ends.add("half-close");
        }

        @Override
        public void onCancel() {
            ends.add("cancel");
        }
    }
}
