package io.fedlearn.privacy.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The expected values are of mpmath, at 40 digits. */
class NormalDistributionTest {
    private static final Percentage EXACT = Percentage.withPercentage(100 * NormalDistribution.RELATIVE_ERROR);

    @ParameterizedTest
    @CsvSource({
        "-37.5, 4.6053530095819548438e-308, -707.66898931750719107",
        "-20, 2.7536241186062336951e-89, -203.91715537109726394",
        "-8.25, 7.919726314642477341e-17, -37.074589931901532919",
        "-5, 2.8665157187919391167e-7, -15.064998393988725736",
        "-3, 0.0013498980316300945267, -6.6077262215103495433",
        "-1.5, 0.066807201268858066004, -2.705944400823889807",
        "-1, 0.15865525393145705141, -1.8410216450092635058",
        "-0.5, 0.30853753872598689636, -1.1759117615936186089",
        "-0.001, 0.49960105778608893742, -0.69394538346696517877",
        "0, 0.5, -0.69314718055994530942",
        "0.1, 0.53982783727702898147, -0.61650501011502629282",
        "1, 0.84134474606854294859, -0.17275377902344988953",
        "5, 0.99999971334842812081, -2.8665161296376359338e-7",
        "9, 0.99999999999999999989, -1.1285884059538406478e-19",
    })
    void cumulativeProbabilityIsRight(double x, double cdf, double logCdf) {
        assertThat(NormalDistribution.cdf(x)).isCloseTo(cdf, EXACT);
        assertThat(NormalDistribution.logCdf(x)).isCloseTo(logCdf, EXACT);
    }

    @Test
    void logarithmOutlivesTheProbability() {
        assertThat(NormalDistribution.cdf(-40)).isZero();
        assertThat(NormalDistribution.logCdf(-40)).isCloseTo(-804.60844201375378817, EXACT);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 1, 1",
        "0.01, 0.98871658444415038285, 0.98881546104634251033",
        "0.5, 0.47950012218695346232, 0.61569034419292587487",
        "1, 0.15729920705028513066, 0.42758357615580700441",
        "2, 0.0046777349810472658379, 0.25539567631050574387",
        "5, 1.5374597944280348502e-12, 0.11070463773306862637",
        "10, 2.088487583762544757e-45, 0.056140992743822585858",
        "26, 5.6631924088561428465e-296, 0.021683584850562906616",
        "1000, 0, 0.0005641893014533876542",
        "1e8, 0, 5.6418958354775625874e-9",
        "1e16, 0, 5.641895835477562869e-17",
    })
    void complementaryErrorFunctionIsRight(double x, double erfc, double erfcx) {
        assertThat(NormalDistribution.erfc(x)).isCloseTo(erfc, EXACT);
        assertThat(NormalDistribution.erfcx(x)).isCloseTo(erfcx, EXACT);
    }

    @Test
    void functionsAreReflectedAtZero() {
        for (double x = 0.25; x < 6; x += 0.25) {
            assertThat(NormalDistribution.erfc(-x)).isCloseTo(2 - NormalDistribution.erfc(x), within(1e-15));
            assertThat(NormalDistribution.cdf(x)).isCloseTo(1 - NormalDistribution.cdf(-x), within(1e-15));
            assertThat(NormalDistribution.erfcx(-x) * Math.exp(-x * x))
                    .isCloseTo(NormalDistribution.erfc(-x), within(1e-14));
        }
    }

    @Test
    void millsRatioIsTailOverDensity() {
        for (double x = -8; x < 8; x += 0.5) {
            double expected = NormalDistribution.cdf(-x) / NormalDistribution.density(x);
            assertThat(NormalDistribution.millsRatio(x)).isCloseTo(expected, Percentage.withPercentage(1e-12));
        }
    }
}
