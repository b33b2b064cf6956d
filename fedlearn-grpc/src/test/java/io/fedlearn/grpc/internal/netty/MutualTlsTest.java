package io.fedlearn.grpc.internal.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.fedlearn.core.runtime.Refusal;
import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.security.CertificateIdentity;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.RevocationList;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.security.TestAuthority;
import io.fedlearn.grpc.security.TestAuthority.Identity;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.assertj.core.api.ObjectAssert;
import org.bouncycastle.asn1.x509.GeneralName;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MutualTlsTest {
    @TempDir
    private Path folder;

    private TestAuthority authority;
    private Identity serverIdentity;
    private Identity hospital;
    private ServerSecurity security;

    @BeforeEach
    void foundAuthority() throws IOException {
        authority = TestAuthority.in(folder, "ours");
        serverIdentity = authority.server();
        hospital = authority.client("hospital-a");
        security = mutualTls(serverIdentity);
    }

    @Test
    void readsTheIdFromTheCertificate() {
        try (GrpcServer server = Echo.server(security).start()) {
            assertThat(Echo.call(server, of(hospital))).isEqualTo("hospital-a says hello");
        }
    }

    @Test
    void readsTheIdAsItIsTold() throws IOException {
        Identity named = authority.issue(
                "someone",
                "RSA",
                Duration.ofDays(1),
                new GeneralName(GeneralName.uniformResourceIdentifier, "spiffe://hospitals.example/b"));
        ServerSecurity byUri = security.withIdentity(CertificateIdentity.uri("spiffe://hospitals.example/"));

        try (GrpcServer server = Echo.server(byUri).start()) {
            assertThat(Echo.call(server, of(named))).isEqualTo("b says hello");
            assertThatTrouble(server, of(hospital))
                    .satisfies(trouble -> assertThat(trouble.isLasting()).isTrue());
        }
    }

    @Test
    void refusesAClientWithoutACertificate() {
        try (GrpcServer server = Echo.server(security).start()) {
            assertThatTrouble(server, ClientSecurity.tls(authority.authorityFile()))
                    .isEqualTo(new ConnectionTrouble(
                            Reason.SECURITY,
                            true,
                            at(server) + " asks for a client's certificate, but this client has none to show"));
        }
    }

    @Test
    void refusesACertificateOfAnotherAuthority() throws IOException {
        Identity foreign = TestAuthority.in(folder, "theirs").client("hospital-a");

        try (GrpcServer server = Echo.server(security).start();
                Logged log = Logged.of(FirstBytes.class)) {
            assertThatTrouble(
                            server,
                            ClientSecurity.mutualTls(
                                    foreign.certificateFile(), foreign.keyFile(), authority.authorityFile()))
                    .satisfies(trouble -> {
                        assertThat(trouble.reason()).isEqualTo(Reason.SECURITY);
                        assertThat(trouble.isLasting()).isTrue();
                        assertThat(trouble.message())
                                .contains("refused this client")
                                .contains("another authority");
                    });
            log.await("CN=hospital-a", "was issued by CN=theirs, which is none of the authorities");
        }
    }

    @Test
    void logsOnOneLineWhatACertificateSays() throws IOException {
        Identity foreign = TestAuthority.in(folder, "theirs").client("hospital-a\\\nall is well");

        try (GrpcServer server = Echo.server(security).start();
                Logged log = Logged.of(FirstBytes.class)) {
            assertThatTrouble(
                            server,
                            ClientSecurity.mutualTls(
                                    foreign.certificateFile(), foreign.keyFile(), authority.authorityFile()))
                    .isNotNull();
            assertThat(log.await("certificate of 'CN=hospital-a").getMessage())
                    .contains("CN=hospital-a all is well")
                    .doesNotContain("\n");
        }
    }

    @Test
    void takesNoteOfACertificateThatTheIdentityRuleStumblesOver() throws IOException {
        Identity foreign = TestAuthority.in(folder, "theirs").client("hospital-a");
        RefusedClients refused = new RefusedClients();
        ServerSecurity strict = security.withIdentity(certificate -> {
            throw new IllegalStateException("no certificate of ours");
        });

        try (GrpcServer server = Echo.server(strict).refused(refused).start()) {
            assertThatTrouble(
                            server,
                            ClientSecurity.mutualTls(
                                    foreign.certificateFile(), foreign.keyFile(), authority.authorityFile()))
                    .isNotNull();
        }

        assertThat(refused.take()).singleElement().satisfies(refusal -> {
            assertThat(refusal.clientId()).isEmpty();
            assertThat(refusal.reason()).contains("CN=hospital-a", "none of the authorities");
        });
    }

    @Test
    void refusesAnExpiredCertificate() throws Exception {
        Identity expired = authority.expiredClient("hospital-a");

        try (GrpcServer server = Echo.server(security).start();
                Logged log = Logged.of(FirstBytes.class)) {
            // A FederatedClient would not even begin with such a certificate.
            ManagedChannel channel = NettyChannelBuilder.forAddress(
                            "127.0.0.1", server.address().getPort())
                    .sslContext(GrpcSslContexts.forClient()
                            .trustManager(authority.authorityFile().toFile())
                            .keyManager(
                                    expired.certificateFile().toFile(),
                                    expired.keyFile().toFile())
                            .build())
                    .build();
            try {
                Throwable failure = catchThrowable(() -> Echo.call(channel, "hello"));

                assertThat(ConnectionTrouble.of("127.0.0.1", server.address().getPort(), of(hospital), failure)
                                .message())
                        .isEqualTo(at(server) + " refused this client: its certificate has expired");
                log.await("certificate of 'CN=hospital-a' expired on");
            } finally {
                channel.shutdownNow();
            }
        }
    }

    @Test
    void takesNoteOfWhoseCertificatesWereRefused() throws IOException {
        RevocationList list = RevocationList.crl(authority.revoke(hospital.certificate()), authority.authorityFile());
        Identity foreign = TestAuthority.in(folder, "theirs").client("hospital-c");
        RefusedClients refused = new RefusedClients();

        try (GrpcServer server =
                Echo.server(security.withRevocations(list)).refused(refused).start()) {
            Echo.call(server, of(authority.client("hospital-b")));
            assertThat(refused.take()).isEmpty();
            assertThatTrouble(server, of(hospital)).isNotNull();
            assertThatTrouble(
                            server,
                            ClientSecurity.mutualTls(
                                    foreign.certificateFile(), foreign.keyFile(), authority.authorityFile()))
                    .isNotNull();
        }

        List<Refusal> taken = refused.take();
        assertThat(taken)
                .extracting(refusal -> refusal.clientId().orElse(""))
                .containsExactly("hospital-a", "hospital-c");
        // A certificate is no secret: whoever shows one has yet to prove that it is its own.
        assertThat(taken).noneMatch(Refusal::isProven);
        assertThat(taken.get(0).reason()).contains("revoked");
        assertThat(taken.get(1).reason()).contains("none of the authorities");
    }

    @Test
    void refusesARevokedCertificate() throws IOException {
        RevocationList list = RevocationList.crl(authority.revoke(hospital.certificate()), authority.authorityFile());

        try (GrpcServer server = Echo.server(security.withRevocations(list)).start()) {
            assertThatTrouble(server, of(hospital))
                    .isEqualTo(new ConnectionTrouble(
                            Reason.SECURITY, true, at(server) + " refused this client: its certificate was revoked"));
            assertThat(Echo.call(server, of(authority.client("hospital-b")))).startsWith("hospital-b");
        }
    }

    @Test
    void noticesThatAConnectedClientWasRevoked() throws IOException {
        Queue<Peer> peers = new ConcurrentLinkedQueue<>();
        RevocationList list = RevocationList.crl(authority.revoke(), authority.authorityFile());

        try (GrpcServer server = GrpcServer.builder(security.withRevocations(list))
                .service(Echo.service(peers))
                .start()) {
            ManagedChannel channel = Echo.channel(server, of(hospital));
            try {
                assertThat(Echo.call(channel, "hello")).startsWith("hospital-a");
                assertThat(peers.element().refusal()).isEmpty();

                authority.revoke(hospital.certificate());

                // The session can be told, and the connection is good for no further call.
                assertThat(peers.element().refusal())
                        .hasValueSatisfying(reason ->
                                assertThat(reason).contains("CN=hospital-a").contains("was revoked"));
                assertThat(ConnectionTrouble.of(
                                "127.0.0.1",
                                server.address().getPort(),
                                of(hospital),
                                catchThrowable(() -> Echo.call(channel, "again"))))
                        .satisfies(trouble -> {
                            assertThat(trouble.reason()).isEqualTo(Reason.REFUSED);
                            assertThat(trouble.message()).contains("was revoked on");
                        });
            } finally {
                channel.shutdownNow();
            }
        }
    }

    @Test
    void trustsNoServerOfAnotherAuthority() throws IOException {
        Path other = TestAuthority.in(folder, "theirs").authorityFile();

        try (GrpcServer server = Echo.server(security).start()) {
            assertThatTrouble(server, ClientSecurity.mutualTls(hospital.certificateFile(), hospital.keyFile(), other))
                    .isEqualTo(new ConnectionTrouble(
                            Reason.SECURITY,
                            true,
                            at(server) + " is not trusted: certificate of 'CN=server' was issued by CN=ours, which is"
                                    + " none of the authorities that are trusted here"));
        }
    }

    @Test
    void trustsNoServerWhoseCertificateNamesAnotherHost() throws IOException {
        try (GrpcServer server =
                Echo.server(mutualTls(authority.serverAt("fl.example"))).start()) {
            assertThatTrouble(server, of(hospital)).satisfies(trouble -> {
                assertThat(trouble.isLasting()).isTrue();
                assertThat(trouble.message())
                        .contains("is not trusted: its certificate does not name the host 127.0.0.1");
            });
            assertThat(Echo.call(server, of(hospital).withServerName("fl.example")))
                    .startsWith("hospital-a");
        }
    }

    @Test
    void speaksNoTlsOlderThanTwelve() throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, of(hospital).trustManager().stream().toArray(TrustManager[]::new), null);

        try (GrpcServer server = Echo.server(security).start();
                SSLSocket socket = (SSLSocket) context.getSocketFactory()
                        .createSocket("127.0.0.1", server.address().getPort())) {
            socket.setEnabledProtocols(new String[] {"TLSv1.1"});

            assertThat(catchThrowable(socket::startHandshake)).isInstanceOf(SSLException.class);
        }
    }

    private ServerSecurity mutualTls(Identity identity) {
        return ServerSecurity.mutualTls(identity.certificateFile(), identity.keyFile(), authority.authorityFile());
    }

    private ClientSecurity of(Identity identity) {
        return ClientSecurity.mutualTls(identity.certificateFile(), identity.keyFile(), authority.authorityFile());
    }

    private static String at(GrpcServer server) {
        return "the server at 127.0.0.1:" + server.address().getPort();
    }

    private static ObjectAssert<ConnectionTrouble> assertThatTrouble(GrpcServer server, ClientSecurity client) {
        Throwable failure = catchThrowable(() -> Echo.call(server, client));
        assertThat(failure).isNotNull();
        return assertThat(ConnectionTrouble.of("127.0.0.1", server.address().getPort(), client, failure));
    }
}
