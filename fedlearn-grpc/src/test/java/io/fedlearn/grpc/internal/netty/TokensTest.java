package io.fedlearn.grpc.internal.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.RevocationList;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.security.TestAuthority;
import io.fedlearn.grpc.security.TestAuthority.Identity;
import io.fedlearn.grpc.security.TokenFile;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokensTest {
    @TempDir
    private Path folder;

    private final String token = TokenFile.newToken();
    private Path tokens;
    private ClientSecurity client;
    private ServerSecurity security;

    @BeforeEach
    void writeTokens() throws IOException {
        TestAuthority authority = TestAuthority.in(folder, "ours");
        Identity server = authority.server();
        tokens = write("tokens", TokenFile.line("hospital-a", token));
        security = ServerSecurity.tokens(server.certificateFile(), server.keyFile(), TokenFile.at(tokens));
        client = ClientSecurity.tls(authority.authorityFile());
    }

    @Test
    void readsTheIdFromTheToken() {
        try (GrpcServer server = Echo.server(security).start()) {
            assertThat(Echo.call(server, client.withToken(token))).isEqualTo("hospital-a says hello");
        }
    }

    @Test
    void refusesAWrongTokenAndNoneAndCountsThem() {
        Queue<String> refusals = new ConcurrentLinkedQueue<>();
        TransportMetrics metrics = new TransportMetrics() {
            @Override
            public void sessionRefused(String reason) {
                refusals.add(reason);
            }
        };

        try (GrpcServer server = Echo.server(security).metrics(metrics).start();
                Logged log = Logged.of(PeerInterceptor.class)) {
            assertThat(trouble(server, client.withToken("wrongtoken")).message())
                    .endsWith("refused this client: the token is nobody's");
            assertThat(trouble(server, client))
                    .satisfies(trouble -> assertThat(trouble.message()).contains("but none was shown"))
                    .satisfies(trouble -> assertThat(trouble.reason()).isEqualTo(Reason.REFUSED));
            assertThat(refusals).containsExactly("identity", "identity");
            assertThat(log.await("refused 127.0.0.1").getMessage()).doesNotContain("wrongtoken");
        }
    }

    @Test
    void noticesThatATokenOrItsClientWasRevoked() throws IOException {
        Queue<Peer> peers = new ConcurrentLinkedQueue<>();
        Path revoked = write("revoked", "");

        try (GrpcServer server = GrpcServer.builder(security.withRevocations(RevocationList.clientIds(revoked)))
                .service(Echo.service(peers))
                .start()) {
            assertThat(Echo.call(server, client.withToken(token))).startsWith("hospital-a");
            assertThat(peers.element().refusal()).isEmpty();

            write("revoked", "hospital-a\n");
            assertThat(peers.element().refusal()).contains("client hospital-a was revoked");
            assertThat(trouble(server, client.withToken(token)).message()).endsWith("client hospital-a was revoked");

            write("revoked", "");
            write("tokens", TokenFile.line("hospital-a", TokenFile.newToken()));
            assertThat(peers.element().refusal()).contains("the token of client hospital-a is not accepted");
            assertThat(trouble(server, client.withToken(token)).message()).endsWith("the token is nobody's");
        }
    }

    @Test
    void answersHealthChecksWithoutAToken() {
        try (GrpcServer server = Echo.server(security).start()) {
            ManagedChannel channel = Echo.channel(server, client);
            try {
                HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel);

                assertThat(health.check(HealthCheckRequest.getDefaultInstance()).getStatus())
                        .isEqualTo(ServingStatus.SERVING);
                server.serving(false);
                assertThat(health.check(HealthCheckRequest.getDefaultInstance()).getStatus())
                        .isEqualTo(ServingStatus.NOT_SERVING);
            } finally {
                channel.shutdownNow();
            }
        }
    }

    @Test
    void keepsNoWatchOfAPeerWithoutAToken() {
        try (GrpcServer server = Echo.server(security).reflection(true).start()) {
            ManagedChannel channel = Echo.channel(server, client);
            try {
                Iterator<?> watch = HealthGrpc.newBlockingStub(channel).watch(HealthCheckRequest.getDefaultInstance());
                assertThat(Status.fromThrowable(catchThrowable(watch::hasNext)).getCode())
                        .isEqualTo(Status.Code.UNIMPLEMENTED);

                Iterator<?> services = ClientCalls.blockingServerStreamingCall(
                        channel,
                        ServerReflectionGrpc.getServerReflectionInfoMethod().toBuilder()
                                .setType(MethodDescriptor.MethodType.SERVER_STREAMING)
                                .build(),
                        CallOptions.DEFAULT,
                        ServerReflectionRequest.newBuilder().setListServices("").build());
                assertThat(Status.fromThrowable(catchThrowable(services::hasNext))
                                .getCode())
                        .isEqualTo(Status.Code.UNAUTHENTICATED);
            } finally {
                channel.shutdownNow();
            }
        }
    }

    private static ConnectionTrouble trouble(GrpcServer server, ClientSecurity client) {
        Throwable failure = catchThrowable(() -> Echo.call(server, client));
        assertThat(failure).isNotNull();
        return ConnectionTrouble.of("127.0.0.1", server.address().getPort(), client, failure);
    }

    private Path write(String name, String content) throws IOException {
        Path temporary = Files.writeString(folder.resolve(name + ".tmp"), content);
        return TestAuthority.replace(temporary, folder.resolve(name));
    }
}
