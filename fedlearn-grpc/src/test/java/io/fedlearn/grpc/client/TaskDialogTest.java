package io.fedlearn.grpc.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.grpc.client.FakeServer.Connection;
import io.fedlearn.grpc.client.FakeServer.Uploaded;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tasks on a connection that lasts: from the offer to the receipt, or to being cancelled. */
@Timeout(180)
class TaskDialogTest extends ClientTestBed {
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

    @Test
    void failsATaskForWhoseModelThereIsNoRoom() throws Exception {
        join((task, context) -> echo(task));
        Connection connection = server.welcome();
        TaskOffer.Builder offer = server.offer(task(1, LARGE)).toBuilder();
        long elements = Integer.MAX_VALUE - 8;
        offer.getModelBuilder()
                .setByteCount(elements * Float.BYTES)
                .getTensorsBuilder(0)
                .setShape(0, elements);
        connection.offer(offer.build());

        connection.takeStarted(task(1));
        assertThat(connection.takeAnswer(task(1)).getFailed().getReason()).contains("OutOfMemoryError");
        connection.offer(server.offer(task(2)));
        connection.finish(task(2));
    }

    @Test
    void saysThatAnAnswerCannotBeSentAndGoesOn() throws Exception {
        server.uploadEnd = Status.FAILED_PRECONDITION;
        Future<Departure> run =
                join((task, context) -> task.round() == 1 ? ClientUpdate.ofModel(LARGE, 1) : echo(task));
        Connection connection = server.welcome();
        connection.offer(server.offer(task(1)));
        connection.takeStarted(task(1));
        assertThat(connection.takeAnswer(task(1)).getFailed().getReason())
                .contains("could not be sent")
                .contains("FAILED_PRECONDITION");

        // Without waiting for a receipt: the server may not want the task any more.
        connection.offer(server.offer(task(2)));
        connection.finish(task(2));
        assertThat(end(run, connection).tasksAnswered()).isEqualTo(1);
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
}
