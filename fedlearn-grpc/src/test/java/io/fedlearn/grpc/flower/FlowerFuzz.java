package io.fedlearn.grpc.flower;

import com.google.protobuf.InvalidProtocolBufferException;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.proto.flower.ClientMessage;
import io.fedlearn.grpc.proto.flower.ServerMessage;
import io.fedlearn.testkit.fuzz.DecoderFuzz;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.stream.Stream;

/** What reads Flower's messages, as a fuzzer calls it. */
public final class FlowerFuzz {
    private static final List<Class<? extends Exception>> REFUSALS =
            List.of(FlowerException.class, InvalidProtocolBufferException.class);

    static final Model MODEL = Model.builder()
            .trainable("w", Tensor.copyOf(new float[] {0, 1, 2, 3, 4, 5}, 2, 3))
            .trainable("b", Tensor.copyOf(new float[] {0.5f}))
            .build();

    private static final int MAX_TENSORS = 64;

    private FlowerFuzz() {}

    private static List<byte[]> golden(String... names) {
        return Stream.of(names).map(Golden::bytes).toList();
    }

    /** A client of what a server sends. */
    public static final class ServerMessages {
        /** What it promises. */
        public static final DecoderFuzz FUZZ = DecoderFuzz.of(ServerMessages::decode, REFUSALS, 1 << 20, 512);

        private ServerMessages() {}

        /** What Flower itself wrote. */
        public static List<byte[]> seeds() {
            return golden(
                    "sm_fit_ins",
                    "sm_evaluate_ins",
                    "sm_get_parameters_ins",
                    "sm_get_properties_ins",
                    "sm_reconnect_none",
                    "sm_reconnect_5");
        }

        private static void decode(byte[] input) throws Exception {
            ServerMessage message = ServerMessage.parseFrom(input);
            FlowerScalars.readConfig("config", message.getGetPropertiesIns().getConfigMap());
            FlowerScalars.readConfig("config", message.getGetParametersIns().getConfigMap());
            FlowerScalars.readConfig("config", message.getFitIns().getConfigMap());
            TensorNames.byPlace().name(FlowerTensors.read(message.getFitIns().getParameters()));
            FlowerScalars.readConfig("config", message.getEvaluateIns().getConfigMap());
            if (message.hasEvaluateIns()) {
                TensorNames.of(MODEL.spec())
                        .name(FlowerTensors.read(message.getEvaluateIns().getParameters()));
            }
        }

        /** Called by the fuzzer. */
        public static void fuzzerTestOneInput(byte[] input) {
            FUZZ.check(input);
        }
    }

    /** A server of what a client sends. */
    public static final class ClientMessages {
        /** What it promises. */
        public static final DecoderFuzz FUZZ = DecoderFuzz.of(ClientMessages::decode, REFUSALS, 1 << 20, 512);

        private ClientMessages() {}

        /** What Flower itself wrote. */
        public static List<byte[]> seeds() {
            return golden(
                    "cm_fit_res",
                    "cm_evaluate_res",
                    "cm_get_parameters_res",
                    "cm_get_properties_res",
                    "cm_fit_not_impl",
                    "cm_disconnect_reconnect");
        }

        private static void decode(byte[] input) throws Exception {
            ClientAnswer answer = ClientAnswer.read(new ByteArrayInputStream(input), MAX_TENSORS);
            requireSame(ClientMessage.parseFrom(input), answer);
            ClientMessage message = answer.message();
            FlowerScalars.readConfig("properties", message.getGetPropertiesRes().getPropertiesMap());
            FlowerScalars.readMetrics("metrics", message.getEvaluateRes().getMetricsMap());
            FlowerScalars.readTexts("metrics", message.getEvaluateRes().getMetricsMap());
            FlowerScalars.readMetrics("metrics", message.getFitRes().getMetricsMap());
            TensorNames.byPlace().name(answer.tensors());
            if (message.getFitRes().hasParameters()) {
                FlowerTensors.conform(answer.tensors(), MODEL.spec());
            }
        }

        /** What protobuf's own classes read from the same bytes is the measure. */
        private static void requireSame(ClientMessage whole, ClientAnswer answer) {
            ClientMessage.Builder rest = whole.toBuilder();
            int count = 0;
            if (whole.getFitRes().hasParameters()) {
                count = whole.getFitRes().getParameters().getTensorsCount();
                rest.getFitResBuilder().getParametersBuilder().clearTensors();
            } else if (whole.getGetParametersRes().hasParameters()) {
                count = whole.getGetParametersRes().getParameters().getTensorsCount();
                rest.getGetParametersResBuilder().getParametersBuilder().clearTensors();
            }
            if (count != answer.tensorCount() || !rest.build().equals(answer.message())) {
                throw new IllegalStateException("the answer was read as another than protobuf's classes read it");
            }
        }

        /** Called by the fuzzer. */
        public static void fuzzerTestOneInput(byte[] input) {
            FUZZ.check(input);
        }
    }
}
