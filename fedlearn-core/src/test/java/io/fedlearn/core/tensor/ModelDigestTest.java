package io.fedlearn.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelDigestTest {
    private static final Model MODEL = Model.builder()
            .trainable("empty before", Tensor.zeros(TensorType.FLOAT32, Shape.of(0, 3)))
            .trainable("weight", Tensor.copyOf(new float[] {1, -2, 3, 0.5f, 7, 9}, 2, 3))
            .buffer("byte", Tensor.ofIntegers(TensorType.UINT8, Shape.of(3), new long[] {1, 2, 255}))
            .counter("scalar", Tensor.scalar(12L))
            .trainable("wide", Tensor.copyOf(new double[] {Math.PI, -0.0}))
            .buffer("empty after", Tensor.zeros(TensorType.INT16, Shape.of(0)))
            .build();

    private static ByteBuffer values() {
        ByteBuffer values = ByteBuffer.allocate((int) MODEL.byteCount());
        for (Tensor tensor : MODEL.tensors()) {
            tensor.encodeTo(0, values);
        }
        return values.flip();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 7, 24, 25, 27, 1000})
    void isThatOfTheModelInWhateverPiecesValuesCome(int size) {
        ByteBuffer values = values();
        ModelDigest digest = ModelDigest.of(MODEL.spec());
        while (values.hasRemaining()) {
            int count = Math.min(size, values.remaining());
            digest.update(values.slice(values.position(), count));
            values.position(values.position() + count);
        }

        assertThat(digest.finish()).isEqualTo(MODEL.digest());
    }

    @Test
    void isThatOfAnEmptyModel() {
        assertThat(ModelDigest.of(Model.empty().spec()).finish())
                .isEqualTo(Model.empty().digest());
    }

    @Test
    void refusesMoreValuesThanTheModelHas() {
        ModelDigest digest = ModelDigest.of(MODEL.spec());
        digest.update(values());

        assertThatIllegalArgumentException().isThrownBy(() -> digest.update(ByteBuffer.allocate(1)));
    }

    @Test
    void namesTheTensorWhoseValuesAreMissing() {
        ModelDigest digest = ModelDigest.of(MODEL.spec());
        digest.update(values().limit(26));

        assertThatIllegalStateException().isThrownBy(digest::finish).withMessageContaining("'byte'");
    }
}
