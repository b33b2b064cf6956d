package io.fedlearn.privacy.accounting;

import static io.fedlearn.privacy.accounting.NeighboringRelation.ADD_OR_REMOVE_ONE;
import static io.fedlearn.privacy.accounting.NeighboringRelation.REPLACE_ONE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class ZcdpAccountantTest {
    static Stream<Golden> conversions() {
        return Golden.rows("zero-concentrated").stream();
    }

    @ParameterizedTest
    @MethodSource("conversions")
    void isAsGoodAsDenseOrdersAndNotBelowTheGaussian(Golden row) {
        ZcdpAccountant accountant =
                ZcdpAccountant.of(ADD_OR_REMOVE_ONE).compose(new PrivacyEvent.ZeroConcentrated(row.get("rho")));
        double epsilon = accountant.epsilon(row.get("delta"));
        assertThat(epsilon)
                .isLessThanOrEqualTo(row.get("denseOrders") * (1 + 1e-9))
                .isCloseTo(row.get("denseOrders"), within(1e-4 * row.get("denseOrders")))
                .isGreaterThan(row.get("gaussian"));
        assertThat(accountant.privacyDelta(epsilon)).isCloseTo(row.get("delta"), within(1e-6 * row.get("delta")));
        assertThat(RdpAccountant.of(ADD_OR_REMOVE_ONE)
                        .compose(new PrivacyEvent.ZeroConcentrated(row.get("rho")))
                        .epsilon(row.get("delta")))
                .isCloseTo(row.get("defaultOrders"), within(1e-12 * row.get("defaultOrders")));
    }

    @Test
    void rhoOfPureMechanismsCoversTheirDivergences() {
        for (double epsilon : new double[] {1e-4, 0.1, 1, 4, 20}) {
            for (PrivacyEvent event : List.of(
                    new PrivacyEvent.PureLoss(epsilon),
                    new PrivacyEvent.Laplace(1 / epsilon),
                    new PrivacyEvent.DiscreteLaplace(3 / epsilon, 3))) {
                double rho = ZcdpAccountant.of(ADD_OR_REMOVE_ONE).compose(event).rho();
                RdpAccountant divergences = RdpAccountant.of(ADD_OR_REMOVE_ONE, 1.01, 1.1, 1.5, 2, 3, 5, 8, 13, 50)
                        .compose(event);
                for (int i = 0; i < divergences.orders().length; i++) {
                    assertThat(divergences.divergences()[i])
                            .as("%s, order %s", event, divergences.orders()[i])
                            .isLessThanOrEqualTo(rho * divergences.orders()[i] * (1 + 1e-9));
                }
                // And is tight: the divergence of order one is rho.
                assertThat(divergences.divergences()[0])
                        .isGreaterThan(event instanceof PrivacyEvent.DiscreteLaplace ? 0 : 0.99 * rho);
            }
        }
    }

    @Test
    void refusesWhatHasNoRho() {
        PrivacyEvent gaussian = new PrivacyEvent.Gaussian(1);
        for (PrivacyEvent event : List.of(
                new PrivacyEvent.PoissonSampled(0.1, gaussian), new PrivacyEvent.DistributedSkellam(100, 5, 3, 2))) {
            assertThatThrownBy(() -> ZcdpAccountant.of(ADD_OR_REMOVE_ONE).compose(event))
                    .isInstanceOf(UnsupportedEventException.class)
                    .hasMessageContaining("RDP");
        }
    }

    @Test
    void addsUp() {
        PrivacyEvent both = new PrivacyEvent.Composed(List.of(
                new PrivacyEvent.Gaussian(2), new PrivacyEvent.Repeated(3, new PrivacyEvent.ZeroConcentrated(0.5))));
        assertThat(ZcdpAccountant.of(REPLACE_ONE).compose(both, 2).rho()).isCloseTo(3.25, within(1e-12));
        assertThat(ZcdpAccountant.of(REPLACE_ONE).epsilon(0)).isZero();
        assertThat(ZcdpAccountant.of(REPLACE_ONE).compose(both).epsilon(0)).isInfinite();
    }
}
