package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.internal.transfer.Admission;
import io.fedlearn.grpc.internal.transfer.AnswerReceiver;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.Setting;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.fedlearn.grpc.proto.v1.Welcome;
import io.fedlearn.testkit.clock.ManualClock;
import io.fedlearn.testkit.runtime.RecordingListener;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the server decides, without a network and with a clock that tests move. */
class TaskDeskTest {
    private static final Duration HEARTBEAT = Duration.ofSeconds(10);
    private static final Duration GRACE = Duration.ofMinutes(2);
    private static final int INLINE_BYTES = 64;
    private static final Model SMALL =
            Model.builder().trainable("w", Tensor.copyOf(new float[] {1, 2})).build();
    private static final Model LARGE =
            Model.builder().trainable("w", Tensor.copyOf(new float[100])).build();

    private final ManualClock clock = ManualClock.create();
    private final RecordingListener listener = RecordingListener.create();
    private final List<String> counted = new ArrayList<>();
    private TaskDesk desk;

    private final TransportMetrics metrics = new TransportMetrics() {
        @Override
        public void sessionRefused(String reason) {
            counted.add("refused " + reason);
        }

        @Override
        public void sessionEnded(String reason) {
            counted.add("ended " + reason);
        }

        @Override
        public void reconnected() {
            counted.add("reconnected");
        }

        @Override
        public void answerRefused(String verdict) {
            counted.add("answer " + verdict);
        }

        @Override
        public void taskFinished(String outcome, Duration time) {
            counted.add("task " + outcome);
        }
    };

    @BeforeEach
    void open() {
        desk = newDesk(ServerLimits.defaults());
    }

    private TaskDesk newDesk(ServerLimits limits) {
        return new TaskDesk(
                new DeskSettings(HEARTBEAT, GRACE, limits, 1 << 18, INLINE_BYTES, true, 1 << 20),
                () -> ChronoUnit.NANOS.between(ManualClock.create().instant(), clock.instant()),
                Runnable::run,
                metrics);
    }

    /** A client of a test's. */
    private final class Site {
        final String id;
        final byte instance;
        int attempt;
        FakeConnection connection = new FakeConnection();
        Optional<Session> session = Optional.empty();

        Site(String id, int instance) {
            this.id = id;
            this.instance = (byte) instance;
        }

        Site join() {
            return join(++attempt);
        }

        Site join(int withAttempt) {
            connection = new FakeConnection();
            session = desk.join(hello(id, instance, withAttempt).build(), credential(Optional.empty()), connection);
            return this;
        }

        Session live() {
            return session.orElseThrow();
        }

        void started(Task task) {
            desk.started(
                    live(),
                    TaskStarted.newBuilder()
                            .setTaskId(task.id())
                            .setFingerprint(fingerprint(task))
                            .build());
        }

        /** Of the task as it was offered last. */
        ByteString fingerprint(Task task) {
            List<ByteString> all = connection.offers().stream()
                    .filter(offer -> offer.getTaskId().equals(task.id()))
                    .map(offer -> offer.getFingerprint())
                    .toList();
            return all.get(all.size() - 1);
        }

        TaskAnswer answer(Task task, ClientOutcome outcome) {
            return WireAnswers.write(
                    task.id(),
                    fingerprint(task),
                    outcome,
                    model -> EncodedModel.of(model).payload(INLINE_BYTES));
        }

        TaskAnswer update(Task task) {
            return answer(task, new ClientOutcome.Completed(ClientUpdate.ofModel(SMALL, 3)));
        }

        void send(TaskAnswer answer) {
            desk.answer(live(), answer);
        }
    }

    private static Hello.Builder hello(String id, int instance, int attempt) {
        byte[] bytes = new byte[16];
        bytes[0] = (byte) instance;
        return Hello.newBuilder()
                .setMinVersion(1)
                .setMaxVersion(1)
                .setClientId(id)
                .setInstance(ByteString.copyFrom(bytes))
                .setAttempt(attempt)
                .setSoftware("test 1");
    }

    private static Credential credential(Optional<String> proved) {
        return new Credential() {
            @Override
            public Optional<String> clientId() {
                return proved;
            }

            @Override
            public Optional<String> refusal() {
                return Optional.empty();
            }
        };
    }

    private Site site(String id) {
        return new Site(id, 1).join();
    }

    private static Task task(String client, int round) {
        return Task.builder(TaskKind.FIT, client)
                .runId("run")
                .round(round)
                .model(SMALL)
                .build();
    }

    private Task submit(String client, int round) {
        Task task = task(client, round);
        desk.submit(task, listener);
        return task;
    }

    private FakeConnection refused(Hello hello) {
        FakeConnection connection = new FakeConnection();
        assertThat(desk.join(hello, credential(Optional.empty()), connection)).isEmpty();
        assertThat(connection.isEnded).isTrue();
        return connection;
    }

    private void tick(Duration step) {
        clock.advance(step);
        desk.tick();
    }

    /** Time in which the server itself was awake. */
    private void pass(Duration time) {
        for (Duration done = Duration.ZERO; done.compareTo(time) < 0; done = done.plusSeconds(5)) {
            tick(Duration.ofSeconds(5));
        }
    }

    // ---- Joining ----

    @Test
    void welcomesAClientWithWhatItMustKnow() {
        Site site = site("a");

        Welcome welcome = site.connection.sent.get(0).getWelcome();
        assertThat(welcome.getVersion()).isEqualTo(1);
        assertThat(welcome.getSession().size()).isEqualTo(32);
        assertThat(welcome.getHeartbeatMillis()).isEqualTo(10_000);
        assertThat(welcome.getChunkBytes()).isEqualTo(1 << 18);
        assertThat(welcome.getInlineBytes()).isEqualTo(INLINE_BYTES);
        assertThat(welcome.getCompression()).isEqualTo(Compression.COMPRESSION_NONE);
        assertThat(desk.session(welcome.getSession())).contains(site.live());
    }

    @Test
    void compressesForClientsThatCan() {
        FakeConnection connection = new FakeConnection();

        desk.join(
                hello("a", 1, 1)
                        .addCompressions(Compression.COMPRESSION_NONE)
                        .addCompressions(Compression.COMPRESSION_ZSTD)
                        .build(),
                credential(Optional.empty()),
                connection);

        assertThat(connection.sent.get(0).getWelcome().getCompression()).isEqualTo(Compression.COMPRESSION_ZSTD);
    }

    @Test
    void listsClientsByIdWithWhatTheyTellOfThemselves() {
        site("b");
        desk.join(
                hello("a", 1, 1)
                        .addProperties(Setting.newBuilder().setName("beds").setWhole(12))
                        .build(),
                credential(Optional.empty()),
                new FakeConnection());

        assertThat(desk.clients())
                .containsExactly(
                        new ClientInfo("a", Config.empty().with("beds", 12)), new ClientInfo("b", Config.empty()));
    }

    @Test
    void refusesVersionsThatItDoesNotSpeak() {
        assertThat(refused(hello("a", 1, 1).setMinVersion(2).setMaxVersion(3).build())
                        .goodbye())
                .contains(GoodbyeCode.GOODBYE_CODE_NO_COMMON_VERSION);
        assertThat(desk.clients()).isEmpty();
        assertThat(counted).containsExactly("refused no-common-version");
    }

    @Test
    void speaksItsVersionWithClientsThatKnowLaterOnes() {
        assertThat(desk.join(
                        hello("a", 1, 1).setMaxVersion(7).build(), credential(Optional.empty()), new FakeConnection()))
                .isPresent();
    }

    @Test
    void refusesMalformedHellos() {
        List<Hello.Builder> malformed = List.of(
                hello("a", 1, 1).setMinVersion(2),
                hello("a", 1, 0),
                hello("a", 1, 1).setInstance(ByteString.copyFromUtf8("short")),
                hello("a", 1, 1).setSoftware("x".repeat(257)),
                hello("", 1, 1),
                hello("x".repeat(257), 1, 1),
                hello("a\nb", 1, 1),
                hello("a", 1, 1).addProperties(Setting.newBuilder().setName("no value")));

        for (Hello.Builder hello : malformed) {
            assertThat(refused(hello.build()).goodbye()).contains(GoodbyeCode.GOODBYE_CODE_MALFORMED);
        }
        assertThat(desk.clients()).isEmpty();
    }

    @Test
    void knowsAClientByItsCertificateAndNotByItsWord() {
        FakeConnection nameless = new FakeConnection();
        FakeConnection liar = new FakeConnection();

        desk.join(hello("", 1, 1).build(), credential(Optional.of("a")), nameless);
        Optional<Session> lied = desk.join(hello("a", 2, 1).build(), credential(Optional.of("b")), liar);

        assertThat(desk.clients()).extracting(ClientInfo::id).containsExactly("a");
        assertThat(lied).isEmpty();
        assertThat(liar.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_IDENTITY_REFUSED);
        assertThat(nameless.isEnded).isFalse();
    }

    @Test
    void takesNoMoreClientsThanItsLimit() {
        desk = newDesk(ServerLimits.builder().maxClients(1).build());
        Site first = site("a");

        FakeConnection second = refused(hello("b", 1, 1).build());

        assertThat(second.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_FULL);
        assertThat(second.sent.get(0).getGoodbye().getRetryAfterMillis()).isPositive();
        assertThat(first.join().session).as("a member comes back").isPresent();
    }

    // ---- Connections of the same client ----

    @Test
    void letsALaterAttemptOfTheSameProcessTakeOver() {
        Site site = site("a");
        FakeConnection old = site.connection;
        ByteString oldToken = site.live().token;

        site.join();

        assertThat(old.isEnded).isTrue();
        assertThat(old.goodbye()).isEmpty();
        assertThat(desk.session(oldToken)).isEmpty();
        assertThat(desk.session(site.live().token)).isPresent();
        assertThat(desk.clients()).hasSize(1);
    }

    @Test
    void refusesAReplayedConnectionAndKeepsTheLiveOne() {
        Site site = site("a").join();
        FakeConnection live = site.connection;

        FakeConnection replayed = refused(hello("a", 1, 1).build());

        assertThat(replayed.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_REPLAYED);
        assertThat(live.isEnded).isFalse();
    }

    @Test
    void refusesAReplayAlsoAfterTheClientHasGone() {
        Site site = site("a").join();
        desk.leave(site.live(), "done");

        assertThat(refused(hello("a", 1, 2).build()).goodbye()).contains(GoodbyeCode.GOODBYE_CODE_REPLAYED);
    }

    @Test
    void letsANewProcessWinAndTellsTheOldOneForGood() {
        Site old = site("a");
        Site young = new Site("a", 2).join();

        assertThat(old.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_SUPERSEDED);
        old.join();
        assertThat(old.session).isEmpty();
        assertThat(old.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_SUPERSEDED);
        assertThat(young.connection.isEnded).isFalse();
    }

    @Test
    void ignoresWhatASupersededConnectionStillSays() {
        Site old = site("a");
        Task task = submit("a", 1);
        Session before = old.live();
        new Site("a", 2).join();

        assertThat(desk.hear(before, ClientMessage.MessageCase.HEARTBEAT)).isFalse();
        desk.lost(before, "late");
        desk.leave(before, "late");

        assertThat(desk.clients()).hasSize(1);
        assertThat(listener.outcomes(task)).isEmpty();
    }

    // ---- Tasks ----

    @Test
    void offersATaskAndTakesItsAnswerOnce() {
        Site site = site("a");
        Task task = submit("a", 1);
        site.started(task);

        site.send(site.update(task));
        site.send(site.update(task));

        assertThat(site.connection.offeredIds()).containsExactly(task.id());
        assertThat(site.connection.verdicts()).containsExactly("ACCEPTED", "DUPLICATE");
        assertThat(listener.events(task)).hasSize(2);
        assertThat(listener.events(task).get(0)).isInstanceOf(RecordingListener.Started.class);
        ClientUpdate update = ((ClientOutcome.Completed) listener.outcomes(task).get(0)).update();
        assertThat(update.model()).contains(SMALL);
        assertThat(update.exampleCount()).isEqualTo(3);
        assertThat(counted).containsExactly("task completed", "answer duplicate");
    }

    @Test
    void namesLargeModelsAndSendsSmallOnesAlong() {
        Site site = site("a");
        desk.submit(task("a", 1).toBuilder().model(LARGE).tensors("side", SMALL).build(), listener);

        var offer = site.connection.offers().get(0);
        assertThat(offer.getModel().hasValues()).isFalse();
        assertThat(offer.getTensors(0).getPayload().hasValues()).isTrue();
        assertThat(desk.model("a", offer.getModel().getDigest())).isPresent();
        assertThat(desk.model("b", offer.getModel().getDigest())).isEmpty();
    }

    @Test
    void holdsAModelOnceAndOnlyWhileATaskIsOpen() {
        Site a = site("a");
        Site b = site("b");
        Task first = submit("a", 1);
        Task second = submit("b", 1);
        assertThat(desk.modelCount()).isEqualTo(1);
        assertThat(a.connection.offers().get(0).getModel())
                .isSameAs(b.connection.offers().get(0).getModel());

        a.send(a.update(first));
        assertThat(desk.modelCount()).isEqualTo(1);
        desk.cancel(second);

        assertThat(desk.modelCount()).isZero();
    }

    @Test
    void hearsOfStartAndProgressInOrder() {
        Site site = site("a");
        Task task = submit("a", 1);

        desk.progress(site.live(), progress(task, 1));
        site.started(task);
        site.started(task);
        desk.progress(site.live(), progress(task, 2));
        site.send(site.update(task));
        desk.progress(site.live(), progress(task, 3));

        assertThat(listener.events(task))
                .extracting(event -> (Object) event.getClass())
                .containsExactly(
                        RecordingListener.Started.class,
                        RecordingListener.Progressed.class,
                        RecordingListener.Finished.class);
    }

    private static TaskProgress progress(Task task, long done) {
        return TaskProgress.newBuilder()
                .setTaskId(task.id())
                .setDone(done)
                .setTotal(9)
                .build();
    }

    @Test
    void tellsTheListenerThatATaskStartedThoughTheClientDidNot() {
        Site site = site("a");
        Task task = submit("a", 1);

        site.send(site.update(task));

        assertThat(listener.events(task).get(0)).isInstanceOf(RecordingListener.Started.class);
    }

    @Test
    void offersOneTaskAtATime() {
        Site site = site("a");
        Task first = submit("a", 1);
        Task second = submit("a", 2);
        assertThat(site.connection.offeredIds()).containsExactly(first.id());

        site.send(site.update(first));

        assertThat(site.connection.offeredIds()).containsExactly(first.id(), second.id());
        List<ServerMessage> sent = site.connection.sent;
        assertThat(sent.get(sent.size() - 2).hasReceipt())
                .as("the receipt comes before the next offer")
                .isTrue();
    }

    @Test
    void offersTheNextTaskOnlyWhenTheListenerHasTakenTheLastAnswer() {
        Site site = site("a");
        List<List<String>> offered = new ArrayList<>();
        TaskListener slow = new TaskListener() {
            @Override
            public void started(Task task) {}

            @Override
            public void progress(Task task, long done, long total) {}

            @Override
            public void finished(Task task, ClientOutcome outcome) {
                submit("a", 2);
                offered.add(site.connection.offeredIds());
            }
        };
        Task first = task("a", 1);
        desk.submit(first, slow);

        site.send(site.update(first));

        assertThat(offered).containsExactly(List.of(first.id()));
        assertThat(site.connection.offeredIds()).hasSize(2);
    }

    @Test
    void sendsTheReceiptThoughTheListenerThrows() {
        Site site = site("a");
        Task task = task("a", 1);
        desk.submit(task, new TaskListener() {
            @Override
            public void started(Task of) {
                throw new IllegalStateException("on purpose");
            }

            @Override
            public void progress(Task of, long done, long total) {}

            @Override
            public void finished(Task of, ClientOutcome outcome) {
                throw new IllegalStateException("on purpose");
            }
        });

        site.send(site.update(task));

        assertThat(site.connection.verdicts()).containsExactly("ACCEPTED");
    }

    @Test
    void failsTasksForClientsThatAreNotThere() {
        Task task = submit("nobody", 1);

        assertThat(listener.outcomes(task)).hasSize(1);
        assertThat(listener.outcomes(task).get(0))
                .isInstanceOf(ClientOutcome.Failed.class)
                .extracting(ClientOutcome::reason)
                .asString()
                .contains("nobody");
        assertThat(desk.modelCount()).isZero();
    }

    @Test
    void refusesATaskThatIsUnderWayAlready() {
        site("a");
        Task task = submit("a", 1);

        assertThatThrownBy(() -> desk.submit(task, listener))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(task.id());
        assertThat(desk.modelCount()).isEqualTo(1);
    }

    @Test
    void takesATaskAgainThatHasEnded() {
        Site site = site("a");
        Task task = submit("a", 1);
        site.send(site.update(task));

        submit("a", 1);
        site.send(site.update(task));

        assertThat(site.connection.verdicts()).containsExactly("ACCEPTED", "ACCEPTED");
        assertThat(listener.outcomes(task)).hasSize(2);
    }

    @Test
    void carriesDeclinesAndFailures() {
        Site site = site("a");
        Task declined = submit("a", 1);
        site.send(site.answer(declined, new ClientOutcome.Declined("not today")));
        Task failed = submit("a", 2);
        site.send(site.answer(failed, new ClientOutcome.Failed("no disk")));

        assertThat(listener.outcomes(declined)).containsExactly(new ClientOutcome.Declined("not today"));
        assertThat(listener.outcomes(failed)).containsExactly(new ClientOutcome.Failed("no disk"));
    }

    // ---- Answers that count for nothing ----

    @Test
    void refusesAnswersToTasksThatNobodyKnows() {
        Site site = site("a");

        site.send(TaskAnswer.newBuilder().setTaskId("run/9/0-fit/a").build());

        assertThat(site.connection.verdicts()).containsExactly("UNKNOWN_TASK");
    }

    @Test
    void refusesAnotherClientsAnswer() {
        Site a = site("a");
        Site b = site("b");
        Task task = submit("a", 1);

        b.send(a.update(task));
        a.send(a.update(task));
        b.send(a.update(task));

        assertThat(b.connection.verdicts()).containsExactly("FOREIGN", "FOREIGN");
        assertThat(a.connection.verdicts()).containsExactly("ACCEPTED");
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    @Test
    void refusesTheAnswerToAnEarlierTaskOfTheSameId() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer stale = site.update(task);
        desk.cancel(task);
        desk.submit(task.toBuilder().seed(99).build(), listener);

        site.send(stale);
        site.send(site.update(task));
        site.send(stale);

        assertThat(site.connection.verdicts()).containsExactly("STALE", "ACCEPTED", "STALE");
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    @Test
    void tellsALateAnswerOnceAndWithoutItsValues() {
        Site site = site("a");
        Task task = submit("a", 1);
        site.started(task);
        desk.cancel(task);

        site.send(site.update(task));
        site.send(site.update(task));

        assertThat(site.connection.cancelledIds()).containsExactly(task.id());
        assertThat(site.connection.verdicts()).containsExactly("LATE", "LATE");
        assertThat(counted).containsExactly("task cancelled", "answer late", "answer late");
        assertThat(listener.outcomes(task)).hasSize(1);
        ClientUpdate late = ((ClientOutcome.Completed) listener.outcomes(task).get(0)).update();
        assertThat(late.model()).isEmpty();
        assertThat(late.byteCount()).isZero();
    }

    @Test
    void doesNotTellThatALateClientDeclined() {
        Site site = site("a");
        Task task = submit("a", 1);
        desk.cancel(task);

        site.send(site.answer(task, new ClientOutcome.Declined("no")));

        assertThat(site.connection.verdicts()).containsExactly("LATE");
        assertThat(listener.outcomes(task)).isEmpty();
    }

    @Test
    void rejectsMalformedAnswers() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer good = site.update(task);
        TaskAnswer bad = good.toBuilder()
                .setUpdate(good.getUpdate().toBuilder()
                        .setModel(good.getUpdate().getModel().toBuilder().setByteCount(9)))
                .build();

        site.send(bad);
        site.send(good);

        assertThat(site.connection.verdicts()).containsExactly("MALFORMED", "DUPLICATE");
        assertThat(listener.outcomes(task)).hasSize(1);
        assertThat(listener.outcomes(task).get(0)).isInstanceOf(ClientOutcome.Rejected.class);
    }

    @Test
    void rejectsAnswersThatAreTooLargeBeforeLookingAtThem() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer good = site.update(task);

        site.send(good.toBuilder()
                .setUpdate(good.getUpdate().toBuilder()
                        .setModel(good.getUpdate().getModel().toBuilder().setByteCount(1L << 40)))
                .build());

        assertThat(site.connection.verdicts()).containsExactly("TOO_LARGE");
        assertThat(counted).contains("answer too-large");
        assertThat(listener.outcomes(task).get(0)).isInstanceOf(ClientOutcome.Rejected.class);
    }

    @Test
    void asksForADamagedAnswerAgain() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer good = site.update(task);
        TaskAnswer damaged = good.toBuilder()
                .setUpdate(good.getUpdate().toBuilder()
                        .setModel(good.getUpdate().getModel().toBuilder()
                                .setValues(ByteString.copyFrom(new byte[] {0, 0, 1, 1, 0, 0, 1, 1}))))
                .build();

        site.send(damaged);
        assertThat(listener.outcomes(task)).isEmpty();
        site.send(good);

        assertThat(site.connection.verdicts()).containsExactly("CORRUPT", "ACCEPTED");
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    // ---- Cancelling ----

    @Test
    void cancelsATaskThatWaitsWithoutAWordToItsClient() {
        Site site = site("a");
        Task first = submit("a", 1);
        Task second = submit("a", 2);

        desk.cancel(second);
        site.send(site.update(first));

        assertThat(site.connection.offeredIds()).containsExactly(first.id());
        assertThat(site.connection.cancelledIds()).isEmpty();
        assertThat(listener.outcomes(second)).isEmpty();
    }

    @Test
    void offersTheNextTaskWhenTheFirstIsCancelled() {
        Site site = site("a");
        Task first = submit("a", 1);
        Task second = submit("a", 2);

        desk.cancel(first);

        assertThat(site.connection.offeredIds()).containsExactly(first.id(), second.id());
        assertThat(site.connection.cancelledIds()).containsExactly(first.id());
    }

    @Test
    void tellsAClientThatComesBackWhatWasGivenUpMeanwhile() {
        Site site = site("a");
        Task task = submit("a", 1);
        desk.lost(site.live(), "cut");
        desk.cancel(task);

        site.join();

        assertThat(site.connection.cancelledIds()).containsExactly(task.id());
        assertThat(site.connection.offeredIds()).isEmpty();
    }

    @Test
    void stopsAClientThatBeginsWithATaskThatIsNotOpen() {
        Site site = site("a");

        desk.started(
                site.live(), TaskStarted.newBuilder().setTaskId("run/1/0-fit/a").build());

        assertThat(site.connection.cancelledIds()).containsExactly("run/1/0-fit/a");
    }

    // ---- Time ----

    @Test
    void sendsHeartbeatsAndKeepsClientsThatDo() {
        Site site = site("a");

        for (int i = 0; i < 20; i++) {
            tick(Duration.ofSeconds(5));
            desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT);
        }

        assertThat(site.connection.heartbeats()).isEqualTo(10);
        assertThat(site.connection.isEnded).isFalse();
    }

    @Test
    void endsAConnectionThatMissesThreeHeartbeatsAndWaitsForTheClient() {
        Site site = site("a");
        Task task = submit("a", 1);

        pass(Duration.ofSeconds(25));
        assertThat(site.connection.isEnded).isFalse();
        pass(Duration.ofSeconds(5));

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_SILENT);
        assertThat(desk.clients()).hasSize(1);
        assertThat(listener.outcomes(task)).isEmpty();
        assertThat(counted).containsExactly("ended silent");
    }

    @Test
    void doesNotBlameClientsForATimeInWhichTheServerStoodStill() {
        Site site = site("a");

        tick(Duration.ofMinutes(10));
        assertThat(site.connection.isEnded).isFalse();
        desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT);
        tick(Duration.ofSeconds(5));

        assertThat(site.connection.isEnded).isFalse();
    }

    @Test
    void doesNotCountATimeInWhichTheServerStoodStill() {
        Site silent = site("a");
        Site away = site("b");
        desk.lost(away.live(), "cut");

        tick(Duration.ofMinutes(10));
        pass(Duration.ofSeconds(25));

        assertThat(silent.connection.isEnded).isFalse();
        pass(Duration.ofSeconds(5));
        assertThat(silent.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_SILENT);
        assertThat(desk.clients()).hasSize(2);
        pass(GRACE.minusSeconds(30));
        assertThat(desk.clients()).extracting(ClientInfo::id).containsExactly("a");
    }

    @Test
    void offersOpenTasksAgainToAClientThatComesBack() {
        Site site = site("a");
        Task task = submit("a", 1);
        site.started(task);
        desk.lost(site.live(), "cut");
        pass(GRACE.minusSeconds(5));

        site.join();
        assertThat(site.connection.offeredIds()).containsExactly(task.id());
        site.started(task);
        site.send(site.update(task));

        assertThat(site.connection.verdicts()).containsExactly("ACCEPTED");
        assertThat(listener.events(task)).hasSize(2);
        assertThat(counted).contains("reconnected");
    }

    @Test
    void keepsTasksForAClientThatIsAway() {
        Site site = site("a");
        desk.lost(site.live(), "cut");
        Task task = submit("a", 1);

        site.join();

        assertThat(site.connection.offeredIds()).containsExactly(task.id());
    }

    @Test
    void failsTheTasksOfAClientThatDoesNotComeBack() {
        Site site = site("a");
        Task first = submit("a", 1);
        Task second = submit("a", 2);
        desk.lost(site.live(), "cut");

        pass(GRACE);

        assertThat(desk.clients()).isEmpty();
        for (Task task : List.of(first, second)) {
            assertThat(listener.outcomes(task))
                    .containsExactly(new ClientOutcome.Failed(
                            "the client lost its connection and did not come back within 120.0 s"));
        }
        assertThat(desk.modelCount()).isZero();
        site.join();
        site.send(TaskAnswer.newBuilder()
                .setTaskId(first.id())
                .setFingerprint(fingerprintOf(first))
                .build());
        assertThat(site.connection.verdicts()).containsExactly("LATE");
        assertThat(listener.outcomes(first)).hasSize(1);
    }

    private static ByteString fingerprintOf(Task task) {
        long most = 4 * SMALL.byteCount() + (1 << 20);
        return io.fedlearn.grpc.internal.wire.WireTasks.write(
                        task, model -> EncodedModel.of(model).payload(INLINE_BYTES), most)
                .getFingerprint();
    }

    @Test
    void failsTheTasksOfAClientThatLeaves() {
        Site site = site("a");
        Task task = submit("a", 1);

        desk.leave(site.live(), "maintenance");

        assertThat(desk.clients()).isEmpty();
        assertThat(site.connection.isEnded).isTrue();
        assertThat(listener.outcomes(task).get(0).reason()).contains("maintenance");
    }

    @Test
    void endsAConnectionThatSendsTooMuch() {
        desk = newDesk(ServerLimits.builder().messageRate(2, 3).build());
        Site site = site("a");

        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isTrue();
        clock.advance(Duration.ofMillis(500));
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT)).isFalse();

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_TOO_FAST);
        assertThat(desk.clients()).as("it may come back").hasSize(1);
    }

    @Test
    void blamesNoClientForAnsweringFast() {
        desk = newDesk(ServerLimits.builder().messageRate(1, 1).build());
        Site site = site("a");

        for (int round = 1; round <= 5; round++) {
            Task task = submit("a", round);
            assertThat(desk.hear(site.live(), ClientMessage.MessageCase.STARTED))
                    .isTrue();
            site.started(task);
            assertThat(desk.hear(site.live(), ClientMessage.MessageCase.ANSWER)).isTrue();
            site.send(site.update(task));
        }
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.ANSWER))
                .as("the burst")
                .isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.ANSWER)).isFalse();

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_TOO_FAST);
    }

    @Test
    void countsAllButTheFirstStartOfATask() {
        desk = newDesk(ServerLimits.builder().messageRate(1, 1).build());
        Site site = site("a");
        submit("a", 1);

        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.STARTED)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.STARTED)).isTrue();
        assertThat(desk.hear(site.live(), ClientMessage.MessageCase.STARTED)).isFalse();
    }

    @Test
    void endsAConnectionThatDoesNotRead() {
        Site site = site("a");
        site.connection.isStuck = true;
        submit("a", 1);

        for (int i = 0; i < 8; i++) {
            tick(Duration.ofSeconds(5));
            desk.hear(site.live(), ClientMessage.MessageCase.HEARTBEAT);
        }
        assertThat(desk.session(site.live().token)).isEmpty();
        tick(HEARTBEAT);

        assertThat(site.connection.isAborted).isTrue();
    }

    @Test
    void throwsOutWhoseCredentialsHoldNoLonger() {
        List<String> refusals = new ArrayList<>();
        FakeConnection connection = new FakeConnection();
        desk.join(
                hello("a", 1, 1).build(),
                new Credential() {
                    @Override
                    public Optional<String> clientId() {
                        return Optional.of("a");
                    }

                    @Override
                    public Optional<String> refusal() {
                        return refusals.stream().findFirst();
                    }
                },
                connection);
        Task task = submit("a", 1);
        desk.checkCredentials();
        assertThat(connection.isEnded).isFalse();

        refusals.add("certificate 7 was revoked");
        desk.checkCredentials();

        assertThat(connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_REVOKED);
        assertThat(desk.clients()).isEmpty();
        assertThat(listener.outcomes(task).get(0).reason()).contains("certificate 7 was revoked");
    }

    // ---- The end ----

    @Test
    void drainsClientsWithATimeToComeBack() {
        Site site = site("a");
        Task task = submit("a", 1);

        desk.drain("new version", Duration.ofSeconds(7));

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_DRAINING);
        assertThat(site.connection
                        .sent
                        .get(site.connection.sent.size() - 1)
                        .getGoodbye()
                        .getRetryAfterMillis())
                .isEqualTo(7_000);
        assertThat(refused(hello("b", 1, 1).build()).goodbye()).contains(GoodbyeCode.GOODBYE_CODE_DRAINING);
        assertThat(listener.outcomes(task)).isEmpty();
    }

    @Test
    void tellsClientsThatTheRunIsOver() {
        Site site = site("a");
        Task task = submit("a", 1);

        desk.close();
        desk.close();

        assertThat(site.connection.goodbye()).contains(GoodbyeCode.GOODBYE_CODE_RUN_OVER);
        assertThat(refused(hello("b", 1, 1).build()).goodbye()).contains(GoodbyeCode.GOODBYE_CODE_RUN_OVER);
        assertThat(listener.outcomes(task)).isEmpty();
        assertThat(desk.modelCount()).isZero();
        assertThatThrownBy(() -> submit("a", 2)).isInstanceOf(IllegalStateException.class);
        desk.cancel(task);
    }

    @Test
    void remembersABoundedNumberOfEndedTasks() {
        Site site = site("a");
        EndedTasks ended = new EndedTasks();
        Task task = submit("a", 1);
        for (int i = 0; i <= EndedTasks.MAX_COUNT; i++) {
            ended.answered(new OpenTask(
                    task("a", i + 1), listener, site.connection.offers().get(0), 0));
        }

        assertThat(ended.find(task.id())).isEmpty();
        assertThat(ended.find(task("a", 2).id())).isPresent();
    }

    // ---- Answers that are uploaded ----

    private static TaskAnswer announce(Site site, Task task, Model model) {
        return WireAnswers.write(
                task.id(),
                site.fingerprint(task),
                new ClientOutcome.Completed(ClientUpdate.ofModel(model, 3)),
                WireModels::describe);
    }

    @Test
    void admitsAnUploadAndGoesOnWithItInTheNextCall() {
        Site site = site("a");
        Task task = task("a", 1).toBuilder().model(LARGE).build();
        desk.submit(task, listener);

        AnswerReceiver first = ((Admission.Admitted) desk.admit("a", announce(site, task, LARGE))).receiver();
        AnswerReceiver second = ((Admission.Admitted) desk.admit("a", announce(site, task, LARGE))).receiver();
        AnswerReceiver other = ((Admission.Admitted) desk.admit(
                        "a",
                        announce(site, task, LARGE).toBuilder()
                                .setUpdate(announce(site, task, LARGE).getUpdate().toBuilder()
                                        .setExampleCount(4))
                                .build()))
                .receiver();

        assertThat(second).isSameAs(first);
        assertThat(other).isNotSameAs(first);
        assertThat(listener.events(task)).containsExactly(new RecordingListener.Started(task.id()));
    }

    @Test
    void refusesUploadsThatCountForNothingBeforeTheirValuesTravel() {
        Site site = site("a");
        Task task = submit("a", 1);
        TaskAnswer announced = announce(site, task, SMALL);
        desk.cancel(task);

        Admission.Refused late = (Admission.Refused) desk.admit("a", announced);
        Admission.Refused foreign = (Admission.Refused) desk.admit("b", announced);

        assertThat(late.receipt().getVerdict()).isEqualTo(Verdict.VERDICT_LATE);
        assertThat(foreign.receipt().getVerdict()).isEqualTo(Verdict.VERDICT_FOREIGN);
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    @Test
    void rejectsUploadsThatAnnounceTooMuch() {
        Site site = site("a");
        Task task = submit("a", 1);
        Model huge = Model.builder()
                .trainable("w", Tensor.copyOf(new float[400_000]))
                .build();

        Admission.Refused refused = (Admission.Refused) desk.admit("a", announce(site, task, huge));

        assertThat(refused.receipt().getVerdict()).isEqualTo(Verdict.VERDICT_TOO_LARGE);
        assertThat(listener.outcomes(task).get(0)).isInstanceOf(ClientOutcome.Rejected.class);
    }

    @Test
    void endsTheTaskOfAnUploadThatIsRejectedOnce() {
        Site site = site("a");
        Task task = submit("a", 1);
        AnswerReceiver receiver = ((Admission.Admitted) desk.admit("a", announce(site, task, SMALL))).receiver();

        Verdict first = desk.reject("a", receiver, Verdict.VERDICT_MALFORMED, "too short")
                .getVerdict();
        Verdict second = desk.reject("a", receiver, Verdict.VERDICT_MALFORMED, "too short")
                .getVerdict();

        assertThat(first).isEqualTo(Verdict.VERDICT_MALFORMED);
        assertThat(second).isEqualTo(Verdict.VERDICT_DUPLICATE);
        assertThat(listener.outcomes(task)).containsExactly(new ClientOutcome.Rejected("too short"));
    }
}
