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

    @Test
    void groupsOutputsSafely() {
        int scale = 20_000;
        double[][] direct = new double[2][scale + 1];
        for (int k = 0; k <= scale; k++) {
            direct[0][k] = (2.0 * k - scale) / scale;
            direct[1][k] = (k == 0 || k == scale ? 1 / (1 + Math.exp(-1.0 / scale)) : Math.tanh(0.5 / scale))
                    * Math.exp(-(double) k / scale);
        }
        assertGroupedSafely(new AtomicLoss.Atoms(direct[0], direct[1]), GroupedAtoms.laplace(scale, scale, 200), 1e-15);
        int reach = 8 * scale;
        double[][] gaussian = new double[2][2 * reach + scale + 1];
        for (int i = 0; i < gaussian[0].length; i++) {
            double k = i - reach;
            gaussian[0][i] = (2 * k - scale) / (2 * scale);
            gaussian[1][i] = Math.exp(-0.5 * k * k / scale / scale) / (scale * Math.sqrt(2 * Math.PI));
        }
        assertGroupedSafely(
                new AtomicLoss.Atoms(gaussian[0], gaussian[1]),
                GroupedAtoms.gaussian(scale, scale, reach, 4000),
                1e-15);
    }

    private static void assertGroupedSafely(AtomicLoss.Atoms one, AtomicLoss.Atoms grouped, double slack) {
        for (double epsilon = -1; epsilon < 1; epsilon += 0.0371) {
            double exact = delta(one, epsilon);
            assertThat(delta(grouped, epsilon)).isBetween(exact - slack, exact * (1 + 1e-3));
        }
    }

    private static double delta(AtomicLoss.Atoms atoms, double epsilon) {
        double delta = 0;
        for (int i = 0; i < atoms.losses().length; i++) {
            delta += atoms.probabilities()[i] * Math.max(0, Math.exp(atoms.losses()[i]) - Math.exp(epsilon));
        }
        return delta;
    }
}
