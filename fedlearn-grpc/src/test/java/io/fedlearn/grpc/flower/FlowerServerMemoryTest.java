package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;

import io.fedlearn.aggregators.FedAvg;
import io.fedlearn.core.federation.Federation;
import io.fedlearn.core.federation.Run;
import io.fedlearn.core.record.OutcomeRecord;
import io.fedlearn.core.runtime.Runtime;
import io.fedlearn.core.runtime.TaskListener;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientOutcome.Completed;
import io.fedlearn.core.task.ClientOutcome.Failed;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.update.UpdateSpool;
import io.fedlearn.grpc.ForwardingListener;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.grpc.proto.flower.Scalar;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the answers to one exchange take of the server's heap, and when they give it back. */
class FlowerServerMemoryTest extends FlowerServerScene {
    private static final int CLIENTS = 6;

    @TempDir
    private Path folder;

    private static void awaitReserved(FlowerServer server, long bytes) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (server.reserved() != bytes) {
            assertThat(System.nanoTime())
                    .as("%d bytes are reserved, should be %d", server.reserved(), bytes)
                    .isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static Task fit(String client, int round) {
        return Task.builder(TaskKind.FIT, client).round(round).model(MODEL).build();
    }

    // ---- A whole round

    /** A runtime whose first answer keeps its place on the heap until so many others have asked for a spool. */
    private static final class Crowd implements Runtime {
        private final Runtime runtime;
        private final CountDownLatch asked;
        private final AtomicBoolean isFirst = new AtomicBoolean(true);
        private final AtomicInteger spooled = new AtomicInteger();

        Crowd(Runtime runtime, int spooling) {
            this.runtime = runtime;
            this.asked = new CountDownLatch(spooling);
        }

        @Override
        public List<ClientInfo> clients() {
            return runtime.clients();
        }

        @Override
        public Set<Capability> capabilities() {
            return runtime.capabilities();
        }

        @Override
        public boolean awaitClients(int count, Duration timeout) throws InterruptedException {
            return runtime.awaitClients(count, timeout);
        }

        @Override
        public void submit(Task task, TaskListener listener) {
            runtime.submit(task, new ForwardingListener(listener) {
                @Override
                public void finished(Task finished, ClientOutcome outcome) {
                    if (isFirst.getAndSet(false)) {
                        await(asked);
                    }
                    if (outcome instanceof Completed completed
                            && completed.update().heapBytes() == 0) {
                        spooled.incrementAndGet();
                    }
                    super.finished(finished, outcome);
                }

                @Override
                public Optional<UpdateSpool> spool() {
                    asked.countDown();
                    return super.spool();
                }
            });
        }

        @Override
        public void cancel(Task task) {
            runtime.cancel(task);
        }

        @Override
        public void close() {
            runtime.close();
        }
    }

    /** A round in which all clients answer at once, and so many answers find no room on the heap. */
    private Run round(FlowerServer.Builder builder, int spooling) throws Exception {
        FlowerServer server = start(builder.idProperty(ID));
        List<WirePeer> peers = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            peers.add(joinAs(server, "client-" + i));
        }
        assertThat(server.awaitClients(CLIENTS, PATIENCE)).isTrue();
        Crowd crowd = new Crowd(server, spooling);
        FutureTask<Run> run = new FutureTask<>(() -> Federation.of(crowd)
                .strategy(FedAvg.create())
                .initialModel(MODEL)
                .federatedEvaluation(false)
                .spoolDirectory(folder)
                .rounds(1)
                .run());
        Thread thread = new Thread(run, "federation");
        thread.setDaemon(true);
        thread.start();
        for (WirePeer peer : peers) {
            peer.awaitMessage();
        }

        for (int i = 0; i < CLIENTS; i++) {
            float weight = 1 / (i + 3f);
            Model trained = Model.builder()
                    .trainable("w", Tensor.copyOf(new float[] {weight, -weight, 3, i, 5 * weight, 6}, 2, 3))
                    .counter("steps", Tensor.scalar(7L + i))
                    .build();
            peers.get(i).send(WirePeer.fitted(trained, i + 1));
        }

        Run result = run.get(60, TimeUnit.SECONDS);
        assertThat(crowd.spooled).hasValue(spooling);
        awaitReserved(server, 0);
        return result;
    }

    @Test
    void answersThatComeTogetherMakeTheSameModelWhereverTheyLie() throws Exception {
        Run roomy = round(quick(), 0);
        Run narrow = round(quick().receiveHeapBytes(1), CLIENTS - 1);

        assertThat(narrow.records().get(0).outcomes()).hasSize(CLIENTS).allMatch(OutcomeRecord::isCompleted);
        assertThat(narrow.model().digest()).isEqualTo(roomy.model().digest());
        assertThat(narrow.model().digest()).isNotEqualTo(MODEL.digest());
        assertThat(folder).isEmptyDirectory();
    }

    // ---- When there is no room

    /** Two clients, of which the first has answered, and its answer fills the heap until it is let go. */
    private final class Full {
        final FlowerServer server = start(quick().idProperty(ID).receiveHeapBytes(1));
        final WirePeer first = joinAs(server, "first");
        final WirePeer second = joinAs(server, "second");
        private int round;
        private final CountDownLatch letGo = new CountDownLatch(1);

        Full() throws InterruptedException {
            assertThat(server.awaitClients(2, PATIENCE)).isTrue();
            Task task = fit("first", 1);
            server.submit(task, new ForwardingListener(listener) {
                @Override
                public void finished(Task finished, ClientOutcome outcome) {
                    super.finished(finished, outcome);
                    await(letGo);
                }
            });
            first.awaitMessage();
            first.send(WirePeer.fitted(MODEL, 1));
            update(finished(task));
            assertThat(server.reserved()).isEqualTo(MODEL.byteCount());
        }

        /** Asks the second client for an answer, which has this spool if there is no room for it on the heap. */
        Task ask(Function<Task, Optional<UpdateSpool>> spool) throws InterruptedException {
            Task task = fit("second", ++round);
            server.submit(task, new ForwardingListener(listener) {
                @Override
                public Optional<UpdateSpool> spool() {
                    return spool.apply(task);
                }
            });
            second.awaitMessage();
            return task;
        }

        /** No answer but the first takes anything of the heap, and that one not either when it is let go. */
        void assertGivenBack() {
            awaitReserved(server, MODEL.byteCount());
            letGo.countDown();
            awaitReserved(server, 0);
        }
    }

    @Test
    void anAnswerWithoutRoomGoesToTheSpool() throws Exception {
        Full full = new Full();
        try (UpdateSpool spool = UpdateSpool.in(folder)) {
            Task task = full.ask(ignored -> Optional.of(spool));

            full.second.send(WirePeer.fitted(MODEL, 1));

            assertThat(update(finished(task)).model()).contains(MODEL);
            assertThat(update(finished(task)).heapBytes()).isZero();
            assertThat(spool.byteCount()).isEqualTo(MODEL.byteCount());
            full.assertGivenBack();
        }
    }

    @Test
    void anAnswerWithoutRoomOrSpoolGoesToTheHeapAllTheSame() throws Exception {
        Full full = new Full();
        Task task = full.ask(ignored -> Optional.empty());

        full.second.send(WirePeer.fitted(MODEL, 1));

        assertThat(update(finished(task)).model()).contains(MODEL);
        full.assertGivenBack();
    }

    @Test
    void aSpoolThatFailsFailsTheTaskAndTheClientGoesOn() throws Exception {
        Full full = new Full();
        UpdateSpool closed = UpdateSpool.in(folder);
        closed.close();
        Task task = full.ask(ignored -> Optional.of(closed));

        full.second.send(WirePeer.fitted(MODEL, 1));

        ClientOutcome outcome = finished(task);
        assertThat(outcome).isInstanceOf(Failed.class);
        assertThat(outcome.reason())
                .startsWith("the server was not able to take the answer: a client update cannot be spooled to ");
        full.assertGivenBack();
        Task next = full.ask(ignored -> Optional.empty());
        full.second.send(WirePeer.fitted(MODEL, 1));
        assertThat(update(finished(next)).model()).contains(MODEL);
    }

    @Test
    void anAnswerIsNotReadWhoseTaskIsCancelledWhileItWaits() throws Exception {
        Full full = new Full();
        try (UpdateSpool spool = UpdateSpool.in(folder)) {
            Task task = full.ask(asked -> {
                full.server.cancel(asked);
                return Optional.of(spool);
            });

            full.second.send(WirePeer.fitted(MODEL, 1));

            full.second.awaitEnd();
            full.assertGivenBack();
            assertThat(spool.byteCount()).isZero();
            assertThat(listener.outcomes(task)).isEmpty();
        }
    }

    @Test
    void anAnswerIsNotReadWhoseClientIsReplacedWhileItWaits() throws Exception {
        Full full = new Full();
        Task task = full.ask(asked -> {
            try {
                joinAs(full.server, "second");
                assertThat(finished(asked)).isInstanceOf(Failed.class);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return Optional.empty();
        });

        full.second.send(WirePeer.fitted(MODEL, 1));

        assertThat(full.second.awaitEnd().isOk()).isFalse();
        assertThat(finished(task)).isInstanceOf(Failed.class);
        full.assertGivenBack();
        assertThat(listener.outcomes(task)).hasSize(1);
    }

    static Stream<Arguments> answers() {
        return Stream.of(
                Arguments.of("good", fitted()),
                Arguments.of("malformed", message(WirePeer.fitted(MODEL, -1))),
                Arguments.of(
                        "another model",
                        message(WirePeer.fitted(
                                Model.builder()
                                        .trainable("w", Tensor.copyOf(new float[7]))
                                        .build(),
                                1))),
                Arguments.of(
                        "declined",
                        message(WirePeer.fitted(MODEL, 1).setStatus(WirePeer.status(Code.FIT_NOT_IMPLEMENTED, "no")))),
                Arguments.of(
                        "no message of the protocol",
                        message(WirePeer.fitted(MODEL, 1)
                                .putMetrics(
                                        "x",
                                        Scalar.newBuilder()
                                                .setString("x".repeat(17 << 20))
                                                .build()))),
                Arguments.of(
                        "the answer to another question",
                        ClientMessage.newBuilder()
                                .setEvaluateRes(
                                        ClientMessage.EvaluateRes.newBuilder().setNumExamples(1))
                                .build()),
                Arguments.of(
                        "a goodbye",
                        ClientMessage.newBuilder()
                                .setDisconnectRes(ClientMessage.DisconnectRes.getDefaultInstance())
                                .build()));
    }

    private static ClientMessage fitted() {
        return message(WirePeer.fitted(MODEL, 1));
    }

    private static ClientMessage message(ClientMessage.FitRes.Builder answer) {
        return ClientMessage.newBuilder().setFitRes(answer).build();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("answers")
    void everyAnswerGivesItsRoomBack(String name, ClientMessage answer) throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        peer.send(answer);

        finished(task);
        awaitReserved(server, 0);
    }
}
