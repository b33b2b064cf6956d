package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/** A service of tests that says who calls. */
final class Echo {
    static final MethodDescriptor<String, String> WHO = method("Who", MethodDescriptor.MethodType.UNARY);
    static final MethodDescriptor<String, String> STAY = method("Stay", MethodDescriptor.MethodType.BIDI_STREAMING);
    private static final long SECONDS = 20;

    private Echo() {}

    /** Answers with the id and the request; keeps what peers it saw. */
    static ServerServiceDefinition service(Queue<Peer> peers) {
        return ServerServiceDefinition.builder("test.Echo")
                .addMethod(WHO, ServerCalls.asyncUnaryCall((String request, StreamObserver<String> answers) -> {
                    Peer peer = Peer.current();
                    peers.add(peer);
                    answers.onNext(peer.clientId().orElse("someone") + " says " + request);
                    answers.onCompleted();
                }))
                .addMethod(STAY, ServerCalls.asyncBidiStreamingCall((StreamObserver<String> answers) -> answers))
                .build();
    }

    static GrpcServer.Builder server(ServerSecurity security) {
        return GrpcServer.builder(security).service(service(new ConcurrentLinkedQueue<>()));
    }

    static ManagedChannel channel(GrpcServer server, ClientSecurity security) {
        return GrpcChannels.open(
                "127.0.0.1", server.address().getPort(), security, ConnectionLimits.DEFAULTS, Runnable::run);
    }

    /** One call; its failure is a StatusRuntimeException. */
    static String call(Channel channel, String request) {
        return ClientCalls.blockingUnaryCall(
                channel, WHO, CallOptions.DEFAULT.withDeadlineAfter(SECONDS, TimeUnit.SECONDS), request);
    }

    /** One call over a connection of its own. */
    static String call(GrpcServer server, ClientSecurity security) {
        ManagedChannel channel = channel(server, security);
        try {
            return call(channel, "hello");
        } finally {
            channel.shutdownNow();
        }
    }

    private static MethodDescriptor<String, String> method(String name, MethodDescriptor.MethodType type) {
        return MethodDescriptor.<String, String>newBuilder(new Text(), new Text())
                .setFullMethodName("test.Echo/" + name)
                .setType(type)
                .build();
    }

    private static final class Text implements MethodDescriptor.Marshaller<String> {
        @Override
        public InputStream stream(String value) {
            return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream stream) {
            try {
                return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
