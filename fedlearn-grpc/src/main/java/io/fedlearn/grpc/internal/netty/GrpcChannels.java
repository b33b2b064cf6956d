package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.security.ClientSecurity;
import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Opens channels to servers. */
public final class GrpcChannels {
    private static final int CONNECT_MILLIS = 10_000;
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private GrpcChannels() {}

    /** A channel to this server, whose callbacks run on gRPC's own threads; it connects with the first call. */
    public static ManagedChannel open(String host, int port, ClientSecurity security, ConnectionLimits limits) {
        return build(builder(host, port, security, limits), security);
    }

    /** A channel to this server, whose callbacks run on this executor; it connects with the first call. */
    public static ManagedChannel open(
            String host, int port, ClientSecurity security, ConnectionLimits limits, Executor executor) {
        return build(builder(host, port, security, limits).executor(executor), security);
    }

    private static NettyChannelBuilder builder(
            String host, int port, ClientSecurity security, ConnectionLimits limits) {
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(host, port)
                .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .maxInboundMessageSize(limits.maxMessageBytes())
                .maxInboundMetadataSize(limits.maxMetadataBytes())
                .keepAliveTime(limits.pingInterval().toMillis(), TimeUnit.MILLISECONDS)
                .keepAliveTimeout(limits.pingTimeout().toMillis(), TimeUnit.MILLISECONDS)
                // What is done again is decided by the client, which knows what was done.
                .disableRetry()
                .disableServiceConfigLookUp();
        if (limits.flowControlWindow() > 0) {
            builder.flowControlWindow(limits.flowControlWindow());
        }
        security.serverName().ifPresent(builder::overrideAuthority);
        SslContexts.of(security).ifPresentOrElse(builder::sslContext, builder::usePlaintext);
        return builder;
    }

    private static ManagedChannel build(NettyChannelBuilder builder, ClientSecurity security) {
        if (security.token().isPresent()) {
            builder.intercept(new TokenInterceptor(new BearerToken(security)));
        }
        return builder.build();
    }

    /** Shows the token with each call, as its file holds it then. */
    private record TokenInterceptor(CallCredentials credentials) implements ClientInterceptor {
        @Override
        public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
            return next.newCall(method, options.withCallCredentials(credentials));
        }
    }

    private static final class BearerToken extends CallCredentials {
        private final ClientSecurity security;

        BearerToken(ClientSecurity security) {
            this.security = security;
        }

        @Override
        public void applyRequestMetadata(RequestInfo request, Executor executor, MetadataApplier applier) {
            if (request.getSecurityLevel() != SecurityLevel.PRIVACY_AND_INTEGRITY) {
                applier.fail(Status.UNAUTHENTICATED.withDescription("a token is sent over TLS only"));
                return;
            }
            Metadata headers = new Metadata();
            headers.put(AUTHORIZATION, "Bearer " + security.token().orElseThrow());
            applier.apply(headers);
        }
    }
}
