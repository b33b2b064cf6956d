package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Code;
import io.fedlearn.grpc.proto.flower.Parameters;
import io.fedlearn.grpc.proto.flower.Reason;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.grpc.proto.flower.Status;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What Flower 1.6 wrote, read; and the same written again, byte for byte. */
class FlowerGoldenTest {
    private static final Tensor WEIGHTS = Tensor.copyOf(new float[] {0, 1, 2, 3, 4, 5}, 2, 3);
    private static final Tensor BIAS = Tensor.copyOf(new float[] {0.5f});
    private static final Config SCALARS =
            Config.of(Map.of("b", true, "by", "base64:AP8=", "f", 0.5, "i", -3, "s", "hi"));
    private static final Status SUCCESS =
            Status.newBuilder().setCode(Code.OK).setMessage("Success").build();

    private static Parameters parameters() {
        return FlowerTensors.write(
                Model.builder().trainable("w", WEIGHTS).trainable("b", BIAS).build());
    }

    // ---- tensors

    static Stream<Arguments> arrays() {
        float[] four = new float[24];
        for (int i = 0; i < four.length; i++) {
            four[i] = i;
        }
        return Stream.of(
                Arguments.of("npy_f4_2x3", WEIGHTS),
                Arguments.of("npy_f8_3", Tensor.copyOf(new double[] {1.5, -2, 3})),
                Arguments.of("npy_i8_2x2", Tensor.copyOf(new long[] {1, -2, 3, 4}, 2, 2)),
                Arguments.of("npy_f4_scalar0d", Tensor.scalar(3.25f)),
                Arguments.of("npy_f4_empty0", Tensor.copyOf(new float[0])),
                Arguments.of("npy_f2_4", Tensor.rounded(TensorType.FLOAT16, Shape.of(4), new double[] {1, 2, 3, 4})),
                Arguments.of("npy_b1_3", Tensor.ofIntegers(TensorType.BOOL, Shape.of(3), new long[] {1, 0, 1})),
                Arguments.of("npy_u1_4", Tensor.ofIntegers(TensorType.UINT8, Shape.of(4), new long[] {0, 1, 254, 255})),
                Arguments.of("npy_f4_4d_1x2x3x4", Tensor.copyOf(four, 1, 2, 3, 4)),
                Arguments.of("npy_i4_5", Tensor.copyOf(new int[] {0, 1, 2, 3, 4})));
    }

    private static List<Tensor> read(String name) throws FlowerException {
        return FlowerTensors.read(Parameters.newBuilder()
                .addTensors(ByteString.copyFrom(Golden.bytes(name)))
                .setTensorType("whatever")
                .build());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("arrays")
    void readsAndWritesArraysAsFlowerDoes(String name, Tensor expected) throws FlowerException {
        assertThat(read(name)).containsExactly(expected);
        Model model = TensorNames.byPlace().name(List.of(expected));
        assertThat(FlowerTensors.write(model).getTensors(0).toByteArray()).isEqualTo(Golden.bytes(name));
    }

    @Test
    void readsColumnMajorArrays() throws FlowerException {
        assertThat(read("npy_f4_fortran_2x3")).containsExactly(WEIGHTS);
    }

    @Test
    void readsBigEndianArrays() throws FlowerException {
        assertThat(read("npy_be_f4_3")).containsExactly(Tensor.copyOf(new float[] {1, 2, 3}));
    }

    @ParameterizedTest
    @ValueSource(strings = {"npy_U3", "npy_c8_2"})
    void refusesTextAndComplexArraysByPlace(String name) {
        assertThatThrownBy(() -> read(name)).isInstanceOf(FlowerException.class).hasMessageStartingWith("tensors[0]: ");
    }

    // ---- messages of a server

    private static ServerMessage serverMessage(String name) throws InvalidProtocolBufferException {
        return ServerMessage.parseFrom(Golden.bytes(name));
    }

    @Test
    void readsAndWritesFitInstructions() throws Exception {
        ServerMessage.FitIns read = serverMessage("sm_fit_ins").getFitIns();
        assertThat(FlowerTensors.read(read.getParameters())).containsExactly(WEIGHTS, BIAS);
        assertThat(FlowerScalars.readConfig("config", read.getConfigMap())).isEqualTo(SCALARS);

        ServerMessage written = ServerMessage.newBuilder()
                .setFitIns(ServerMessage.FitIns.newBuilder()
                        .setParameters(parameters())
                        .putAllConfig(FlowerScalars.write(SCALARS)))
                .build();
        assertThat(written.toByteArray()).isEqualTo(Golden.bytes("sm_fit_ins"));
    }

    @Test
    void readsAndWritesEvaluateInstructions() throws Exception {
        ServerMessage.EvaluateIns read = serverMessage("sm_evaluate_ins").getEvaluateIns();
        assertThat(FlowerTensors.read(read.getParameters())).containsExactly(WEIGHTS, BIAS);
        assertThat(FlowerScalars.readConfig("config", read.getConfigMap())).isEqualTo(SCALARS);

        ServerMessage written = ServerMessage.newBuilder()
                .setEvaluateIns(ServerMessage.EvaluateIns.newBuilder()
                        .setParameters(parameters())
                        .putAllConfig(FlowerScalars.write(SCALARS)))
                .build();
        assertThat(written.toByteArray()).isEqualTo(Golden.bytes("sm_evaluate_ins"));
    }

    @Test
    void readsAndWritesPropertiesInstructions() throws Exception {
        ServerMessage read = serverMessage("sm_get_properties_ins");
        assertThat(FlowerScalars.readConfig("config", read.getGetPropertiesIns().getConfigMap()))
                .isEqualTo(SCALARS);

        ServerMessage written = ServerMessage.newBuilder()
                .setGetPropertiesIns(
                        ServerMessage.GetPropertiesIns.newBuilder().putAllConfig(FlowerScalars.write(SCALARS)))
                .build();
        assertThat(written.toByteArray()).isEqualTo(Golden.bytes("sm_get_properties_ins"));
    }

    @Test
    void writesInstructionsWithoutSettings() {
        assertThat(ServerMessage.newBuilder()
                        .setGetParametersIns(ServerMessage.GetParametersIns.getDefaultInstance())
                        .build()
                        .toByteArray())
                .isEqualTo(Golden.bytes("sm_get_parameters_ins"));
        assertThat(ServerMessage.newBuilder()
                        .setReconnectIns(ServerMessage.ReconnectIns.getDefaultInstance())
                        .build()
                        .toByteArray())
                .isEqualTo(Golden.bytes("sm_reconnect_none"));
        assertThat(ServerMessage.newBuilder()
                        .setReconnectIns(ServerMessage.ReconnectIns.newBuilder().setSeconds(5))
                        .build()
                        .toByteArray())
                .isEqualTo(Golden.bytes("sm_reconnect_5"));
    }

    // ---- messages of a client

    private static ClientMessage clientMessage(String name) throws InvalidProtocolBufferException {
        return ClientMessage.parseFrom(Golden.bytes(name));
    }

    @Test
    void readsAndWritesFitAnswers() throws Exception {
        ClientMessage.FitRes read = clientMessage("cm_fit_res").getFitRes();
        assertThat(read.getStatus()).isEqualTo(SUCCESS);
        assertThat(FlowerTensors.read(read.getParameters())).containsExactly(WEIGHTS, BIAS);
        assertThat(read.getNumExamples()).isEqualTo(17);
        assertThat(FlowerScalars.readMetrics("metrics", read.getMetricsMap()))
                .isEqualTo(Metrics.of(Map.of("b", 1.0, "f", 0.5, "i", -3.0)));
        assertThat(FlowerScalars.readTexts("metrics", read.getMetricsMap()))
                .isEqualTo(Config.of(Map.of("by", "base64:AP8=", "s", "hi")));

        ClientMessage written = ClientMessage.newBuilder()
                .setFitRes(ClientMessage.FitRes.newBuilder()
                        .setStatus(SUCCESS)
                        .setParameters(parameters())
                        .setNumExamples(17)
                        .putAllMetrics(FlowerScalars.write(SCALARS)))
                .build();
        assertThat(written.toByteArray()).isEqualTo(Golden.bytes("cm_fit_res"));
    }

    @Test
    void readsAndWritesEvaluateAnswersWithA32BitLoss() throws Exception {
        ClientMessage.EvaluateRes read = clientMessage("cm_evaluate_res").getEvaluateRes();
        assertThat(read.getLoss()).isEqualTo(0.25f);
        assertThat(read.getNumExamples()).isEqualTo(17);

        ClientMessage written = ClientMessage.newBuilder()
                .setEvaluateRes(ClientMessage.EvaluateRes.newBuilder()
                        .setStatus(SUCCESS)
                        .setLoss(0.25f)
                        .setNumExamples(17)
                        .putAllMetrics(FlowerScalars.write(SCALARS)))
                .build();
        assertThat(written.toByteArray()).isEqualTo(Golden.bytes("cm_evaluate_res"));
    }

    @Test
    void readsAndWritesParametersAndPropertiesAnswers() throws Exception {
        assertThat(FlowerTensors.read(clientMessage("cm_get_parameters_res")
                        .getGetParametersRes()
                        .getParameters()))
                .containsExactly(WEIGHTS, BIAS);
        assertThat(ClientMessage.newBuilder()
                        .setGetParametersRes(ClientMessage.GetParametersRes.newBuilder()
                                .setStatus(SUCCESS)
                                .setParameters(parameters()))
                        .build()
                        .toByteArray())
                .isEqualTo(Golden.bytes("cm_get_parameters_res"));
        assertThat(FlowerScalars.readConfig(
                        "properties",
                        clientMessage("cm_get_properties_res")
                                .getGetPropertiesRes()
                                .getPropertiesMap()))
                .isEqualTo(SCALARS);
        assertThat(ClientMessage.newBuilder()
                        .setGetPropertiesRes(ClientMessage.GetPropertiesRes.newBuilder()
                                .setStatus(SUCCESS)
                                .putAllProperties(FlowerScalars.write(SCALARS)))
                        .build()
                        .toByteArray())
                .isEqualTo(Golden.bytes("cm_get_properties_res"));
    }

    @Test
    void readsAndWritesWhatIsNotImplemented() throws Exception {
        ClientMessage.FitRes read = clientMessage("cm_fit_not_impl").getFitRes();
        assertThat(read.getStatus().getCode()).isEqualTo(Code.FIT_NOT_IMPLEMENTED);
        assertThat(read.getStatus().getMessage()).isEqualTo("Client does not implement `fit`");
        assertThat(read.hasParameters()).isFalse();

        assertThat(ClientMessage.newBuilder()
                        .setFitRes(ClientMessage.FitRes.newBuilder().setStatus(read.getStatus()))
                        .build()
                        .toByteArray())
                .isEqualTo(Golden.bytes("cm_fit_not_impl"));
    }

    @Test
    void readsAndWritesGoodbyes() throws Exception {
        assertThat(clientMessage("cm_disconnect_reconnect").getDisconnectRes().getReason())
                .isEqualTo(Reason.RECONNECT);
        assertThat(ClientMessage.newBuilder()
                        .setDisconnectRes(
                                ClientMessage.DisconnectRes.newBuilder().setReason(Reason.RECONNECT))
                        .build()
                        .toByteArray())
                .isEqualTo(Golden.bytes("cm_disconnect_reconnect"));
    }
}
