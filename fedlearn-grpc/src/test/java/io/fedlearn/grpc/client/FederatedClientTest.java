package io.fedlearn.grpc.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.fedlearn.core.client.Client;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.TransportException;
import io.fedlearn.grpc.TransportException.Reason;
import io.fedlearn.grpc.client.FakeServer.Connection;
import io.fedlearn.grpc.client.FakeServer.Uploaded;
import io.fedlearn.grpc.internal.netty.GrpcServer;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.ClientMessage.MessageCase;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.fedlearn.grpc.security.ClientSecurity;
import io.fedlearn.grpc.security.ServerSecurity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(180)
class FederatedClientTest {
    private static final String ID = "hospital-a";
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Model SMALL = model(3, 1);
    private static final Model LARGE = model(5000, 2);

    private final FakeServer server = FakeServer.start();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<FederatedClient> clients = new ArrayList<>();
    private final List<CountDownLatch> latches = new ArrayList<>();
    private final AtomicInteger calls = new AtomicInteger();

    @AfterEach
    void closeAll() throws InterruptedException {
        latches.forEach(CountDownLatch::countDown);
        clients.forEach(FederatedClient::close);
        server.close();
        threads.shutdownNow();
        assertThat(threads.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
    }

    private static Model model(int length, long seed) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = i + seed;
        }
        return Model.builder().trainable("w", Tensor.wrap(values, length)).build();
    }

    private CountDownLatch latch() {
        CountDownLatch latch = new CountDownLatch(1);
        latches.add(latch);
        return latch;
    }

    private Future<Departure> join(Client client) {
        return join(client, builder -> builder);
    }

    private Future<Departure> join(Client client, UnaryOperator<FederatedClient.Builder> settings) {
        FederatedClient joining = settings.apply(FederatedClient.builder()
                        .server("localhost", server.port())
                        .clientId(ID)
                        .security(ClientSecurity.insecure())
                        .client((task, context) -> {
                            calls.incrementAndGet();
                            return client.fit(task, context);
                        })
                        .backoff(Backoff.of(Duration.ofMillis(1), Duration.ofMillis(20)))
                        .jitterSeed(1))
                .build();
        clients.add(joining);
        return threads.submit(joining::run);
    }

    private static ClientUpdate echo(Task task) {
        return ClientUpdate.ofModel(task.model(), 7);
    }

    private static Task task(int round) {
        return task(round, SMALL);
    }

    private static Task task(int round, Model model) {
        return Task.builder(TaskKind.FIT, ID).round(round).model(model).build();
    }

    private static TransportException refusal(Future<Departure> run) throws InterruptedException {
        try {
            run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof TransportException refusal) {
                return refusal;
            }
            throw new AssertionError("failed otherwise", e);
        } catch (TimeoutException e) {
            throw new AssertionError("still runs", e);
        }
        throw new AssertionError("was not refused");
    }

    private static Departure end(Future<Departure> run, Connection connection) throws Exception {
        connection.goodbye(Goodbye.newBuilder().setCode(GoodbyeCode.GOODBYE_CODE_RUN_OVER));
        return run.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    // ---- hello ----

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

    // ---- being sent away ----

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

    // ---- where there is no server ----

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

    // ---- tasks ----

    @Test
    void worksOnWhatItIsOfferedAndAnswers() throws Exception {
        AtomicReference<Task> seen = new AtomicReference<>();
        join((task, context) -> {
            seen.set(task);
            return echo(task).withMetrics(Metrics.of("loss", 0.5));
        });
        Connection connection = server.welcome();
        Task task = task(1).toBuilder()
                .tensors("side", SMALL)
                .config(Config.of(Map.of("epochs", 3)))
                .seed(99)
                .build();
        connection.offer(server.offer(task));

        TaskAnswer answer = connection.finish(task);

        assertThat(seen.get().model()).isEqualTo(SMALL);
        assertThat(seen.get().tensors()).containsEntry("side", SMALL);
        assertThat(seen.get().config()).isEqualTo(task.config());
        assertThat(seen.get().seed()).isEqualTo(99);
        assertThat(answer.getFingerprint()).isEqualTo(server.offer(task).getFingerprint());
        assertThat(answer.getUpdate().getExampleCount()).isEqualTo(7);
        assertThat(answer.getUpdate().getModel())
                .isEqualTo(EncodedModel.of(SMALL).payload(1 << 20));
        assertThat(answer.getUpdate().getMetrics(0).getValue()).isEqualTo(0.5);
    }

    @Test
    void bringsAndSendsLargeModelsBesideTheMessages() throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1, LARGE)));

        Uploaded uploaded = server.takeUpload();

        connection.takeStarted(task(1));
        EncodedModel expected = EncodedModel.of(LARGE);
        assertThat(uploaded.answer().getTaskId()).isEqualTo(task(1).id());
        assertThat(uploaded.answer().getUpdate().getModel()).isEqualTo(expected.description());
        assertThat(uploaded.values()).isEqualTo(expected.payload(1 << 30).getValues());
        connection.offer(server.offer(task(2)));
        connection.finish(task(2));
        Departure departure = end(run, connection);
        assertThat(departure.tasksAnswered()).isEqualTo(2);
        assertThat(departure.bytesReceived()).isGreaterThan(20_000);
        assertThat(departure.bytesSent()).isGreaterThan(20_000);
    }

    @Test
    void doesNotDownloadTheModelThatItHas() throws Exception {
        join((task, context) ->
                ClientUpdate.ofMetrics(Metrics.of("loss", task.model().byteCount()), 1));
        Connection connection = server.welcome();
        for (int round = 1; round <= 3; round++) {
            connection.offer(server.offer(task(round, LARGE)));
            connection.finish(task(round));
        }
        assertThat(server.downloads).hasSize(1);

        connection.offer(server.offer(task(4, model(5000, 9))));
        connection.finish(task(4));
        connection.offer(server.offer(task(5, LARGE)));
        connection.finish(task(5));

        assertThat(server.downloads).as("keeps the last one only").hasSize(3);
    }

    @Test
    void answersThatItFailedAndGoesOn() throws Exception {
        join((task, context) -> {
            if (task.round() == 1) {
                throw new IllegalStateException("no data today");
            }
            return echo(task);
        });
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        assertThat(connection.finish(task(1)).getFailed().getReason()).contains("IllegalStateException");

        connection.offer(server.offer(task(2)));
        assertThat(connection.finish(task(2)).hasUpdate()).isTrue();
    }

    @Test
    void failsATaskWhoseModelTheServerDoesNotHave() throws Exception {
        join((task, context) -> echo(task));
        Connection connection = server.welcome();
        TaskOffer offer = server.offer(task(1, LARGE));
        TaskOffer foreign = offer.toBuilder()
                .setModel(offer.getModel().toBuilder().setDigest(ByteString.copyFrom(new byte[32])))
                .build();
        connection.offer(foreign);

        connection.takeStarted(task(1));
        assertThat(connection.takeAnswer(task(1)).getFailed().getReason()).contains("no such model");
        assertThat(calls).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"kind", "id", "settings", "model"})
    void refusesOffersThatItCannotReadAndGoesOn(String what) throws Exception {
        join((task, context) -> echo(task));
        Connection connection = server.welcome();
        TaskOffer.Builder offer = server.offer(task(1)).toBuilder();
        switch (what) {
            case "kind" -> offer.setKind("");
            case "id" -> offer.setRound(77);
            case "settings" -> offer.addConfigBuilder().setName("without value");
            default -> offer.clearModel();
        }
        connection.offer(offer.build());

        if (what.equals("model")) {
            connection.takeStarted(task(1));
        }
        assertThat(connection.takeAnswer(task(1)).getFailed().getReason()).isNotBlank();
        connection.offer(server.offer(task(2)));
        connection.finish(task(2));
        assertThat(calls).hasValue(1);
    }

    @Test
    void ignoresWhatItDoesNotKnow() throws Exception {
        join((task, context) -> echo(task));
        Connection connection = server.welcome();

        connection.say(ServerMessage.newBuilder());
        connection.say(ServerMessage.newBuilder()
                .setUnknownFields(UnknownFieldSet.newBuilder()
                        .addField(
                                99,
                                UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                        .build()));
        connection.receipt("no/such/task", Verdict.VERDICT_ACCEPTED);
        connection.cancel(task(9));
        connection.offer(TaskOffer.getDefaultInstance());
        connection.offer(server.offer(task(1)).toBuilder()
                .setUnknownFields(UnknownFieldSet.newBuilder()
                        .addField(
                                99,
                                UnknownFieldSet.Field.newBuilder().addVarint(1).build())
                        .build())
                .build());

        connection.finish(task(1));
    }

    @ParameterizedTest
    @EnumSource(
            value = Verdict.class,
            names = {"VERDICT_CORRUPT", "UNRECOGNIZED"},
            mode = EnumSource.Mode.EXCLUDE)
    void goesOnWhateverTheReceiptSays(Verdict verdict) throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        connection.takeAnswer(task(1));
        connection.receipt(task(1).id(), verdict);

        connection.offer(server.offer(task(2)));
        connection.finish(task(2));
        boolean taken = verdict == Verdict.VERDICT_ACCEPTED || verdict == Verdict.VERDICT_DUPLICATE;
        assertThat(end(run, connection).tasksAnswered()).isEqualTo(taken ? 2 : 1);
    }

    @Test
    void sendsAnAnswerAgainThatArrivedDamaged() throws Exception {
        join((task, context) -> echo(task));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        TaskAnswer first = connection.takeAnswer(task(1));
        connection.receipt(task(1).id(), Verdict.VERDICT_CORRUPT);

        assertThat(connection.takeAnswer(task(1))).isEqualTo(first);
    }

    @Test
    void tellsProgressAtMostFourTimesASecondAndTheLastAlways() throws Exception {
        int steps = 100_000;
        long start = System.nanoTime();
        join((task, context) -> {
            for (int i = 1; i <= steps; i++) {
                context.progress(i, steps);
            }
            return echo(task);
        });
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        List<TaskProgress> heard = new ArrayList<>();
        ClientMessage message = connection.takeAny();
        while (message.hasProgress()) {
            heard.add(message.getProgress());
            message = connection.takeAny();
        }
        Duration took = Duration.ofNanos(System.nanoTime() - start);

        assertThat(message.hasAnswer()).isTrue();
        assertThat(heard.get(heard.size() - 1).getDone()).isEqualTo(steps);
        assertThat(heard).extracting(TaskProgress::getDone).isSorted().doesNotHaveDuplicates();
        assertThat(heard.size()).isLessThanOrEqualTo(2 + (int) (took.toMillis() / 250));
    }

    // ---- broken connections ----

    @Test
    void comesBackWhenTheConnectionBreaksBeforeItsWelcome() throws Exception {
        Future<Departure> run = join((task, context) -> echo(task));
        server.accept().cut();
        server.accept().cut();
        Connection connection = server.welcome();

        assertThat(end(run, connection).reconnects()).isZero();
    }

    @Test
    void goesOnWithItsTaskWhenTheConnectionBreaks() throws Exception {
        CountDownLatch release = latch();
        CountDownLatch atWork = latch();
        join((task, context) -> {
            atWork.countDown();
            release.await();
            return echo(task);
        });
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        await(atWork);
        connection.cut();
        connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        release.countDown();

        connection.takeAnswer(task(1));
        assertThat(calls).hasValue(1);
    }

    @Test
    void answersAfterItCameBackWithWorkThatEndedMeanwhile() throws Exception {
        CountDownLatch release = latch();
        CountDownLatch done = latch();
        join((task, context) -> {
            release.await();
            done.countDown();
            return echo(task);
        });
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        connection.cut();
        connection = server.accept();
        release.countDown();
        await(done);
        connection.cut();
        connection = server.welcome();
        connection.offer(server.offer(task(1)));

        connection.finish(task(1));
        assertThat(calls).hasValue(1);
    }

    @Test
    void sendsTheSameAnswerAgainWithoutWorkingAgain() throws Exception {
        join((task, context) -> ClientUpdate.ofModel(model(3, calls.get()), 1));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        TaskAnswer withoutReceipt = connection.takeAnswer(task(1));
        connection.cut();

        connection = server.welcome();
        connection.offer(server.offer(task(1)));
        TaskAnswer again = connection.finish(task(1));
        connection.cut();
        connection = server.welcome();
        connection.offer(server.offer(task(1)));
        TaskAnswer afterReceipt = connection.finish(task(1));

        assertThat(again).isEqualTo(withoutReceipt);
        assertThat(afterReceipt).isEqualTo(withoutReceipt);
        assertThat(calls).hasValue(1);
    }

    @Test
    void worksAnewOnAnotherTaskOfTheSameId() throws Exception {
        join((task, context) -> echo(task));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.finish(task(1));
        Task other = task(1, model(3, 50));
        connection.offer(server.offer(other));

        assertThat(connection.finish(other).getUpdate().getModel().getDigest())
                .isEqualTo(server.offer(other).getModel().getDigest());
        assertThat(calls).hasValue(2);
    }

    @Test
    void dropsItsWorkForAnotherTaskOfTheSameId() throws Exception {
        CountDownLatch atWork = latch();
        Task other = task(1, model(3, 50));
        join((task, context) -> {
            if (task.model().equals(SMALL)) {
                atWork.countDown();
                new CountDownLatch(1).await();
            }
            return echo(task);
        });
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        await(atWork);
        connection.offer(server.offer(other));

        assertThat(connection.finish(other).getFingerprint())
                .isEqualTo(server.offer(other).getFingerprint());
    }

    @Test
    void takesADownloadUpWhereItBroke() throws Exception {
        server.breakAfterChunks(3);
        join((task, context) -> echo(task));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1, LARGE)));

        assertThat(server.takeUpload().values())
                .isEqualTo(EncodedModel.of(LARGE).payload(1 << 30).getValues());
        assertThat(server.downloads).extracting(request -> request.getOffset()).containsExactly(0L, 3072L);
    }

    @Test
    void goesOnWithADownloadOverItsNextConnection() throws Exception {
        server.downloadGate = latch();
        join((task, context) -> echo(task));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1, LARGE)));
        assertThat(server.downloads.poll(60, TimeUnit.SECONDS)).isNotNull();
        connection.cut();
        server.downloadGate.countDown();
        connection = server.welcome();
        assertThat(server.downloads)
                .as("before the server has offered the task again")
                .isEmpty();
        connection.offer(server.offer(task(1, LARGE)));

        connection.takeStarted(task(1));
        assertThat(server.takeUpload().answer().getTaskId()).isEqualTo(task(1).id());
        assertThat(calls).hasValue(1);
    }

    @Test
    void takesAnUploadUpWhereItBroke() throws Exception {
        join((task, context) -> ClientUpdate.ofModel(LARGE, 1));
        Connection connection = server.welcome();
        server.breakAfterChunks(5);
        connection.offer(server.offer(task(1)));

        assertThat(server.takeUpload().values())
                .isEqualTo(EncodedModel.of(LARGE).payload(1 << 30).getValues());
        connection.takeStarted(task(1));
        connection.offer(server.offer(task(2)));
        connection.takeStarted(task(2));
    }

    @Test
    void uploadsTheSameAnswerAgainAfterItsReceipt() throws Exception {
        join((task, context) -> ClientUpdate.ofModel(model(5000, calls.get()), 1));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        Uploaded first = server.takeUpload();
        connection.cut();
        connection = server.welcome();
        connection.offer(server.offer(task(1)));

        assertThat(server.takeUpload()).isEqualTo(first);
        assertThat(calls).hasValue(1);
    }

    // ---- cancel and time limits ----

    @Test
    void interruptsACancelledTaskAndStaysSilentAboutIt() throws Exception {
        CountDownLatch atWork = latch();
        CountDownLatch interrupted = latch();
        join((task, context) -> {
            if (task.round() == 1) {
                atWork.countDown();
                try {
                    new CountDownLatch(1).await();
                } finally {
                    if (context.isCancelled()) {
                        interrupted.countDown();
                    }
                }
            }
            return echo(task);
        });
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        await(atWork);
        connection.cancel(task(1));
        await(interrupted);
        connection.offer(server.offer(task(2)));

        connection.finish(task(2));
    }

    @Test
    void stopsADownloadThatIsNotWantedAnyMore() throws Exception {
        server.downloadGate = latch();
        join((task, context) -> echo(task));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1, LARGE)));
        connection.takeStarted(task(1));
        assertThat(server.downloads.poll(60, TimeUnit.SECONDS)).isNotNull();
        connection.cancel(task(1));
        connection.offer(server.offer(task(2)));

        connection.finish(task(2));
        assertThat(calls).hasValue(1);
    }

    @Test
    void failsTheNextTaskWhenItsClientIsDeaf() throws Exception {
        CountDownLatch atWork = latch();
        CountDownLatch release = latch();
        join(
                (task, context) -> {
                    if (task.round() == 1) {
                        atWork.countDown();
                        while (release.getCount() > 0) {
                            Thread.onSpinWait();
                        }
                    }
                    return echo(task);
                },
                builder -> builder.grace(Duration.ofMillis(50)));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        await(atWork);
        connection.cancel(task(1));
        connection.offer(server.offer(task(2)));

        assertThat(connection.takeAnswer(task(2)).getFailed().getReason()).contains("busy");
    }

    @Test
    void stopsWhenItsTimeIsUpThoughItsServerHasGone() throws Exception {
        join((task, context) -> {
            if (task.round() == 1) {
                new CountDownLatch(1).await();
            }
            return echo(task);
        });
        Connection connection = server.welcome();
        Task limited = task(1).toBuilder().timeLimit(Duration.ofMillis(200)).build();
        connection.offer(server.offer(limited));
        connection.takeStarted(limited);
        connection.cut();
        connection = server.welcome();
        connection.offer(server.offer(task(2)));

        connection.finish(task(2));
    }

    @Test
    void saysThatItsTimeWasUpWhenTheServerDoesNot() throws Exception {
        join(
                (task, context) -> {
                    new CountDownLatch(1).await();
                    return echo(task);
                },
                builder -> builder.grace(Duration.ofMillis(50)));
        Connection connection = server.welcome();
        Task limited = task(1).toBuilder().timeLimit(Duration.ofMillis(50)).build();
        connection.offer(server.offer(limited));
        connection.takeStarted(limited);

        assertThat(connection.takeAnswer(limited).getFailed().getReason()).contains("time limit");
    }

    // ---- heartbeats ----

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

    // ---- closing ----

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

    // ---- settings ----

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

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
}
