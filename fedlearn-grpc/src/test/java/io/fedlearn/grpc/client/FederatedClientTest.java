package io.fedlearn.grpc.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.task.Config;
import io.fedlearn.grpc.client.FakeServer.Connection;
import io.fedlearn.grpc.proto.v1.ClientMessage.MessageCase;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.security.ClientSecurity;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a client joins, stays and leaves. */
@Timeout(180)
class FederatedClientTest extends ClientTestBed {
    @Test
    void saysWhoItIsAndWhatItSpeaks() throws Exception {
        join((task, context) -> echo(task), builder -> builder.properties(Config.of(Map.of("beds", 12))));

        Connection connection = server.accept();

        assertThat(connection.hello().getClientId()).isEqualTo(ID);
        assertThat(connection.hello().getMinVersion()).isEqualTo(1);
        assertThat(connection.hello().getMaxVersion()).isEqualTo(1);
        assertThat(connection.hello().getInstance().size()).isEqualTo(16);
        assertThat(connection.hello().getAttempt()).isEqualTo(1);
        assertThat(connection.hello().getSoftware()).startsWith("fedlearn ");
        assertThat(connection.hello().getCompressionsList()).isEmpty();
        assertThat(connection.hello().getPropertiesList()).hasSize(1);
        assertThat(connection.hello().getProperties(0).getWhole()).isEqualTo(12);
    }

    @Test
    void isTheSameInstanceWithAHigherAttemptWhenItComesBack() throws Exception {
        join((task, context) -> echo(task));
        Connection first = server.welcome();
        first.cut();

        Connection second = server.accept();

        assertThat(second.hello().getInstance()).isEqualTo(first.hello().getInstance());
        assertThat(second.hello().getAttempt()).isEqualTo(2);
    }

    @Test
    void countsWhatItDidWhenTheRunIsOver() throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.finish(task(1));
        connection.cut();
        connection = server.welcome();
        connection.offer(server.offer(task(2)));
        connection.finish(task(2));

        connection.goodbye(
                Goodbye.newBuilder().setCode(GoodbyeCode.GOODBYE_CODE_RUN_OVER).setReason("20 rounds"));

        Departure departure = run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertThat(departure.cause()).isEqualTo(Departure.Cause.RUN_OVER);
        assertThat(departure.reason()).isEqualTo("20 rounds");
        assertThat(departure.tasksAnswered()).isEqualTo(2);
        assertThat(departure.reconnects()).isEqualTo(1);
        assertThat(departure.bytesReceived()).isGreaterThan(100);
        assertThat(departure.bytesSent()).isGreaterThan(100);
    }

    @Test
    void hasNoReasonForItsDepartureWhereTheServerSaysOnlyThatTheRunIsOver() throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        server.welcome()
                .goodbye(Goodbye.newBuilder()
                        .setCode(GoodbyeCode.GOODBYE_CODE_RUN_OVER)
                        .setReason("the run is over"));

        Departure departure = run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertThat(departure.cause()).isEqualTo(Departure.Cause.RUN_OVER);
        assertThat(departure.reason()).isEmpty();
    }

    @Test
    void saysThatItIsThere() throws Exception {
        server.echoesHeartbeats = true;
        join((task, context) -> echo(task));
        Connection connection = server.welcome(welcome -> welcome.setHeartbeatMillis(500));

        for (int number = 1; number <= 3; number++) {
            assertThat(connection.take(MessageCase.HEARTBEAT).getHeartbeat().getNumber())
                    .isEqualTo(number);
        }
    }

    @Test
    void leavesAConnectionOnWhichNothingComes() throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        Connection silent = server.welcome(welcome -> welcome.setHeartbeatMillis(20));

        Connection next = server.welcome();

        silent.awaitEnd();
        assertThat(end(run, next).reconnects()).isEqualTo(1);
    }

    @Test
    void saysThatItLeaves() throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        Connection connection = server.welcome();

        clients.get(0).close();

        assertThat(connection.take(MessageCase.LEAVE).getLeave().getReason()).isNotBlank();
        assertThat(run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS).cause()).isEqualTo(Departure.Cause.CLOSED);
    }

    @Test
    void leavesNoThreadBehind() throws Exception {
        CountDownLatch atWork = latch();
        Future<Departure> run = join((task, context) -> {
            atWork.countDown();
            new CountDownLatch(1).await();
            return echo(task);
        });
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        await(atWork);
        assertThat(siteThreads()).isNotEmpty();

        clients.get(0).close();

        run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!siteThreads().isEmpty() && System.nanoTime() < end) {
            // A thread that has nothing left to do takes a moment to be gone.
            Thread.onSpinWait();
        }
        assertThat(siteThreads()).isEmpty();
    }

    private static List<String> siteThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("fedlearn-site"))
                .toList();
    }

    @Test
    void leavesWhileItTriesToReachItsServer() throws Exception {
        int port = server.port();
        server.close();
        Future<Departure> run = join(
                (task, context) -> echo(task),
                builder ->
                        builder.server("localhost", port).backoff(Backoff.of(Duration.ofDays(1), Duration.ofDays(1))));

        clients.get(0).close();

        assertThat(run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS).cause()).isEqualTo(Departure.Cause.CLOSED);
    }

    @Test
    void mayBeClosedByItsOwnWork() throws Exception {
        Future<Departure> run = join((task, context) -> {
            clients.get(0).close();
            return echo(task);
        });
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));

        assertThat(run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS).cause()).isEqualTo(Departure.Cause.CLOSED);
    }

    @Test
    void departsAtOnceWhenClosedBefore() throws Exception {
        FederatedClient client = FederatedClient.builder()
                .server("localhost", server.port())
                .clientId(ID)
                .security(ClientSecurity.insecure())
                .client((task, context) -> echo(task))
                .build();
        client.close();
        client.close();

        assertThat(client.run().cause()).isEqualTo(Departure.Cause.CLOSED);
        assertThatIllegalStateException().isThrownBy(client::run);
    }

    @Test
    void anInterruptedThreadLeaves() throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        Connection connection = server.welcome();

        run.cancel(true);

        connection.awaitEnd();
    }

    @Test
    void refusesSettingsThatMakeNoClient() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FederatedClient.builder().server("localhost", 0))
                .withMessage("port must be 1 to 65535, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FederatedClient.builder().build())
                .withMessage("server must be set");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> FederatedClient.builder().server("localhost", 1).build())
                .withMessage("security must be set");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FederatedClient.builder()
                        .server("localhost", 1)
                        .security(ClientSecurity.insecure())
                        .client((task, context) -> echo(task))
                        .build())
                .withMessageStartingWith("clientId");
        assertThatThrownBy(() -> FederatedClient.builder().clientId("")).isInstanceOf(IllegalArgumentException.class);
    }
}
