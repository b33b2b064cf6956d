package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.grpc.internal.wire.WireException;
import io.fedlearn.grpc.proto.v1.Compression;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EncodedModelTest {
    private static byte[] data(OutgoingChunk chunk) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        chunk.writeData(bytes);
        return bytes.toByteArray();
    }

    private static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }

    /** The values as tensors give them, without what is tested. */
    private static byte[] expected(Model model) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (Tensor tensor : model.tensors()) {
            ByteBuffer buffer = ByteBuffer.allocate((int) tensor.byteCount());
            tensor.encodeTo(0, buffer);
            bytes.writeBytes(buffer.array());
        }
        return bytes.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 10, 64, 1000, 1 << 20})
    void chunksAreTheValuesInOrder(int chunkBytes) throws IOException {
        Model model = RandomModels.ofAllTypes(chunkBytes);
        EncodedModel encoded = EncodedModel.of(model);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        for (long offset = 0; offset < encoded.byteCount(); ) {
            OutgoingChunk chunk = encoded.chunk(100, offset, chunkBytes, Compression.COMPRESSION_NONE);
            byte[] data = data(chunk);
            assertThat(chunk.offset()).isEqualTo(100 + offset);
            assertThat(chunk.crc32c()).isEqualTo(crc(data));
            assertThat(data).hasSize(chunk.count());
            bytes.writeBytes(data);
            offset += chunk.count();
        }

        assertThat(bytes.toByteArray()).isEqualTo(expected(model));
    }

    @Test
    void whoGoesOnFromWithinAChunkGetsTheRestOfIt() throws IOException {
        EncodedModel encoded = EncodedModel.of(RandomModels.ofFloats(1000, 1));

        OutgoingChunk chunk = encoded.chunk(0, 333, 256, Compression.COMPRESSION_NONE);

        assertThat(chunk.count()).isEqualTo(512 - 333);
        byte[] expected = Arrays.copyOfRange(RandomModels.bytes(encoded), 333, 512);
        assertThat(data(chunk)).isEqualTo(expected);
        assertThat(chunk.crc32c()).isEqualTo(crc(expected));
    }

    @Test
    void transfersShareACompressedChunk() {
        EncodedModel encoded =
                EncodedModel.of(Model.zeros(RandomModels.ofFloats(10_000, 1).spec()));

        OutgoingChunk one = encoded.chunk(0, 4096, 4096, Compression.COMPRESSION_ZSTD);
        OutgoingChunk other = encoded.chunk(0, 4096, 4096, Compression.COMPRESSION_ZSTD);

        assertThat(one.dataCount()).isLessThan(100);
        assertThat(other.compressed().orElseThrow().array())
                .isSameAs(one.compressed().orElseThrow().array());
    }

    @Test
    void chunksThatDoNotGetSmallerAreNotCompressed() {
        byte[] noise = new byte[5000];
        new Random(1).nextBytes(noise);
        Model model = Model.builder()
                .buffer("noise", Tensor.wrap(TensorType.UINT8, Shape.of(noise.length), noise))
                .build();

        OutgoingChunk chunk = EncodedModel.of(model).chunk(0, 0, 4096, Compression.COMPRESSION_ZSTD);

        assertThat(chunk.compressed()).isEmpty();
        assertThat(chunk.dataCount()).isEqualTo(4096);
    }

    @Test
    void inlinePayloadsCarryAllValuesAndAreReadBack() throws WireException {
        Model model = RandomModels.ofAllTypes(9);
        EncodedModel encoded = EncodedModel.of(model);

        assertThat(EncodedModel.decode("model", encoded.payload((int) encoded.byteCount())))
                .isEqualTo(model);
        assertThat(encoded.payload((int) encoded.byteCount() - 1).hasValues()).isFalse();
    }

    @Test
    void refusesAPayloadWhoseValuesAreNotItsModel() {
        EncodedModel encoded = EncodedModel.of(RandomModels.ofFloats(2, 1));
        ByteString values = ByteString.copyFrom(RandomModels.bytes(encoded));

        assertThatThrownBy(() -> EncodedModel.decode("model", encoded.description()))
                .isInstanceOf(WireException.class)
                .hasMessage("model: has 16 bytes of values, the payload carries 0");
        assertThatThrownBy(() -> EncodedModel.decode(
                        "model",
                        encoded.description().toBuilder()
                                .setValues(values.substring(1).concat(values.substring(0, 1)))
                                .build()))
                .isInstanceOf(WireException.class)
                .hasMessageContaining("digest");
    }
}
