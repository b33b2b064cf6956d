package io.fedlearn.grpc.internal.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.ModelSpec;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorRole;
import io.fedlearn.core.tensor.TensorSpec;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.UpdateSpool;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelReceiverTest {
    /** Hands the bytes over in pieces of 1 to {@code most} bytes, some of them outside of the heap. */
    private static void feed(ModelReceiver receiver, byte[] bytes, int most) {
        SeededRandom random = SeededRandom.of(most);
        for (int at = 0; at < bytes.length; ) {
            int count = Math.min(1 + random.nextInt(most), bytes.length - at);
            ByteBuffer piece = random.nextInt(2) == 0 ? ByteBuffer.allocateDirect(count) : ByteBuffer.allocate(count);
            receiver.accept(piece.put(bytes, at, count).flip());
            at += count;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 100, 100_000})
    void decodesEveryTypeWhereverPiecesEnd(int most) throws ChunkException {
        Model model = RandomModels.ofAllTypes(most);
        ModelReceiver receiver = ModelReceiver.onHeap(model.spec(), model.digest());

        feed(receiver, RandomModels.bytes(EncodedModel.of(model)), most);

        assertThat(receiver.missing()).isZero();
        assertThat(receiver.finish()).isEqualTo(model);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 100_000})
    void writesEveryTypeToASpool(int most, @TempDir Path directory) throws ChunkException {
        Model model = RandomModels.ofAllTypes(most);
        try (UpdateSpool spool = UpdateSpool.in(directory)) {
            ModelReceiver receiver = ModelReceiver.inSpool(model.spec(), model.digest(), spool);

            feed(receiver, RandomModels.bytes(EncodedModel.of(model)), most);
            Model received = receiver.finish();

            assertThat(received).isEqualTo(model);
            assertThat(received.heapBytes()).isZero();
        }
    }

    @Test
    void refusesValuesOfAnotherDigest() {
        Model model = RandomModels.ofFloats(10, 1);
        byte[] bytes = RandomModels.bytes(EncodedModel.of(model));
        bytes[17] ^= 1;
        ModelReceiver receiver = ModelReceiver.onHeap(model.spec(), model.digest());
        feed(receiver, bytes, 8);

        assertThatThrownBy(receiver::finish)
                .isInstanceOf(ChunkException.class)
                .hasMessageContaining("announced was " + model.digest());
    }

    @Test
    void takesNoRoomForATensorWhoseValuesHaveNotBegun() throws ChunkException {
        // Larger than this JVM's heap, so that an array for it could not be made.
        ModelSpec spec = ModelSpec.of(List.of(
                new TensorSpec("small", TensorType.FLOAT32, Shape.of(2), TensorRole.TRAINABLE),
                new TensorSpec("large", TensorType.FLOAT64, Shape.of(500_000_000), TensorRole.TRAINABLE)));
        ModelReceiver receiver = ModelReceiver.onHeap(spec, "");

        receiver.accept(ByteBuffer.allocate(8));

        assertThat(receiver.offset()).isEqualTo(8);
        assertThat(receiver.missing()).isEqualTo(4_000_000_000L);
    }

    @Test
    void namesATensorThatNoArrayHolds() {
        ModelSpec fits = ModelSpec.of(
                List.of(new TensorSpec("a", TensorType.FLOAT32, Shape.of(1_000_000_000), TensorRole.TRAINABLE)));
        ModelSpec doesNot = ModelSpec.of(
                List.of(new TensorSpec("b", TensorType.INT32, Shape.of(1_000_000_000), TensorRole.BUFFER)));

        assertThat(ModelReceiver.tooLargeForHeap(fits)).isEmpty();
        assertThat(ModelReceiver.tooLargeForHeap(doesNot))
                .contains(doesNot.tensors().get(0));
    }

    @Test
    void receivesAModelWithoutValues() throws ChunkException {
        Model model = Model.builder().buffer("none", Tensor.copyOf(new int[0])).build();

        assertThat(ModelReceiver.onHeap(model.spec(), model.digest()).finish()).isEqualTo(model);
    }
}
