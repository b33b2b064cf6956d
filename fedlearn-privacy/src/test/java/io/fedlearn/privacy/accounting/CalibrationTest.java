package io.fedlearn.privacy.accounting;

import static io.fedlearn.privacy.accounting.NeighboringRelation.ADD_OR_REMOVE_ONE;
import static io.fedlearn.privacy.accounting.NeighboringRelation.REPLACE_ONE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CalibrationTest {
    private static PrivacyEvent training(double rate, double noiseMultiplier, long steps) {
        return new PrivacyEvent.Repeated(
                steps, new PrivacyEvent.PoissonSampled(rate, new PrivacyEvent.Gaussian(noiseMultiplier)));
    }

    private static double epsilon(double rate, double noiseMultiplier, long steps, double privacyDelta) {
        return RdpAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(training(rate, noiseMultiplier, steps))
                .epsilon(privacyDelta);
    }

    static Stream<Golden> targets() {
        return Golden.rows("calibration").stream();
    }

    @ParameterizedTest
    @MethodSource("targets")
    void findsTheLeastNoiseThatMeetsTheTarget(Golden row) {
        double noise = Calibration.of(AccountingMethod.RDP, ADD_OR_REMOVE_ONE, row.get("epsilon"), row.get("delta"))
                .noiseMultiplier(z -> training(row.get("q"), z, row.whole("steps")));
        assertThat(noise).isCloseTo(row.get("noiseMultiplier"), within(1e-4 * row.get("noiseMultiplier")));
        assertThat(epsilon(row.get("q"), noise, row.whole("steps"), row.get("delta")))
                .isLessThanOrEqualTo(row.get("epsilon"));
        assertThat(epsilon(row.get("q"), noise * (1 - 2e-6), row.whole("steps"), row.get("delta")))
                .isGreaterThan(row.get("epsilon"));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.001, 0.3, 50, 2000})
    void meetsExtremeTargets(double target) {
        double noise = Calibration.of(AccountingMethod.ZCDP, REPLACE_ONE, target, 1e-6)
                .noiseMultiplier(PrivacyEvent.Gaussian::new);
        assertThat(ZcdpAccountant.of(REPLACE_ONE)
                        .compose(new PrivacyEvent.Gaussian(noise))
                        .epsilon(1e-6))
                .isLessThanOrEqualTo(target)
                .isGreaterThan(target * 0.9999);
    }

    @Test
    void countsWhatWasReleasedBefore() {
        PrivacyAccountant before = RdpAccountant.of(ADD_OR_REMOVE_ONE).compose(new PrivacyEvent.Gaussian(5));
        double fresh = Calibration.of(AccountingMethod.RDP, ADD_OR_REMOVE_ONE, 1, 1e-5)
                .noiseMultiplier(PrivacyEvent.Gaussian::new);
        double later = Calibration.of(() -> before, 1, 1e-5).noiseMultiplier(PrivacyEvent.Gaussian::new);
        assertThat(later).isGreaterThan(fresh * 1.1);
    }

    @Test
    void saysWhatIsOutOfReach() {
        PrivacyAccountant spent = RdpAccountant.of(ADD_OR_REMOVE_ONE).compose(new PrivacyEvent.Gaussian(0.5));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Calibration.of(() -> spent, 1, 1e-5).noiseMultiplier(PrivacyEvent.Gaussian::new))
                .withMessageContaining("epsilon 1.0 at privacyDelta 1.0E-5 is out of reach");
        assertThat(Calibration.of(() -> spent, 1, 1e-5).releases(new PrivacyEvent.Gaussian(100), 10))
                .isZero();
    }

    @Test
    void countsTheReleasesThatFit() {
        PrivacyEvent step = new PrivacyEvent.PoissonSampled(0.01, new PrivacyEvent.Gaussian(1.1));
        Calibration calibration = Calibration.of(AccountingMethod.RDP, ADD_OR_REMOVE_ONE, 2, 1e-5);
        long releases = calibration.releases(step, 1_000_000);
        assertThat(epsilon(0.01, 1.1, releases, 1e-5)).isLessThanOrEqualTo(2);
        assertThat(epsilon(0.01, 1.1, releases + 1, 1e-5)).isGreaterThan(2);
        assertThat(calibration.releases(step, 17)).isEqualTo(17);
        assertThat(calibration.releases(step, 0)).isZero();
        assertThat(calibration.releases(new PrivacyEvent.Repeated(0, step), Long.MAX_VALUE))
                .isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void rejectsTargetsOutOfRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Calibration.of(AccountingMethod.RDP, REPLACE_ONE, 0, 0.1))
                .withMessage("epsilon must be > 0 and finite, was 0.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Calibration.of(AccountingMethod.RDP, REPLACE_ONE, 1, 1))
                .withMessage("privacyDelta must be in (0, 1), was 1.0");
        assertThatThrownBy(() -> Calibration.of(AccountingMethod.RDP, REPLACE_ONE, 1, 0.1)
                        .noiseMultiplier(z -> training(0.1, z, 3)))
                .isInstanceOf(UnsupportedEventException.class);
    }

    @Test
    void methodsHaveNamesAndStartEmpty() {
        for (AccountingMethod method : AccountingMethod.values()) {
            assertThat(AccountingMethod.parse(method.toString())).isEqualTo(method);
            assertThat(method.start(REPLACE_ONE).epsilon(0)).isZero();
            assertThat(method.start(REPLACE_ONE).relation()).isEqualTo(REPLACE_ONE);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AccountingMethod.parse("prv"))
                .withMessageStartingWith("accountant must be one of ")
                .withMessageEndingWith("was 'prv'");
    }
}
