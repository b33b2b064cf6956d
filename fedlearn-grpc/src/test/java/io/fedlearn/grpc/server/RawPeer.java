package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import io.fedlearn.grpc.internal.wire.JoinMethod;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A peer that says what a test wants, over a connection of its own, without TLS unless it is given one. */
final class RawPeer implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final ManagedChannel channel;
    private final BlockingQueue<ServerMessage> received = new LinkedBlockingQueue<>();
    private final CompletableFuture<Status> end = new CompletableFuture<>();
    private final StreamObserver<ClientMessage> outgoing;

    RawPeer(FederatedServer server) {
        this(NettyChannelBuilder.forAddress("localhost", server.address().getPort())
                .usePlaintext()
                .build());
    }

    /** A peer at this channel, which it closes. */
    RawPeer(ManagedChannel channel) {
        this.channel = channel;
        outgoing = ClientCalls.asyncBidiStreamingCall(
                channel.newCall(JoinMethod.JOIN, CallOptions.DEFAULT), new StreamObserver<>() {
                    @Override
                    public void onNext(ServerMessage message) {
                        received.add(message);
                    }

                    @Override
                    public void onError(Throwable error) {
                        end.complete(Status.fromThrowable(error));
                    }

                    @Override
                    public void onCompleted() {
                        end.complete(Status.OK);
                    }
                });
    }

    ManagedChannel channel() {
        return channel;
    }

    static Hello hello(String id) {
        return Hello.newBuilder()
                .setMinVersion(1)
                .setMaxVersion(1)
                .setClientId(id)
                .setInstance(ByteString.copyFrom(new byte[16]))
                .setAttempt(1)
                .build();
    }

    RawPeer join(String id) throws InterruptedException {
        send(ClientMessage.newBuilder().setHello(hello(id)).build());
        next();
        return this;
    }

    void send(ClientMessage message) {
        outgoing.onNext(message);
    }

    /** Says that nothing more comes. */
    void hangUp() {
        outgoing.onCompleted();
    }

    /** The next message, heartbeats aside. */
    ServerMessage next() throws InterruptedException {
        while (true) {
            ServerMessage message = nextOfAnyKind();
            if (!message.hasHeartbeat()) {
                return message;
            }
        }
    }

    /** The next message, be it a heartbeat. */
    ServerMessage nextOfAnyKind() throws InterruptedException {
        ServerMessage message = received.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        if (message == null) {
            throw new AssertionError("no message came within " + PATIENCE);
        }
        return message;
    }

    GoodbyeCode goodbye() throws InterruptedException {
        return next().getGoodbye().getCode();
    }

    /** How the call ended. */
    Status.Code end() throws Exception {
        return end.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS).getCode();
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
