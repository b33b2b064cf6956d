package io.fedlearn.grpc.flower;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.Parameters;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The hand-written ways of models over the wire, against the generated classes. */
class ClientAnswerTest {
    private static final Tensor WEIGHTS = Tensor.copyOf(new float[] {0, 1, 2, 3, 4, 5}, 2, 3);
    private static final Tensor BIAS = Tensor.copyOf(new float[] {0.5f});
    private static final Model MODEL =
            Model.builder().trainable("w", WEIGHTS).trainable("b", BIAS).build();

    private static ClientAnswer read(byte[] bytes) throws FlowerException {
        return ClientAnswer.read(new ByteArrayInputStream(bytes), 10);
    }

    private static ClientAnswer read(ModelSpec spec, ClientAnswer.Laying laying) throws Exception {
        return ClientAnswer.read(
                new ByteArrayInputStream(Golden.bytes("cm_fit_res")), spec.size(), Optional.of(spec), laying);
    }

    private static ClientMessage withoutTensors(ClientMessage message) {
        ClientMessage.Builder builder = message.toBuilder();
        if (message.hasFitRes() && message.getFitRes().hasParameters()) {
            builder.getFitResBuilder().getParametersBuilder().clearTensors();
        }
        if (message.hasGetParametersRes() && message.getGetParametersRes().hasParameters()) {
            builder.getGetParametersResBuilder().getParametersBuilder().clearTensors();
        }
        return builder.build();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cm_fit_res",
                "cm_evaluate_res",
                "cm_get_parameters_res",
                "cm_get_properties_res",
                "cm_fit_not_impl",
                "cm_disconnect_reconnect"
            })
    void readsWhatTheGeneratedClassesRead(String golden) throws Exception {
        byte[] bytes = Golden.bytes(golden);
        ClientMessage expected = ClientMessage.parseFrom(bytes);

        ClientAnswer answer = read(bytes);

        assertThat(answer.message()).isEqualTo(withoutTensors(expected));
        assertThat(answer.tensors())
                .isEqualTo(
                        golden.equals("cm_fit_res") || golden.equals("cm_get_parameters_res")
                                ? List.of(WEIGHTS, BIAS)
                                : List.of());
        assertThat(answer.tensorCount()).isEqualTo(answer.tensors().size());
        assertThat(answer.malformed()).isEmpty();
    }

    @Test
    void readsOneByteAtATime() throws Exception {
        byte[] bytes = Golden.bytes("cm_fit_res");
        InputStream slow = new ByteArrayInputStream(bytes) {
            @Override
            public synchronized int read(byte[] target, int from, int count) {
                return super.read(target, from, Math.min(count, 1));
            }
        };

        assertThat(ClientAnswer.read(slow, 10)).isEqualTo(read(bytes));
    }

    @Test
    void readsAnEmptyMessage() throws Exception {
        assertThat(read(new byte[0]).message()).isEqualTo(ClientMessage.getDefaultInstance());
    }

    @Test
    void countsButPassesOverSurplusTensors() throws Exception {
        ClientAnswer answer = ClientAnswer.read(new ByteArrayInputStream(Golden.bytes("cm_fit_res")), 1);

        assertThat(answer.tensors()).containsExactly(WEIGHTS);
        assertThat(answer.tensorCount()).isEqualTo(2);
        assertThat(answer.message().getFitRes().getNumExamples()).isEqualTo(17);
    }

    @Test
    void refusesByItsHeaderATensorThatIsNotTheModels() throws Exception {
        Model other = Model.builder()
                .trainable("w", WEIGHTS)
                .trainable("b", Tensor.copyOf(new float[2]))
                .build();

        ClientAnswer answer = read(other.spec(), (spec, tensor) -> tensor);

        assertThat(answer.tensors()).containsExactly(WEIGHTS);
        assertThat(answer.malformed()).contains("tensor 'b' must have shape 2, had 1");
        assertThat(answer.message().getFitRes().getNumExamples()).isEqualTo(17);
    }

    @Test
    void laysTensorsWhereTheyAreToStay() throws Exception {
        ClientAnswer answer = read(MODEL.spec(), (spec, tensor) -> Tensor.zeros(spec.type(), spec.shape()));

        assertThat(answer.tensors())
                .containsExactly(Tensor.zeros(TensorType.FLOAT32, Shape.of(2, 3)), Tensor.copyOf(new float[1]));
        assertThat(answer.untaken()).isEmpty();
    }

    @Test
    void readsOnThoughThereIsNoPlaceForATensor() throws Exception {
        ClientAnswer answer = read(MODEL.spec(), (spec, tensor) -> {
            if (spec.name().equals("b")) {
                throw new OutOfMemoryError("as a test wants it");
            }
            return tensor;
        });

        assertThat(answer.tensors()).isEmpty();
        assertThat(answer.untaken())
                .hasValueSatisfying(
                        why -> assertThat(why).startsWith("the heap has no room for tensors[1], which has "));
        assertThat(answer.malformed()).isEmpty();
        assertThat(answer.tensorCount()).isEqualTo(2);
        assertThat(answer.message().getFitRes().getNumExamples()).isEqualTo(17);
    }

    @Test
    void readsOnAfterAMalformedTensor() throws Exception {
        ClientMessage message = ClientMessage.newBuilder()
                .setFitRes(ClientMessage.FitRes.newBuilder()
                        .setParameters(Parameters.newBuilder()
                                .addTensors(ByteString.copyFrom(Golden.bytes("npy_f4_2x3")))
                                .addTensors(ByteString.copyFrom(Golden.bytes("npy_U3")))
                                .addTensors(ByteString.copyFrom(Golden.bytes("npy_f4_2x3"))))
                        .setNumExamples(3))
                .build();

        ClientAnswer answer = read(message.toByteArray());

        assertThat(answer.tensorCount()).isEqualTo(3);
        assertThat(answer.malformed())
                .hasValueSatisfying(reason -> assertThat(reason).startsWith("tensors[1]: "));
        assertThat(answer.message().getFitRes().getNumExamples()).isEqualTo(3);
    }

    @Test
    void takesTheLastOfSeveralMembersAndMergesEqualOnes() throws Exception {
        byte[] fit = Golden.bytes("cm_fit_res");
        byte[] evaluate = Golden.bytes("cm_evaluate_res");
        ByteArrayOutputStream twice = new ByteArrayOutputStream();
        twice.write(fit);
        twice.write(fit);
        assertThat(read(twice.toByteArray()).tensors()).containsExactly(WEIGHTS, BIAS, WEIGHTS, BIAS);
        twice.write(evaluate);
        assertThat(read(twice.toByteArray()).message().hasEvaluateRes()).isTrue();
        assertThat(read(twice.toByteArray()).tensors()).isEmpty();
    }

    @Test
    void passesOverUnknownFields() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(new byte[] {(byte) 0xf8, 0x01, 5});
        bytes.write(Golden.bytes("cm_fit_res"));

        ClientAnswer answer = read(bytes.toByteArray());

        assertThat(answer.tensors()).containsExactly(WEIGHTS, BIAS);
        assertThat(answer.message().hasFitRes()).isTrue();
    }

    @Test
    void agreesWithTheGeneratedClassesOnMutatedMessages() {
        SeededRandom random = SeededRandom.of(5);
        byte[] good = Golden.bytes("cm_fit_res");
        int read = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = Arrays.copyOf(good, random.nextInt(10) == 0 ? random.nextInt(good.length) : good.length);
            for (int change = random.nextInt(3); change >= 0 && bytes.length > 0; change--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            read += agrees(bytes) ? 1 : 0;
        }
        assertThat(read).isBetween(1, 19_999);
    }

    /** Whether both read the message, and the same; a message that the generated classes refuse must be refused. */
    private static boolean agrees(byte[] bytes) {
        ClientMessage expected;
        try {
            expected = ClientMessage.parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            assertThatThrownBy(() -> read(bytes)).as(Arrays.toString(bytes)).isInstanceOf(FlowerException.class);
            return false;
        }
        try {
            ClientAnswer answer = read(bytes);
            assertThat(answer.message()).isEqualTo(withoutTensors(expected));
            assertThat(answer.tensorCount())
                    .isEqualTo(expected.getFitRes().getParameters().getTensorsCount()
                            + expected.getGetParametersRes().getParameters().getTensorsCount());
            return true;
        } catch (FlowerException e) {
            // Groups, which the protocol has none of, are refused here and passed over there.
            assertThat(e).hasMessageContaining("group");
            return false;
        }
    }

    @Test
    void refusesMoreBesideTensorsThanAnyAnswerHas() {
        byte[] large = ClientMessage.newBuilder()
                .setFitRes(ClientMessage.FitRes.newBuilder()
                        .setStatus(WirePeer.status(io.fedlearn.grpc.proto.flower.Code.OK, "x".repeat((16 << 20) + 1))))
                .build()
                .toByteArray();

        assertThatThrownBy(() -> read(large))
                .isInstanceOf(FlowerException.class)
                .hasMessage("the message has more than 16777216 bytes beside its tensors");
    }

    // ---- instructions

    @Test
    void writesTheBytesThatTheGeneratedClassesWrite() throws IOException {
        Config config = Config.of(Map.of("server_round", 3, "name", "x"));
        ServerMessage fit = ServerMessage.newBuilder()
                .setFitIns(ServerMessage.FitIns.newBuilder()
                        .setParameters(FlowerTensors.write(MODEL))
                        .putAllConfig(FlowerScalars.write(config)))
                .build();
        ServerMessage evaluate = ServerMessage.newBuilder()
                .setEvaluateIns(ServerMessage.EvaluateIns.newBuilder()
                        .setParameters(FlowerTensors.write(Model.empty()))
                        .putAllConfig(FlowerScalars.write(config)))
                .build();

        assertSame(Instruction.fit(MODEL, config), fit);
        assertSame(Instruction.evaluate(Model.empty(), config), evaluate);
    }

    private static void assertSame(Instruction instruction, ServerMessage expected) throws IOException {
        assertThat(instruction.byteCount()).isEqualTo(expected.getSerializedSize());
        assertThat(instruction.stream().readAllBytes()).isEqualTo(expected.toByteArray());
        assertThat(instruction.stream().available()).isEqualTo(expected.getSerializedSize());
        ByteArrayOutputStream drained = new ByteArrayOutputStream();
        assertThat(((io.grpc.Drainable) instruction.stream()).drainTo(drained)).isEqualTo(expected.getSerializedSize());
        assertThat(drained.toByteArray()).isEqualTo(expected.toByteArray());
    }
}
