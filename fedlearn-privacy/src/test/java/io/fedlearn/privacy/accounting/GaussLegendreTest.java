package io.fedlearn.privacy.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class GaussLegendreTest {
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5, 8, 16})
    void integratesPolynomialsUpToTwiceItsSizeAndNoFurther(int count) {
        GaussLegendre rule = new GaussLegendre(count);
        for (int power = 0; power <= 2 * count; power++) {
            double sum = 0;
            for (int i = 0; i < count; i++) {
                sum += rule.weight(i) * Math.pow(rule.node(i), power);
            }
            if (power < 2 * count) {
                assertThat(sum).isCloseTo(1.0 / (power + 1), within(1e-15));
            } else if (count <= 5) {
                assertThat(sum).isNotCloseTo(1.0 / (power + 1), within(1e-9));
            }
        }
    }
}
