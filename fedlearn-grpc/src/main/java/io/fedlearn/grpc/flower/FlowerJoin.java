package io.fedlearn.grpc.flower;

import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One call of a client to its server, on a channel of its own: servers up to 1.6 tell clients apart by their TCP connection. What
 * happens is queued for the one thread that leads the client. The client says nothing before it is asked; while it works on an
 * instruction one more is let in, which can only send it away.
 */
final class FlowerJoin implements AutoCloseable {
    /** What the leading thread hears of. */
    sealed interface Event {
        /** The server asks something. */
        record Asked(ServerMessage instruction) implements Event {}

        /** The client has done what was asked. */
        record Done(FlowerDuties.Answer answer) implements Event {}

        /** The call is over. */
        record Ended(Status status) implements Event {}

        /** The client is to leave. */
        record Closing() implements Event {}
    }

    /** The protocol's one call. */
    static final MethodDescriptor<ClientMessage, ServerMessage> JOIN =
            MethodDescriptor.<ClientMessage, ServerMessage>newBuilder()
                    .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
                    .setFullMethodName(MethodDescriptor.generateFullMethodName("flwr.proto.FlowerService", "Join"))
                    .setRequestMarshaller(ProtoUtils.marshaller(ClientMessage.getDefaultInstance()))
                    .setResponseMarshaller(ProtoUtils.marshaller(ServerMessage.getDefaultInstance()))
                    .build();

    private final ManagedChannel channel;
    private final ClientCall<ClientMessage, ServerMessage> call;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

    private FlowerJoin(ManagedChannel channel) {
        this.channel = channel;
        this.call = channel.newCall(JOIN, CallOptions.DEFAULT);
    }

    /** Calls the server; closing the call closes the channel. */
    static FlowerJoin open(ManagedChannel channel) {
        FlowerJoin join = new FlowerJoin(channel);
        join.call.start(join.new Listener(), new Metadata());
        // One beyond the instruction at work: a server that closes says so meanwhile, and its end is heard only behind
        // that.
        join.call.request(2);
        return join;
    }

    /** The next event, whenever it comes. */
    Event next() throws InterruptedException {
        return events.take();
    }

    /** The next event, if it comes so soon. */
    Optional<Event> next(Duration timeout) throws InterruptedException {
        return Optional.ofNullable(events.poll(timeout.toNanos(), TimeUnit.NANOSECONDS));
    }

    /** Queues an event of this side. */
    void tell(Event event) {
        events.add(event);
    }

    /** Sends an answer and lets the next instruction in. */
    void answer(ClientMessage message) {
        call.sendMessage(message);
        call.request(1);
    }

    /** Sends the last answer. */
    void answerLast(ClientMessage message) {
        call.sendMessage(message);
        call.halfClose();
    }

    /** Ends the call, if it has not ended, and the connection. */
    @Override
    public void close() {
        call.cancel("the client leaves", null);
        channel.shutdownNow();
    }

    private final class Listener extends ClientCall.Listener<ServerMessage> {
        @Override
        public void onMessage(ServerMessage message) {
            events.add(new Event.Asked(message));
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            events.add(new Event.Ended(status));
        }
    }
}
