package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.grpc.ForwardingListener;
import io.fedlearn.grpc.internal.transfer.Admission;
import io.fedlearn.grpc.internal.transfer.AnswerReceiver;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.fedlearn.testkit.clock.ManualClock;
import io.fedlearn.testkit.runtime.RecordingListener;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What may happen while an answer is being looked at and no lock is held: here, while the listener is asked for its spool. The test's
 * events run within that call, so that each order of them is the same every time.
 */
class ClaimTest {
    private static final int INLINE_BYTES = 64;
    private static final Duration GRACE = Duration.ofMinutes(2);
    private static final Model SMALL =
            Model.builder().trainable("w", Tensor.copyOf(new float[] {1, 2})).build();

    private final ManualClock clock = ManualClock.create();
    private final RecordingListener heard = RecordingListener.create();
    private final Task task = task(1);
    private final TaskDesk desk;
    private TransportMetrics metrics = TransportMetrics.none();
    private Optional<String> refusal = Optional.empty();
    private Runnable whileClaimed = () -> {};
    private boolean isCancelled;
    private int instance = 1;
    private int attempt;
    private FakeConnection connection = new FakeConnection();
    private Optional<Session> session = Optional.empty();
    private TaskOffer offer = TaskOffer.getDefaultInstance();

    ClaimTest() {
        TransportMetrics late = new TransportMetrics() {
            @Override
            public void taskFinished(String outcome, Duration time) {
                metrics.taskFinished(outcome, time);
            }
        };
        desk = new TaskDesk(
                new DeskSettings(
                        Duration.ofSeconds(10), GRACE, ServerLimits.defaults(), 1 << 18, INLINE_BYTES, false, 1 << 20),
                () -> ChronoUnit.NANOS.between(ManualClock.create().instant(), clock.instant()),
                Runnable::run,
                late);
        join();
        desk.submit(task, listener());
        remember(task);
    }

    private static Task task(int round) {
        return Task.builder(TaskKind.FIT, "a")
                .runId("run")
                .round(round)
                .model(SMALL)
                .build();
    }

    /** Lets the test act, once, when it is asked for its spool. */
    private TaskListener listener() {
        return new ForwardingListener(heard) {
            @Override
            public Optional<UpdateSpool> spool() {
                Runnable now = whileClaimed;
                whileClaimed = () -> {};
                now.run();
                return Optional.empty();
            }
        };
    }

    private void join() {
        byte[] id = new byte[16];
        id[0] = (byte) instance;
        connection = new FakeConnection();
        session = desk.join(
                Hello.newBuilder()
                        .setMinVersion(1)
                        .setMaxVersion(1)
                        .setClientId("a")
                        .setInstance(ByteString.copyFrom(id))
                        .setAttempt(++attempt)
                        .build(),
                new Credential() {
                    @Override
                    public Optional<String> clientId() {
                        return Optional.of("a");
                    }

                    @Override
                    public Optional<String> refusal() {
                        return refusal;
                    }
                },
                connection);
    }

    /** The client knows the task as it was offered last. */
    private void remember(Task offered) {
        connection.offers().stream()
                .filter(each -> each.getTaskId().equals(offered.id()))
                .forEach(each -> offer = each);
    }

    private TaskAnswer announced(int exampleCount) {
        return WireAnswers.write(
                task.id(),
                offer.getFingerprint(),
                new ClientOutcome.Completed(ClientUpdate.ofModel(SMALL, exampleCount)),
                WireModels::describe);
    }

    private TaskAnswer whole(Task answered) {
        remember(answered);
        return WireAnswers.write(
                answered.id(),
                offer.getFingerprint(),
                new ClientOutcome.Completed(ClientUpdate.ofModel(SMALL, 3)),
                model -> EncodedModel.of(model).payload(INLINE_BYTES));
    }

    private AnswerReceiver admitted(TaskAnswer answer) {
        return ((Admission.Admitted) desk.admit("a", answer)).receiver();
    }

    private Verdict refused(TaskAnswer answer) {
        return ((Admission.Refused) desk.admit("a", answer)).receipt().getVerdict();
    }

    /** What may come while the answer is claimed. */
    private enum Event {
        LEAVE {
            @Override
            void happen(ClaimTest test) {
                test.session.ifPresent(live -> test.desk.leave(live, "done"));
            }
        },
        REVOKE {
            @Override
            void happen(ClaimTest test) {
                test.refusal = Optional.of("revoked");
                test.desk.checkCredentials();
                test.refusal = Optional.empty();
            }
        },
        CANCEL {
            @Override
            void happen(ClaimTest test) {
                test.desk.cancel(test.task);
                test.isCancelled = true;
            }
        },
        LOSE {
            @Override
            void happen(ClaimTest test) {
                test.session.ifPresent(live -> test.desk.lost(live, "cut"));
            }
        },
        GRACE_ENDS {
            @Override
            void happen(ClaimTest test) {
                test.session.ifPresent(live -> test.desk.lost(live, "cut"));
                for (Duration done = Duration.ZERO; done.compareTo(GRACE) < 0; done = done.plusSeconds(5)) {
                    test.clock.advance(Duration.ofSeconds(5));
                    test.desk.tick();
                }
            }
        },
        REJOIN {
            @Override
            void happen(ClaimTest test) {
                test.join();
            }
        },
        COME_AS_ANOTHER {
            @Override
            void happen(ClaimTest test) {
                test.instance++;
                test.attempt = 0;
                test.join();
            }
        },
        ANNOUNCE_AGAIN {
            @Override
            void happen(ClaimTest test) {
                assertThat(test.refused(test.announced(3))).isEqualTo(Verdict.VERDICT_CORRUPT);
            }
        },
        ANNOUNCE_ANOTHER {
            @Override
            void happen(ClaimTest test) {
                assertThat(test.refused(test.announced(4))).isEqualTo(Verdict.VERDICT_CORRUPT);
            }
        },
        SEND_WHOLE {
            @Override
            void happen(ClaimTest test) {
                test.session.ifPresent(live -> test.desk.answer(live, test.whole(test.task)));
            }
        };

        abstract void happen(ClaimTest test);
    }

    static Stream<List<Event>> orders() {
        List<List<Event>> orders = new ArrayList<>();
        for (Event first : Event.values()) {
            orders.add(List.of(first));
            for (Event second : Event.values()) {
                orders.add(List.of(first, second));
                if (second == first) {
                    continue;
                }
                for (Event third : List.of(Event.LEAVE, Event.CANCEL, Event.LOSE, Event.REJOIN, Event.SEND_WHOLE)) {
                    orders.add(List.of(first, second, third));
                }
            }
        }
        return orders.stream();
    }

    @Test
    void endsEachTaskOnceInWhateverOrderThingsHappenWhileItsAnswerIsLookedAt() {
        orders().forEach(order -> new ClaimTest().plays(order));
    }

    private void plays(List<Event> order) {
        whileClaimed = () -> order.forEach(event -> event.happen(this));

        Admission admission = desk.admit("a", announced(3));

        assertThat(heard.outcomes(task)).as("of %s", order).hasSizeLessThanOrEqualTo(1);
        boolean hasFailed =
                !heard.outcomes(task).isEmpty() && heard.outcomes(task).get(0) instanceof ClientOutcome.Failed;
        assertThat(admission instanceof Admission.Admitted)
                .as("the upload goes on after %s unless nobody waits for it", order)
                .isEqualTo(!isCancelled && !hasFailed);
        join();
        assertThat(connection.offeredIds().contains(task.id()))
                .as("the client is asked again after %s", order)
                .isEqualTo(!isCancelled && !hasFailed);
        desk.answer(session.orElseThrow(), whole(task));
        assertThat(connection.verdicts())
                .as("after %s", order)
                .containsExactly(isCancelled || hasFailed ? "LATE" : "ACCEPTED");
        assertThat(heard.outcomes(task)).as("of %s", order).hasSize(1);
        Task next = task(2);
        desk.submit(next, listener());
        desk.answer(session.orElseThrow(), whole(next));
        assertThat(heard.outcomes(next)).as("after %s", order).hasSize(1);
        assertThat(desk.modelCount()).as("after %s", order).isZero();
    }

    @ParameterizedTest
    @EnumSource(names = {"REJOIN", "COME_AS_ANOTHER"})
    void asksAClientAgainThatCameBackMeanwhile(Event event) {
        whileClaimed = () -> event.happen(this);

        desk.admit("a", announced(3));

        assertThat(connection.offeredIds()).containsExactly(task.id());
    }

    @Test
    void failsATaskWhoseClientLeftMeanwhileOnce() {
        whileClaimed = () -> Event.LEAVE.happen(this);

        assertThat(refused(announced(3))).isEqualTo(Verdict.VERDICT_LATE);

        assertThat(heard.outcomes(task)).containsExactly(new ClientOutcome.Failed("the client has gone"));
    }

    @Test
    void givesUpATaskThatWasCancelledMeanwhile() {
        whileClaimed = () -> Event.CANCEL.happen(this);

        assertThat(refused(announced(3))).isEqualTo(Verdict.VERDICT_LATE);

        assertThat(connection.cancelledIds()).containsExactly(task.id());
        assertThat(desk.modelCount()).isZero();
    }

    @Test
    void saysNothingOfATaskAfterTheServerWasClosedMeanwhile() {
        whileClaimed = desk::close;

        assertThat(refused(announced(3))).isEqualTo(Verdict.VERDICT_UNKNOWN_TASK);

        assertThat(heard.outcomes(task)).isEmpty();
        assertThat(desk.modelCount()).isZero();
    }

    @Test
    void saysNothingOfTroubleAfterTheServerWasClosedMeanwhile() {
        whileClaimed = () -> {
            desk.close();
            raise(new IllegalStateException("on purpose"));
        };

        assertThat(refused(announced(3))).isEqualTo(Verdict.VERDICT_LATE);

        assertThat(heard.outcomes(task)).isEmpty();
        assertThat(desk.modelCount()).isZero();
    }

    @Test
    void endsNothingByAnUploadInWhosePlaceAnotherCame() {
        AnswerReceiver first = admitted(announced(3));
        AnswerReceiver second = admitted(announced(4));

        Verdict verdict =
                desk.reject("a", first, Verdict.VERDICT_MALFORMED, "too short").getVerdict();

        assertThat(verdict).isEqualTo(Verdict.VERDICT_CORRUPT);
        assertThat(heard.outcomes(task)).isEmpty();
        assertThat(admitted(announced(4))).isSameAs(second);
    }

    @Test
    void doesNotStopATaskThatWasAskedAgainWhileItsClientWasAway() {
        desk.lost(session.orElseThrow(), "cut");
        desk.cancel(task);
        desk.submit(task, listener());

        join();

        assertThat(connection.cancelledIds()).isEmpty();
        assertThat(connection.offeredIds()).containsExactly(task.id());
    }

    @Test
    void tellsTheListenerThoughCountingFails() {
        metrics = new TransportMetrics() {
            @Override
            public void taskFinished(String outcome, Duration time) {
                throw new IllegalStateException("on purpose");
            }
        };

        desk.answer(session.orElseThrow(), whole(task));
        Task next = task(2);
        desk.submit(next, listener());

        assertThat(heard.outcomes(task)).hasSize(1);
        assertThat(connection.verdicts()).containsExactly("ACCEPTED");
        assertThat(connection.offeredIds()).containsExactly(task.id(), next.id());
    }

    @Test
    void rejectsAClientThatKeepsAnnouncingOtherAnswers() {
        for (int i = 1; i <= Uploads.MAX_ANNOUNCEMENTS; i++) {
            admitted(announced(i));
            admitted(announced(i));
        }

        assertThat(refused(announced(100))).isEqualTo(Verdict.VERDICT_MALFORMED);

        assertThat(heard.outcomes(task)).singleElement().isInstanceOf(ClientOutcome.Rejected.class);
    }

    // ---- What goes wrong at the server ----

    static Stream<Throwable> troubles() {
        return Stream.of(new IllegalStateException("on purpose"), new OutOfMemoryError("on purpose"));
    }

    @ParameterizedTest
    @MethodSource("troubles")
    void failsATaskForWhoseAnswerThereIsNoSpool(Throwable trouble) {
        whileClaimed = () -> raise(trouble);

        assertThat(refused(announced(3))).isEqualTo(Verdict.VERDICT_LATE);

        assertFailed(trouble);
    }

    @Test
    void failsATaskWhoseUploadIsGoneWhenItIsToBeTaken() {
        AnswerReceiver incomplete = admitted(announced(3));

        assertThat(desk.deliver("a", incomplete).getVerdict()).isEqualTo(Verdict.VERDICT_LATE);

        assertFailed(new IllegalStateException());
    }

    private void assertFailed(Throwable trouble) {
        assertThat(heard.outcomes(task))
                .containsExactly(new ClientOutcome.Failed("the server was not able to take the answer: "
                        + trouble.getClass().getName()));
        Task next = task(2);
        desk.submit(next, listener());
        desk.answer(session.orElseThrow(), whole(next));
        assertThat(heard.outcomes(next)).hasSize(1);
        assertThat(desk.modelCount()).isZero();
    }

    private static void raise(Throwable trouble) {
        if (trouble instanceof Error error) {
            throw error;
        }
        throw (RuntimeException) trouble;
    }
}
