package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.strategy.Capability;
import io.fedlearn.core.strategy.ClientInfo;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientOutcome.Completed;
import io.fedlearn.core.task.ClientOutcome.Declined;
import io.fedlearn.core.task.ClientOutcome.Failed;
import io.fedlearn.core.task.ClientOutcome.Rejected;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.grpc.proto.flower.Parameters;
import io.fedlearn.grpc.proto.flower.Reason;
import io.fedlearn.grpc.proto.flower.Scalar;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.security.ServerSecurity;
import io.fedlearn.testkit.runtime.RecordingListener;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The server, message by message: each published fact of the protocol that concerns it, and each way not to keep to it. */
class FlowerServerTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Tensor WEIGHTS = Tensor.copyOf(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    private static final Model MODEL = Model.builder()
            .trainable("w", WEIGHTS)
            .counter("steps", Tensor.scalar(7L))
            .build();

    private final List<AutoCloseable> open = new ArrayList<>();
    private final RecordingListener listener = RecordingListener.create();

    @AfterEach
    void closeAll() throws Exception {
        Collections.reverse(open);
        for (AutoCloseable one : open) {
            one.close();
        }
    }

    private static FlowerServer.Builder builder() {
        return FlowerServer.builder().security(ServerSecurity.insecure());
    }

    private FlowerServer start(FlowerServer.Builder builder) {
        FlowerServer server = builder.start();
        open.add(server);
        return server;
    }

    private FlowerServer start() {
        return start(quick());
    }

    /** Does not wait long for peers that the test does not let go. */
    private static FlowerServer.Builder quick() {
        return builder().limits(FlowerLimits.defaults().withTimeouts(Duration.ofSeconds(30), Duration.ofMillis(100)));
    }

    private WirePeer join(FlowerServer server) {
        WirePeer peer = WirePeer.join(server.address());
        open.add(peer);
        return peer;
    }

    private WirePeer joinSole(FlowerServer server) throws InterruptedException {
        WirePeer peer = join(server);
        assertThat(server.awaitClients(1, PATIENCE)).isTrue();
        return peer;
    }

    private static String soleId(FlowerServer server) {
        return server.clients().get(0).id();
    }

    private static Task task(FlowerServer server, TaskKind kind, int round) {
        return Task.builder(kind, soleId(server)).round(round).model(MODEL).build();
    }

    private Task submit(FlowerServer server, Task task) {
        server.submit(task, listener);
        return task;
    }

    private ClientOutcome finished(Task task) throws InterruptedException {
        return listener.awaitFinished(task, PATIENCE);
    }

    private static ClientUpdate update(ClientOutcome outcome) {
        assertThat(outcome).as(outcome.reason()).isInstanceOf(Completed.class);
        return ((Completed) outcome).update();
    }

    // ---- Joining

    @Test
    void aClientIsEligibleAtOnceWithoutAWord() throws Exception {
        FlowerServer server = start();

        WirePeer peer = joinSole(server);

        assertThat(soleId(server)).matches("flower-1-[0-9a-f]{8}");
        assertThat(peer.hasMessage()).isFalse();
    }

    @Test
    void twoCallsOnOneConnectionAreTwoClients() throws Exception {
        FlowerServer server = start();
        ManagedChannel channel = WirePeer.channel(server.address());
        open.add(channel::shutdownNow);

        open.add(WirePeer.join(channel));
        open.add(WirePeer.join(channel));

        assertThat(server.awaitClients(2, PATIENCE)).isTrue();
    }

    @Test
    void aClientThatComesBackIsAnotherOne() throws Exception {
        FlowerServer server = start();
        WirePeer first = joinSole(server);
        String before = soleId(server);
        first.close();
        awaitNoClients(server);

        joinSole(server);

        assertThat(soleId(server)).isNotEqualTo(before);
        assertThat(server.capabilities()).containsExactly(Capability.TRAINING_SETTINGS);
    }

    private static void awaitNoClients(FlowerServer server) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!server.clients().isEmpty()) {
            assertThat(System.nanoTime()).as("the client should be gone").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    @Test
    void refusesMoreClientsThanItTakes() throws Exception {
        FlowerServer server = start(builder().limits(FlowerLimits.defaults().withMaxClients(1, 10)));
        WirePeer first = joinSole(server);

        WirePeer second = join(server);

        assertThat(second.awaitEnd().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
        assertThat(server.clients()).hasSize(1);
        first.close();
    }

    @Test
    void insecurityMustBeAskedForByName() {
        assertThatThrownBy(() -> FlowerServer.builder().start())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ServerSecurity.insecure()");
    }

    // ---- What the four instructions say

    @Test
    void fitCarriesTheModelTheSettingsAndTheRound() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = Task.builder(TaskKind.FIT, soleId(server))
                .round(3)
                .model(MODEL)
                .config(Config.of(Map.of("localEpochs", 2, "flag", true, "name", "x", "mu", 0.5)))
                .build();
        submit(server, task);

        ServerMessage.FitIns asked = peer.awaitMessage().getFitIns();

        assertThat(asked.getParameters()).isEqualTo(FlowerTensors.write(MODEL));
        assertThat(asked.getParameters().getTensorType()).isEqualTo("numpy.ndarray");
        assertThat(FlowerScalars.readConfig("config", asked.getConfigMap()))
                .isEqualTo(Config.of(Map.of(
                        "localEpochs",
                        2,
                        "flag",
                        true,
                        "name",
                        "x",
                        "mu",
                        0.5,
                        "proximal_mu",
                        0.5,
                        "server_round",
                        3)));
        listener.awaitStarted(task, PATIENCE);
    }

    @Test
    void integersAreSentAsSint64AndNothingIsUnset() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = Task.builder(TaskKind.FIT, soleId(server))
                .round(1)
                .model(MODEL)
                .config(Config.of(Map.of("zero", 0, "large", Long.MAX_VALUE, "off", false, "empty", "")))
                .build();
        submit(server, task);

        Map<String, Scalar> config = peer.awaitMessage().getFitIns().getConfigMap();

        assertThat(config.get("zero"))
                .isEqualTo(Scalar.newBuilder().setSint64(0).build());
        assertThat(config.get("large"))
                .isEqualTo(Scalar.newBuilder().setSint64(Long.MAX_VALUE).build());
        assertThat(config.get("server_round"))
                .isEqualTo(Scalar.newBuilder().setSint64(1).build());
        assertThat(config.values())
                .noneMatch(scalar -> scalar.getScalarCase() == Scalar.ScalarCase.UINT64
                        || scalar.getScalarCase() == Scalar.ScalarCase.SCALAR_NOT_SET);
    }

    @Test
    void theRunsOwnServerRoundAndProximalMuWin() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        submit(
                server,
                Task.builder(TaskKind.FIT, soleId(server))
                        .round(3)
                        .model(MODEL)
                        .config(Config.of(Map.of("server_round", 30, "mu", 0.5, "proximal_mu", 0.25)))
                        .build());

        assertThat(FlowerScalars.readConfig(
                        "config", peer.awaitMessage().getFitIns().getConfigMap()))
                .isEqualTo(Config.of(Map.of("server_round", 30, "mu", 0.5, "proximal_mu", 0.25)));
    }

    @Test
    void anAnswerToFitBecomesAnUpdate() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        peer.send(WirePeer.fitted(MODEL, 12)
                .putMetrics("accuracy", Scalar.newBuilder().setDouble(0.5).build())
                .putMetrics("localSteps", Scalar.newBuilder().setSint64(4).build())
                .putMetrics("seen", Scalar.newBuilder().setUint64(5).build())
                .putMetrics("note", Scalar.newBuilder().setString("well").build()));

        ClientUpdate update = update(finished(task));
        assertThat(update.model()).contains(MODEL);
        assertThat(update.exampleCount()).isEqualTo(12);
        assertThat(update.metrics()).isEqualTo(Metrics.of(Map.of("accuracy", 0.5, "localSteps", 4.0, "seen", 5.0)));
        assertThat(update.values()).isEqualTo(Config.empty().with("note", "well"));
    }

    @Test
    void aStatusThatIsLeftOutIsWell() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        peer.send(WirePeer.fitted(MODEL, 12).clearStatus());

        assertThat(update(finished(task)).model()).contains(MODEL);
    }

    @Test
    void theTensorTypeIsNotLookedAt() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        ClientMessage.FitRes.Builder answer = WirePeer.fitted(MODEL, 12);
        answer.getParametersBuilder().setTensorType("whatever");
        peer.send(answer);

        assertThat(update(finished(task)).model()).contains(MODEL);
    }

    @Test
    void theLossOfAnEvaluationHas32Bits() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.EVALUATE, 2));
        ServerMessage.EvaluateIns asked = peer.awaitMessage().getEvaluateIns();
        assertThat(asked.getParameters()).isEqualTo(FlowerTensors.write(MODEL));
        assertThat(asked.getConfigMap()).containsKey("server_round");

        peer.send(ClientMessage.EvaluateRes.newBuilder()
                .setLoss(0.1f)
                .setNumExamples(3)
                .putMetrics("accuracy", Scalar.newBuilder().setDouble(0.1).build()));

        ClientUpdate update = update(finished(task));
        assertThat(update.metrics()).isEqualTo(Metrics.of(Map.of("loss", 0.10000000149011612, "accuracy", 0.1)));
        assertThat(update.exampleCount()).isEqualTo(3);
    }

    @Test
    void initialParametersAreAskedWithoutSettingsAndNamedByPlace() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(
                server,
                Task.builder(TaskKind.INITIAL_MODEL, soleId(server))
                        .config(Config.empty().with("localEpochs", 1))
                        .build());
        assertThat(peer.awaitMessage().toByteArray()).isEqualTo(Golden.bytes("sm_get_parameters_ins"));

        peer.send(ClientMessage.newBuilder()
                .setGetParametersRes(
                        ClientMessage.GetParametersRes.newBuilder().setParameters(FlowerTensors.write(MODEL)))
                .build());

        assertThat(update(finished(task)).model())
                .contains(Model.builder()
                        .trainable("tensor-000", WEIGHTS)
                        .counter("tensor-001", Tensor.scalar(7L))
                        .build());
    }

    @Test
    void initialParametersTakeTheNamesAndRolesOfAMapping() throws Exception {
        FlowerServer server = start(quick().tensorNames(TensorNames.of(
                List.of(TensorNames.Entry.of("mean", TensorRole.BUFFER), TensorNames.Entry.of("steps")))));
        WirePeer peer = joinSole(server);
        Task task = submit(
                server, Task.builder(TaskKind.INITIAL_MODEL, soleId(server)).build());
        peer.awaitMessage();

        peer.send(ClientMessage.newBuilder()
                .setGetParametersRes(
                        ClientMessage.GetParametersRes.newBuilder().setParameters(FlowerTensors.write(MODEL)))
                .build());

        assertThat(update(finished(task)).model())
                .contains(Model.builder()
                        .buffer("mean", WEIGHTS)
                        .counter("steps", Tensor.scalar(7L))
                        .build());
    }

    @Test
    void propertiesBecomeValues() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(
                server,
                Task.builder(TaskKind.PROPERTIES, soleId(server))
                        .config(Config.empty().with("which", "all"))
                        .build());
        assertThat(peer.awaitMessage()
                        .getGetPropertiesIns()
                        .getConfigOrThrow("which")
                        .getString())
                .isEqualTo("all");

        peer.sayProperties(Map.of("gpu", true, "cores", 4));

        assertThat(update(finished(task)).values()).isEqualTo(Config.of(Map.of("gpu", true, "cores", 4)));
    }

    @Test
    void otherKindsOfTaskAreDeclinedByNameAndSendNothing() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);

        ClientOutcome further = finished(submit(server, task(server, TaskKind.FINE_TUNE, 1)));
        ClientOutcome side = finished(submit(
                server,
                task(server, TaskKind.FIT, 2).toBuilder()
                        .tensors("control", MODEL)
                        .build()));
        ClientOutcome transform = finished(submit(
                server,
                task(server, TaskKind.FIT, 3).toBuilder()
                        .transforms(List.of(new TransformSpec("top-k", Config.empty())))
                        .build()));

        assertThat(further).isEqualTo(new Declined("Flower's protocol has no 'fine-tune' tasks"));
        assertThat(side).isEqualTo(new Declined("Flower's protocol carries no tensors beside the model: control"));
        assertThat(transform).isEqualTo(new Declined("Flower's clients know no update transform: top-k"));
        assertThat(peer.hasMessage()).isFalse();
    }

    @Test
    void aModelThatNumpyHasNoTypeForFailsTheTaskByName() throws Exception {
        FlowerServer server = start();
        joinSole(server);
        Model model = Model.builder()
                .trainable("half", Tensor.zeros(TensorType.BFLOAT16, Shape.of(1)))
                .build();

        ClientOutcome outcome = finished(submit(
                server, Task.builder(TaskKind.FIT, soleId(server)).model(model).build()));

        assertThat(outcome).isInstanceOf(Failed.class);
        assertThat(outcome.reason()).contains("'half'").contains("bfloat16");
    }

    @Test
    void aModelBeyondTheMessageLimitFailsTheTaskAndNotTheClient() throws Exception {
        FlowerServer server = start(builder()
                .limits(FlowerLimits.defaults()
                        .withMaxMessageBytes(1000)
                        .withTimeouts(PATIENCE, Duration.ofMillis(100))));
        WirePeer peer = joinSole(server);
        Model model =
                Model.builder().trainable("w", Tensor.copyOf(new float[250])).build();

        ClientOutcome outcome = finished(submit(
                server, Task.builder(TaskKind.FIT, soleId(server)).model(model).build()));
        Task small = submit(server, task(server, TaskKind.FIT, 2));
        peer.awaitMessage();
        peer.send(WirePeer.fitted(MODEL, 1));

        assertThat(outcome).isInstanceOf(Failed.class);
        assertThat(outcome.reason()).contains("1000 (maxMessageBytes)");
        update(finished(small));
    }

    // ---- dtypes and layouts

    static Stream<Arguments> arrays() {
        return Stream.of(
                Arguments.of("column-major", TensorType.FLOAT32, "npy_f4_fortran_2x3"),
                Arguments.of("row-major", TensorType.FLOAT32, "npy_f4_2x3"),
                Arguments.of("widened", TensorType.FLOAT16, "npy_f4_2x3"),
                Arguments.of("narrowed", TensorType.FLOAT64, "npy_f4_2x3"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("arrays")
    void answersMayHaveOtherLayoutsAndWiderTypes(String name, TensorType type, String array) throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Model model = Model.builder()
                .trainable("w", Tensor.zeros(type, Shape.of(2, 3)))
                .build();
        Task task = submit(
                server, Task.builder(TaskKind.FIT, soleId(server)).model(model).build());
        peer.awaitMessage();

        peer.send(ClientMessage.FitRes.newBuilder()
                .setParameters(Parameters.newBuilder().addTensors(ByteString.copyFrom(Golden.bytes(array))))
                .setNumExamples(1));

        assertThat(update(finished(task)).model())
                .contains(Model.builder()
                        .trainable("w", Tensor.rounded(type, Shape.of(2, 3), new double[] {0, 1, 2, 3, 4, 5}))
                        .build());
    }

    // ---- Answers that are none

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
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        peer.send(answer);

        ClientOutcome outcome = finished(task);
        assertThat(outcome).isInstanceOf(type);
        assertThat(outcome.reason()).startsWith(reason);
        Task next = submit(server, task(server, TaskKind.FIT, 2));
        peer.awaitMessage();
        peer.send(WirePeer.fitted(MODEL, 1));
        update(finished(next));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badEvaluations")
    void aBadEvaluationIsRejected(String name, String reason, ClientMessage.EvaluateRes answer) throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.EVALUATE, 1));
        peer.awaitMessage();

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

    // ---- Out of step

    @Test
    void anAnswerToAnotherInstructionIsRejectedAndEndsTheCall() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();
        Task queued = submit(server, task(server, TaskKind.EVALUATE, 1));

        peer.send(ClientMessage.EvaluateRes.newBuilder().setNumExamples(1));

        assertThat(finished(task)).isEqualTo(new Rejected("the answer must be fit_res, was evaluate_res"));
        assertThat(finished(queued)).isInstanceOf(Failed.class);
        assertThat(peer.awaitEnd().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
        assertThat(server.clients()).isEmpty();
    }

    @Test
    void aMessageWithoutAnyAnswerIsRejected() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        peer.send(ClientMessage.getDefaultInstance());

        assertThat(finished(task)).isEqualTo(new Rejected("the answer must be fit_res, was empty"));
    }

    @Test
    void aMessageThatNobodyAskedForEndsTheCallAndAnswersNothing() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task first = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();
        peer.send(WirePeer.fitted(MODEL, 1));
        update(finished(first));

        peer.send(WirePeer.fitted(MODEL, 1_000_000));

        assertThat(peer.awaitEnd().getDescription()).contains("without having been asked");
        assertThat(server.clients()).isEmpty();
        assertThat(listener.finishedIds()).containsExactly(first.id());
    }

    @Test
    void aMessageBeforeTheFirstInstructionIsNotLetIn() throws Exception {
        FlowerServer server = start();
        ManagedChannel channel = WirePeer.channel(server.address());
        open.add(channel::shutdownNow);
        WirePeer peer = WirePeer.join(channel);
        open.add(peer);
        assertThat(server.awaitClients(1, PATIENCE)).isTrue();
        Task task = task(server, TaskKind.EVALUATE, 1);

        peer.send(ClientMessage.EvaluateRes.newBuilder().setNumExamples(1));
        // On the same connection, so that the message is at the server before this client is.
        open.add(WirePeer.join(channel));
        assertThat(server.awaitClients(2, PATIENCE)).isTrue();

        // It waits in the network's window until something is asked; read at once, it would have ended the call.
        submit(server, task);
        assertThat(update(finished(task)).exampleCount()).isEqualTo(1);
    }

    // ---- The send window

    /** Two clients, the first of which reads no instruction and so holds the whole window. */
    private final class Jam {
        final FlowerServer server;
        final WirePeer deaf;
        final WirePeer second;
        final Task unread;
        final Task behind;

        Jam(FlowerServer.Builder builder) throws InterruptedException {
            server = start(builder.idProperty("client_id").windowBytes(1));
            deaf = WirePeer.joinReading(server.address(), 1);
            open.add(deaf);
            second = join(server);
            introduce(deaf, "deaf");
            introduce(second, "second");
            assertThat(server.awaitClients(2, PATIENCE)).isTrue();
            Model large = Model.builder()
                    .trainable("w", Tensor.copyOf(new float[4 << 20]))
                    .build();
            unread = submit(
                    server,
                    Task.builder(TaskKind.FIT, "deaf").round(1).model(large).build());
            listener.awaitStarted(unread, PATIENCE);
            behind = submit(
                    server,
                    Task.builder(TaskKind.FIT, "second").round(1).model(MODEL).build());
        }

        private static void introduce(WirePeer peer, String id) throws InterruptedException {
            peer.awaitMessage();
            peer.sayProperties(Map.of("client_id", id));
        }
    }

    @Test
    void aClientThatLeavesGivesUpItsPlaceInTheSendWindow() throws Exception {
        Jam jam = new Jam(quick());
        assertThat(jam.second.hasMessage()).isFalse();

        jam.deaf.close();

        assertThat(jam.second.awaitMessage().hasFitIns()).isTrue();
        assertThat(finished(jam.unread)).isInstanceOf(Failed.class);
        jam.second.send(WirePeer.fitted(MODEL, 1));
        update(finished(jam.behind));
    }

    @Test
    void aClientThatDoesNotReadItsInstructionInTimeLosesItsCallAndItsPlace() throws Exception {
        Jam jam = new Jam(builder()
                .limits(FlowerLimits.defaults()
                        .withTimeouts(Duration.ofSeconds(30), Duration.ofMillis(100))
                        .withSendTimeout(Duration.ofSeconds(1))));

        assertThat(finished(jam.unread))
                .isEqualTo(new Failed("the client is gone: it has not read its instruction within 1000 ms"));
        assertThat(jam.second.awaitMessage().hasFitIns()).isTrue();
        jam.second.send(WirePeer.fitted(MODEL, 1));
        update(finished(jam.behind));
    }

    @Test
    void anAnswerToATaskThatIsNotYetSentCountsForNothing() throws Exception {
        Jam jam = new Jam(quick());

        jam.second.send(WirePeer.fitted(MODEL, 1_000_000));

        assertThat(jam.second.awaitEnd().getDescription()).contains("without having been asked");
        assertThat(finished(jam.behind)).isInstanceOf(Failed.class);
    }

    @Test
    void instructionsAreSentOneByOne() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task fit = submit(server, task(server, TaskKind.FIT, 1));
        Task evaluate = submit(server, task(server, TaskKind.EVALUATE, 1));
        assertThat(peer.awaitMessage().hasFitIns()).isTrue();
        assertThat(listener.events(evaluate)).isEmpty();
        assertThat(peer.hasMessage()).isFalse();

        peer.send(WirePeer.fitted(MODEL, 1));

        assertThat(peer.awaitMessage().hasEvaluateIns()).isTrue();
        update(finished(fit));
        assertThat(listener.outcomes(evaluate)).isEmpty();
    }

    // ---- Gone, late, cancelled

    @Test
    void aClientThatDiesAtWorkHasFailedAndIsGone() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        peer.close();

        assertThat(finished(task)).isEqualTo(new Failed("the client is gone: its connection has ended"));
        assertThat(server.clients()).isEmpty();
        String id = task.clientId();
        ClientOutcome outcome =
                finished(submit(server, Task.builder(TaskKind.FIT, id).round(2).build()));
        assertThat(outcome).isEqualTo(new Failed("there is no client '" + id + "'"));
    }

    @Test
    void aClientThatEndsItsSideHasLeft() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);

        peer.halfClose();

        assertThat(peer.awaitEnd().isOk()).isTrue();
        assertThat(server.clients()).isEmpty();
    }

    @Test
    void aGoodbyeInsteadOfAnAnswerFailsTheTask() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        peer.send(ClientMessage.newBuilder()
                .setDisconnectRes(ClientMessage.DisconnectRes.newBuilder().setReason(Reason.POWER_DISCONNECTED))
                .build());

        assertThat(finished(task)).isEqualTo(new Failed("the client is gone: it has left (POWER_DISCONNECTED)"));
        assertThat(server.clients()).isEmpty();
    }

    @Test
    void cancellingEndsTheCallOfAClientAtWork() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();

        server.cancel(task);

        assertThat(peer.awaitEnd().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
        assertThat(server.clients()).isEmpty();
        assertThat(listener.outcomes(task)).isEmpty();
    }

    @Test
    void cancellingAQueuedTaskLeavesTheClientAlone() throws Exception {
        FlowerServer server = start();
        WirePeer peer = joinSole(server);
        Task fit = submit(server, task(server, TaskKind.FIT, 1));
        Task queued = submit(server, task(server, TaskKind.EVALUATE, 1));
        peer.awaitMessage();

        server.cancel(queued);
        peer.send(WirePeer.fitted(MODEL, 1));

        update(finished(fit));
        Task next = submit(server, task(server, TaskKind.FIT, 2));
        assertThat(peer.awaitMessage().hasFitIns()).isTrue();
        assertThat(listener.outcomes(queued)).isEmpty();
        assertThat(listener.outcomes(next)).isEmpty();
    }

    @Test
    void refusesATaskThatIsUnderWay() throws Exception {
        FlowerServer server = start();
        joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));

        assertThatThrownBy(() -> server.submit(task, listener))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("under way");
    }

    // ---- The end

    @Test
    void closingSaysReconnectWithoutSecondsToEveryClient() throws Exception {
        FlowerServer server = start(builder());
        List<WirePeer> peers = List.of(join(server), join(server), join(server));
        assertThat(server.awaitClients(3, PATIENCE)).isTrue();
        CountDownLatch closed = close(server);

        for (WirePeer peer : peers) {
            assertThat(peer.awaitMessage().toByteArray()).isEqualTo(Golden.bytes("sm_reconnect_none"));
        }
        // In all three ways in which clients go then.
        peers.get(0).sayGoodbye();
        peers.get(1).halfClose();
        peers.get(2).close();

        assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(peers.get(0).awaitEnd().isOk()).isTrue();
        assertThat(peers.get(1).awaitEnd().isOk()).isTrue();
        assertThat(server.clients()).isEmpty();
    }

    private static CountDownLatch close(FlowerServer server) {
        CountDownLatch closed = new CountDownLatch(1);
        Thread thread = new Thread(
                () -> {
                    server.close();
                    closed.countDown();
                },
                "closing");
        thread.setDaemon(true);
        thread.start();
        return closed;
    }

    @Test
    void closingDoesNotWaitForEverForAClientThatIgnoresIt() throws Exception {
        FlowerServer server = start();
        WirePeer deaf = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        deaf.awaitMessage();

        server.close();

        assertThat(deaf.awaitMessage().hasReconnectIns()).isTrue();
        assertThat(deaf.awaitEnd().isOk()).isFalse();
        assertThat(listener.outcomes(task)).isEmpty();
        assertThat(server.clients()).isEmpty();
        server.close();
        assertThatThrownBy(() -> server.submit(task, listener)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void anAnswerAfterTheGoodbyeHarmsNobody() throws Exception {
        FlowerServer server = start(builder());
        WirePeer peer = joinSole(server);
        Task task = submit(server, task(server, TaskKind.FIT, 1));
        peer.awaitMessage();
        CountDownLatch closed = close(server);
        peer.awaitMessage();

        // As Flower's client does, which reads the goodbye when its training is done.
        peer.send(WirePeer.fitted(MODEL, 1));
        peer.sayGoodbye();

        assertThat(closed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(peer.awaitEnd().isOk()).isTrue();
        assertThat(listener.outcomes(task)).isEmpty();
    }

    // ---- Ids that last

    @Test
    void aPropertyMaySayTheClientsId() throws Exception {
        FlowerServer server = start(quick().idProperty("client_id"));
        WirePeer peer = join(server);
        assertThat(peer.awaitMessage().hasGetPropertiesIns()).isTrue();
        assertThat(server.clients()).isEmpty();

        peer.sayProperties(Map.of("client_id", "hospital-a", "exampleCount", 100));

        assertThat(server.awaitClients(1, PATIENCE)).isTrue();
        assertThat(server.clients())
                .containsExactly(new ClientInfo(
                        "hospital-a", Config.of(Map.of("client_id", "hospital-a", "exampleCount", 100))));
        assertThat(server.capabilities()).containsExactly(Capability.STABLE_IDENTITY, Capability.TRAINING_SETTINGS);
    }

    @Test
    void aClientThatDoesNotSayItsIdIsRefused() throws Exception {
        FlowerServer server = start(quick().idProperty("client_id"));
        WirePeer other = join(server);
        other.awaitMessage();
        other.sayProperties(Map.of("id", "x"));
        WirePeer unable = join(server);
        unable.awaitMessage();
        unable.send(ClientMessage.newBuilder()
                .setGetPropertiesRes(ClientMessage.GetPropertiesRes.newBuilder()
                        .setStatus(WirePeer.status(
                                Code.GET_PROPERTIES_NOT_IMPLEMENTED, "Client does not implement `get_properties`")))
                .build());

        assertThat(other.awaitEnd().getDescription()).contains("'client_id'");
        assertThat(unable.awaitEnd().getDescription()).contains("Client does not implement `get_properties`");
        assertThat(server.clients()).isEmpty();
    }

    @Test
    void aClientThatIsSilentAboutItsIdIsRefusedInTime() throws Exception {
        FlowerServer server = start(builder()
                .idProperty("client_id")
                .limits(FlowerLimits.defaults().withTimeouts(Duration.ofMillis(50), Duration.ofMillis(50))));

        assertThat(join(server).awaitEnd().getDescription()).isEqualTo("it has not said its id within 50 ms");
    }

    @Test
    void theLaterOfTwoClientsWithOneIdTakesThePlaceOfTheEarlier() throws Exception {
        FlowerServer server = start(quick().idProperty("client_id"));
        WirePeer earlier = join(server);
        earlier.awaitMessage();
        earlier.sayProperties(Map.of("client_id", 7));
        assertThat(server.awaitClients(1, PATIENCE)).isTrue();
        Task lost = submit(server, task(server, TaskKind.FIT, 1));
        earlier.awaitMessage();

        WirePeer later = join(server);
        later.awaitMessage();
        later.sayProperties(Map.of("client_id", 7));

        assertThat(earlier.awaitEnd().getCode()).isEqualTo(Status.Code.ABORTED);
        assertThat(finished(lost)).isInstanceOf(Failed.class);
        assertThat(server.clients()).extracting(ClientInfo::id).containsExactly("7");
        Task task = submit(server, task(server, TaskKind.FIT, 2));
        later.awaitMessage();
        later.send(WirePeer.fitted(MODEL, 1));
        update(finished(task));
    }
}
