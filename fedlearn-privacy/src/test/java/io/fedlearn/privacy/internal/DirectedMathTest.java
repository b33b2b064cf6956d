package io.fedlearn.privacy.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DirectedMathTest {
    private static final MathContext CONTEXT = MathContext.DECIMAL32;

    @ParameterizedTest
    @CsvSource({
        "1, 2.718281828459045235360287471352662497757247093699959574966967627724",
        "0.3, 1.349858807576003103983744313328007330378299697359365803049917822708",
        "20, 485165195.4097902779691068305415405586846389889448472543536108003160",
    })
    void exponentialIsEnclosed(BigDecimal x, BigDecimal expected) {
        for (int digits = 5; digits < 60; digits += 9) {
            BigDecimal low = DirectedMath.down(digits).exp(x);
            BigDecimal high = DirectedMath.up(digits).exp(x);
            assertThat(low).isLessThan(expected);
            assertThat(high).isGreaterThan(expected);
            BigDecimal width = high.subtract(low).divide(low, CONTEXT);
            assertThat(width).isLessThan(BigDecimal.ONE.movePointLeft(digits - 5));
        }
    }

    @Test
    void exponentialOfZeroIsOne() {
        assertThat(DirectedMath.down(30).exp(BigDecimal.ZERO)).isEqualByComparingTo(BigDecimal.ONE);
        assertThat(DirectedMath.up(30).exp(BigDecimal.ZERO)).isEqualByComparingTo(BigDecimal.ONE);
    }
}
