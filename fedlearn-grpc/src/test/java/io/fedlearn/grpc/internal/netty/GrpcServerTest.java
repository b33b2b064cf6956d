package io.fedlearn.grpc.internal.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.grpc.security.TestAuthority;
import io.fedlearn.grpc.security.TestAuthority.Identity;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GrpcServerTest {
    private static final int WAIT_MILLIS = 20_000;
    private static final ConnectionLimits QUICK = ConnectionLimits.builder()
            .handshakeTimeout(Duration.ofMillis(200))
            .idleTimeout(Duration.ofMillis(200))
            .build();

    @TempDir
    private Path folder;

    @Test
    void listensOnLoopbackByDefaultAndWarnsWhereItIsInsecure() throws IOException {
        try (Logged log = Logged.of(GrpcServer.class)) {
            try (GrpcServer server = Echo.server(tls()).start()) {
                assertThat(server.address().getAddress().isLoopbackAddress()).isTrue();
                log.assertNone(Level.WARNING);
            }
            try (GrpcServer server = Echo.server(ServerSecurity.insecure()).start()) {
                assertThat(server.address().getAddress().isLoopbackAddress()).isTrue();
                assertThat(log.await("insecure", "nothing is encrypted").getLevel())
                        .isEqualTo(Level.WARNING);
            }
        }
    }

    @Test
    void listensElsewhereWhereItIsTold() {
        try (GrpcServer server =
                Echo.server(ServerSecurity.insecure()).listen("0.0.0.0", 0).start()) {
            assertThat(server.address().getAddress().isAnyLocalAddress()).isTrue();
            assertThat(Echo.call(server, ClientSecurity.insecure())).isEqualTo("someone says hello");
        }
    }

    @Test
    void saysWhereItCannotListen() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            GrpcServer.Builder builder = Echo.server(ServerSecurity.insecure()).port(taken.getLocalPort());

            assertThatThrownBy(builder::start)
                    .isInstanceOfSatisfying(
                            TransportException.class,
                            e -> assertThat(e.reason()).isEqualTo(Reason.ADDRESS))
                    .hasMessageContaining("cannot listen at")
                    .hasMessageContaining(":" + taken.getLocalPort())
                    .hasMessageContaining("in use");
        }
        assertThatThrownBy(() -> Echo.server(ServerSecurity.insecure())
                        .listen("no.such.host.invalid", 0)
                        .start())
                .hasMessage("cannot listen at no.such.host.invalid: no such host");
        assertThatThrownBy(() ->
                        Echo.server(ServerSecurity.insecure()).port(70_000).start())
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void closesTwice() {
        GrpcServer server = Echo.server(ServerSecurity.insecure()).start();
        server.close();
        server.close();

        assertThat(trouble(server, ClientSecurity.insecure()))
                .isEqualTo(new ConnectionTrouble(
                        Reason.UNREACHABLE,
                        false,
                        "nobody listens at 127.0.0.1:" + server.address().getPort() + ", or a firewall is between"));
    }

    @Test
    void tellsAClientWithoutTlsThatItSpeaksTls() throws IOException {
        try (GrpcServer server = Echo.server(tls()).start();
                Logged log = Logged.of(FirstBytes.class)) {
            assertThat(trouble(server, ClientSecurity.insecure())).satisfies(trouble -> {
                assertThat(trouble.reason()).isEqualTo(Reason.SECURITY);
                assertThat(trouble.isLasting()).isTrue();
                assertThat(trouble.message()).contains("speaks TLS, but this client does not");
            });
            log.await("it speaks no TLS, but this server does");
        }
    }

    @Test
    void tellsAClientWithTlsThatItSpeaksNone() {
        try (GrpcServer server = Echo.server(ServerSecurity.insecure()).start();
                Logged log = Logged.of(FirstBytes.class)) {
            assertThat(trouble(server, ClientSecurity.tls())).satisfies(trouble -> {
                assertThat(trouble.reason()).isEqualTo(Reason.SECURITY);
                assertThat(trouble.isLasting()).isTrue();
                assertThat(trouble.message()).contains("speaks no TLS, but this client does");
            });
            log.await("it speaks TLS, but this server is insecure");
        }
    }

    @Test
    void letsAnyoneInWithTlsOfTheServerAlone() throws IOException {
        TestAuthority authority = TestAuthority.in(folder, "ours");
        Identity identity = authority.server();

        try (GrpcServer server = Echo.server(ServerSecurity.tls(identity.certificateFile(), identity.keyFile()))
                .start()) {
            assertThat(Echo.call(server, ClientSecurity.tls(authority.authorityFile())))
                    .isEqualTo("someone says hello");
        }
    }

    @Test
    void closesConnectionsBeyondTheLimitAndTakesOthersWhenOneEnds() throws IOException {
        ConnectionLimits two =
                ConnectionLimits.builder().connections(100, 2, 10).build();

        try (GrpcServer server =
                Echo.server(ServerSecurity.insecure()).limits(two).start()) {
            int port = server.address().getPort();
            try (Socket first = connect(port);
                    Socket second = connect(port)) {
                assertIsServed(first);
                assertIsServed(second);
                for (int further = 0; further < 3; further++) {
                    try (Socket third = connect(port)) {
                        assertThat(ends(third)).isTrue();
                    }
                }
            }
            // Ends are noticed a moment after.
            awaitCall(server);
        }
    }

    @Test
    void closesConnectionsThatSayNothing() throws IOException {
        for (ServerSecurity security : List.of(ServerSecurity.insecure(), tls())) {
            try (GrpcServer server = Echo.server(security).limits(QUICK).start();
                    Socket silent = connect(server.address().getPort())) {
                assertThat(ends(silent)).isTrue();
            }
        }
    }

    @Test
    void closesConnectionsThatStopHalfWay() throws IOException {
        byte[] beginOfHello = {0x16, 3, 1, 2, 0};
        try (GrpcServer server = Echo.server(tls()).limits(QUICK).start();
                Socket stuck = connect(server.address().getPort())) {
            stuck.getOutputStream().write(beginOfHello);

            assertThat(ends(stuck)).isTrue();
        }
        try (GrpcServer server =
                        Echo.server(ServerSecurity.insecure()).limits(QUICK).start();
                Socket stuck = connect(server.address().getPort())) {
            stuck.getOutputStream().write("PRI * HT".getBytes(StandardCharsets.US_ASCII));

            assertThat(ends(stuck)).isTrue();
        }
    }

    @Test
    void closesConnectionsOfOtherProtocols() throws IOException {
        for (ServerSecurity security : List.of(ServerSecurity.insecure(), tls())) {
            try (GrpcServer server = Echo.server(security).start();
                    Socket browser = connect(server.address().getPort())) {
                browser.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));

                assertThat(ends(browser)).isTrue();
            }
        }
    }

    @Test
    void refusesOversizeHeadsAndMessages() {
        ConnectionLimits small = ConnectionLimits.builder()
                .maxMetadataBytes(1000)
                .maxMessageBytes(1000)
                .build();

        try (GrpcServer server =
                Echo.server(ServerSecurity.insecure()).limits(small).start()) {
            Metadata headers = new Metadata();
            headers.put(Metadata.Key.of("long", Metadata.ASCII_STRING_MARSHALLER), "x".repeat(2000));
            assertThat(statusOf(server, "hello", MetadataUtils.newAttachHeadersInterceptor(headers)))
                    .isNotEqualTo(Status.Code.OK);
            assertThat(statusOf(server, "x".repeat(2000))).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
            assertThat(statusOf(server, "x".repeat(900))).isEqualTo(Status.Code.OK);
        }
    }

    @Test
    void describesItsServicesOnlyWhereItIsTold() throws InterruptedException {
        try (GrpcServer server = Echo.server(ServerSecurity.insecure()).start()) {
            assertThat(services(server)).isEmpty();
        }
        try (GrpcServer server =
                Echo.server(ServerSecurity.insecure()).reflection(true).start()) {
            assertThat(services(server)).contains("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection");
        }
    }

    @Test
    void letsCallsUnderWayFinishAfterShutdown() throws InterruptedException {
        try (GrpcServer server = Echo.server(ServerSecurity.insecure()).start()) {
            ManagedChannel channel = Echo.channel(server, ClientSecurity.insecure());
            BlockingQueue<String> answers = new LinkedBlockingQueue<>();
            StreamObserver<String> call = ClientCalls.asyncBidiStreamingCall(
                    channel.newCall(Echo.STAY, CallOptions.DEFAULT), collect(answers));
            call.onNext("before");
            assertThat(answers.poll(WAIT_MILLIS, TimeUnit.MILLISECONDS)).isEqualTo("before");

            server.shutdown();
            call.onNext("after");

            assertThat(answers.poll(WAIT_MILLIS, TimeUnit.MILLISECONDS)).isEqualTo("after");
            call.onCompleted();
            assertThat(server.awaitTermination(Duration.ofMillis(WAIT_MILLIS))).isTrue();
            channel.shutdownNow();
        }
    }

    private ServerSecurity tls() throws IOException {
        Identity identity = TestAuthority.in(folder, "ours").server();
        return ServerSecurity.tls(identity.certificateFile(), identity.keyFile());
    }

    private static ConnectionTrouble trouble(GrpcServer server, ClientSecurity client) {
        Throwable failure = catchThrowable(() -> Echo.call(server, client));
        assertThat(failure).isNotNull();
        return ConnectionTrouble.of("127.0.0.1", server.address().getPort(), client, failure);
    }

    private static Status.Code statusOf(GrpcServer server, String request, ClientInterceptor... interceptors) {
        ManagedChannel channel = Echo.channel(server, ClientSecurity.insecure());
        try {
            Throwable failure =
                    catchThrowable(() -> Echo.call(ClientInterceptors.intercept(channel, interceptors), request));
            return failure == null
                    ? Status.Code.OK
                    : Status.fromThrowable(failure).getCode();
        } finally {
            channel.shutdownNow();
        }
    }

    private static Socket connect(int port) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(WAIT_MILLIS);
        return socket;
    }

    /** Whether the other side ends the connection, after whatever it says. */
    private static boolean ends(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        try {
            while (in.read() >= 0) {
                // What it says does not matter.
            }
        } catch (SocketException e) {
            // Reset: ended, too.
        }
        return true;
    }

    /** Says the first words of HTTP/2 and waits for an answer. */
    private static void assertIsServed(Socket socket) throws IOException {
        socket.getOutputStream().write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().write(new byte[] {0, 0, 0, 4, 0, 0, 0, 0, 0});
        assertThat(socket.getInputStream().read()).isNotNegative();
    }

    private static void awaitCall(GrpcServer server) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(WAIT_MILLIS);
        Throwable failure;
        do {
            failure = catchThrowable(() -> Echo.call(server, ClientSecurity.insecure()));
        } while (failure != null && System.nanoTime() < end);
        assertThat(failure).isNull();
    }

    private static List<String> services(GrpcServer server) throws InterruptedException {
        ManagedChannel channel = Echo.channel(server, ClientSecurity.insecure());
        try {
            BlockingQueue<List<String>> answers = new LinkedBlockingQueue<>();
            StreamObserver<ServerReflectionRequest> call = ServerReflectionGrpc.newStub(channel)
                    .serverReflectionInfo(new StreamObserver<>() {
                        @Override
                        public void onNext(ServerReflectionResponse answer) {
                            List<String> names = new ArrayList<>();
                            answer.getListServicesResponse().getServiceList().forEach(it -> names.add(it.getName()));
                            answers.add(names);
                        }

                        @Override
                        public void onError(Throwable failure) {
                            answers.add(List.of());
                        }

                        @Override
                        public void onCompleted() {}
                    });
            call.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
            List<String> names = answers.poll(WAIT_MILLIS, TimeUnit.MILLISECONDS);
            assertThat(names).isNotNull();
            return names == null ? List.of() : names;
        } finally {
            channel.shutdownNow();
        }
    }

    private static StreamObserver<String> collect(BlockingQueue<String> answers) {
        return new StreamObserver<>() {
            @Override
            public void onNext(String answer) {
                answers.add(answer);
            }

            @Override
            public void onError(Throwable failure) {}

            @Override
            public void onCompleted() {}
        };
    }
}
