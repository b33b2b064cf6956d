package io.fedlearn.grpc.internal.netty;

import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import java.util.Optional;
import javax.net.ssl.SSLException;

/** TLS 1.2 and 1.3 with keys and trust as the settings say; empty where they say none. */
final class SslContexts {
    private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

    private SslContexts() {}

    static Optional<SslContext> of(ServerSecurity security, RefusedClients refused) {
        return security.keyManager().map(key -> {
            SslContextBuilder builder =
                    GrpcSslContexts.configure(SslContextBuilder.forServer(key)).protocols(PROTOCOLS);
            security.trustManager()
                    .map(trust -> new RecordingTrustManager(trust, security, refused))
                    .ifPresent(trust -> builder.trustManager(trust).clientAuth(ClientAuth.REQUIRE));
            return build(builder);
        });
    }

    static Optional<SslContext> of(ClientSecurity security) {
        return security.trustManager().map(trust -> {
            SslContextBuilder builder = GrpcSslContexts.configure(SslContextBuilder.forClient())
                    .protocols(PROTOCOLS)
                    // That the certificate names the host is checked by gRPC, for each connection.
                    .trustManager(trust);
            security.keyManager().ifPresent(builder::keyManager);
            return build(builder);
        });
    }

    private static SslContext build(SslContextBuilder builder) {
        try {
            return builder.build();
        } catch (SSLException e) {
            throw new TransportException(
                    TransportException.Reason.SECURITY, "TLS cannot be set up: " + e.getMessage(), e);
        }
    }
}
