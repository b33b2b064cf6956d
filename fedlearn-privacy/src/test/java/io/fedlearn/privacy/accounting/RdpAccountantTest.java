package io.fedlearn.privacy.accounting;

import static io.fedlearn.privacy.accounting.NeighboringRelation.ADD_OR_REMOVE_ONE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class RdpAccountantTest {
    static Stream<Golden> sampledGaussians() {
        return Golden.rows("sampled-gaussian").stream();
    }

    @ParameterizedTest
    @MethodSource("sampledGaussians")
    void equalsTheExactDivergencesAndIsNeverAboveThePeer(Golden row) {
        RdpAccountant accountant = RdpAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(sampled(row.get("q"), row.get("sigma")), row.whole("steps"));
        double epsilon = accountant.epsilon(row.get("delta"));
        assertThat(epsilon)
                .isCloseTo(row.get("exact"), within(1e-9 * row.get("exact")))
                .isLessThanOrEqualTo(row.get("most"));
        assertThat(accountant.privacyDelta(epsilon)).isCloseTo(row.get("delta"), within(1e-8 * row.get("delta")));
    }

    static Stream<Golden> orders() {
        return Golden.rows("sampled-gaussian-orders").stream();
    }

    @ParameterizedTest
    @MethodSource("orders")
    void everyOrderEqualsThirtyDigits(Golden row) {
        double divergence = RdpAccountant.of(ADD_OR_REMOVE_ONE, row.get("order"))
                .compose(sampled(row.get("q"), row.get("sigma")))
                .divergences()[0];
        assertThat(divergence).isBetween(row.get("mpmath"), row.get("mpmath") * (1 + 3e-11));
    }
    // MORE

    private static PrivacyEvent sampled(double rate, double noiseMultiplier) {
        PrivacyEvent gaussian = new PrivacyEvent.Gaussian(noiseMultiplier);
        return rate == 1 ? gaussian : new PrivacyEvent.PoissonSampled(rate, gaussian);
    }
}
