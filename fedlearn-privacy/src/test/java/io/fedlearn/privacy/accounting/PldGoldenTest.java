package io.fedlearn.privacy.accounting;

import static io.fedlearn.privacy.accounting.NeighboringRelation.ADD_OR_REMOVE_ONE;
import static io.fedlearn.privacy.accounting.NeighboringRelation.REPLACE_SPECIAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class PldGoldenTest {
    /** By how much of it epsilon may be larger where the interval is chosen than at any interval. */
    private static final double CHOSEN = 5e-5;

    private static PldAccountant accountant(PrivacyEvent event, long steps) {
        return PldAccountant.of(ADD_OR_REMOVE_ONE).compose(event, steps);
    }

    private static PrivacyEvent sampled(double rate, PrivacyEvent event) {
        return new PrivacyEvent.PoissonSampled(rate, event);
    }

    static Stream<Golden> sampledGaussians() {
        return Golden.rows("pld-sampled-gaussian").stream();
    }

    @ParameterizedTest
    @MethodSource("sampledGaussians")
    void agreesOnSampledGaussians(Golden row) {
        PldAccountant accountant =
                accountant(sampled(row.get("q"), new PrivacyEvent.Gaussian(row.get("sigma"))), row.whole("steps"));
        double reference = row.get("epsilon");
        double epsilon = accountant.withInterval(row.get("interval")).epsilon(row.get("delta"));
        assertThat(epsilon).isCloseTo(reference, within(row.get("tolerance")));
        double chosen = accountant.epsilon(row.get("delta"));
        assertThat(chosen).isBetween(row.get("lower"), row.get("upper")).isLessThan(reference * (1 + CHOSEN));
        assertThat(accountant.privacyDelta(chosen)).isLessThanOrEqualTo(row.get("delta") * (1 + 1e-6));
    }

    static Stream<Golden> laplace() {
        return Golden.rows("pld-laplace").stream();
    }

    @ParameterizedTest
    @MethodSource("laplace")
    void agreesOnLaplace(Golden row) {
        PldAccountant accountant =
                accountant(sampled(row.get("q"), new PrivacyEvent.Laplace(row.get("scale"))), row.whole("steps"));
        assertThat(accountant.withInterval(row.get("interval")).epsilon(row.get("delta")))
                .isCloseTo(row.get("epsilon"), within(1e-6));
        assertThat(accountant.epsilon(row.get("delta"))).isBetween(row.get("lower"), row.get("epsilon") * (1 + CHOSEN));
    }

    static Stream<Golden> discreteLaplace() {
        return Golden.rows("pld-discrete-laplace").stream();
    }

    @ParameterizedTest
    @MethodSource("discreteLaplace")
    void agreesOnDiscreteLaplace(Golden row) {
        PldAccountant accountant = accountant(
                new PrivacyEvent.DiscreteLaplace(1 / row.get("a"), row.whole("sensitivity")), row.whole("steps"));
        assertThat(accountant.withInterval(row.get("interval")).epsilon(row.get("delta")))
                .isCloseTo(row.get("epsilon"), within(1e-6));
        assertThat(accountant.epsilon(row.get("delta"))).isCloseTo(row.get("epsilon"), within(1e-8));
    }

    static Stream<Golden> discreteGaussians() {
        return Golden.rows("pld-discrete-gaussian").stream();
    }

    @ParameterizedTest
    @MethodSource("discreteGaussians")
    void agreesOnDiscreteGaussians(Golden row) {
        PldAccountant accountant = accountant(
                new PrivacyEvent.DiscreteGaussian(row.get("sigma"), row.whole("sensitivity")), row.whole("steps"));
        assertThat(accountant.withInterval(row.get("interval")).epsilon(row.get("delta")))
                .isLessThanOrEqualTo(row.get("epsilon") + 1e-6)
                .isBetween(row.get("exact") * (1 - 1e-12), row.get("exact") + 1e-8);
        assertThat(accountant.epsilon(row.get("delta")))
                .isBetween(row.get("exact") * (1 - 1e-12), row.get("exact") * (1 + CHOSEN));
    }

    static Stream<Golden> calibrations() {
        return Golden.rows("pld-calibration").stream();
    }

    @ParameterizedTest
    @MethodSource("calibrations")
    void findsTheSameNoiseForATarget(Golden row) {
        double noise = Calibration.of(AccountingMethod.PLD, ADD_OR_REMOVE_ONE, row.get("epsilon"), row.get("delta"))
                .noiseMultiplier(z -> new PrivacyEvent.Repeated(
                        row.whole("steps"), sampled(row.get("q"), new PrivacyEvent.Gaussian(z))));
        assertThat(noise).isCloseTo(row.get("noiseMultiplier"), within(1e-4 * row.get("noiseMultiplier")));
        assertThat(accountant(sampled(row.get("q"), new PrivacyEvent.Gaussian(noise)), row.whole("steps"))
                        .epsilon(row.get("delta")))
                .isLessThanOrEqualTo(row.get("epsilon"));
    }

    static Stream<Golden> trees() {
        return Golden.rows("pld-tree").stream();
    }

    @ParameterizedTest
    @MethodSource("trees")
    void takesATreeForAGaussian(Golden row) {
        PrivacyEvent tree =
                new PrivacyEvent.TreeAggregation(row.get("noiseMultiplier"), row.whole("steps"), 1, row.whole("steps"));
        assertThat(PldAccountant.of(REPLACE_SPECIAL).compose(tree).epsilon(row.get("delta")))
                .isBetween(row.get("epsilon") * (1 - 1e-9), row.get("epsilon") * (1 + 1e-9));
    }
}
