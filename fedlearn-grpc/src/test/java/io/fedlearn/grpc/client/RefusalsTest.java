package io.fedlearn.grpc.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.internal.netty.GrpcServer;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.security.ServerSecurity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What makes a client come back, and what does not. */
@Timeout(180)
class RefusalsTest extends ClientTestBed {
    @ParameterizedTest
    @CsvSource({
        "GOODBYE_CODE_NO_COMMON_VERSION, VERSION, update FedLearn",
        "GOODBYE_CODE_IDENTITY_REFUSED, REFUSED, certificate",
        "GOODBYE_CODE_REVOKED, REFUSED, new certificate",
        "GOODBYE_CODE_SUPERSEDED, SUPERSEDED, stop one of the two",
        "GOODBYE_CODE_MALFORMED, PROTOCOL, same version",
        "GOODBYE_CODE_UNSPECIFIED, REFUSED, ask who runs it",
    })
    void doesNotComeBackWhenRefusedForGood(GoodbyeCode code, Reason reason, String advice) throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));

        server.accept().goodbye(Goodbye.newBuilder().setCode(code).setReason("says the server"));

        TransportException refusal = refusal(run);
        assertThat(refusal.reason()).isEqualTo(reason);
        assertThat(refusal)
                .hasMessageContaining("localhost:" + server.port())
                .hasMessageContaining("says the server")
                .hasMessageContaining(advice);
    }

    @Test
    void isSupersededAlsoAfterItHasJoined() throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        server.welcome().goodbye(Goodbye.newBuilder().setCode(GoodbyeCode.GOODBYE_CODE_SUPERSEDED));

        assertThat(refusal(run).reason()).isEqualTo(Reason.SUPERSEDED);
    }

    @ParameterizedTest
    @EnumSource(
            value = GoodbyeCode.class,
            names = {
                "GOODBYE_CODE_DRAINING",
                "GOODBYE_CODE_FULL",
                "GOODBYE_CODE_TOO_FAST",
                "GOODBYE_CODE_REPLAYED",
                "GOODBYE_CODE_SILENT"
            })
    void comesBackWhenSentAwayForAWhile(GoodbyeCode code) throws Exception {
        join((task, context) -> echo(task));
        server.accept().goodbye(Goodbye.newBuilder().setCode(code));

        assertThat(server.welcome().hello().getAttempt()).isEqualTo(2);
    }

    @Test
    void comesBackWhenADrainingServerSays() throws Exception {
        join((task, context) -> echo(task));
        long start = System.nanoTime();
        server.welcome()
                .goodbye(Goodbye.newBuilder()
                        .setCode(GoodbyeCode.GOODBYE_CODE_DRAINING)
                        .setRetryAfterMillis(300));

        server.welcome();

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofMillis(300));
    }

    @ParameterizedTest
    @CsvSource({"19, false", "42, true"})
    void knowsFromTheNumberWhetherToComeBack(int code, boolean comesBack) throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));

        server.accept().goodbye(Goodbye.newBuilder().setCodeValue(code));

        if (comesBack) {
            assertThat(server.accept().hello().getAttempt()).isEqualTo(2);
        } else {
            assertThat(refusal(run).reason()).isEqualTo(Reason.REFUSED);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"version", "heartbeat", "chunk", "compression", "inline"})
    void refusesTermsThatItCannotAccept(String term) throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));

        server.welcome(welcome -> {
            switch (term) {
                case "version" -> welcome.setVersion(2);
                case "heartbeat" -> welcome.setHeartbeatMillis(0);
                case "chunk" -> welcome.setChunkBytes(-1);
                case "compression" -> welcome.setCompressionValue(1);
                default -> welcome.setInlineBytes(-1);
            }
        });

        assertThat(refusal(run).reason()).isEqualTo(Reason.PROTOCOL);
    }

    @Test
    void givesUpWhenTheServerStaysOutOfReach() throws Exception {
        int port = server.port();
        server.close();
        Future<Departure> run = join(
                (task, context) -> echo(task),
                builder -> builder.server("localhost", port)
                        .backoff(Backoff.of(Duration.ofMillis(1), Duration.ofMillis(20))
                                .withGiveUpAfter(Duration.ofMillis(100))));

        TransportException refusal = refusal(run);

        assertThat(refusal.reason()).isEqualTo(Reason.UNREACHABLE);
        assertThat(refusal).hasMessageContaining("localhost:" + port).hasMessageContaining("firewall");
    }

    @Test
    void waitsForAServerThatStartsLater() throws Exception {
        int port = server.port();
        server.close();
        join((task, context) -> echo(task), builder -> builder.server("localhost", port));

        try (FakeServer later = FakeServer.start(port)) {
            later.welcome();
        }
    }

    @Test
    void saysThatSomethingElseListens() throws Exception {
        try (GrpcServer other = GrpcServer.builder(ServerSecurity.insecure()).start()) {
            Future<Departure> run = join(
                    (task, context) -> echo(task),
                    builder -> builder.server("localhost", other.address().getPort()));

            assertThat(refusal(run).reason()).isEqualTo(Reason.PROTOCOL);
        }
    }

    @Test
    void triesAgainWhenAServerTakesConnectionsButSaysNothing() throws Exception {
        try (ServerSocket mute = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            join(
                    (task, context) -> echo(task),
                    builder -> builder.server(mute.getInetAddress().getHostAddress(), mute.getLocalPort())
                            .welcomeTimeout(Duration.ofMillis(50)));

            mute.setSoTimeout((int) PATIENCE.toMillis());
            assertThat(accepts(mute, 3)).isTrue();
        }
    }

    private static boolean accepts(ServerSocket socket, int times) throws IOException {
        for (int i = 0; i < times; i++) {
            socket.accept();
        }
        return true;
    }
}
