package io.fedlearn.aggregators.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fedlearn.core.random.SeededRandom;
import io.fedlearn.core.task.ClientUpdate;
import io.fedlearn.core.tensor.Model;
import io.fedlearn.core.tensor.Shape;
import io.fedlearn.core.tensor.Tensor;
import io.fedlearn.core.tensor.TensorType;
import io.fedlearn.core.update.InvalidUpdateException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ReducedPrecisionTest {
    private static ReducedPrecision codec(TensorType type) {
        return type == TensorType.FLOAT16 ? ReducedPrecision.float16() : ReducedPrecision.bfloat16();
    }

    private static Tensor encoded(TensorType type, double[] values) {
        Model delta = Model.builder().trainable("w", Tensor.wrap(values)).build();
        return Codecs.encode(codec(type), ClientUpdate.ofModelDelta(delta, 1), Model.zeros(delta.spec()), 0)
                .model()
                .orElseThrow()
                .tensor("w");
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT16", "BFLOAT16"})
    void keepsEveryNumberOfItsType(TensorType type) {
        int infinity = type == TensorType.FLOAT16 ? 0x7c00 : 0x7f80;
        byte[] bytes = new byte[infinity * 4];
        for (int i = 0; i < infinity; i++) {
            bytes[4 * i] = (byte) i;
            bytes[4 * i + 1] = (byte) (i >>> 8);
            bytes[4 * i + 2] = (byte) i;
            bytes[4 * i + 3] = (byte) (i >>> 8 | 0x80);
        }
        Tensor all = Tensor.wrap(type, Shape.of(2L * infinity), bytes);
        Model delta = Model.builder()
                .trainable("w", Tensor.copyOf(all.toFloatArray()))
                .build();
        Model global = Model.zeros(delta.spec());

        ClientUpdate encoded = Codecs.encode(codec(type), ClientUpdate.ofModelDelta(delta, 1), global, 0);

        assertThat(encoded.model().orElseThrow().tensor("w")).isEqualTo(all);
        assertThat(Codecs.decode(codec(type), encoded, global).model()).contains(delta);
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT16", "BFLOAT16"})
    void roundsAsTensorsDo(TensorType type) {
        SeededRandom random = SeededRandom.of(5);
        double[] values = new double[100_000];
        for (int i = 0; i < values.length; i++) {
            double value;
            do {
                value = Double.longBitsToDouble(random.nextLong());
                // Most doubles are far outside of the range; some few bits make ties.
                value = Math.scalb(value, -Math.getExponent(value) + random.nextInt(45) - 30);
                value = random.nextInt(4) == 0 ? (float) value : value;
                value = random.nextInt(4) == 0 ? Math.rint(value * 0x1p12) * 0x1p-12 : value;
            } while (!(Math.abs(value) < 65519));
            values[i] = value;
        }

        assertThat(encoded(type, values)).isEqualTo(Tensor.rounded(type, Shape.of(values.length), values));
    }

    @ParameterizedTest
    @CsvSource({
        "FLOAT16, 65520, 65519.99999",
        "FLOAT16, -65520, -65519.99999",
        "BFLOAT16, 3.39617752923046e+38, 3.3961775292304597e+38"
    })
    void refusesWhatWouldBecomeInfinite(TensorType type, double tooLarge, double largest) {
        assertThat(encoded(type, new double[] {largest}).firstNonFinite()).isEqualTo(-1);
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> encoded(type, new double[] {1, tooLarge, 2}))
                .withMessage("tensor 'w' holds a value that is not finite or that " + type + " cannot hold");
        assertThatExceptionOfType(InvalidUpdateException.class)
                .isThrownBy(() -> encoded(type, new double[] {1, Double.NaN}));
    }
}
