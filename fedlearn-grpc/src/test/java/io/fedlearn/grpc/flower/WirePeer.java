package io.fedlearn.grpc.flower;

import io.fedlearn.core.tensor.Model;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.grpc.proto.flower.Reason;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.proto.flower.Status;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A client of Flower's protocol that does nothing by itself: the test says each message. */
final class WirePeer implements AutoCloseable {
    static final MethodDescriptor<ClientMessage, ServerMessage> JOIN =
            MethodDescriptor.<ClientMessage, ServerMessage>newBuilder()
                    .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
                    .setFullMethodName("flwr.proto.FlowerService/Join")
                    .setRequestMarshaller(ProtoUtils.marshaller(ClientMessage.getDefaultInstance()))
                    .setResponseMarshaller(ProtoUtils.marshaller(ServerMessage.getDefaultInstance()))
                    .build();
    private static final Status SUCCESS =
            Status.newBuilder().setMessage("Success").build();

    private final ManagedChannel channel;
    private final boolean ownsChannel;
    private final ClientCall<ClientMessage, ServerMessage> call;
    private final BlockingQueue<ServerMessage> messages = new LinkedBlockingQueue<>();
    private final CompletableFuture<io.grpc.Status> end = new CompletableFuture<>();

    private WirePeer(ManagedChannel channel, boolean ownsChannel, int reads) {
        this.channel = channel;
        this.ownsChannel = ownsChannel;
        this.call = channel.newCall(JOIN, CallOptions.DEFAULT);
        call.start(
                new ClientCall.Listener<>() {
                    private int count;

                    @Override
                    public void onMessage(ServerMessage message) {
                        messages.add(message);
                        if (++count < reads) {
                            call.request(1);
                        }
                    }

                    @Override
                    public void onClose(io.grpc.Status status, Metadata trailers) {
                        end.complete(status);
                    }
                },
                new Metadata());
        call.request(1);
    }

    static ManagedChannel channel(InetSocketAddress address) {
        return NettyChannelBuilder.forAddress(address)
                .usePlaintext()
                .maxInboundMessageSize(512 << 20)
                .build();
    }

    /** Joins on a connection of its own. */
    static WirePeer join(InetSocketAddress address) {
        return joinReading(address, Integer.MAX_VALUE);
    }

    /** Joins on a connection of its own, and reads no more than so many messages. */
    static WirePeer joinReading(InetSocketAddress address, int messageCount) {
        return new WirePeer(channel(address), true, messageCount);
    }

    /** Joins on this connection. */
    static WirePeer join(ManagedChannel channel) {
        return new WirePeer(channel, false, Integer.MAX_VALUE);
    }

    ServerMessage awaitMessage() throws InterruptedException {
        ServerMessage message = messages.poll(20, TimeUnit.SECONDS);
        if (message == null) {
            throw new AssertionError("no message within 20 s; the call's end: " + end);
        }
        return message;
    }

    boolean hasMessage() {
        return !messages.isEmpty();
    }

    io.grpc.Status awaitEnd() throws Exception {
        return end.get(20, TimeUnit.SECONDS);
    }

    boolean hasEnded() {
        return end.isDone();
    }

    void send(ClientMessage message) {
        call.sendMessage(message);
    }

    void send(ClientMessage.FitRes.Builder message) {
        send(ClientMessage.newBuilder().setFitRes(message).build());
    }

    void send(ClientMessage.EvaluateRes.Builder message) {
        send(ClientMessage.newBuilder().setEvaluateRes(message).build());
    }

    void sayProperties(Map<String, Object> properties) {
        send(ClientMessage.newBuilder()
                .setGetPropertiesRes(ClientMessage.GetPropertiesRes.newBuilder()
                        .setStatus(SUCCESS)
                        .putAllProperties(FlowerScalars.write(io.fedlearn.core.task.Config.of(properties))))
                .build());
    }

    void sayGoodbye() {
        send(ClientMessage.newBuilder()
                .setDisconnectRes(ClientMessage.DisconnectRes.newBuilder().setReason(Reason.RECONNECT))
                .build());
    }

    /** A good answer to fit. */
    static ClientMessage.FitRes.Builder fitted(Model model, long examples) {
        return ClientMessage.FitRes.newBuilder()
                .setStatus(SUCCESS)
                .setParameters(FlowerTensors.write(model))
                .setNumExamples(examples);
    }

    /** A client's initial model. */
    static ClientMessage parameters(Model model) {
        return ClientMessage.newBuilder()
                .setGetParametersRes(
                        ClientMessage.GetParametersRes.newBuilder().setParameters(FlowerTensors.write(model)))
                .build();
    }

    static Status status(Code code, String message) {
        return Status.newBuilder().setCode(code).setMessage(message).build();
    }

    void halfClose() {
        call.halfClose();
    }

    /** Ends as a process that dies. */
    @Override
    public void close() {
        call.cancel("the test is over", null);
        if (ownsChannel) {
            channel.shutdownNow();
        }
    }
}
