package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.grpc.proto.v1.Chunk;
import io.fedlearn.grpc.proto.v1.Compression;
import io.fedlearn.grpc.proto.v1.TaskAnswer;
import io.fedlearn.grpc.proto.v1.UploadBegin;
import io.fedlearn.grpc.proto.v1.UploadMessage;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class FrameMarshallerTest {
    /** 1.0, -2.0 and 0.5 as float32. */
    private static final EncodedModel THREE = EncodedModel.of(Model.builder()
            .trainable("w", Tensor.copyOf(new float[] {1f, -2f, 0.5f}))
            .build());

    private static byte[] drained(FrameMarshaller marshaller, TransferFrame frame) throws IOException {
        InputStream stream = marshaller.stream(frame);
        if (!(stream instanceof Drainable)) {
            return stream.readAllBytes();
        }
        int announced = ((KnownLength) stream).available();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        assertThat(((Drainable) stream).drainTo(bytes)).isEqualTo(announced);
        assertThat(bytes.size()).isEqualTo(announced);
        assertThat(stream.available()).isZero();
        return bytes.toByteArray();
    }

    private static TransferFrame parse(FrameMarshaller marshaller, byte[] bytes) {
        return marshaller.parse(new ByteArrayInputStream(bytes));
    }

    private static ByteString data(IncomingChunk chunk) {
        ByteString data = ByteString.EMPTY;
        for (ByteBuffer part : chunk.data()) {
            data = data.concat(ByteString.copyFrom(part.duplicate()));
        }
        return data;
    }

    private static Chunk generated(OutgoingChunk chunk) throws IOException {
        ByteString.Output data = ByteString.newOutput();
        chunk.writeData(data);
        Chunk.Builder message = Chunk.newBuilder()
                .setOffset(chunk.offset())
                .setCrc32C(chunk.crc32c())
                .setData(data.toByteString());
        if (chunk.compressed().isPresent()) {
            message.setUncompressedBytes(chunk.count());
        }
        return message.build();
    }

    @Test
    void chunksOfProtocolVersion1() throws IOException {
        OutgoingChunk first = THREE.chunk(0, 0, 1024, Compression.COMPRESSION_NONE);
        OutgoingChunk later = THREE.chunk(300, 8, 1024, Compression.COMPRESSION_NONE);

        assertThat(HexFormat.of().formatHex(drained(FrameMarshaller.CHUNK, first)))
                .isEqualTo("15" + "f29c7386" + "1a0c" + "0000803f000000c00000003f");
        assertThat(HexFormat.of().formatHex(drained(FrameMarshaller.CHUNK, later)))
                .isEqualTo("08b402" + "15" + "523e9726" + "1a04" + "0000003f");
        assertThat(HexFormat.of().formatHex(drained(FrameMarshaller.UPLOAD, later)))
                .isEqualTo("120e" + "08b402" + "15" + "523e9726" + "1a04" + "0000003f");
    }

    @Test
    void beginOfProtocolVersion1() throws IOException {
        TaskAnswer answer = TaskAnswer.newBuilder().setTaskId("run/1/1-fit/a").build();
        String golden = "0a110a0f0a0d72756e2f312f312d6669742f61";

        assertThat(HexFormat.of().formatHex(drained(FrameMarshaller.UPLOAD, new TransferFrame.Begin(answer))))
                .isEqualTo(golden);
        assertThat(parse(FrameMarshaller.UPLOAD, HexFormat.of().parseHex(golden)))
                .isEqualTo(new TransferFrame.Begin(answer));
    }

    @Test
    void readsAChunkOfProtocolVersion1() {
        byte[] golden = HexFormat.of().parseHex("08ac0215040302011a03aabbcc20ff01");

        IncomingChunk chunk = (IncomingChunk) parse(FrameMarshaller.CHUNK, golden);

        assertThat(chunk.offset()).isEqualTo(300);
        assertThat(chunk.crc32c()).isEqualTo(0x01020304);
        assertThat(data(chunk)).isEqualTo(ByteString.copyFrom(new byte[] {(byte) 0xaa, (byte) 0xbb, (byte) 0xcc}));
        assertThat(chunk.uncompressedBytes()).hasValue(255);
    }

    @Test
    void writesWhatTheGeneratedClassesWrite() throws IOException {
        EncodedModel random = EncodedModel.of(RandomModels.ofFloats(50_000, 3));
        EncodedModel zeros = EncodedModel.of(Model.zeros(random.model().spec()));
        for (EncodedModel model : new EncodedModel[] {random, zeros}) {
            for (Compression compression :
                    new Compression[] {Compression.COMPRESSION_NONE, Compression.COMPRESSION_ZSTD}) {
                for (long shift : new long[] {0, 127, 1L << 40}) {
                    OutgoingChunk chunk = model.chunk(shift, 0, 100_000, compression);
                    Chunk expected = generated(chunk);

                    assertThat(drained(FrameMarshaller.CHUNK, chunk)).isEqualTo(expected.toByteArray());
                    assertThat(drained(FrameMarshaller.UPLOAD, chunk))
                            .isEqualTo(UploadMessage.newBuilder()
                                    .setChunk(expected)
                                    .build()
                                    .toByteArray());
                    assertThat(FrameMarshaller.CHUNK.stream(chunk).readAllBytes())
                            .isEqualTo(expected.toByteArray());
                }
            }
        }
    }

    @Test
    void readsWhatTheGeneratedClassesWrite() {
        SeededRandom random = SeededRandom.of(4);
        for (int i = 0; i < 200; i++) {
            Chunk.Builder message = Chunk.newBuilder()
                    .setOffset(random.nextLong() >>> random.nextInt(64))
                    .setCrc32C(random.nextInt(3) == 0 ? 0 : (int) random.nextLong())
                    .setData(ByteString.copyFrom(new byte[random.nextInt(300)]));
            if (random.nextInt(2) == 0) {
                message.setUncompressedBytes((int) random.nextLong() >>> random.nextInt(32));
            }
            Chunk chunk = message.build();

            for (TransferFrame frame : new TransferFrame[] {
                parse(FrameMarshaller.CHUNK, chunk.toByteArray()),
                parse(
                        FrameMarshaller.UPLOAD,
                        UploadMessage.newBuilder().setChunk(chunk).build().toByteArray())
            }) {
                IncomingChunk read = (IncomingChunk) frame;
                assertThat(read.offset()).isEqualTo(chunk.getOffset());
                assertThat(read.crc32c()).isEqualTo(chunk.getCrc32C());
                assertThat(data(read)).isEqualTo(chunk.getData());
                assertThat(read.uncompressedBytes().isPresent()).isEqualTo(chunk.hasUncompressedBytes());
                assertThat(read.uncompressedBytes().orElse(0)).isEqualTo(chunk.getUncompressedBytes());
            }
        }
    }

    @Test
    void ignoresFieldsThatItDoesNotKnow() {
        UnknownFieldSet.Field every = UnknownFieldSet.Field.newBuilder()
                .addVarint(-1)
                .addFixed32(1)
                .addFixed64(2)
                .addLengthDelimited(ByteString.copyFromUtf8("text"))
                .addGroup(UnknownFieldSet.newBuilder()
                        .addField(
                                9,
                                UnknownFieldSet.Field.newBuilder().addVarint(5).build())
                        .build())
                .build();
        UnknownFieldSet unknown =
                UnknownFieldSet.newBuilder().addField(1000, every).build();
        Chunk chunk = Chunk.newBuilder()
                .setOffset(7)
                .setData(ByteString.copyFromUtf8("data"))
                .setUnknownFields(unknown)
                .build();

        IncomingChunk read = (IncomingChunk) parse(
                FrameMarshaller.UPLOAD,
                UploadMessage.newBuilder()
                        .setChunk(chunk)
                        .setUnknownFields(unknown)
                        .build()
                        .toByteArray());

        assertThat(read.offset()).isEqualTo(7);
        assertThat(data(read).toStringUtf8()).isEqualTo("data");
    }

    @Test
    void ofAMessageThatIsBothTheLastCounts() {
        UploadMessage begin = UploadMessage.newBuilder()
                .setBegin(UploadBegin.getDefaultInstance())
                .build();
        UploadMessage chunk =
                UploadMessage.newBuilder().setChunk(Chunk.getDefaultInstance()).build();

        assertThat(parse(
                        FrameMarshaller.UPLOAD,
                        begin.toByteString().concat(chunk.toByteString()).toByteArray()))
                .isInstanceOf(IncomingChunk.class);
        assertThat(parse(
                        FrameMarshaller.UPLOAD,
                        chunk.toByteString().concat(begin.toByteString()).toByteArray()))
                .isInstanceOf(TransferFrame.Begin.class);
    }

    @Test
    void tellsWhatIsNoMessageWithoutThrowing() {
        String[] hostile = {
            // A length beyond the message, of 2^31 and of 2^63; a field cut short; a varint without end.
            "1a05aabb",
            "1a8080808008",
            "1affffffffffffffff7f",
            "15aabb",
            "08ffffffffffffffffffffff",
            // Field number 0, wire types 4, 6 and 7, groups that do not end or are nested deeply.
            "00",
            "0c",
            "0e",
            "0f",
            "4b",
            "4b".repeat(200)
        };
        for (String hex : hostile) {
            byte[] bytes = HexFormat.of().parseHex(hex);

            assertThat(parse(FrameMarshaller.CHUNK, bytes)).as(hex).isInstanceOf(TransferFrame.Malformed.class);
            assertThat(parse(FrameMarshaller.UPLOAD, bytes)).as(hex).isInstanceOf(TransferFrame.Malformed.class);
        }
        assertThat(parse(FrameMarshaller.UPLOAD, new byte[0])).isInstanceOf(TransferFrame.Malformed.class);
        assertThat(parse(FrameMarshaller.UPLOAD, HexFormat.of().parseHex("0a020a05")))
                .isInstanceOf(TransferFrame.Malformed.class);
    }

    @Test
    void neverThrowsWhateverTheBytes() {
        SeededRandom random = SeededRandom.of(5);
        byte[] whole = UploadMessage.newBuilder()
                .setChunk(Chunk.newBuilder().setOffset(9).setCrc32C(8).setData(ByteString.copyFrom(new byte[40])))
                .build()
                .toByteArray();
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = whole.clone();
            for (int j = 0; j <= random.nextInt(3); j++) {
                bytes[random.nextInt(Math.min(12, bytes.length))] = (byte) random.nextLong();
            }

            assertThat(parse(FrameMarshaller.UPLOAD, bytes)).isNotNull();
            assertThat(parse(FrameMarshaller.CHUNK, bytes)).isNotNull();
        }
    }
}
