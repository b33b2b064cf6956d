package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientOutcome.Declined;
import io.fedlearn.core.task.ClientOutcome.Failed;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Parameters;
import io.fedlearn.grpc.proto.flower.Scalar;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the server asks, message by message, and what good answers become: each published fact of the protocol that concerns it. */
class FlowerServerInstructionsTest extends OneClientScene {
    @Test
    void fitCarriesTheModelTheSettingsAndTheRound() throws Exception {
        Task task = Task.builder(TaskKind.FIT, clientId())
                .round(3)
                .model(MODEL)
                .config(Config.of(Map.of("localEpochs", 2, "flag", true, "name", "x", "mu", 0.5)))
                .build();
        submit(task);

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
        Task task = Task.builder(TaskKind.FIT, clientId())
                .round(1)
                .model(MODEL)
                .config(Config.of(Map.of("zero", 0, "large", Long.MAX_VALUE, "off", false, "empty", "")))
                .build();
        submit(task);

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
        submit(Task.builder(TaskKind.FIT, clientId())
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
        Task task = ask(TaskKind.FIT, 1);

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
        Task task = ask(TaskKind.FIT, 1);

        peer.send(WirePeer.fitted(MODEL, 12).clearStatus());

        assertThat(update(finished(task)).model()).contains(MODEL);
    }

    @Test
    void theTensorTypeIsNotLookedAt() throws Exception {
        Task task = ask(TaskKind.FIT, 1);

        ClientMessage.FitRes.Builder answer = WirePeer.fitted(MODEL, 12);
        answer.getParametersBuilder().setTensorType("whatever");
        peer.send(answer);

        assertThat(update(finished(task)).model()).contains(MODEL);
    }

    @Test
    void theLossOfAnEvaluationHas32Bits() throws Exception {
        Task task = submit(TaskKind.EVALUATE, 2);
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
        Task task = submit(Task.builder(TaskKind.INITIAL_MODEL, clientId())
                .config(Config.empty().with("localEpochs", 1))
                .build());
        assertThat(peer.awaitMessage().toByteArray()).isEqualTo(Golden.bytes("sm_get_parameters_ins"));

        peer.send(WirePeer.parameters(MODEL));

        assertThat(update(finished(task)).model())
                .contains(Model.builder()
                        .trainable("tensor-000", WEIGHTS)
                        .counter("tensor-001", Tensor.scalar(7L))
                        .build());
    }

    @Test
    void propertiesBecomeValues() throws Exception {
        Task task = submit(Task.builder(TaskKind.PROPERTIES, clientId())
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
        ClientOutcome further = finished(submit(TaskKind.FINE_TUNE, 1));
        ClientOutcome side = finished(submit(
                task(TaskKind.FIT, 2).toBuilder().tensors("control", MODEL).build()));
        ClientOutcome transform = finished(submit(task(TaskKind.FIT, 3).toBuilder()
                .transforms(List.of(new TransformSpec("top-k", Config.empty())))
                .build()));

        assertThat(further).isEqualTo(new Declined("Flower's protocol has no 'fine-tune' tasks"));
        assertThat(side).isEqualTo(new Declined("Flower's protocol carries no tensors beside the model: control"));
        assertThat(transform).isEqualTo(new Declined("Flower's clients know no update transform: top-k"));
        assertThat(peer.hasMessage()).isFalse();
    }

    @Test
    void aModelThatNumpyHasNoTypeForFailsTheTaskByName() throws Exception {
        Model model = Model.builder()
                .trainable("half", Tensor.zeros(TensorType.BFLOAT16, Shape.of(1)))
                .build();

        ClientOutcome outcome = finished(
                submit(Task.builder(TaskKind.FIT, clientId()).model(model).build()));

        assertThat(outcome).isInstanceOf(Failed.class);
        assertThat(outcome.reason()).contains("'half'").contains("bfloat16");
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
        Model model = Model.builder()
                .trainable("w", Tensor.zeros(type, Shape.of(2, 3)))
                .build();
        Task task = submit(Task.builder(TaskKind.FIT, clientId()).model(model).build());
        peer.awaitMessage();

        peer.send(ClientMessage.FitRes.newBuilder()
                .setParameters(Parameters.newBuilder().addTensors(ByteString.copyFrom(Golden.bytes(array))))
                .setNumExamples(1));

        assertThat(update(finished(task)).model())
                .contains(Model.builder()
                        .trainable("w", Tensor.rounded(type, Shape.of(2, 3), new double[] {0, 1, 2, 3, 4, 5}))
                        .build());
    }
}
