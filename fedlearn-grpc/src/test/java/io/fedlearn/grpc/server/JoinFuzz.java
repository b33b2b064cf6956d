package io.fedlearn.grpc.server;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.internal.wire.WireModels;
import io.fedlearn.grpc.internal.wire.WireSettings;
import io.fedlearn.grpc.internal.wire.WireTasks;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Group;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.testkit.fuzz.DecoderFuzz;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What reads the messages of Join, as a fuzzer calls it. */
public final class JoinFuzz {
    private static final Config SETTINGS = Config.of(Map.of("flag", true, "whole", -3, "number", 0.5, "text", "word"));
    private static final Model MODEL = Model.builder()
            .trainable("w", Tensor.copyOf(new float[] {0, 1, 2, 3, 4, 5}, 2, 3))
            .buffer("m", Tensor.copyOf(new double[] {0.5}))
            .counter("n", Tensor.scalar(4L))
            .build();

    private JoinFuzz() {}

    /** A server of what a client says. */
    public static final class ClientMessages {
        /** What it promises. */
        public static final DecoderFuzz FUZZ = DecoderFuzz.of(
                ClientMessages::decode,
                List.of(
                        WireException.class,
                        InlineAnswers.CorruptException.class,
                        InvalidProtocolBufferException.class),
                1 << 20,
                512);

        private ClientMessages() {}

        /** What a client of this library says. */
        public static List<byte[]> seeds() {
            List<ClientOutcome> outcomes = List.of(
                    new ClientOutcome.Completed(ClientUpdate.ofModel(MODEL, 7)
                            .withMetric("loss", 0.5)
                            .withValue("steps", 3)
                            .withValue("word", "done")
                            .withTensors("control", MODEL)),
                    new ClientOutcome.Completed(ClientUpdate.ofValues(SETTINGS)),
                    new ClientOutcome.Declined("no examples"),
                    new ClientOutcome.Failed("out of disk"));
            List<byte[]> seeds = new ArrayList<>();
            for (ClientOutcome outcome : outcomes) {
                seeds.add(ClientMessage.newBuilder()
                        .setAnswer(WireAnswers.write(
                                "run/1/0-fit/client",
                                ByteString.copyFromUtf8("fingerprint"),
                                outcome,
                                model -> EncodedModel.of(model).payload(1 << 16)))
                        .build()
                        .toByteArray());
            }
            seeds.add(ClientMessage.newBuilder()
                    .setHello(Hello.newBuilder()
                            .setMinVersion(1)
                            .setMaxVersion(1)
                            .setClientId("client")
                            .setAttempt(1)
                            .addAllProperties(WireSettings.write(SETTINGS)))
                    .build()
                    .toByteArray());
            return seeds;
        }

        private static void decode(byte[] input) throws Exception {
            ClientMessage message = ClientMessage.parseFrom(input);
            WireSettings.readConfig("properties", message.getHello().getPropertiesList());
            if (message.hasAnswer()) {
                InlineAnswers.byteCount(message.getAnswer());
                InlineAnswers.read(message.getAnswer());
            }
        }

        /** Called by the fuzzer. */
        public static void fuzzerTestOneInput(byte[] input) {
            FUZZ.check(input);
        }
    }

    /** A client of what a server says. */
    public static final class ServerMessages {
        /** What it promises. */
        public static final DecoderFuzz FUZZ = DecoderFuzz.of(
                ServerMessages::decode,
                List.of(WireException.class, InvalidProtocolBufferException.class),
                1 << 20,
                512);

        private ServerMessages() {}

        /** What a server of this library says. */
        public static List<byte[]> seeds() {
            Task task = Task.builder(TaskKind.FIT, "client")
                    .runId("run")
                    .round(3)
                    .seed(-5)
                    .model(MODEL)
                    .tensors("control", MODEL)
                    .config(SETTINGS)
                    .transforms(List.of(new TransformSpec("scale", SETTINGS)))
                    .lastAcceptedRound(2)
                    .keepStateSince(1)
                    .timeLimit(Duration.ofSeconds(9))
                    .build();
            return List.of(ServerMessage.newBuilder()
                    .setTask(WireTasks.write(
                            task, model -> EncodedModel.of(model).payload(1 << 16), 1 << 20))
                    .build()
                    .toByteArray());
        }

        private static void decode(byte[] input) throws Exception {
            ServerMessage message = ServerMessage.parseFrom(input);
            if (message.hasTask()) {
                TaskOffer offer = message.getTask();
                WireTasks.read(offer, "client").build();
                WireModels.readSpec("model", offer.getModel());
                for (Group group : offer.getTensorsList()) {
                    WireModels.readSpec("tensors", group.getPayload());
                }
            }
        }

        /** Called by the fuzzer. */
        public static void fuzzerTestOneInput(byte[] input) {
            FUZZ.check(input);
        }
    }
}
