package io.fedlearn.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fedlearn.privacy.accounting.AccountingMethod;
import io.fedlearn.privacy.accounting.Calibration;
import io.fedlearn.privacy.accounting.NeighboringRelation;
import io.fedlearn.privacy.accounting.PrivacyAccountant;
import io.fedlearn.privacy.accounting.PrivacyEvent;
import io.fedlearn.privacy.accounting.RdpAccountant;
import io.fedlearn.privacy.accounting.UnsupportedEventException;
import org.junit.jupiter.api.Test;

/** Code of {@code docs/privacy/accounting.md}. */
final class PrivacyAccountingTest {
    @Test
    void accounts() {
        // tag::epsilon[]
        PrivacyEvent round = new PrivacyEvent.PoissonSampled(0.01, new PrivacyEvent.Gaussian(1.1));
        PrivacyAccountant accountant =
                RdpAccountant.of(NeighboringRelation.ADD_OR_REMOVE_ONE).compose(round, 500);
        double epsilon = accountant.epsilon(1e-5);
        // end::epsilon[]
        assertThat(epsilon).isBetween(1.0, 1.5);
        assertThat(PrivacyEvent.parse(round.toString())).isEqualTo(round);
        assertThatThrownBy(
                        () -> RdpAccountant.of(NeighboringRelation.REPLACE_ONE).compose(round))
                .isInstanceOf(UnsupportedEventException.class);
    }

    @Test
    void calibrates() {
        // tag::calibration[]
        double noiseMultiplier = Calibration.of(
                        AccountingMethod.RDP, NeighboringRelation.ADD_OR_REMOVE_ONE, 2.0, 1e-5) // epsilon, delta
                .noiseMultiplier(z -> new PrivacyEvent.Repeated(
                        500, new PrivacyEvent.PoissonSampled(0.01, new PrivacyEvent.Gaussian(z))));
        // end::calibration[]
        assertThat(noiseMultiplier).isBetween(0.7, 1.1);
    }
}
