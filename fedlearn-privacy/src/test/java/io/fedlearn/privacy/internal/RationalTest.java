package io.fedlearn.privacy.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RationalTest {
    private static Rational of(long numerator, long denominator) {
        return new Rational(BigInteger.valueOf(numerator), BigInteger.valueOf(denominator));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1, -2.5, 0.1, 1e300, 3e-310, Double.MIN_VALUE, Double.MAX_VALUE})
    void isTheDoubleExactly(double value) {
        Rational exact = Rational.of(value);

        assertThat(exact.denominator().bitCount()).isEqualTo(1);
        int shift = exact.denominator().bitLength() - 1;
        // In two steps, of which neither underflows before the end.
        double back = Math.scalb(Math.scalb(exact.numerator().doubleValue(), -(shift / 2)), -(shift - shift / 2));
        assertThat(back).isEqualTo(value);
    }

    @Test
    void isInLowestTerms() {
        assertThat(of(6, 4)).isEqualTo(of(3, 2));
        assertThat(of(3, 2).multiply(of(4, 9))).isEqualTo(of(2, 3));
        assertThat(of(3, 2).divide(of(9, 4))).isEqualTo(of(2, 3));
        assertThat(of(0, 5)).isEqualTo(of(0, 1));
    }

    @Test
    void rejectsWhatIsNone() {
        assertThatIllegalArgumentException().isThrownBy(() -> Rational.of(Double.NaN));
        assertThatIllegalArgumentException().isThrownBy(() -> Rational.of(Double.POSITIVE_INFINITY));
        assertThatIllegalArgumentException().isThrownBy(() -> of(1, 0));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CoinSampler.nextExpBernoulli(NoiseSource.secure(), of(-1, 2)))
                .withMessageStartingWith("exponent must be >= 0");
    }
}
