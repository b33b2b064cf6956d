package io.fedlearn.privacy.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class PrivacyLossDistributionTest {
    static Stream<PrivacyLoss> losses() {
        return Stream.of(
                ContinuousLoss.gaussian(1, 1),
                ContinuousLoss.gaussian(0.3, 1),
                ContinuousLoss.gaussian(30, 1),
                ContinuousLoss.gaussian(1, 0.01),
                ContinuousLoss.gaussian(4, 1e-4),
                ContinuousLoss.gaussian(0.4, 0.3),
                ContinuousLoss.laplace(2, 1),
                ContinuousLoss.laplace(1, 0.05),
                AtomicLoss.discreteGaussian(3, 2, 1),
                AtomicLoss.discreteGaussian(3, 1, 0.1),
                AtomicLoss.discreteLaplace(5, 3, 0.2),
                AtomicLoss.pure(0.7, 1),
                AtomicLoss.randomizedResponse(0.4, 5, 1));
    }

    private static double interval(PrivacyLoss loss) {
        LossSketch sketch = loss.sketch(1e-20);
        return (sketch.largest() - sketch.least()) / 1000;
    }

    @ParameterizedTest
    @MethodSource("losses")
    void keepsTheProbabilitiesOfBothDistributions(PrivacyLoss loss) {
        PrivacyLossDistribution pld = loss.discretize(interval(loss), 1e-20);
        double sum = 0;
        double reversed = 0;
        for (double mass : pld.tilted(false, 0, 0)) {
            sum += mass;
        }
        for (double mass : pld.tilted(true, 0, 0)) {
            reversed += mass;
        }
        assertThat(sum).isCloseTo(1, within(2e-13));
        assertThat(reversed).isCloseTo(1, within(2e-13));
    }

    /** Two grids have different panels and nodes: where they agree, quadrature is right. */
    @ParameterizedTest
    @MethodSource("losses")
    void givesTheSameMassesAsAFinerGridRoundedUp(PrivacyLoss loss) {
        double interval = interval(loss);
        PrivacyLossDistribution coarse = loss.discretize(interval, 1e-20);
        PrivacyLossDistribution fine = loss.discretize(interval / 2, 1e-20);
        double[] masses = coarse.tilted(false, 0, 0);
        double[] rounded = new double[masses.length];
        double[] halves = fine.tilted(false, 0, 0);
        double lower = Math.expm1(interval / 2) / Math.expm1(interval);
        for (int i = 0; i < halves.length; i++) {
            long place = fine.first(false) + i;
            int below = (int) (Math.floorDiv(place, 2) - coarse.first(false));
            if (Math.floorMod(place, 2) == 0) {
                rounded[below] += halves[i];
            } else {
                rounded[below] += lower * halves[i];
                rounded[below + 1] += (1 - lower) * halves[i];
            }
        }
        for (int i = 0; i < masses.length; i++) {
            // Losses are right to 2^-44 of the largest: as much of a mass may be one cell further.
            double neighbours = masses[Math.max(0, i - 1)] + masses[i] + masses[Math.min(masses.length - 1, i + 1)];
            assertThat(rounded[i]).isCloseTo(masses[i], within(2e-20 + 5e-13 * masses[i] + 1e-10 * neighbours));
        }
    }

    @Test
    void neverLowersDelta() {
        PrivacyLoss loss = ContinuousLoss.gaussian(1, 1);
        LossPlan plan = new LossPlan(0, 0.5, 1, 1, 0.25, 0, 256, 1e-20);
        LossComposition composition = LossComposition.of(List.of(new LossTerm(loss, 1)), false, plan);
        for (double epsilon = 0; epsilon < 5; epsilon += 0.05) {
            double exact = AnalyticGaussian.privacyDelta(1, epsilon);
            assertThat(composition.delta(epsilon)).isGreaterThanOrEqualTo(exact * (1 - 1e-9));
        }
        assertThat(composition.delta(1)).isCloseTo(AnalyticGaussian.privacyDelta(1, 1), within(1e-12));
        assertThat(composition.delta(1.125)).isGreaterThan(AnalyticGaussian.privacyDelta(1, 1.125) * 1.0001);
    }

    @Test
    void cutsOffNoMoreThanItSays() {
        PrivacyLossDistribution pld = ContinuousLoss.gaussian(1, 0.1).discretize(0.01, 1e-3);
        double sum = 0;
        for (double mass : pld.tilted(false, 0, 0)) {
            sum += mass;
        }
        assertThat(pld.infinityMass()).isEqualTo(1e-3);
        assertThat(sum + pld.infinityMass()).isBetween(1.0, 1 + 2e-3);
        assertThat(ContinuousLoss.laplace(1, 1).discretize(0.01, 1e-3).infinityMass())
                .isZero();
    }
}
