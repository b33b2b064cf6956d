package io.fedlearn.privacy.central;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClippingGridTest {
    @ParameterizedTest
    @ValueSource(doubles = {0x1p-100, 1e-7, 0.1, 1, 1.0000000000000002, 1.9999999999999998, 2, 3.7, 1e9, 0x1p100})
    void radiusIsAllOfTheNormThatWholeStepsHold(double norm) {
        ClippingGrid grid = ClippingGrid.of(norm);
        assertThat(grid.radius()).isBetween(1L << 25, (1L << 26) - 1);
        assertThat(grid.norm()).isLessThanOrEqualTo(norm);
        assertThat(grid.norm() + grid.step()).isGreaterThan(norm);
        assertThat(Math.scalb(1.0, Math.getExponent(grid.step()))).isEqualTo(grid.step());
    }

    @Test
    void holdsTheRadiusAndNotTheLeastBitMore() {
        ClippingGrid grid = ClippingGrid.of(Math.nextDown(2.0));
        double squares = (double) grid.radius() * grid.radius();
        assertThat(grid.holds(squares)).isTrue();
        assertThat(grid.holds(squares + 1)).isFalse();
        assertThat(grid.holds(Double.NaN)).isFalse();
    }

    @Test
    void shortVectorsAreNotScaled() {
        ClippingGrid grid = ClippingGrid.of(0.3);
        assertThat(grid.scale(0)).isEqualTo(1 / grid.step());
        assertThat(grid.scale(0.29999)).isEqualTo(1 / grid.step());
        assertThat(grid.scale(3) * 3).isBetween(grid.radius() * (1 - 1e-6), (double) grid.radius());
    }
}
