package io.fedlearn.privacy.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The expected values are of mpmath, at 40 digits; Google's dp_accounting 0.6.0 agrees within 1e-12. */
class AnalyticGaussianTest {
    private static final Percentage GOLDEN = Percentage.withPercentage(100 * 1e-10);

    @ParameterizedTest
    @CsvSource({
        "0.1, 1e-5, 30.7495661319774485",
        "0.5, 1e-5, 7.0318266755824914",
        "1, 1e-5, 3.73063163481594181",
        "1, 1e-9, 5.49526615723829618",
        "2, 1e-5, 1.99381244564353668",
        "5, 1e-5, 0.891868264951518029",
        "10, 1e-8, 0.615846355760121794",
        "50, 1e-6, 0.15659287039176195",
        "0, 0.001, 398.942175958557816",
    })
    void noiseMultiplierIsTheLeast(double epsilon, double privacyDelta, double expected) {
        double noiseMultiplier = AnalyticGaussian.noiseMultiplier(epsilon, privacyDelta);

        assertThat(noiseMultiplier).isGreaterThanOrEqualTo(expected).isCloseTo(expected, GOLDEN);
        assertThat(AnalyticGaussian.epsilon(noiseMultiplier, privacyDelta)).isLessThanOrEqualTo(epsilon);
        assertThat(AnalyticGaussian.privacyDelta(noiseMultiplier, epsilon)).isLessThanOrEqualTo(privacyDelta);
    }

    @ParameterizedTest
    @CsvSource({
        "0.3, 1e-5, 19.1307678343619247",
        "1, 1e-5, 4.37717809568122461",
        "5, 1e-6, 0.834117548624052347",
        "100, 1e-5, 0.0272194198145771353",
    })
    void epsilonIsTheLeast(double noiseMultiplier, double privacyDelta, double expected) {
        assertThat(AnalyticGaussian.epsilon(noiseMultiplier, privacyDelta))
                .isGreaterThanOrEqualTo(expected)
                .isCloseTo(expected, GOLDEN);
    }

    @ParameterizedTest
    @CsvSource({
        "1.0e-3, 500100.0, 0.459775250263603658",
        "0.01, 5000.0, 0.49601097601864236",
        "0.10000000000000001, 40.0, 0.814779437760081633",
        "0.10000000000000001, 90.0, 0.0000221599838245895671",
        "0.5, 0.0, 0.682689492137085897",
        "0.5, 3.0, 0.183813076544472156",
        "0.5, 30.0, 9.66210668297518024e-46",
        "1.0, 1.0, 0.126936737506643946",
        "2.0, 0.5, 0.0524403232876696617",
        "3.0, 2.0, 1.39811249794907646e-10",
        "10.0, 0.0, 0.0398776116767449232",
        "10.0, 0.01, 0.035252970759279496",
        "10.0, 3.0, 7.30480610175430978e-200",
        "100.0, 0.01, 0.000837324267477342295",
        "100.0, 0.29999999999999999, 1.89603956793894798e-201",
        "1.0e+4, 9.9999999999999995e-7, 0.0000393962424164190075",
        "1.0e+4, 0.001, 7.47829846001952735e-29",
        "1.0e+6, 0.0, 3.98942280401416055e-7",
    })
    void deltaIsTheLeast(double noiseMultiplier, double epsilon, double expected) {
        assertThat(AnalyticGaussian.privacyDelta(noiseMultiplier, epsilon))
                .isGreaterThanOrEqualTo(expected)
                .isCloseTo(expected, GOLDEN);
    }

    @Test
    void formsAgreeWhereTheyMeet() {
        // 1/(2z) on both sides of 1/4.
        for (double epsilon = 0; epsilon < 10; epsilon += 0.1) {
            double before = AnalyticGaussian.privacyDelta(Math.nextDown(2.0), epsilon);
            double after = AnalyticGaussian.privacyDelta(Math.nextUp(2.0), epsilon);
            assertThat(before).isCloseTo(after, Percentage.withPercentage(1e-8));
        }
    }

    @Test
    void moreNoiseOrMoreEpsilonNeverCostsMoreDelta() {
        for (double z = 1e-3; z < 1e4; z *= 1.7) {
            for (double epsilon = 1e-3; epsilon < 1e4; epsilon *= 1.7) {
                double delta = AnalyticGaussian.privacyDelta(z, epsilon);
                assertThat(delta).isBetween(Double.MIN_VALUE, 1.0);
                assertThat(AnalyticGaussian.privacyDelta(1.01 * z, epsilon)).isLessThanOrEqualTo(delta);
                assertThat(AnalyticGaussian.privacyDelta(z, 1.01 * epsilon)).isLessThanOrEqualTo(delta);
            }
        }
    }

    @Test
    void extremesStayBounds() {
        assertThat(AnalyticGaussian.privacyDelta(1e-300, 1)).isEqualTo(1);
        assertThat(AnalyticGaussian.privacyDelta(1e6, 1e6)).isPositive().isLessThan(1e-300);
        assertThat(AnalyticGaussian.epsilon(1, 0)).isInfinite();
        assertThat(AnalyticGaussian.epsilon(1e3, 0.5)).isZero();
        assertThat(AnalyticGaussian.epsilon(1e-3, 1e-5)).isBetween(500_000.0, 510_000.0);
        assertThat(AnalyticGaussian.noiseMultiplier(1e-6, 1e-15)).isPositive().isFinite();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void rejectsNoiseMultiplierThatIsNone(double noiseMultiplier) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AnalyticGaussian.privacyDelta(noiseMultiplier, 1))
                .withMessage("noiseMultiplier must be > 0 and finite, was " + noiseMultiplier);
        assertThatIllegalArgumentException().isThrownBy(() -> AnalyticGaussian.epsilon(noiseMultiplier, 1e-5));
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
    void rejectsEpsilonThatIsNone(double epsilon) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AnalyticGaussian.noiseMultiplier(epsilon, 1e-5))
                .withMessage("epsilon must be >= 0 and finite, was " + epsilon);
        assertThatIllegalArgumentException().isThrownBy(() -> AnalyticGaussian.privacyDelta(1, epsilon));
    }

    @ParameterizedTest
    @ValueSource(doubles = {-1e-9, 1, 2, Double.NaN})
    void rejectsDeltaThatIsNone(double privacyDelta) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AnalyticGaussian.epsilon(1, privacyDelta))
                .withMessage("privacyDelta must be in [0, 1), was " + privacyDelta);
        assertThatIllegalArgumentException().isThrownBy(() -> AnalyticGaussian.noiseMultiplier(1, privacyDelta));
    }
}
