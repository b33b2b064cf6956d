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

final class PureCompositionAccountantTest {
    static Stream<Golden> optimal() {
        return Golden.rows("pure").stream();
    }

    @ParameterizedTest
    @MethodSource("optimal")
    void roundedUpToTheTheoremsGridItEqualsThePeer(Golden row) {
        double each = row.get("epsilon");
        PureCompositionAccountant accountant = PureCompositionAccountant.of(ADD_OR_REMOVE_ONE)
                .compose(new PrivacyEvent.PureLoss(each), row.whole("count"));
        double epsilon = accountant.epsilon(row.get("delta"));
        double onGrid = Math.ceil(epsilon / (2 * each)) * 2 * each;
        assertThat(onGrid).isCloseTo(row.get("total"), within(1e-9));
        assertThat(epsilon).isLessThan(row.get("advanced"));
        assertThat(accountant.privacyDelta(row.get("total"))).isLessThanOrEqualTo(row.get("delta"));
        assertThat(accountant.privacyDelta(row.get("total") - 2 * each)).isGreaterThan(row.get("delta"));
        assertThat(accountant.privacyDelta(epsilon)).isCloseTo(row.get("delta"), within(1e-8 * row.get("delta")));
    }

    @Test
    void equalsTheTheoremForThree() {
        // k = 3, i = 1: delta_1 = (e^(3 epsilon) - e^epsilon) / (1 + e^epsilon)^3 at epsilon, after Theorem 3.3.
        double each = 0.7;
        double delta = (Math.exp(3 * each) - Math.exp(each)) / Math.pow(1 + Math.exp(each), 3);
        PureCompositionAccountant accountant =
                PureCompositionAccountant.of(ADD_OR_REMOVE_ONE).compose(new PrivacyEvent.PureLoss(each), 3);
        assertThat(accountant.privacyDelta(each)).isCloseTo(delta, within(1e-11));
        assertThat(accountant.epsilon(delta)).isCloseTo(each, within(1e-10));
        assertThat(accountant.epsilon(0)).isCloseTo(2.1, within(1e-12));
        assertThat(accountant.privacyDelta(0)).isCloseTo(exactDelta(new double[] {each, each, each}, 0), within(1e-11));
    }

    /** By all signs of all losses. */
    private static double exactDelta(double[] epsilons, double epsilon) {
        double sum = 0;
        for (int signs = 0; signs < 1 << epsilons.length; signs++) {
            double loss = 0;
            double probability = 1;
            for (int i = 0; i < epsilons.length; i++) {
                boolean isFlipped = (signs >> i & 1) == 1;
                loss += isFlipped ? -epsilons[i] : epsilons[i];
                probability /= 1 + Math.exp(isFlipped ? epsilons[i] : -epsilons[i]);
            }
            sum += Math.max(0, probability * -Math.expm1(epsilon - loss));
        }
        return sum;
    }

    @Test
    void ofDifferentEpsilonsItIsCloseAboveTheBest() {
        double[] epsilons = {0.1, 0.2, 0.2, 0.35, 0.5, 0.5, 0.5, 0.9};
        PureCompositionAccountant accountant = PureCompositionAccountant.of(REPLACE_ONE);
        for (double epsilon : epsilons) {
            accountant = accountant.compose(new PrivacyEvent.PureLoss(epsilon));
        }
        for (double epsilon : new double[] {0.3, 1, 1.7, 2.4}) {
            double exact = exactDelta(epsilons, epsilon);
            assertThat(accountant.privacyDelta(epsilon)).isBetween(exact, exact * 1.01);
            assertThat(accountant.epsilon(exact)).isBetween(epsilon, epsilon + 0.002);
        }
    }

    @Test
    void manyReleasesCostLessThanTheirSumAndLessThanByRho() {
        PrivacyEvent event = new PrivacyEvent.PureLoss(0.001);
        for (long count : new long[] {1000, 1_000_000, 100_000_000}) {
            double epsilon = PureCompositionAccountant.of(REPLACE_ONE)
                    .compose(event, count)
                    .epsilon(1e-9);
            double byRho = ZcdpAccountant.of(REPLACE_ONE).compose(event, count).epsilon(1e-9);
            assertThat(epsilon).isLessThan(byRho).isGreaterThan(0.5 * byRho).isLessThan(count * 0.001);
        }
        assertThat(PureCompositionAccountant.of(REPLACE_ONE)
                        .compose(event, Long.MAX_VALUE)
                        .epsilon(1e-9))
                .isGreaterThan(1e10);
    }

    @Test
    void samplingAmplifies() {
        PrivacyEvent sampled = new PrivacyEvent.PoissonSampled(0.01, new PrivacyEvent.Laplace(1));
        assertThat(PureCompositionAccountant.of(ADD_OR_REMOVE_ONE)
                        .compose(sampled)
                        .basicEpsilon())
                .isCloseTo(Math.log1p(0.01 * Math.expm1(1)), within(1e-12));
        PrivacyEvent fixed = new PrivacyEvent.SampledWithoutReplacement(
                100, 1, new PrivacyEvent.Composed(List.of(new PrivacyEvent.Laplace(2), new PrivacyEvent.Laplace(2))));
        assertThat(PureCompositionAccountant.of(REPLACE_ONE).compose(fixed).basicEpsilon())
                .isCloseTo(Math.log1p(0.01 * Math.expm1(1)), within(1e-12));
    }

    @Test
    void refusesWhatIsNotPure() {
        assertThatThrownBy(() -> PureCompositionAccountant.of(REPLACE_ONE).compose(new PrivacyEvent.Gaussian(1)))
                .isInstanceOf(UnsupportedEventException.class)
                .hasMessageContaining("not of pure differential privacy");
    }

    @Test
    void nothingCostsNothing() {
        PureCompositionAccountant accountant =
                PureCompositionAccountant.of(REPLACE_ONE).compose(new PrivacyEvent.PureLoss(1), 0);
        assertThat(accountant.epsilon(0)).isZero();
        assertThat(accountant.privacyDelta(0)).isZero();
    }
}
