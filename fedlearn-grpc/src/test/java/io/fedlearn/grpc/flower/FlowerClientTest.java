package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.UnknownFieldSet;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.client.Backoff;
import io.fedlearn.grpc.client.Departure;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.grpc.proto.flower.Reason;
import io.fedlearn.grpc.proto.flower.Scalar;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.TestAuthority;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The manners of a client of Flower's protocol, on loopback. */
@Timeout(60)
class FlowerClientTest {
    private static final Model MODEL =
            Model.builder().trainable("w", Tensor.copyOf(new float[] {1, 2, 3})).build();
    private static final ServerMessage GO = reconnect(0);

    private final List<FlowerClient> clients = new ArrayList<>();
    private FakeFlowerServer server;

    @BeforeEach
    void startServer() throws IOException {
        server = FakeFlowerServer.start();
    }

    @AfterEach
    void stop() {
        clients.forEach(FlowerClient::close);
        server.close();
    }

    private static FlowerClient.Builder builder(int port, ScriptedClient work) {
        return FlowerClient.builder()
                .server(InetAddress.getLoopbackAddress().getHostAddress(), port)
                .security(ClientSecurity.insecure())
                .clientId("site")
                .backoff(Backoff.of(Duration.ofMillis(1), Duration.ofMillis(5)))
                .client(work);
    }

    private CompletableFuture<Departure> run(FlowerClient.Builder builder) {
        FlowerClient client = builder.build();
        clients.add(client);
        return run(client);
    }

    private static CompletableFuture<Departure> run(FlowerClient client) {
        CompletableFuture<Departure> departure = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                departure.complete(client.run());
            } catch (Throwable e) {
                departure.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return departure;
    }

    private static Departure await(CompletableFuture<Departure> departure) throws Exception {
        return departure.get(20, TimeUnit.SECONDS);
    }

    private static TransportException failure(CompletableFuture<Departure> departure) {
        try {
            departure.get(20, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            return (TransportException) Objects.requireNonNull(e.getCause());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("the client did not fail");
    }

    private static ServerMessage reconnect(long seconds) {
        return ServerMessage.newBuilder()
                .setReconnectIns(ServerMessage.ReconnectIns.newBuilder().setSeconds(seconds))
                .build();
    }

    private static ServerMessage fit(Model model, long round) {
        return ServerMessage.newBuilder()
                .setFitIns(ServerMessage.FitIns.newBuilder()
                        .setParameters(FlowerTensors.write(model))
                        .putAllConfig(Map.of(
                                "server_round",
                                Scalar.newBuilder().setSint64(round).build())))
                .build();
    }

    private static ServerMessage getParameters() {
        return ServerMessage.newBuilder()
                .setGetParametersIns(ServerMessage.GetParametersIns.getDefaultInstance())
                .build();
    }

    // ---- the protocol

    @Test
    void saysNothingUntilItIsAskedAndAnswersOnceEachTime() throws Exception {
        CompletableFuture<Departure> departure = run(builder(server.port(), ScriptedClient.echo(5)));
        FakeFlowerServer.Guest guest = server.awaitGuest();
        // Anything said before would be heard as the first answer.
        assertThat(guest.ask(getParameters()).hasGetParametersRes()).isTrue();
        assertThat(guest.ask(fit(MODEL, 1)).getFitRes().getNumExamples()).isEqualTo(5);
        assertThat(guest.hasSaidMore()).isFalse();
        assertThat(guest.hasDeadline()).isFalse();
        assertThat(guest.ask(GO).hasDisconnectRes()).isTrue();
        guest.end(Status.OK);
        assertThat(await(departure).tasksAnswered()).isEqualTo(2);
    }

    @Test
    void worksOnOneInstructionAtATimeHoweverManyCome() throws Exception {
        AtomicInteger atWork = new AtomicInteger();
        Queue<Integer> most = new ConcurrentLinkedQueue<>();
        ScriptedClient work = ScriptedClient.create().on(TaskKind.FIT, (task, context) -> {
            most.add(atWork.incrementAndGet());
            atWork.decrementAndGet();
            return ClientUpdate.ofModel(task.model(), task.round());
        });
        run(builder(server.port(), work));
        FakeFlowerServer.Guest guest = server.awaitGuest();
        for (int round = 1; round <= 20; round++) {
            guest.send(fit(MODEL, round));
        }
        for (int round = 1; round <= 20; round++) {
            assertThat(guest.hear().getFitRes().getNumExamples()).isEqualTo(round);
        }
        assertThat(most).hasSize(20).containsOnly(1);
    }

    @Test
    void severalInOneJvmAreSeveralClients() throws Exception {
        List<CompletableFuture<Departure>> departures = new ArrayList<>();
        List<FakeFlowerServer.Guest> guests = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            departures.add(
                    run(builder(server.port(), ScriptedClient.echo(i + 1)).clientId("site" + i)));
        }
        for (int i = 0; i < 3; i++) {
            guests.add(server.awaitGuest());
        }
        assertThat(guests).extracting(guest -> guest.connection).doesNotHaveDuplicates();
        List<Long> counts = new ArrayList<>();
        for (FakeFlowerServer.Guest guest : guests) {
            counts.add(guest.ask(fit(MODEL, 1)).getFitRes().getNumExamples());
            guest.ask(GO);
            guest.end(Status.OK);
        }
        assertThat(counts).containsExactlyInAnyOrder(1L, 2L, 3L);
        for (CompletableFuture<Departure> departure : departures) {
            assertThat(await(departure).cause()).isEqualTo(Departure.Cause.RUN_OVER);
        }
    }

    @Test
    void takesAndSendsModelsAbove4MiB() throws Exception {
        run(builder(server.port(), ScriptedClient.echo(5)));
        Model large = Model.builder()
                .trainable("w", Tensor.zeros(TensorType.FLOAT32, Shape.of(3 << 20)))
                .build();
        FakeFlowerServer.Guest guest = server.awaitGuest();
        assertThat(guest.ask(fit(large, 1)).getFitRes().getParameters()).isEqualTo(FlowerTensors.write(large));
    }

    // ---- leaving

    @Test
    void deliversItsLastWordBeforeItGoes() throws Exception {
        CompletableFuture<Departure> departure = run(builder(server.port(), ScriptedClient.echo(5)));
        FakeFlowerServer.Guest guest = server.awaitGuest();
        ClientMessage last = guest.ask(GO);
        assertThat(last.getDisconnectRes().getReason()).isEqualTo(Reason.RECONNECT);
        assertThat(last.toByteArray()).isEqualTo(Golden.bytes("cm_disconnect_reconnect"));
        assertThat(guest.awaitEnd()).contains("half-close");
        assertThat(departure).isNotDone();
        // As Flower's server ends it when it stops.
        guest.end(Status.UNAVAILABLE.withDescription("Cancelling all calls"));
        assertThat(await(departure).cause()).isEqualTo(Departure.Cause.RUN_OVER);
    }

    @Test
    void comesBackOnANewConnectionAfterTheTimeThatItIsTold() throws Exception {
        Queue<Duration> waits = new ConcurrentLinkedQueue<>();
        CompletableFuture<Departure> departure =
                run(builder(server.port(), ScriptedClient.echo(5)).waiting((time, closed) -> {
                    waits.add(time);
                    return false;
                }));
        FakeFlowerServer.Guest guest = server.awaitGuest();
        assertThat(guest.ask(reconnect(3600)).hasDisconnectRes()).isTrue();
        guest.end(Status.OK);
        FakeFlowerServer.Guest again = server.awaitGuest();
        assertThat(again.connection).isNotEqualTo(guest.connection);
        assertThat(waits)
                .singleElement()
                .satisfies(wait -> assertThat(wait).isBetween(Duration.ofSeconds(3500), Duration.ofSeconds(3600)));
        again.ask(GO);
        again.end(Status.OK);
        assertThat(await(departure).reconnects()).isEqualTo(1);
    }

    @Test
    void goesAfterAMomentWhereTheServerDoesNotEndTheCall() throws Exception {
        CompletableFuture<Departure> departure =
                run(builder(server.port(), ScriptedClient.echo(5)).waiting((time, closed) -> true));
        FakeFlowerServer.Guest guest = server.awaitGuest();
        guest.ask(reconnect(60));
        assertThat(guest.awaitEnd()).contains("half-close");
        assertThat(guest.awaitEnd()).contains("cancel");
        assertThat(await(departure).cause()).isEqualTo(Departure.Cause.CLOSED);
    }

    @Test
    void takesACallThatEndsInGoodOrderForTheEndOfTheRun() throws Exception {
        CompletableFuture<Departure> departure = run(builder(server.port(), ScriptedClient.echo(5)));
        FakeFlowerServer.Guest guest = server.awaitGuest();
        guest.ask(fit(MODEL, 1));
        guest.end(Status.OK);
        assertThat(await(departure).cause()).isEqualTo(Departure.Cause.RUN_OVER);
        assertThat(await(departure).reason()).contains("without saying that the run is over");
    }

    @Test
    void takesACallThatEndsWithoutAWordForARefusal() throws Exception {
        CompletableFuture<Departure> departure = run(builder(server.port(), ScriptedClient.echo(5)));
        server.awaitGuest().end(Status.OK);
        assertThat(failure(departure).reason()).isEqualTo(TransportException.Reason.REFUSED);
        assertThat(failure(departure)).hasMessageContaining("one client for each TCP connection");
    }

    // ---- faults

    @Test
    void refusesInstructionsThatItDoesNotKnow() throws Exception {
        CompletableFuture<Departure> departure = run(builder(server.port(), ScriptedClient.echo(5)));
        server.awaitGuest()
                .send(ServerMessage.newBuilder()
                        .setUnknownFields(UnknownFieldSet.newBuilder()
                                .addField(
                                        9,
                                        UnknownFieldSet.Field.newBuilder()
                                                .addVarint(1)
                                                .build())
                                .build())
                        .build());
        assertThat(failure(departure).reason()).isEqualTo(TransportException.Reason.PROTOCOL);
        assertThat(failure(departure)).hasMessageContaining("does not know");
    }

    @Test
    void triesUntilTheServerIsThere() throws Exception {
        int port = server.port();
        server.close();
        AtomicInteger failures = new AtomicInteger();
        CompletableFuture<FakeFlowerServer> later = new CompletableFuture<>();
        run(builder(port, ScriptedClient.echo(5)).waiting((time, closed) -> {
            if (failures.incrementAndGet() == 3) {
                try {
                    later.complete(FakeFlowerServer.start(port));
                } catch (IOException e) {
                    later.completeExceptionally(e);
                }
            }
            return false;
        }));
        server = later.get(20, TimeUnit.SECONDS);
        FakeFlowerServer.Guest guest = server.awaitGuest();
        assertThat(guest.ask(fit(MODEL, 1)).getFitRes().getStatus().getCode()).isEqualTo(Code.OK);
        assertThat(failures.get()).isGreaterThanOrEqualTo(3);
    }

    @Test
    void givesUpWhenTheServerIsAwayForTooLong() throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        CompletableFuture<Departure> departure = run(builder(port, ScriptedClient.echo(5))
                .backoff(Backoff.of(Duration.ofMillis(1), Duration.ofMillis(1)).withGiveUpAfter(Duration.ofMillis(1))));
        assertThat(failure(departure).reason()).isEqualTo(TransportException.Reason.UNREACHABLE);
        assertThat(failure(departure)).hasMessageContaining(":" + port);
    }

    @Test
    void stopsWorkAndComesBackWhenTheServerGivesUpWaiting() throws Exception {
        CountDownLatch working = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        ScriptedClient work = ScriptedClient.create().on(TaskKind.FIT, (task, context) -> {
            if (task.round() == 1) {
                working.countDown();
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException e) {
                    assertThat(context.isCancelled()).isTrue();
                    interrupted.countDown();
                    throw e;
                }
            }
            return ClientUpdate.ofModel(task.model(), 5);
        });
        CompletableFuture<Departure> departure = run(builder(server.port(), work));
        FakeFlowerServer.Guest guest = server.awaitGuest();
        guest.send(fit(MODEL, 1));
        working.await();
        guest.end(Status.DEADLINE_EXCEEDED.withDescription("Timeout of 2.0sec was exceeded."));
        FakeFlowerServer.Guest again = server.awaitGuest();
        assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
        // What it was asked before is not answered any more.
        assertThat(again.ask(fit(MODEL, 2)).getFitRes().getNumExamples()).isEqualTo(5);
        again.ask(GO);
        again.end(Status.OK);
        assertThat(await(departure).reconnects()).isEqualTo(1);
    }

    @Test
    void comesBackWhenTheServerDies() throws Exception {
        run(builder(server.port(), ScriptedClient.echo(5)));
        FakeFlowerServer.Guest guest = server.awaitGuest();
        guest.ask(fit(MODEL, 1));
        int port = server.port();
        server.close();
        server = FakeFlowerServer.start(port);
        assertThat(server.awaitGuest().ask(fit(MODEL, 2)).hasFitRes()).isTrue();
    }

    @Test
    void saysWhichLimitAModelExceeds() throws Exception {
        CompletableFuture<Departure> departure =
                run(builder(server.port(), ScriptedClient.echo(5)).maxMessageBytes(1 << 16));
        server.awaitGuest()
                .send(fit(
                        Model.builder()
                                .trainable("w", Tensor.zeros(TensorType.FLOAT32, Shape.of(1 << 16)))
                                .build(),
                        1));
        assertThat(failure(departure).reason()).isEqualTo(TransportException.Reason.PROTOCOL);
        assertThat(failure(departure)).hasMessageContaining("maxMessageBytes here is 65536");
    }

    @Test
    void saysThatAServerDoesNotSpeakTheProtocol() throws IOException {
        Server other = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .build()
                .start();
        try {
            assertThat(failure(run(builder(other.getPort(), ScriptedClient.echo(5))))
                            .reason())
                    .isEqualTo(TransportException.Reason.PROTOCOL);
        } finally {
            other.shutdownNow();
        }
    }

    // ---- TLS

    @Test
    void joinsOverTls(@TempDir Path folder) throws Exception {
        TestAuthority authority = TestAuthority.in(folder, "authority");
        try (FakeFlowerServer secure = FakeFlowerServer.start(authority.server())) {
            run(builder(secure.port(), ScriptedClient.echo(5)).security(ClientSecurity.tls(authority.authorityFile())));
            assertThat(secure.awaitGuest().ask(fit(MODEL, 1)).hasFitRes()).isTrue();
        }
    }

    @Test
    void joinsNoServerWhoseAuthorityItDoesNotKnow(@TempDir Path folder) throws Exception {
        TestAuthority authority = TestAuthority.in(folder, "authority");
        TestAuthority other = TestAuthority.in(folder, "other");
        try (FakeFlowerServer secure = FakeFlowerServer.start(other.server())) {
            CompletableFuture<Departure> departure = run(builder(secure.port(), ScriptedClient.echo(5))
                    .security(ClientSecurity.tls(authority.authorityFile())));
            assertThat(failure(departure).reason()).isEqualTo(TransportException.Reason.SECURITY);
        }
    }

    // ---- closing

    @Test
    void leavesAtOnceWhenItIsClosed() throws Exception {
        CountDownLatch working = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        ScriptedClient work = ScriptedClient.create().on(TaskKind.FIT, (task, context) -> {
            working.countDown();
            try {
                new CountDownLatch(1).await();
            } finally {
                interrupted.countDown();
            }
            return ClientUpdate.ofModel(task.model(), 5);
        });
        CompletableFuture<Departure> departure = run(builder(server.port(), work));
        FakeFlowerServer.Guest guest = server.awaitGuest();
        guest.send(fit(MODEL, 1));
        working.await();
        clients.get(0).close();
        clients.get(0).close();
        assertThat(await(departure).cause()).isEqualTo(Departure.Cause.CLOSED);
        assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(guest.awaitEnd()).contains("cancel");
    }

    @Test
    void neverJoinsOnceItIsClosed() throws Exception {
        FlowerClient client = builder(server.port(), ScriptedClient.echo(5)).build();
        client.close();
        assertThat(client.run().cause()).isEqualTo(Departure.Cause.CLOSED);
        assertThatThrownBy(client::run).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void requiresWhatHasNoDefault() {
        assertThatThrownBy(() -> FlowerClient.builder().server("localhost", 1).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("clientId must be set");
    }
}
