package io.fedlearn.grpc.client;

import io.fedlearn.grpc.internal.wire.JoinMethod;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One connection to the server and the Join call on it. What the server sends becomes events, one at a time: the next message is
 * asked for when the last has been taken. Confined to one thread.
 */
final class ServerLink {
    private static final long PATIENCE_SECONDS = 5;

    private final ManagedChannel channel;
    private final Channel counted;
    private final Incoming incoming = new Incoming();
    private final Consumer<Event> events;
    private boolean isClosed;

    private ServerLink(ManagedChannel channel, Traffic traffic, Consumer<Event> events) {
        this.channel = channel;
        this.counted = ClientInterceptors.intercept(channel, traffic);
        this.events = events;
    }

    /** Connects over this channel, and owns it from here on. */
    static ServerLink open(ManagedChannel channel, Traffic traffic, Consumer<Event> events) {
        ServerLink link = new ServerLink(channel, traffic, events);
        ClientCalls.asyncBidiStreamingCall(link.counted.newCall(JoinMethod.JOIN, CallOptions.DEFAULT), link.incoming);
        return link;
    }

    /** For further calls on the same connection. */
    Channel channel() {
        return counted;
    }

    /** Sends a message; one that the connection cannot take any more is lost with it. */
    void send(ClientMessage message) {
        if (!isClosed) {
            call().onNext(message);
        }
    }

    /** Whether what is sent goes out at once. */
    boolean isReady() {
        return !isClosed && call().isReady();
    }

    /** Asks for the server's next message. */
    void next() {
        if (!isClosed) {
            call().request(1);
        }
    }

    /** Says that nothing more is sent. */
    void finish() {
        if (!isClosed) {
            call().onCompleted();
        }
    }

    /** Cuts the connection and everything that goes over it. */
    void close() {
        if (!isClosed) {
            isClosed = true;
            call().cancel("the client has closed the connection", null);
            channel.shutdownNow();
        }
    }

    /** Waits a moment until nothing of the connection is left. */
    void awaitEnd() {
        boolean interrupted = false;
        try {
            channel.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private ClientCallStreamObserver<ClientMessage> call() {
        ClientCallStreamObserver<ClientMessage> call = incoming.call;
        if (call == null) {
            throw new IllegalStateException("the call has not begun");
        }
        return call;
    }

    private final class Incoming implements ClientResponseObserver<ClientMessage, ServerMessage> {
        private volatile @Nullable ClientCallStreamObserver<ClientMessage> call;

        @Override
        public void beforeStart(ClientCallStreamObserver<ClientMessage> stream) {
            call = stream;
            stream.disableAutoRequestWithInitial(1);
        }

        @Override
        public void onNext(ServerMessage message) {
            events.accept(new Event.Received(ServerLink.this, message));
        }

        @Override
        public void onError(Throwable error) {
            events.accept(new Event.Broken(ServerLink.this, Status.fromThrowable(error)));
        }

        @Override
        public void onCompleted() {
            events.accept(new Event.Broken(
                    ServerLink.this, Status.UNAVAILABLE.withDescription("the server has closed the connection")));
        }
    }
}
