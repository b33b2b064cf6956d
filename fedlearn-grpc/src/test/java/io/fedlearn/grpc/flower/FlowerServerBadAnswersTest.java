package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientOutcome.Declined;
import io.fedlearn.core.task.ClientOutcome.Failed;
import io.fedlearn.core.task.ClientOutcome.Rejected;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.grpc.proto.flower.Parameters;
import io.fedlearn.grpc.proto.flower.Scalar;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Answers that are none. */
class FlowerServerBadAnswersTest extends OneClientScene {
    @FunctionalInterface
    private interface Reply {
        ClientMessage message();
    }

    private static Arguments bad(String name, Class<? extends ClientOutcome> type, String reason, Reply reply) {
        return Arguments.of(name, type, reason, reply.message());
    }

    private static ClientMessage fit(ClientMessage.FitRes.Builder answer) {
        return ClientMessage.newBuilder().setFitRes(answer).build();
    }

    static Stream<Arguments> badFits() {
        Tensor count = Tensor.scalar(7L);
        return Stream.of(
                bad(
                        "an empty fit answer",
                        Rejected.class,
                        "the answer holds no parameters",
                        () -> fit(ClientMessage.FitRes.newBuilder())),
                bad(
                        "no tensors",
                        Rejected.class,
                        "the answer holds no parameters",
                        () -> fit(WirePeer.fitted(MODEL, 1).setParameters(Parameters.getDefaultInstance()))),
                bad(
                        "no examples",
                        Rejected.class,
                        "num_examples must be >= 1, was 0",
                        () -> fit(WirePeer.fitted(MODEL, 0))),
                bad(
                        "negative examples",
                        Rejected.class,
                        "num_examples must be >= 1, was -5",
                        () -> fit(WirePeer.fitted(MODEL, -5))),
                bad(
                        "a tensor less",
                        Rejected.class,
                        "the model has 2 tensors, the answer has 1",
                        () -> fit(WirePeer.fitted(
                                Model.builder().trainable("w", WEIGHTS).build(), 1))),
                bad(
                        "a tensor more",
                        Rejected.class,
                        "the model has 2 tensors, the answer has 3",
                        () -> fit(WirePeer.fitted(
                                Model.builder()
                                        .trainable("w", WEIGHTS)
                                        .counter("n", count)
                                        .counter("m", count)
                                        .build(),
                                1))),
                bad(
                        "another shape",
                        Rejected.class,
                        "tensor 'w' must have shape 2x3, had 3x2",
                        () -> fit(WirePeer.fitted(
                                Model.builder()
                                        .trainable("w", WEIGHTS.reshape(Shape.of(3, 2)))
                                        .counter("n", count)
                                        .build(),
                                1))),
                bad(
                        "another type",
                        Rejected.class,
                        "tensor 'w' must be of type FLOAT32, was INT64",
                        () -> fit(WirePeer.fitted(
                                Model.builder()
                                        .counter("w", Tensor.copyOf(new long[6], 2, 3))
                                        .counter("n", count)
                                        .build(),
                                1))),
                bad(
                        "complex numbers",
                        Rejected.class,
                        "tensors[0]: ",
                        () -> fit(ClientMessage.FitRes.newBuilder()
                                .setNumExamples(1)
                                .setParameters(Parameters.newBuilder()
                                        .addTensors(ByteString.copyFrom(Golden.bytes("npy_c8_2")))
                                        .addTensors(ByteString.EMPTY)))),
                bad(
                        "not an array",
                        Rejected.class,
                        "tensors[1]: ",
                        () -> fit(ClientMessage.FitRes.newBuilder()
                                .setNumExamples(1)
                                .setParameters(FlowerTensors.write(MODEL).toBuilder()
                                        .setTensors(1, ByteString.copyFromUtf8("garbage"))))),
                bad(
                        "a metric without a value",
                        Rejected.class,
                        "metrics: 'x' has no value",
                        () -> fit(WirePeer.fitted(MODEL, 1).putMetrics("x", Scalar.getDefaultInstance()))),
                bad(
                        "fit not implemented",
                        Declined.class,
                        "Client does not implement `fit`",
                        () -> parsed("cm_fit_not_impl")),
                bad(
                        "a status without words",
                        Declined.class,
                        "FIT_NOT_IMPLEMENTED",
                        () -> fit(WirePeer.fitted(MODEL, 1).setStatus(WirePeer.status(Code.FIT_NOT_IMPLEMENTED, "")))),
                bad(
                        "a failure in words",
                        Failed.class,
                        "out of disk",
                        () -> fit(WirePeer.fitted(MODEL, 1)
                                .setStatus(WirePeer.status(Code.FIT_NOT_IMPLEMENTED, "failed: out of disk")))),
                bad(
                        "a status of later versions",
                        Failed.class,
                        "status 17: what is that",
                        () -> fit(WirePeer.fitted(MODEL, 1)
                                .setStatus(io.fedlearn.grpc.proto.flower.Status.newBuilder()
                                        .setCodeValue(17)
                                        .setMessage("what is that")))));
    }

    private static ClientMessage parsed(String golden) {
        try {
            return ClientMessage.parseFrom(Golden.bytes(golden));
        } catch (com.google.protobuf.InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badFits")
    void aBadAnswerIsAnOutcomeAndTheClientGoesOn(
            String name, Class<? extends ClientOutcome> type, String reason, ClientMessage answer) throws Exception {
        Task task = ask(TaskKind.FIT, 1);

        peer.send(answer);

        ClientOutcome outcome = finished(task);
        assertThat(outcome).isInstanceOf(type);
        assertThat(outcome.reason()).startsWith(reason);
        Task next = ask(TaskKind.FIT, 2);
        peer.send(WirePeer.fitted(MODEL, 1));
        update(finished(next));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badEvaluations")
    void aBadEvaluationIsRejected(String name, String reason, ClientMessage.EvaluateRes answer) throws Exception {
        Task task = ask(TaskKind.EVALUATE, 1);

        peer.send(answer.toBuilder());

        assertThat(finished(task)).isEqualTo(new Rejected(reason));
    }

    static Stream<Arguments> badEvaluations() {
        ClientMessage.EvaluateRes good = ClientMessage.EvaluateRes.newBuilder()
                .setNumExamples(1)
                .setLoss(1)
                .build();
        return Stream.of(
                Arguments.of(
                        "empty", "num_examples must be >= 1, was 0", ClientMessage.EvaluateRes.getDefaultInstance()),
                Arguments.of(
                        "NaN",
                        "the loss must be finite, was NaN",
                        good.toBuilder().setLoss(Float.NaN).build()),
                Arguments.of(
                        "infinite metric",
                        "metrics: metric 'x' must be finite, was Infinity (leave an undefined metric out)",
                        good.toBuilder()
                                .putMetrics(
                                        "x",
                                        Scalar.newBuilder()
                                                .setDouble(Double.POSITIVE_INFINITY)
                                                .build())
                                .build()));
    }
}
