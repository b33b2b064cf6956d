package io.fedlearn.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ShapeTest {
    @Test
    void countsElements() {
        assertThat(Shape.of(2, 3, 4).elementCount()).isEqualTo(24);
        assertThat(Shape.of(2, 3, 4)).hasToString("2x3x4");
        assertThat(Shape.scalar().elementCount()).isEqualTo(1);
        assertThat(Shape.scalar().rank()).isZero();
        assertThat(Shape.scalar()).hasToString("scalar").isEqualTo(Shape.of());
    }

    @Test
    void isEmptyWithOneLengthOfZeroHoweverLargeTheOthers() {
        assertThat(Shape.of(Long.MAX_VALUE, Long.MAX_VALUE, 0).elementCount()).isZero();
    }

    @Test
    void isNotChangedThroughItsArrays() {
        long[] lengths = {2, 3};
        Shape shape = Shape.of(lengths);

        lengths[0] = 9;
        shape.lengths()[1] = 9;

        assertThat(shape).isEqualTo(Shape.of(2, 3)).hasSameHashCodeAs(Shape.of(2, 3));
        assertThat(shape.length(1)).isEqualTo(3);
    }

    @Test
    void distinguishesShapesOfEquallyManyElements() {
        assertThat(Shape.of(6)).isNotEqualTo(Shape.of(6, 1)).isNotEqualTo(Shape.of(2, 3));
        assertThat(Shape.of(1)).isNotEqualTo(Shape.scalar());
    }

    @Test
    void refusesImpossibleLengths() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Shape.of(3, -1))
                .withMessage("lengths must be >= 0, were [3, -1]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Shape.of(1L << 32, 1L << 31))
                .withMessageStartingWith("the number of elements must fit a long");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Shape.of(new long[33]))
                .withMessage("rank must be <= 32, was 33");
        assertThat(Shape.of(new long[32]).rank()).isEqualTo(32);
    }
}
