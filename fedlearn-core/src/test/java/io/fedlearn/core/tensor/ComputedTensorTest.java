package io.fedlearn.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ComputedTensorTest {
    @ParameterizedTest
    @EnumSource(TensorType.class)
    void isThatOfAllValuesRoundedAtOnce(TensorType type) {
        double[] values = new double[20_001];
        Arrays.setAll(values, i -> type == TensorType.BOOL ? i % 2 : i % 127 + (i % 3) * 0.3);

        Tensor computed = Tensor.computed(
                type, Shape.of(3, 6667), (from, block, count) -> System.arraycopy(values, (int) from, block, 0, count));

        assertThat(computed).isEqualTo(Tensor.rounded(type, Shape.of(3, 6667), values));
    }

    @ParameterizedTest
    @EnumSource(value = TensorType.class, mode = EnumSource.Mode.EXCLUDE, names = "BOOL")
    void quotientsAreRoundedToDoubleAndThenToTheType(TensorType type) {
        double[] values = new double[20_001];
        double[] quotients = new double[values.length];
        Arrays.setAll(values, i -> i == 0 ? -0.0 : i % 127 * 0.7);
        Arrays.setAll(quotients, i -> values[i] / 3);
        double[] untouched = values.clone();

        Tensor rounded = Tensor.rounded(type, Shape.of(values.length), values, 3);

        assertThat(rounded).isEqualTo(Tensor.rounded(type, Shape.of(values.length), quotients));
        assertThat(values).containsExactly(untouched);
    }

    @Test
    void mayBeEmptyOrAScalar() {
        assertThat(Tensor.computed(TensorType.FLOAT32, Shape.of(0), (from, block, count) -> block[0] = 1))
                .isEqualTo(Tensor.zeros(TensorType.FLOAT32, Shape.of(0)));
        assertThat(Tensor.computed(TensorType.FLOAT64, Shape.scalar(), (from, block, count) -> block[0] = 1))
                .isEqualTo(Tensor.scalar(1.0));
    }

    @Test
    void namesThePlaceOfAValueThatItsTypeCannotHold() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensor.computed(TensorType.INT8, Shape.of(10_000), (from, block, count) -> {
                    Arrays.fill(block, 0);
                    if (from <= 9000 && 9000 < from + count) {
                        block[(int) (9000 - from)] = 128;
                    }
                }))
                .withMessage("INT8 cannot hold the value at 9000");
    }
}
