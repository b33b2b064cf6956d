package io.fedlearn.grpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.metrics.TransportMetrics;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import io.fedlearn.testkit.clock.ManualClock;
import io.fedlearn.testkit.runtime.RecordingListener;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.BeforeEach;

/**
 * What tests of the server's decisions share: a desk without a network and with a clock that tests move, and clients of it.
 */
abstract class DeskTestBed {
    static final Duration HEARTBEAT = Duration.ofSeconds(10);
    static final Duration GRACE = Duration.ofMinutes(2);
    static final int INLINE_BYTES = 64;
    static final Model SMALL =
            Model.builder().trainable("w", Tensor.copyOf(new float[] {1, 2})).build();
    static final Model LARGE =
            Model.builder().trainable("w", Tensor.copyOf(new float[100])).build();

    final ManualClock clock = ManualClock.create();
    final RecordingListener listener = RecordingListener.create();
    final List<String> counted = new ArrayList<>();
    TaskDesk desk;

    final TransportMetrics metrics = new TransportMetrics() {
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

    TaskDesk newDesk(ServerLimits limits) {
        return newDesk(limits, Runnable::run);
    }

    TaskDesk newDesk(ServerLimits limits, Executor executor) {
        return new TaskDesk(
                new DeskSettings(HEARTBEAT, GRACE, limits, 1 << 18, INLINE_BYTES, true, 1 << 20),
                () -> ChronoUnit.NANOS.between(ManualClock.create().instant(), clock.instant()),
                executor,
                metrics);
    }

    /** A client of a test's. */
    final class Site {
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

    static Hello.Builder hello(String id, int instance, int attempt) {
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

    static Credential credential(Optional<String> proved) {
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

    Site site(String id) {
        return new Site(id, 1).join();
    }

    static Task task(String client, int round) {
        return Task.builder(TaskKind.FIT, client)
                .runId("run")
                .round(round)
                .model(SMALL)
                .build();
    }

    Task submit(String client, int round) {
        Task task = task(client, round);
        desk.submit(task, listener);
        return task;
    }

    FakeConnection refused(Hello hello) {
        FakeConnection connection = new FakeConnection();
        assertThat(desk.join(hello, credential(Optional.empty()), connection)).isEmpty();
        assertThat(connection.isEnded).isTrue();
        return connection;
    }

    void tick(Duration step) {
        clock.advance(step);
        desk.tick();
    }

    /** Time in which the server itself was awake. */
    void pass(Duration time) {
        for (Duration done = Duration.ZERO; done.compareTo(time) < 0; done = done.plusSeconds(5)) {
            tick(Duration.ofSeconds(5));
        }
    }
}
