package io.fedlearn.grpc.internal.transfer;

import com.github.luben.zstd.Zstd;
import com.google.protobuf.ByteString;
import io.fedlearn.core.task.ClientOutcome;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.internal.wire.WireAnswers;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.proto.v1.Chunk;
import io.fedlearn.grpc.proto.v1.UploadBegin;
import io.fedlearn.grpc.proto.v1.UploadMessage;
import io.fedlearn.testkit.fuzz.DecoderFuzz;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/** What receives an answer's values, as a fuzzer calls it. */
public final class TransferFuzz {
    private static final int MIB = 1 << 20;

    private static final int CHUNK_BYTES = 96;
    private static final Model MODEL = Model.builder()
            .trainable("w", Tensor.zeros(TensorType.FLOAT32, Shape.of(4, 7)))
            .buffer("m", Tensor.copyOf(new double[] {0.5}))
            .counter("n", Tensor.scalar(4L))
            .build();

    private TransferFuzz() {}

    private static Chunk chunk(long offset, byte[] values, boolean isCompressed) {
        CRC32C checksum = new CRC32C();
        checksum.update(values);
        Chunk.Builder chunk = Chunk.newBuilder().setOffset(offset).setCrc32C((int) checksum.getValue());
        return isCompressed
                ? chunk.setData(ByteString.copyFrom(Zstd.compress(values)))
                        .setUncompressedBytes(values.length)
                        .build()
                : chunk.setData(ByteString.copyFrom(values)).build();
    }

    /** An upload: messages, each after its length in two bytes. The arrays of one answer are bounded by its limit. */
    public static final class Upload {
        /** What it promises. */
        public static final DecoderFuzz FUZZ =
                DecoderFuzz.of(Upload::decode, List.of(WireException.class, ChunkException.class), 4 * MIB, 2048);

        private Upload() {}

        /** An answer of two models in three chunks, and the same compressed. */
        public static List<byte[]> seeds() {
            return List.of(upload(false), upload(true));
        }

        private static byte[] upload(boolean isCompressed) {
            ByteArrayOutputStream stream = new ByteArrayOutputStream();
            add(
                    UploadMessage.newBuilder()
                            .setBegin(UploadBegin.newBuilder()
                                    .setAnswer(WireAnswers.write(
                                            "run/1/0-fit/client",
                                            ByteString.copyFromUtf8("fingerprint"),
                                            new ClientOutcome.Completed(ClientUpdate.ofModel(MODEL, 7)
                                                    .withTensors("control", MODEL)),
                                            model -> EncodedModel.of(model).payload(0))))
                            .build(),
                    stream);
            byte[] values = EncodedModel.of(MODEL).payload(1 << 16).getValues().toByteArray();
            byte[] both = Arrays.copyOf(values, 2 * values.length);
            System.arraycopy(values, 0, both, values.length, values.length);
            for (int at = 0; at < both.length; at += CHUNK_BYTES) {
                add(
                        UploadMessage.newBuilder()
                                .setChunk(chunk(
                                        at,
                                        Arrays.copyOfRange(both, at, Math.min(both.length, at + CHUNK_BYTES)),
                                        isCompressed))
                                .build(),
                        stream);
            }
            return stream.toByteArray();
        }

        private static void add(UploadMessage message, ByteArrayOutputStream stream) {
            byte[] bytes = message.toByteArray();
            stream.write(bytes.length >> 8);
            stream.write(bytes.length);
            stream.writeBytes(bytes);
        }

        private static void decode(byte[] input) throws Exception {
            ByteBuffer rest = ByteBuffer.wrap(input);
            Optional<AnswerReceiver> receiver = Optional.empty();
            long call = 0;
            while (rest.remaining() >= Short.BYTES) {
                byte[] message = new byte[Math.min(Short.toUnsignedInt(rest.getShort()), rest.remaining())];
                rest.get(message);
                TransferFrame frame = FrameMarshaller.UPLOAD.parse(new ByteArrayInputStream(message));
                if (frame instanceof TransferFrame.Begin begin && receiver.isEmpty()) {
                    receiver = Optional.of(
                            AnswerReceiver.of(begin.answer(), MIB, HeapBudget.of(4 * MIB), Optional.empty()));
                    call = receiver.get().claim();
                } else if (frame instanceof IncomingChunk chunk) {
                    try (chunk) {
                        ReceivedChunk values = chunk.values(1 << 16, true);
                        if (receiver.isPresent()) {
                            receiver.get().accept(call, values);
                        }
                    }
                }
                if (receiver.isPresent() && receiver.get().isComplete()) {
                    receiver.get().update();
                }
            }
        }

        /** Called by the fuzzer. */
        public static void fuzzerTestOneInput(byte[] input) {
            FUZZ.check(input);
        }
    }

    /** A message of a download. */
    public static final class Download {
        /** What it promises. */
        public static final DecoderFuzz FUZZ =
                DecoderFuzz.of(Download::decode, List.of(ChunkException.class), MIB, 512);

        private Download() {}

        /** A chunk, and one that is compressed. */
        public static List<byte[]> seeds() {
            byte[] values = new byte[CHUNK_BYTES];
            return List.of(
                    chunk(0, values, false).toByteArray(),
                    chunk(64, values, true).toByteArray());
        }

        private static void decode(byte[] input) throws Exception {
            if (FrameMarshaller.CHUNK.parse(new ByteArrayInputStream(input)) instanceof IncomingChunk chunk) {
                try (chunk) {
                    chunk.values(1 << 16, true).verify();
                }
            }
        }

        /** Called by the fuzzer. */
        public static void fuzzerTestOneInput(byte[] input) {
            FUZZ.check(input);
        }
    }
}
