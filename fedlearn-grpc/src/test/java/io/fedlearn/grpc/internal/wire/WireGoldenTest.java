package io.fedlearn.grpc.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.UnknownFieldSet;
import io.fedlearn.core.metric.Metrics;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.task.Config;
import io.fedlearn.core.task.Task;
import io.fedlearn.core.task.TaskKind;
import io.fedlearn.core.task.TransformSpec;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.internal.transfer.EncodedModel;
import io.fedlearn.grpc.proto.v1.AnswerReceipt;
import io.fedlearn.grpc.proto.v1.Chunk;
import io.fedlearn.grpc.proto.v1.ClientMessage;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.DownloadRequest;
import io.fedlearn.grpc.proto.v1.Goodbye;
import io.fedlearn.grpc.proto.v1.GoodbyeCode;
import io.fedlearn.grpc.proto.v1.Heartbeat;
import io.fedlearn.grpc.proto.v1.Hello;
import io.fedlearn.grpc.proto.v1.Leave;
import io.fedlearn.grpc.proto.v1.ServerMessage;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.TaskCancel;
import io.fedlearn.grpc.proto.v1.TaskOffer;
import io.fedlearn.grpc.proto.v1.TaskProgress;
import io.fedlearn.grpc.proto.v1.TaskStarted;
import io.fedlearn.grpc.proto.v1.UploadBegin;
import io.fedlearn.grpc.proto.v1.UploadMessage;
import io.fedlearn.grpc.proto.v1.UploadReply;
import io.fedlearn.grpc.proto.v1.UploadResume;
import io.fedlearn.grpc.proto.v1.Verdict;
import io.fedlearn.grpc.proto.v1.Welcome;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Messages of version 1 as they were stored when it was made: they are read for ever, and written again with the same bytes. New
 * files are written by {@link #main}; stored ones are never changed.
 */
class WireGoldenTest {
    private static final String FOLDER = "v1/";
    private static final Model MODEL = Model.builder()
            .trainable("layer.weight", Tensor.copyOf(new float[] {1, -2.5f, 0.1f, 1e-30f, -0f, 3e30f}, 2, 3))
            .buffer("norm.mean", Tensor.copyOf(new double[] {0.1, -1e200}))
            .counter("norm.batches", Tensor.scalar(1L << 40))
            .build();
    private static final Model SIDE =
            Model.builder().counter("c", Tensor.copyOf(new int[] {1, -1})).build();
    private static final ByteString FINGERPRINT = bytes(32, 7);

    /** A message and where it is stored. */
    record Golden(String name, MessageLite message) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static ByteString bytes(int count, int first) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) (first + 11 * i);
        }
        return ByteString.copyFrom(bytes);
    }

    static Stream<Golden> goldens() {
        return Stream.of(
                new Golden(
                        "hello",
                        client().setHello(Hello.newBuilder()
                                        .setMinVersion(1)
                                        .setMaxVersion(1)
                                        .setClientId("hospital-ä")
                                        .setInstance(bytes(16, 1))
                                        .setAttempt(300)
                                        .setSoftware("fedlearn-java 0.1.0")
                                        .addAllProperties(WireSettings.write(config()))
                                        .addCompressions(Compression.COMPRESSION_NONE)
                                        .addCompressions(Compression.COMPRESSION_ZSTD))
                                .build()),
                new Golden(
                        "welcome",
                        server().setWelcome(Welcome.newBuilder()
                                        .setVersion(1)
                                        .setSession(bytes(32, 3))
                                        .setHeartbeatMillis(10_000)
                                        .setChunkBytes(1 << 18)
                                        .setInlineBytes(1 << 15)
                                        .setCompression(Compression.COMPRESSION_ZSTD)
                                        .setSoftware("fedlearn-java 0.1.0"))
                                .build()),
                new Golden(
                        "heartbeat-of-client",
                        client().setHeartbeat(Heartbeat.newBuilder().setNumber(1L << 33))
                                .build()),
                new Golden(
                        "heartbeat-of-server",
                        server().setHeartbeat(Heartbeat.newBuilder().setNumber(1))
                                .build()),
                new Golden("offer-inline", server().setTask(offer(1 << 15)).build()),
                new Golden("offer-named", server().setTask(offer(0)).build()),
                new Golden(
                        "started",
                        client().setStarted(TaskStarted.newBuilder()
                                        .setTaskId(task().id())
                                        .setFingerprint(FINGERPRINT))
                                .build()),
                new Golden(
                        "progress",
                        client().setProgress(TaskProgress.newBuilder()
                                        .setTaskId(task().id())
                                        .setDone(3)
                                        .setTotal(1_000))
                                .build()),
                new Golden(
                        "answer-inline",
                        client().setAnswer(answer(update(), 1 << 15)).build()),
                new Golden(
                        "answer-declined",
                        client().setAnswer(answer(new ClientOutcome.Declined("not today"), 0))
                                .build()),
                new Golden(
                        "answer-failed",
                        client().setAnswer(answer(new ClientOutcome.Failed("no disk"), 0))
                                .build()),
                new Golden(
                        "cancel",
                        server().setCancel(TaskCancel.newBuilder()
                                        .setTaskId(task().id())
                                        .setReason("the task is no longer needed"))
                                .build()),
                new Golden("receipt", server().setReceipt(receipt()).build()),
                new Golden(
                        "leave",
                        client().setLeave(Leave.newBuilder().setReason("maintenance"))
                                .build()),
                new Golden(
                        "goodbye",
                        server().setGoodbye(Goodbye.newBuilder()
                                        .setCode(GoodbyeCode.GOODBYE_CODE_DRAINING)
                                        .setReason("restart")
                                        .setRetryAfterMillis(5_000))
                                .build()),
                new Golden(
                        "download-request",
                        DownloadRequest.newBuilder()
                                .setDigest(bytes(32, 9))
                                .setOffset(1L << 31)
                                .build()),
                new Golden(
                        "chunk",
                        Chunk.newBuilder()
                                .setOffset(1L << 31)
                                .setCrc32C(0xE3069283)
                                .setData(ByteString.copyFromUtf8("123456789"))
                                .build()),
                new Golden(
                        "chunk-compressed",
                        Chunk.newBuilder()
                                .setOffset(4)
                                .setCrc32C(1)
                                .setData(bytes(5, 2))
                                .setUncompressedBytes(700)
                                .build()),
                new Golden(
                        "upload-begin",
                        UploadMessage.newBuilder()
                                .setBegin(UploadBegin.newBuilder().setAnswer(answer(update(), 0)))
                                .build()),
                new Golden(
                        "upload-resume",
                        UploadReply.newBuilder()
                                .setResume(UploadResume.newBuilder().setOffset(1L << 31))
                                .build()),
                new Golden(
                        "upload-receipt",
                        UploadReply.newBuilder().setReceipt(receipt()).build()));
    }

    private static ClientMessage.Builder client() {
        return ClientMessage.newBuilder();
    }

    private static ServerMessage.Builder server() {
        return ServerMessage.newBuilder();
    }

    private static AnswerReceipt receipt() {
        return AnswerReceipt.newBuilder()
                .setTaskId(task().id())
                .setVerdict(Verdict.VERDICT_LATE)
                .setReason("the task had been given up")
                .build();
    }

    private static Config config() {
        return Config.of(Map.of("flag", true, "whole", -(1L << 40), "number", 0.1, "text", "ü \u65e5"));
    }

    private static Task task() {
        return Task.builder(TaskKind.FIT, "hospital-ä")
                .runId("heart")
                .round(12)
                .exchange(1)
                .seed(-5)
                .model(MODEL)
                .tensors("side", SIDE)
                .config(config())
                .transforms(List.of(new TransformSpec("clip", Config.empty().with("norm", 1.5))))
                .lastAcceptedRound(11)
                .keepStateSince(9)
                .timeLimit(Duration.ofSeconds(90))
                .build();
    }

    private static TaskOffer offer(int inlineBytes) {
        return WireTasks.write(task(), model -> EncodedModel.of(model).payload(inlineBytes), 1L << 33);
    }

    private static ClientOutcome update() {
        return new ClientOutcome.Completed(ClientUpdate.ofModelDelta(MODEL, 1L << 33)
                .withMetrics(Metrics.of(Map.of("loss", 0.1, "tiny", -Double.MIN_VALUE)))
                .withTensors("side", SIDE)
                .withValue("steps", 12)
                .withValue("ok", false));
    }

    private static TaskAnswer answer(ClientOutcome outcome, int inlineBytes) {
        return WireAnswers.write(
                task().id(),
                FINGERPRINT,
                outcome,
                model -> EncodedModel.of(model).payload(inlineBytes));
    }

    private static byte[] stored(String name) throws IOException {
        try (InputStream in = WireGoldenTest.class.getResourceAsStream(FOLDER + name + ".bin")) {
            return Objects.requireNonNull(in, name).readAllBytes();
        }
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void writesTheBytesOfVersion1(Golden golden) throws IOException {
        assertThat(golden.message().toByteArray()).isEqualTo(stored(golden.name()));
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void readsTheBytesOfVersion1(Golden golden) throws IOException {
        assertThat(golden.message().getParserForType().parseFrom(stored(golden.name())))
                .isEqualTo(golden.message());
    }

    @Test
    void readsTheTaskOfAStoredOffer() throws Exception {
        TaskOffer offer = ServerMessage.parseFrom(stored("offer-inline")).getTask();

        Task task = WireTasks.read(offer, "hospital-ä").build();

        assertThat(task.id()).isEqualTo("heart/12/1-fit/hospital-ä");
        assertThat(task.seed()).isEqualTo(-5);
        assertThat(task.config()).isEqualTo(config());
        assertThat(task.transforms()).isEqualTo(task().transforms());
        assertThat(task.lastAcceptedRound()).hasValue(11);
        assertThat(task.keepStateSince()).hasValue(9);
        assertThat(task.timeLimit()).contains(Duration.ofSeconds(90));
        assertThat(WireModels.readSpec("model", offer.getModel())).isEqualTo(MODEL.spec());
        assertThat(WireModels.hex(offer.getModel().getDigest())).isEqualTo(MODEL.digest());
    }

    @Test
    void readsTheUpdateOfAStoredAnswer() throws Exception {
        TaskAnswer answer = ClientMessage.parseFrom(stored("answer-inline")).getAnswer();

        ClientUpdate update = WireAnswers.read(answer.getUpdate(), List.of(MODEL, SIDE));

        assertThat(update.exampleCount()).isEqualTo(1L << 33);
        assertThat(update.metrics()).isEqualTo(Metrics.of(Map.of("loss", 0.1, "tiny", -Double.MIN_VALUE)));
        assertThat(update.values()).isEqualTo(Config.of(Map.of("steps", 12L, "ok", false)));
        assertThat(update.tensors()).containsOnlyKeys("side");
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void passesOverFieldsOfLaterVersions(Golden golden) throws InvalidProtocolBufferException {
        ByteString later = UnknownFieldSet.newBuilder()
                .addField(1_000, UnknownFieldSet.Field.newBuilder().addVarint(7).build())
                .build()
                .toByteString();

        MessageLite read = golden.message()
                .getParserForType()
                .parseFrom(golden.message().toByteString().concat(later));

        assertThat(read.toBuilder()
                        .build()
                        .toByteString()
                        .substring(0, golden.message().getSerializedSize()))
                .isEqualTo(golden.message().toByteString());
    }

    /** Writes the files that are not there yet into this folder. */
    public static void main(String[] arguments) throws IOException {
        for (Golden golden : goldens().toList()) {
            Path file = Path.of(arguments[0], golden.name() + ".bin");
            if (!Files.exists(file)) {
                Files.write(file, golden.message().toByteArray());
            }
        }
    }
}
